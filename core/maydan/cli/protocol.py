"""Our server's HTTP protocol: uvicorn's, and a way to drop a connection with everything that waits in it."""

from __future__ import annotations

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

ABORT: Final = "maydan.abort"
"""The ASGI extension; ``http.streams`` looks for it."""


class Protocol(HttpToolsProtocol):
    """Tells the application how to drop the connection.

    ASGI's way to end an answer waits until the client has taken what was sent; one that never does would hold the
    memory, and the stop of the process, until the network gives up.
    """

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self._drop}}

    def _drop(self) -> None:
        self.transport.abort()
