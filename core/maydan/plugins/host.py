"""The plugin host: loads plugins so that none of them can take it down, and knows how each stands."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from maydan.errors import MaydanError, NotFound, PluginRejected
from maydan.events.kinds import CORE_EVENTS
from maydan.locales import add_catalogues
from maydan.plugins.builtin import BUILT_IN
from maydan.plugins.calls import describe
from maydan.plugins.deadline import IMPORT_S, StartDeadlinePassed, starting_deadline
from maydan.plugins.discovery import FoundPlugin, find_plugins
from maydan.plugins.dispatcher import Deadlines, Dispatcher
from maydan.plugins.guard import Guard
from maydan.plugins.hooks import Hooks
from maydan.plugins.implementations import implementations_of, shut_calls
from maydan.plugins.isolation import Isolation
from maydan.plugins.loaded import LoadedPlugin, PluginState, Registered, State
from maydan.plugins.notes import IMPORT
from maydan.plugins.observers import FindSpace, PluginObserver, observes
from maydan.plugins.ordering import check_requirements, sort_out
from maydan.plugins.settings import PluginSettings
from maydan.plugins.setup import SettingsReader, Taken, read_settings, set_up
from maydan.plugins.versions import HOOK_API

if TYPE_CHECKING:
    from maydan.content.spaces import Space
    from maydan.events.kinds import EventType

_LOG: Final = logging.getLogger("maydan.plugins")


def _no_settings(_plugin: str, struct: type[Struct]) -> object:
    """Fill a plugin's settings with their defaults."""
    return struct()


class HostOptions(Struct, frozen=True, kw_only=True):
    """How plugins are loaded; the defaults are those of a deployment."""

    hook_api: str = HOOK_API
    import_s: float = IMPORT_S
    """Seconds that an import, or all setup hooks of one plugin, may take."""
    deadlines: Deadlines = field(default_factory=Deadlines)
    read_settings: SettingsReader = _no_settings
    """Reads a plugin's own table; ``Settings.of_plugin``."""
    isolated: Mapping[str, Isolation] = field(default_factory=dict[str, Isolation])
    """Plugins that the supervisor took out, by name."""
    core_routes: tuple[tuple[str, str], ...] = ()
    """Method and path of the core's own routes, which no plugin may take."""
    core_importers: tuple[str, ...] = ("archive", "ndjson")


class PluginHost:
    """Holds every plugin that was found; ``hooks`` calls those that are loaded."""

    def __init__(self, plugins: Iterable[LoadedPlugin], guard: Guard, deadlines: Deadlines | None = None) -> None:
        """Hold these plugins, in the order in which they are called."""
        self.taken_out: Mapping[str, Isolation] = {}
        """What the supervisor told this process to isolate."""
        self._plugins = {plugin.name: plugin for plugin in plugins}
        self.guard = guard
        self.dispatcher = Dispatcher(tuple(self._plugins.values()), deadlines)
        self.hooks = Hooks(self.dispatcher)

    @classmethod
    def empty(cls) -> PluginHost:
        """Return a host without plugins, for tests."""
        return cls((), Guard())

    @classmethod
    def load(
        cls,
        settings: PluginSettings,
        *,
        found: Sequence[FoundPlugin] | None = None,
        guard: Guard | None = None,
        options: HostOptions | None = None,
    ) -> PluginHost:
        """Load the enabled plugins; whatever is wrong with one is its state, and the others are loaded.

        Args:
            settings: Which are enabled, and whether a fault stops the start.
            found: What is installed; looked for in this environment when absent. The core's own come on top.
            guard: Notes for the supervisor what runs.

        Raises:
            PluginRejected: ``settings.strict``, and an enabled plugin is not active: one line for each.
        """
        options = options or HostOptions()
        guard = guard or Guard()
        installed = find_plugins() if found is None else found
        loading = _Loading(guard, options)
        for plugin, origin in sort_out((*BUILT_IN, *installed), settings.enabled, options.hook_api):
            loading.load(plugin, origin)
        host = cls(loading.done.values(), guard, options.deadlines)
        host.taken_out = options.isolated
        host._report(strict=settings.strict)
        return host

    def states(self) -> tuple[PluginState, ...]:
        """Return how every installed plugin stands, by name; the core's own are left out."""
        return tuple(plugin.view() for _, plugin in sorted(self._plugins.items()) if not plugin.always_active)

    def state(self, name: str) -> PluginState:
        """Return how one plugin stands.

        Raises:
            NotFound: It is not installed.
        """
        plugin = self._plugins.get(name)
        if plugin is None:
            raise NotFound(f"No plugin is called {name}.")
        return plugin.view()

    def registered(self) -> Mapping[str, Registered]:
        """Return what each loaded plugin registered, in the order of loading; routes are guarded and named."""
        return {
            name: plugin.registered
            for name, plugin in self._plugins.items()
            if plugin.state in (State.ACTIVE, State.ISOLATED)
        }

    def loaded(self) -> tuple[str, ...]:
        """Return the names of the plugins that a space can switch on, in the order of loading."""
        return tuple(
            name
            for name, plugin in self._plugins.items()
            if plugin.state in (State.ACTIVE, State.ISOLATED) and not plugin.always_active
        )

    def brings(self, type_name: str) -> bool:
        """Tell whether a plugin that is loaded brings the content type."""
        plugin = self._plugins.get(type_name.partition(".")[0])
        if plugin is None or plugin.state not in (State.ACTIVE, State.ISOLATED):
            return False
        return type_name in plugin.manifest.content_types  # which an isolated one may not have registered

    def is_active(self, name: str) -> bool:
        """Tell whether a plugin is loaded and may be called now."""
        plugin = self._plugins.get(name)
        return plugin is not None and plugin.state is State.ACTIVE

    def event_types(self, space: Space | None = None) -> Mapping[str, EventType]:
        """Return the kinds of events that can happen in the space (or in any), by name: the core's and its plugins'."""
        brought = {
            kind.name: kind
            for name, registered in self.registered().items()
            if space is None or name in space.plugins
            for kind in registered.event_types
        }
        return {**CORE_EVENTS, **brought} if brought else CORE_EVENTS

    def subscribers(self, find_space: FindSpace) -> tuple[PluginObserver, ...]:
        """Return a subscriber of the log for each plugin that observes anything."""
        deadline_s = self.dispatcher.deadlines.observe_s
        return tuple(
            PluginObserver(plugin, find_space, deadline_s) for plugin in self._plugins.values() if observes(plugin)
        )

    def isolate(self, name: str, reason: str) -> None:
        """Stop calling a plugin, at once and until :meth:`release`; its vetoes fail closed."""
        plugin = self._plugins.get(name)
        if plugin is not None and plugin.state is State.ACTIVE:
            plugin.stop(State.ISOLATED, reason)
            self.dispatcher.changed()
            _LOG.error("plugin isolated: %s: %s", name, reason)

    def release(self, name: str) -> None:
        """Call an isolated plugin again; one that was not loaded at all needs a restart."""
        plugin = self._plugins.get(name)
        if plugin is not None and plugin.state is State.ISOLATED and plugin.calls:
            plugin.state, plugin.reason = State.ACTIVE, ""
            for call in plugin.calls.values():
                call.gauge.close()
            self.dispatcher.changed()

    def pin(self, name: str, *, active: bool) -> None:
        """Keep a plugin's breakers closed whatever happens, or leave them to themselves."""
        plugin = self._plugins.get(name)
        if plugin is not None:
            plugin.pinned_active = active

    def _report(self, *, strict: bool) -> None:
        bad = [plugin for plugin in self._plugins.values() if plugin.enabled and plugin.state is not State.ACTIVE]
        for plugin in bad:
            _LOG.error("plugin %s: %s: %s", plugin.state.value, plugin.name, plugin.reason)
        if strict and bad:
            raise PluginRejected("\n".join(f"{plugin.name}: {plugin.state.value}: {plugin.reason}" for plugin in bad))


class _Loading:
    """One run through the plugins, in their order."""

    def __init__(self, guard: Guard, options: HostOptions) -> None:
        self.done: dict[str, LoadedPlugin] = {}
        self._guard = guard
        self._options = options
        self._taken = Taken(options.core_routes, options.core_importers)

    def load(self, plugin: LoadedPlugin, origin: FoundPlugin | None) -> None:
        self.done[plugin.name] = plugin
        if plugin.state is not State.ACTIVE or origin is None:
            return
        problem = check_requirements(plugin, self.done)
        if problem:
            plugin.stop(State.FAILED, problem)
            return
        isolation = self._options.isolated.get(plugin.name)
        if isolation is None or not isolation.keeps_from_loading:
            self._try(plugin, origin)
        if isolation is not None and plugin.state is State.ACTIVE:
            plugin.stop(State.FAILED if isolation.at_start else State.ISOLATED, isolation.reason)
            if isolation.keeps_from_loading:
                plugin.calls = shut_calls(self._guard, plugin.name)

    def _try(self, plugin: LoadedPlugin, origin: FoundPlugin) -> None:
        """Import and set up; whatever a plugin raises, exits and hangs included, is its reason."""
        stage = IMPORT
        try:
            with starting_deadline(self._options.import_s), self._guard.noted(plugin.name, stage):
                target = origin.load()
                plugin.settings = read_settings(plugin.manifest, self._options.read_settings)
            stage = "set-up"
            with starting_deadline(self._options.import_s):
                plugin.calls = implementations_of(self._guard, plugin.name, target)
                plugin.registered = set_up(plugin, self._guard, self._taken)
        except StartDeadlinePassed as error:
            plugin.stop(State.FAILED, f"{stage} {error}")
        except MaydanError as error:
            plugin.stop(State.FAILED, "; ".join(error.detail.splitlines()))
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything, SystemExit too
            plugin.stop(State.FAILED, f"{stage} failed: {describe(error)}")
        if plugin.state is State.FAILED:
            plugin.calls, plugin.registered = {}, Registered()
            return
        self._taken.add(plugin.name, plugin.registered)
        if origin.folder is not None and (origin.folder / "locale").is_dir():
            add_catalogues(origin.folder / "locale")
