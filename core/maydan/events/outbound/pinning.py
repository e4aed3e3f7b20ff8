"""From a host's name to a connection with exactly an address that was judged."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from maydan.events.outbound.addresses import Address, are_allowed, find_address
from maydan.events.outbound.failures import OutboundFailed

if TYPE_CHECKING:
    from httpcore import AsyncNetworkBackend, AsyncNetworkStream

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host's name, as text, in the order in which to try them."""

_MOST_ADDRESSES: Final = 3
"""Addresses of one name that are tried."""
_CONNECT_S: Final = 5.0


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver.

    Raises:
        OSError: It knows no such name, or cannot be asked.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


class Door:
    """The one place where a connection to another server is opened."""

    def __init__(
        self, *, allow_private: bool, resolve: Resolve = resolve, network: AsyncNetworkBackend | None = None
    ) -> None:
        """Connect through ``network``; by default with the system's sockets."""
        self._allow_private = allow_private
        self._resolve = resolve
        self._network = network

    async def addresses(self, host: str, port: int) -> list[Address]:
        """Resolve a name once and judge what comes back.

        Raises:
            OutboundFailed: There are none, or one of them is not allowed.
        """
        literal = find_address(host)
        if literal is not None:
            found: list[Address | None] = [literal]
        else:
            try:
                found = [find_address(text) for text in await self._resolve(host, port)]
            except (OSError, UnicodeError) as error:
                raise OutboundFailed("name") from error
        known = [address for address in found if address is not None]
        if not found:
            raise OutboundFailed("name")
        if len(known) < len(found) or not are_allowed(known, allow_private=self._allow_private):
            raise OutboundFailed("inward")
        return known

    async def connect(self, host: str, port: int, **options: Any) -> AsyncNetworkStream:
        """Open a connection to the host.

        Raises:
            OutboundFailed: Its name does not lead where we may connect, or nobody answers there.
        """
        import httpcore

        network = cast("AsyncNetworkBackend", self._network or httpcore.AnyIOBackend())
        for address in (await self.addresses(host, port))[:_MOST_ADDRESSES]:
            try:
                return await network.connect_tcp(str(address), port, timeout=_CONNECT_S, **options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout, OSError):
                continue
        raise OutboundFailed("connect")


def pinned_backend(door: Door) -> AsyncNetworkBackend:
    """Return what an HTTP library opens its connections with; TLS still names and checks the host's name."""
    import httpcore

    class Pinned(httpcore.AsyncNetworkBackend):
        async def connect_tcp(
            self,
            host: str,
            port: int,
            timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
            local_address: str | None = None,
            socket_options: Iterable[Any] | None = None,
        ) -> AsyncNetworkStream:
            return await door.connect(host, port, local_address=local_address, socket_options=socket_options)

        async def connect_unix_socket(
            self,
            path: str,
            timeout: float | None = None,  # noqa: ASYNC109 - as above
            socket_options: Iterable[Any] | None = None,
        ) -> AsyncNetworkStream:
            raise OutboundFailed("inward")

        async def sleep(self, seconds: float) -> None:
            await asyncio.sleep(seconds)

    return Pinned()
