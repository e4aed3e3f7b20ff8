"""Our server's HTTP protocol: uvicorn's, limits for headers and for silence, and a way to drop a connection.

What is not HTTP never reaches the application; it is answered here, as a problem like all others.
"""

from __future__ import annotations

import asyncio
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

HEAD_S: Final = 30.0
"""Seconds in which a request's head must be there; nobody holds a connection by sending it a byte at a time."""
SILENCE_S: Final = 30.0
"""Seconds for which a body may stand still while it is waited for."""


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
        self._is_in_body = False
        self._hosts = 0
        self._refusal: MaydanError | None = None
        self._waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] - as uvicorn's own
        """Wait for the first request, but not for ever."""
        super().connection_made(transport)
        self._wait(HEAD_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self._drop}}
        self._head_bytes = 0
        self._hosts = 0
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
        if len(name) == 4 and name.lower() == b"host":
            self._hosts += 1
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Go on to the body; whose host is not said, or twice, is refused (RFC 9112, section 3.2)."""
        self._is_in_head = False
        if self._hosts != 1 and (self._hosts or not self._is_old()):
            self._refusal = Malformed("A request has one header Host; send it once, with the name that you ask for.")
            raise self._refusal
        self._is_in_body = True
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Go on to the answer."""
        self._is_in_body = False
        self._stop_waiting()
        super().on_message_complete()

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
        if self.transport.is_closing():
            return
        if self._is_in_body:
            self._stop_waiting()
            self._wait(SILENCE_S)
        elif self._waiting is None and not (self.cycle and not self.cycle.response_complete):
            self._wait(HEAD_S)

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

    def _is_old(self) -> bool:
        return self.parser is not None and self.parser.get_http_version() == "1.0"

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refusal = _too_large()
            raise self._refusal

    def _wait(self, seconds: float) -> None:
        self._waiting = self.loop.call_later(seconds, self._give_up, seconds)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self, seconds: float) -> None:
        """End the connection, unless it is we who do not read."""
        if self.flow.read_paused:
            self._wait(seconds)
        else:
            self._waiting = None
            self._drop()

    def _drop(self) -> None:
        self.transport.abort()


def _too_large() -> HeadersTooLarge:
    return HeadersTooLarge(f"A request's line and headers have at most {MAX_HEAD_BYTES} bytes.")
