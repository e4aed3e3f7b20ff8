"""The policies of every space, compiled once per version of them and swapped in at once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from maydan.access.policies import RoleDefinition, policy_of
from maydan.accounts.roles import load_snapshot

if TYPE_CHECKING:
    from maydan.access.snapshot import Snapshot
    from maydan.clock import Clock
    from maydan.content.spaces import Space
    from maydan.plugins.host import PluginHost
    from maydan.storage.ports import Store
    from maydan.storage.registry import Registry


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
        self._generation = 0

    async def get(self, space: Space) -> Snapshot:
        """Return the policies of a space as they are now."""
        known = self._known.get(space.key)
        if known is not None and known[0] is space:
            return known[1]
        generation = self._generation
        brought = brought_roles(self._host, space)
        find_type = partial(self._registry.cached_type, space)
        snapshot = await load_snapshot(self._store, space.key, brought=brought, clock=self._clock, find_type=find_type)
        # What was read before a change must not be kept after it.
        if generation == self._generation:
            self._known[space.key] = (space, snapshot)
        return snapshot

    def forget(self) -> None:
        """Compile again at the next question, because policies changed."""
        self._generation += 1
        self._known = {}


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
