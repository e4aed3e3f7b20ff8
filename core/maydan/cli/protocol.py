"""Our server's HTTP protocol: uvicorn's, a limit for headers, and a way to drop a connection with what waits in it.

What is not HTTP never reaches the application; it is answered here, as a problem like all others.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from maydan.errors import Malformed, MaydanError
from maydan.http.problems import MEDIA_TYPE, HeadersTooLarge, problem_body, status_of
from maydan.ids import new_id

ABORT: Final = "maydan.abort"
"""The ASGI extension; ``http.streams`` looks for it."""
MAX_HEAD_BYTES: Final = 64 * 1024
"""Of a request line with all headers but ``Authorization``; other servers take 8 to 64 KiB."""
MAX_PROOF_BYTES: Final = 1024 * 1024
"""Of ``Authorization``, and of a head that does not end: who shows a token that is far too long hears from the
application that it is none, 401 as for any other."""


class Protocol(HttpToolsProtocol):
    """Tells the application how to drop the connection.

    ASGI's way to end an answer waits until the client has taken what was sent; one that never does would hold the
    memory, and the stop of the process, until the network gives up.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Wait for the first request."""
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._pending_bytes = 0
        self._is_in_head = False
        self._refusal: MaydanError | None = None

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self._drop}}
        self._head_bytes = 0
        self._pending_bytes = -1
        self._is_in_head = True

    def on_url(self, url: bytes) -> None:
        """Take a part of the request's line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        is_proof = len(value) <= MAX_PROOF_BYTES and name.lower() == b"authorization"
        self._count(len(name) + 4 + (0 if is_proof else len(value)))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Go on to the body."""
        self._is_in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Take bytes; those of a header that does not end are counted as they come."""
        if self._refusal is not None:
            return
        super().data_received(data)
        if self._refusal is None and self._is_in_head:
            self._pending_bytes = 0 if self._pending_bytes < 0 else self._pending_bytes + len(data)
            if self._pending_bytes > MAX_PROOF_BYTES:
                self._refusal = _too_large()
                self.send_400_response("")

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, and end the connection."""
        error = self._refusal = self._refusal or Malformed("This is not a request in HTTP/1.1.")
        body = problem_body(error, path="/", request_id=new_id())
        status = HTTPStatus(status_of(error))
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refusal = _too_large()
            raise self._refusal

    def _drop(self) -> None:
        self.transport.abort()


def _too_large() -> HeadersTooLarge:
    return HeadersTooLarge(f"A request's line and headers have at most {MAX_HEAD_BYTES} bytes.")
