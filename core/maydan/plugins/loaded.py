"""A plugin as the host holds it: its manifest, its state, what it registered and its hook calls."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from maydan.plugins.gauges import HookHealth

if TYPE_CHECKING:
    from maydan.content.types import ContentType
    from maydan.events.kinds import EventType
    from maydan.plugins.calls import HookCall
    from maydan.plugins.declarations import DemoContent, JobKind, Role, Route
    from maydan.plugins.importers import Importer
    from maydan.plugins.manifest import Manifest
    from maydan.storage.migrations import Migration


class State(StrEnum):
    """How a plugin stands."""

    ACTIVE = "active"
    """Loaded; its hooks are called in the spaces where it is active."""
    ISOLATED = "isolated"
    """Switched off for a fault at run time, or by an operator; its vetoes fail closed unless its manifest says open."""
    FAILED = "failed"
    """Something was wrong with it at start; it is as if it were not installed."""
    INCOMPATIBLE = "incompatible"
    """It wants another version of the hooks."""
    DISABLED = "disabled"
    """Installed, but not enabled in this deployment."""


class PluginState(Struct, frozen=True, kw_only=True):
    """How a plugin stands, for ``maydan plugins list`` and ``GET /api/plugins``."""

    name: str
    version: str
    state: State
    reason: str
    """Why it is not active, one line; empty when it is."""
    enabled: bool
    hook_api: str
    hooks: tuple[HookHealth, ...] = ()


class Registered(Struct, frozen=True, kw_only=True):
    """What a plugin's setup hooks returned."""

    migrations: tuple[Migration, ...] = ()
    """Limited to the plugin's table prefix."""
    content_types: tuple[ContentType, ...] = ()
    roles: tuple[Role, ...] = ()
    routes: tuple[Route, ...] = ()
    importers: tuple[Importer, ...] = ()
    demo_content: tuple[DemoContent, ...] = ()
    jobs: tuple[JobKind, ...] = ()
    event_types: tuple[EventType, ...] = ()


class LoadedPlugin:
    """One plugin that was found, in whatever state. The host changes it, the dispatcher reads it."""

    def __init__(self, manifest: Manifest, *, enabled: bool) -> None:
        """Begin as active when enabled; everything else is found out by loading."""
        self.manifest = manifest
        self.name = manifest.name
        self.enabled = enabled
        self.state = State.ACTIVE if enabled else State.DISABLED
        self.reason = "" if enabled else "not enabled"
        self.calls: Mapping[str, HookCall] = {}
        self.registered = Registered()
        self.settings: object = None
        self.always_active = False
        """Whether it is active in every space: the core's own plugins are."""
        self.pinned_active = False
        """Whether an operator keeps its breakers closed."""

    @property
    def fails_open(self) -> bool:
        """Whether its vetoes are left out while it is isolated, instead of refusing the write."""
        return self.manifest.on_failure == "open"

    def stop(self, state: State, reason: str) -> None:
        """Take it out, with the reason that people see."""
        self.state = state
        self.reason = reason

    def view(self) -> PluginState:
        """Return how it stands; one with an open breaker shows as isolated, naming the hook."""
        hooks = tuple(call.gauge.health(call.hook, call.kind) for call in self.calls.values())
        state, reason = self.state, self.reason
        failing = next((hook for hook in hooks if hook.breaker != "closed"), None)
        if state is State.ACTIVE and failing and not self.pinned_active:
            state, reason = State.ISOLATED, f"{failing.hook} keeps failing: {failing.last_error}"
        return PluginState(
            name=self.name, version=self.manifest.version, state=state, reason=reason, enabled=self.enabled,
            hook_api=self.manifest.hook_api, hooks=hooks,
        )  # fmt: skip
