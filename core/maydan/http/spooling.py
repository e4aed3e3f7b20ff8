"""Bodies and answers that are too large to be held in memory: they lie in temporary files that have no name."""

from __future__ import annotations

import asyncio
import hashlib
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Final

from maydan.errors import Malformed, TooLarge
from maydan.http.answers import Answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from litestar.types import Receive, Send

    from maydan.http.replies import RawHeaders, Reply

IN_MEMORY_BYTES: Final = 1024 * 1024
"""What is smaller is not written to the disk."""
PART_BYTES: Final = 64 * 1024


class Spool:
    """Bytes in their order; whoever opens it closes it."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.file: IO[bytes] = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - see close()
        self.size = 0
        self._hash = hashlib.blake2b(digest_size=32)

    def digest(self) -> bytes:
        """Return a hash of all of it."""
        return self._hash.digest()

    async def add(self, part: bytes) -> None:
        """Add to its end."""
        self._hash.update(part)
        self.size += len(part)
        await asyncio.to_thread(self.file.write, part)

    async def parts(self) -> AsyncIterator[bytes]:
        """Give it out from its beginning."""
        await asyncio.to_thread(self.file.seek, 0)
        while part := await asyncio.to_thread(self.file.read, PART_BYTES):
            yield part

    def close(self) -> None:
        """Give its place back."""
        self.file.close()


class KeptElsewhere(Answer, frozen=True, kw_only=True):
    """The head of an answer whose body is kept beside it for a request that is sent again with its key."""

    scope: str
    """Under which the parts of the body are kept."""


class LargeAnswer:
    """An answer whose body lies in a spool, which is closed when it was sent."""

    __slots__ = ("head", "spool")

    def __init__(self, head: Answer, spool: Spool) -> None:
        """Give the answer without its body, and the body."""
        self.head = head
        self.spool = spool


class LargeReply:
    """A reply whose body lies in a spool; has the shape of a ``Reply``."""

    def __init__(self, reply: Reply, answer: LargeAnswer) -> None:
        """Build it from the reply to the answer without its body."""
        self.status = reply.status
        self.headers: RawHeaders = [one for one in reply.headers if one[0] != b"content-length"]
        self.headers.append((b"content-type", answer.head.media_type.encode()))
        self.headers.append((b"content-length", b"%d" % answer.spool.size))
        self._spool = answer.spool

    async def send(self, send: Send, *, head: bool = False) -> None:
        """Send it in parts, as fast as the client takes them."""
        try:
            await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
            if not head:
                async for part in self._spool.parts():
                    await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._spool.close()


def is_chunked(headers: Mapping[bytes, bytes]) -> bool:
    """Tell whether a body comes in chunks, without saying in advance how long it is."""
    return headers.get(b"transfer-encoding", b"").strip().lower() == b"chunked" and b"content-length" not in headers


async def read_start(receive: Receive, limit_bytes: int) -> tuple[bytes, bool]:
    """Return a body as far as it fits, and whether that is all of it.

    Raises:
        Malformed: The client went away before its end.
    """
    parts: list[bytes] = []
    size = 0
    while size <= limit_bytes:
        part, goes_on = await _next(receive)
        parts.append(part)
        size += len(part)
        if not goes_on:
            return b"".join(parts), size <= limit_bytes
    return b"".join(parts), False


async def spool_rest(spool: Spool, receive: Receive, limit_bytes: int) -> None:
    """Add the rest of a body to its start.

    Raises:
        TooLarge: It exceeds the limit.
        Malformed: The client went away before its end.
    """
    goes_on = True
    while goes_on:
        if spool.size > limit_bytes:
            raise TooLarge(f"The body may have at most {limit_bytes} bytes.", limit_bytes=limit_bytes)
        part, goes_on = await _next(receive)
        await spool.add(part)


async def _next(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] != "http.request":
        raise Malformed("The connection was closed before the body was complete.")
    return message.get("body", b""), message.get("more_body", False)
