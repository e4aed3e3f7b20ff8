"""Calls hooks as their kind demands: who is asked, what a fault does, when a plugin is no longer asked."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from maydan.errors import PluginFailed, PluginIsolated
from maydan.plugins.calls import Arguments, Begun, CallFailed, HookCall
from maydan.plugins.loaded import LoadedPlugin, State

RETRY_AFTER_S: Final = 60
_LOG: Final = logging.getLogger("maydan.plugins")
_ACTIVE: Final = State.ACTIVE


class Deadlines(Struct, frozen=True, kw_only=True):
    """Seconds that one hook of one plugin may take (design.md, rule 7)."""

    strict_s: float = 1.0
    """Veto and transform: the writer waits, on SQLite with every other writer behind it."""
    observe_s: float = 30.0
    collect_s: float = 1.0


class Dispatcher:
    """Knows who implements which hook, and calls them."""

    def __init__(self, plugins: Sequence[LoadedPlugin] = (), deadlines: Deadlines | None = None) -> None:
        """Use these plugins, in this order."""
        self.deadlines = deadlines or Deadlines()
        self._plugins = tuple(plugins)
        self._lists: dict[tuple[str, tuple[str, ...] | None], tuple[tuple[LoadedPlugin, HookCall], ...]] = {}

    def changed(self) -> None:
        """Forget the lists: a plugin's state changed."""
        self._lists.clear()

    def listens(self, hook: str, active: tuple[str, ...] | None) -> bool:
        """Tell whether anybody implements the hook among the active plugins (``None``: in the whole instance)."""
        return bool(self._called(hook, active))

    async def veto(self, hook: str, active: tuple[str, ...] | None, arguments: Arguments) -> None:
        """Ask each plugin; the first refusal or fault stops the operation.

        Raises:
            HookRefused, InvalidInput: A plugin said no.
            PluginFailed: A plugin raised something else, or took too long.
            PluginIsolated: A plugin that would have to be asked is isolated.
        """
        for plugin, call in self._called(hook, active):
            # What nearly always holds is asked here: three calls less for each plugin.
            if (plugin.state is _ACTIVE and call.gauge.opened_at is None) or self._may_ask(plugin, call):
                try:
                    result = call.begin(arguments)
                    if type(result) is Begun:
                        await call.finish(result, self.deadlines.strict_s)
                except CallFailed as failure:
                    raise _failed(failure) from failure

    async def transform(self, hook: str, active: tuple[str, ...] | None, arguments: Arguments, index: int) -> Any:
        """Give each plugin what the one before returned, and return what the last one did.

        Args:
            index: Which argument is transformed.

        Raises:
            HookRefused, InvalidInput, PluginFailed, PluginIsolated: As :meth:`veto`.
        """
        for plugin, call in self._called(hook, active):
            if not self._may_ask(plugin, call):
                continue
            given = arguments[index]
            try:
                result = call.begin(arguments)
                if type(result) is Begun:
                    result = await call.finish(result, self.deadlines.strict_s)
            except CallFailed as failure:
                raise _failed(failure) from failure
            if result is not None:
                if not isinstance(result, type(given)):
                    raise _failed(CallFailed(call.plugin, hook, f"returned {type(result).__name__}"))
                arguments = (*arguments[:index], result, *arguments[index + 1 :])
        return arguments[index]

    async def collect(self, hook: str, active: tuple[str, ...] | None, arguments: Arguments) -> Mapping[str, Any]:
        """Ask each plugin and return the answers, or the :class:`CallFailed`, by plugin."""
        results: dict[str, Any] = {}
        for plugin, call in self._called(hook, active):
            if self._lets_through(plugin, call):
                results[plugin.name] = await _contained(call, arguments, self.deadlines.collect_s)
            else:
                results[plugin.name] = CallFailed(plugin.name, hook, plugin.reason or call.gauge.last_error)
        return results

    def provide(self, hook: str, arguments: Arguments) -> Mapping[str, Any]:
        """Ask each plugin at start and return the offers by plugin; a fault counts as none.

        The core's own plugins are the last resort: what they offer is left out where another one offers.
        """
        offers: dict[str, Any] = {}
        last_resorts: dict[str, Any] = {}
        for plugin, call in self._called(hook, None):
            if plugin.state is _ACTIVE:
                offer = call.try_now(arguments)
                if offer is not None:
                    (last_resorts if plugin.always_active else offers)[plugin.name] = offer
        return offers or last_resorts

    def _called(self, hook: str, active: tuple[str, ...] | None) -> tuple[tuple[LoadedPlugin, HookCall], ...]:
        found = self._lists.get((hook, active))
        if found is None:
            found = tuple(
                (plugin, plugin.calls[hook])
                for plugin in self._plugins
                if hook in plugin.calls
                and plugin.state in (State.ACTIVE, State.ISOLATED)
                and (active is None or plugin.always_active or plugin.name in active)
            )
            self._lists[hook, active] = found
        return found

    def _lets_through(self, plugin: LoadedPlugin, call: HookCall) -> bool:
        if plugin.state is not _ACTIVE:
            return False
        return plugin.pinned_active or call.gauge.lets_through()

    def _may_ask(self, plugin: LoadedPlugin, call: HookCall) -> bool:
        """Tell whether to call it; refuse where it would have to be called and must not be."""
        if self._lets_through(plugin, call):
            return True
        if plugin.fails_open:
            return False
        raise PluginIsolated(
            f"The plugin {plugin.name} is isolated, and its {call.hook} must agree to this.",
            plugin=plugin.name, hook=call.hook, retry_after_s=RETRY_AFTER_S,
        )  # fmt: skip


def _failed(failure: CallFailed) -> PluginFailed:
    """Return what the caller is told; the reason is for the log and for administrators."""
    _LOG.warning("The plugin %s failed in %s: %s", failure.plugin, failure.hook, failure.reason)
    return PluginFailed(
        f"The plugin {failure.plugin} failed in {failure.hook}; nothing was stored.",
        plugin=failure.plugin, hook=failure.hook, reason=failure.reason, retry_after_s=1,
    )  # fmt: skip


async def _contained(call: HookCall, arguments: Arguments, deadline_s: float) -> Any:
    try:
        result = call.begin(arguments)
        return await call.finish(result, deadline_s) if type(result) is Begun else result
    except CallFailed as failure:
        return failure
