"""Sending one request to another server."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from maydan.events.outbound.failures import OutboundFailed
from maydan.events.outbound.pinning import Door, pinned_backend

if TYPE_CHECKING:
    from ssl import SSLContext

    from httpcore import AsyncConnectionPool, Response

    from maydan.events.outbound.urls import Target

_MOST_CONNECTIONS: Final = 512
_MOST_IDLE: Final = 64
_IDLE_S: Final = 20.0
_REST_S: Final = 1.0
"""Seconds for the rest of an answer whose status is known and whose body nobody wants."""
_REST_BYTES: Final = 64 * 1024


class Answered(Struct, frozen=True, kw_only=True):
    """What another server answered."""

    status: int
    headers: dict[str, str]
    """By lower-case name; of those that come several times the last."""
    body: bytes
    """At most as many bytes as were asked for."""


class Outbound:
    """The guarded client. It follows no redirect, reads no proxy from the environment, and keeps no cookies."""

    def __init__(self, *, allow_private: bool = False, door: Door | None = None) -> None:
        """Keep connections open between requests; :meth:`close` ends them.

        Args:
            allow_private: Also connect to loopback and private networks.
            door: Opens the connections; for tests.
        """
        self.allow_private = allow_private
        self.door = door or Door(allow_private=allow_private)
        self._pool: AsyncConnectionPool | None = None

    async def request(
        self,
        method: str,
        target: Target,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        time_s: float = 15.0,
        body_bytes: int = 0,
    ) -> Answered:
        """Send a request and return the answer, whatever its status; also a redirect is one.

        Args:
            method: Such as ``POST``.
            target: Made by ``read_url``.
            headers: Besides ``Host``, ``Content-Length`` and ``User-Agent``.
            content: The body.
            time_s: Seconds for everything, from resolving the name to the answer.
            body_bytes: How much of the answer's body is wanted; what comes after it is not read.
        Raises:
            OutboundFailed: There is no answer; ``reason`` says why.
        """
        if self._pool is None:
            # The library and the list of authorities take a good part of a second: not on the event loop.
            pool = await asyncio.to_thread(self._new_pool)
            self._pool = self._pool or pool
        import httpcore

        try:
            async with asyncio.timeout(time_s):
                return await self._send(method, target, _headers(target, headers or {}, content), content, body_bytes)
        except (TimeoutError, httpcore.TimeoutException) as error:
            raise OutboundFailed("timeout") from error
        except httpcore.ConnectError as error:
            # Connections are made by the door; what is left to fail is the handshake.
            raise OutboundFailed("tls") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ConnectionNotAvailable, OSError) as error:
            raise OutboundFailed("broken") from error

    async def close(self) -> None:
        """End all connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.aclose()

    def _new_pool(self) -> AsyncConnectionPool:
        import httpcore

        return httpcore.AsyncConnectionPool(
            ssl_context=_ssl_context(), max_connections=_MOST_CONNECTIONS, max_keepalive_connections=_MOST_IDLE,
            keepalive_expiry=_IDLE_S, network_backend=pinned_backend(self.door),
        )  # fmt: skip

    async def _send(
        self, method: str, target: Target, headers: list[tuple[bytes, bytes]], content: bytes, body_bytes: int
    ) -> Answered:
        import httpcore

        pool = self._pool
        if pool is None:
            raise OutboundFailed("broken")
        url = httpcore.URL(
            scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path.encode()
        )
        async with pool.stream(method, url, headers=headers, content=content) as response:
            body = await _read(response, body_bytes) if body_bytes else b""
            if not body_bytes:
                await _finish(response)
            named = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            return Answered(status=response.status, headers=named, body=body)


async def _read(response: Response, most_bytes: int) -> bytes:
    """Return the beginning of the body."""
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_stream():
        parts.append(part[: most_bytes - size])
        size += len(part)
        if size >= most_bytes:
            break
    return b"".join(parts)


async def _finish(response: Response) -> None:
    """Read a short body to its end, so that the connection can be used again; a long or slow one is left."""
    import httpcore

    size = 0
    try:
        async with asyncio.timeout(_REST_S):
            async for part in response.aiter_stream():
                size += len(part)
                if size > _REST_BYTES:
                    return
    except (TimeoutError, httpcore.NetworkError, httpcore.ProtocolError):
        return


def _headers(target: Target, given: Mapping[str, str], content: bytes) -> list[tuple[bytes, bytes]]:
    headers = {"host": target.authority, "user-agent": "Maydan", "accept-encoding": "identity", **given}
    if content:
        headers["content-length"] = str(len(content))
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]


@cache
def _ssl_context() -> SSLContext:
    """Trust what the machine trusts, and what browsers do where the machine has no list of its own."""
    import ssl

    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
