"""Hands the log to the plugins: a subscriber for each, so that one that fails holds up nobody but itself."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from maydan.plugins.calls import Begun, HookCall
from maydan.plugins.kinds import HookKind
from maydan.plugins.loaded import LoadedPlugin, State

if TYPE_CHECKING:
    from maydan.content.spaces import Space
    from maydan.storage.log import LoggedEvent

HELD_LOOK_S: Final = 1.0
"""Seconds between two looks whether a plugin that is isolated may be told again."""

FindSpace = Callable[[int], "Space | None"]


class PluginObserver:
    """Tells one plugin what happened in the spaces where it is active.

    A plugin that raises is told again a few times, after which the event is a dead letter. While it is isolated, or
    its breaker is open, its place in the log is held, and it catches up afterwards.
    """

    def __init__(self, plugin: LoadedPlugin, find_space: FindSpace, deadline_s: float) -> None:
        """Tell this plugin; ``find_space`` knows the spaces by key."""
        self._plugin = plugin
        self._find_space = find_space
        self._deadline_s = deadline_s

    @property
    def name(self) -> str:
        """The subscriber's name in the log's positions."""
        return f"plugin.{self._plugin.name}"

    def is_held(self, event: LoggedEvent) -> bool:
        """Tell whether the plugin listens to this event but may not be called now."""
        call = self._plugin.calls.get(hook_of(event.type))
        if call is None or event.space_key is None or self._space(event.space_key) is None:
            return False
        if self._plugin.state is not State.ACTIVE:
            return True
        return call.gauge.breaker == "open" and not self._plugin.pinned_active

    async def handle(self, event: LoggedEvent) -> None:
        """Call the plugin's hook for this event, if it has one.

        Raises:
            CallFailed: It raised, or took longer than its deadline.
        """
        call = self._plugin.calls.get(hook_of(event.type))
        if call is None or event.space_key is None or (space := self._space(event.space_key)) is None:
            return
        while not self._may_tell(call):
            await asyncio.sleep(HELD_LOOK_S)
            # Waiting may outlive the space, or the plugin's place in it.
            if (space := self._space(event.space_key)) is None:
                return
        begun = call.begin((space, event))
        if type(begun) is Begun:
            await call.finish(begun, self._deadline_s)

    def _space(self, key: int) -> Space | None:
        """Return the space if the plugin is active in it."""
        space = self._find_space(key)
        is_active = space is not None and (self._plugin.always_active or self._plugin.name in space.plugins)
        return space if is_active else None

    def _may_tell(self, call: HookCall) -> bool:
        if self._plugin.state is not State.ACTIVE:
            return False
        return self._plugin.pinned_active or call.gauge.lets_through()


@functools.cache
def hook_of(event_type: str) -> str:
    """Return the observe hook of an event, ``entry_created`` for ``entry.created``."""
    return event_type.replace(".", "_")


def observes(plugin: LoadedPlugin) -> bool:
    """Tell whether the plugin implements any observe hook."""
    return any(call.kind is HookKind.OBSERVE for call in plugin.calls.values())
