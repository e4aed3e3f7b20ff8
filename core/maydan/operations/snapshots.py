"""The policies of every space, compiled once per version of them and swapped in at once."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from maydan.access.policies import RoleDefinition, policy_of
from maydan.accounts.roles import load_snapshot

if TYPE_CHECKING:
    from maydan.access.snapshot import Snapshot
    from maydan.clock import Clock
    from maydan.content.spaces import Space
    from maydan.plugins.host import PluginHost
    from maydan.storage.ports import Store
    from maydan.storage.registry import Registry


_PATIENCE_S: Final = 1.0
"""So long somebody waits for another's reading, which may need a connection that they hold."""


class Snapshots:
    """Keeps one compiled snapshot per space; a question whose policies cannot be read is an error, never a yes."""

    def __init__(self, store: Store, host: PluginHost, clock: Clock, registry: Registry) -> None:
        """Compile from the tables of the store and from the roles of the host's plugins.

        Conditions go through relations to the types that the registry knows.
        """
        self._store = store
        self._registry = registry
        self._host = host
        self._clock = clock
        self._known: dict[int, tuple[Space, Snapshot]] = {}
        self._coming: dict[int, tuple[Space, asyncio.Future[Snapshot]]] = {}

    async def get(self, space: Space) -> Snapshot:
        """Return the policies of a space as they are now; those who ask while they are read wait for the same reading.

        What was read before a change is given to nobody who asks after it.
        """
        known = self._known.get(space.key)
        if known is not None and known[0] is space:
            return known[1]
        coming = self._coming.get(space.key)
        if coming is not None and coming[0] is space:
            await asyncio.wait({coming[1]}, timeout=_PATIENCE_S)
            if coming[1].done() and not coming[1].cancelled():
                return coming[1].result()
        mine: asyncio.Future[Snapshot] = asyncio.get_running_loop().create_future()
        self._coming[space.key] = (space, mine)
        try:
            snapshot = await self._compile(space)
            mine.set_result(snapshot)
        finally:
            mine.cancel()
            # What was read before a change must not be kept after it.
            if self._coming.get(space.key) == (space, mine):
                del self._coming[space.key]
                if not mine.cancelled():
                    self._known[space.key] = (space, mine.result())
        return snapshot

    async def _compile(self, space: Space) -> Snapshot:
        brought = brought_roles(self._host, space)
        find_type = partial(self._registry.cached_type, space)
        return await load_snapshot(self._store, space.key, brought=brought, clock=self._clock, find_type=find_type)

    def forget(self) -> None:
        """Compile again at the next question, because policies changed."""
        self._known = {}
        self._coming = {}


def brought_roles(host: PluginHost, space: Space) -> list[RoleDefinition]:
    """Return the roles of the plugins that are active in the space."""
    return [
        RoleDefinition(
            name=role.name,
            policies=tuple(policy_of(role.name, written) for written in role.policies),
            inherits=role.inherits,
        )
        for name, registered in host.registered().items()
        if name in space.plugins
        for role in registered.roles
    ]
