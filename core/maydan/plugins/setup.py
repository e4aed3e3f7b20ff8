"""Calls a plugin's setup hooks and checks what they return."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import msgspec
from msgspec import Struct

from maydan.access.actions import Action
from maydan.content.normal import check_type
from maydan.content.types import ContentType
from maydan.errors import InvalidInput, PluginIsolated, PluginRejected
from maydan.events.jobs import next_tick
from maydan.events.kinds import CORE_EVENTS, CORE_THINGS, EventType
from maydan.plugins.declarations import DemoContent, JobKind, Role
from maydan.plugins.guard import Guard
from maydan.plugins.loaded import LoadedPlugin, Registered, State
from maydan.plugins.manifest import Manifest
from maydan.storage.migrations import Migration
from maydan.workflow import check_workflow

if TYPE_CHECKING:
    from maydan.plugins.declarations import Route
    from maydan.plugins.importers import Importer

_FORMAT: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PATH: Final = re.compile(r"(/([A-Za-z0-9._~-]+|\{[a-z_]+\}))+")
_EVENT: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,2}")
_PARAMETER: Final = re.compile(r"\{[^}]*\}")
_CORE_ROOTS: Final = ("api", "health", "metrics", "docs", "openapi.json", "media")
_CORE_ACTIONS: Final = frozenset(action.value for action in Action)
_CORE_ME: Final = ("sessions", "totp")


class SettingsReader(Protocol):
    """Reads the plugin's own table of ``maydan.toml``; ``Settings.of_plugin`` does."""

    def __call__(self, _plugin: str, _struct: type[Struct], /) -> object:
        """Return the struct, or raise ``ConfigurationError``."""
        ...


class Taken:
    """What plugins before this one, and the core, have registered already."""

    def __init__(self, routes: Sequence[tuple[str, str]] = (), importers: Iterable[str] = ()) -> None:
        """Begin with what the core has."""
        self.routes: dict[tuple[str, str], str] = {(method, _shape(path)): "the core" for method, path in routes}
        self.paths: dict[str, str] = {_shape(path): path for _, path in routes}
        """How each path is written: the router wants the same names of parameters for all methods."""
        self.importers: dict[str, str] = dict.fromkeys(importers, "the core")
        self.event_types: dict[str, str] = dict.fromkeys(CORE_EVENTS, "the core")

    def add(self, plugin: str, registered: Registered) -> None:
        """Note what a plugin registered."""
        self.routes.update({(route.method, _shape(route.path)): plugin for route in registered.routes})
        self.paths.update({_shape(route.path): route.path for route in registered.routes})
        self.importers.update({importer.name: plugin for importer in registered.importers})
        self.event_types.update({kind.name: plugin for kind in registered.event_types})


def read_settings(manifest: Manifest, reader: SettingsReader) -> object:
    """Import the settings class that the manifest names and fill it; ``None`` where it names none.

    Raises:
        PluginRejected: There is no such class.
        ConfigurationError: The values are not acceptable.
    """
    if manifest.settings is None:
        return None
    module, _, name = manifest.settings.partition(":")
    found = getattr(import_module(module), name, None)
    if not (isinstance(found, type) and issubclass(found, Struct)):
        raise PluginRejected(f"settings: {manifest.settings} is not a msgspec Struct")
    return reader(manifest.name, found)


def set_up(plugin: LoadedPlugin, guard: Guard, taken: Taken) -> Registered:
    """Call the setup hooks of one plugin, each once, in the order of ``hookspecs.py``.

    Raises:
        PluginRejected: What it returned is not acceptable; the reason names the hook and the thing.
    """
    manifest = plugin.manifest
    migrations = tuple(_migrations(_asked(plugin, "register_migrations"), manifest))
    types = tuple(_content_types(_asked(plugin, "register_content_types"), manifest))
    roles = tuple(_roles(_asked(plugin, "register_roles"), manifest))
    routes = tuple(_routes(_asked(plugin, "register_routes"), plugin, guard, taken))
    importers = tuple(_importers(_asked(plugin, "register_importers"), taken))
    demo = tuple(_demo_content(_asked(plugin, "register_demo_content")))
    events = tuple(_event_types(_asked(plugin, "register_event_types"), manifest, taken))
    jobs = tuple(_jobs(_asked(plugin, "register_jobs"), plugin, guard))
    return Registered(
        migrations=migrations, content_types=types, roles=roles, routes=routes, importers=importers, demo_content=demo,
        event_types=events, jobs=jobs,
    )  # fmt: skip


def _asked(plugin: LoadedPlugin, hook: str) -> tuple[object, ...]:
    call = plugin.calls.get(hook)
    if call is None:
        return ()
    answer = call.now((plugin.settings,))
    if not isinstance(answer, list | tuple):
        raise PluginRejected(f"{hook} returned {type(answer).__name__}, and a list is expected")
    return tuple(cast("list[object]", answer))


def _migrations(answer: tuple[object, ...], manifest: Manifest) -> Iterable[Migration]:
    """Give each migration the plugin's name and table prefix, whatever it says itself."""
    names: list[str] = []
    for each in answer:
        if not isinstance(each, Migration):
            raise PluginRejected(f"register_migrations returned {type(each).__name__} among its migrations")
        if each.name.startswith("types_") or each.name in names:
            raise PluginRejected(f"register_migrations: the name {each.name} is taken")
        names.append(each.name)
        yield msgspec.structs.replace(each, app=manifest.name, table_prefix=manifest.prefix)
    if names != sorted(names):
        raise PluginRejected("register_migrations: the names must ascend, such as 0001_tables, 0002_notes")


def _content_types(answer: tuple[object, ...], manifest: Manifest) -> Iterable[ContentType]:
    names: list[str] = []
    for each in answer:
        if not isinstance(each, ContentType):
            raise PluginRejected(f"register_content_types returned {type(each).__name__} among its content types")
        if each.name not in manifest.content_types:
            raise PluginRejected(f"register_content_types: {each.name} is not among content_types of the manifest")
        if each.name in names:
            raise PluginRejected(f"register_content_types: {each.name} is given twice")
        names.append(each.name)
        yield _checked(each)
    missing = [name for name in manifest.content_types if name not in names]
    if missing:
        raise PluginRejected(f"register_content_types: the manifest promises {', '.join(missing)}")


def _checked(candidate: ContentType) -> ContentType:
    try:
        # Relations may lead to types of plugins that come later, so these are not checked here.
        checked = check_type(candidate, known_types=None, previous=None)
        if checked.workflow is not None:
            check_workflow(checked.workflow, checked, at="/workflow")
        return checked
    except InvalidInput as error:
        first = error.errors[0]
        raise PluginRejected(f"register_content_types: {candidate.name}{first.pointer}: {first.message}") from error


def _roles(answer: tuple[object, ...], manifest: Manifest) -> Iterable[Role]:
    for each in answer:
        if not isinstance(each, Role):
            raise PluginRejected(f"register_roles returned {type(each).__name__} among its roles")
        if not each.name.startswith(f"{manifest.name}."):
            raise PluginRejected(f"register_roles: {each.name} must begin with {manifest.name}.")
        yield each


def _routes(answer: tuple[object, ...], plugin: LoadedPlugin, guard: Guard, taken: Taken) -> Iterable[Route]:
    own: dict[tuple[str, str], str] = {}
    paths = dict(taken.paths)
    for each in answer:
        method, path = _check_route(each, plugin.manifest)
        key = (method, _shape(path))
        owner = taken.routes.get(key) or own.get(key)
        if owner:
            raise PluginRejected(f"register_routes: {method} {path} is taken by {owner}")
        if paths.setdefault(key[1], path) != path:
            raise PluginRejected(f"register_routes: {method} {path} is called {paths[key[1]]} by another route")
        own[key] = "another route of the plugin"
        yield _wrapped(each, plugin, guard)


def _check_route(route: object, manifest: Manifest) -> tuple[str, str]:
    method, path = getattr(route, "method", None), getattr(route, "path", None)
    if not (isinstance(route, Struct) and isinstance(method, str) and isinstance(path, str)):
        raise PluginRejected(f"register_routes returned {type(route).__name__} among its routes")
    label = f"register_routes: {method} {path}"
    names = _PARAMETER.findall(path)
    if not _PATH.fullmatch(path) or len(set(names)) < len(names):
        raise PluginRejected(f"{label} is not a path such as /api/spaces/{{space}}/{manifest.name}/things/{{id}}")
    permission = getattr(route, "permission", None)
    if permission is None:
        raise PluginRejected(f"{label} states neither a permission nor public=True")
    if type(permission) is str and permission not in _CORE_ACTIONS and permission not in manifest.permissions:
        raise PluginRejected(f"{label}: {permission} is not among permissions of the manifest")
    if not inspect.iscoroutinefunction(getattr(route, "handler", None)):
        raise PluginRejected(f"{label}: the handler is not an async function")
    if not any(_mounted(path, mount, manifest.name) for mount in manifest.mounts):
        raise PluginRejected(f"{label} lies under none of the manifest's mounts ({', '.join(manifest.mounts)})")
    return method, path


def _mounted(path: str, mount: str, name: str) -> bool:
    parts = path.strip("/").split("/")
    slugs = (name, name.replace("_", "-"))
    match mount:
        case "space":
            return parts[:3] == ["api", "spaces", "{space}"] and len(parts) > 3 and parts[3] in slugs
        case "instance":
            return parts[0] == "api" and len(parts) > 1 and parts[1] in slugs
        case "me":
            return parts[:2] == ["api", "me"] and len(parts) > 2 and parts[2] not in _CORE_ME and parts[2][0] != "{"
        case _:
            return parts[0] not in _CORE_ROOTS and not parts[0].startswith("{") and parts[0] != ""


def _shape(path: str) -> str:
    """Return the path without the names of its parameters: what the router tells apart."""
    return _PARAMETER.sub("{}", path)


def _wrapped(route: Any, plugin: LoadedPlugin, guard: Guard) -> Route:
    handler: Callable[..., Any] = route.handler
    what = f"route {route.method} {route.path}"

    @functools.wraps(handler)
    async def guarded(*arguments: object) -> Any:
        if plugin.state is not State.ACTIVE:
            raise PluginIsolated(f"The plugin {plugin.name} is isolated.", plugin=plugin.name, retry_after_s=60)
        return await guard.guarded(plugin.name, what, handler(*arguments))

    return msgspec.structs.replace(route, handler=guarded, plugin=plugin.name)


def _importers(answer: tuple[object, ...], taken: Taken) -> Iterable[Importer]:
    for each in answer:
        name: object = getattr(each, "name", None)
        if not isinstance(name, str) or not _FORMAT.fullmatch(name):
            raise PluginRejected(f"register_importers: {name!r} is not a name of lower-case letters, digits, hyphens")
        if not inspect.iscoroutinefunction(getattr(each, "run", None)):
            raise PluginRejected(f"register_importers: {name} has no async method run")
        if name in taken.importers:
            raise PluginRejected(f"register_importers: {name} is taken by {taken.importers[name]}")
        yield each  # pyright: ignore[reportReturnType] - has the attributes of the protocol


def _event_types(answer: tuple[object, ...], manifest: Manifest, taken: Taken) -> Iterable[EventType]:
    own: set[str] = set()
    for each in answer:
        if not isinstance(each, EventType):
            raise PluginRejected(f"register_event_types returned {type(each).__name__} among its event types")
        label = f"register_event_types: {each.name}"
        word, _, _ = each.name.partition(".")
        if not _EVENT.fullmatch(each.name) or word in CORE_THINGS:
            raise PluginRejected(f"{label} is not a name such as order.placed, with a first word of the plugin's own")
        if each.name in taken.event_types or each.name in own:
            raise PluginRejected(f"{label} is taken by {taken.event_types.get(each.name, 'the plugin itself')}")
        if each.permission not in _CORE_ACTIONS and each.permission not in manifest.permissions:
            raise PluginRejected(f"{label} states no permission of the core's or of the manifest")
        own.add(each.name)
        yield each


def _jobs(answer: tuple[object, ...], plugin: LoadedPlugin, guard: Guard) -> Iterable[JobKind]:
    names: set[str] = set()
    for each in answer:
        if not isinstance(each, JobKind):
            raise PluginRejected(f"register_jobs returned {type(each).__name__} among its kinds of jobs")
        label = f"register_jobs: {each.name}"
        if not each.name.startswith(f"{plugin.name}.") or not _EVENT.fullmatch(each.name):
            raise PluginRejected(f"{label} is not a name such as {plugin.name}.digest")
        if each.name in names:
            raise PluginRejected(f"{label} is given twice")
        if not inspect.iscoroutinefunction(each.run):
            raise PluginRejected(f"{label}: run is not an async function")
        if each.cron is not None:
            try:
                next_tick(each.cron, each.timezone, datetime.now(UTC))
            except ValueError as error:
                raise PluginRejected(f"{label}: {error}") from error
        names.add(each.name)
        yield _guarded_job(each, plugin, guard)


def _guarded_job(kind: JobKind, plugin: LoadedPlugin, guard: Guard) -> JobKind:
    @functools.wraps(kind.run)
    async def run(*arguments: Any) -> None:
        await guard.guarded(plugin.name, f"job {kind.name}", kind.run(*arguments))

    return msgspec.structs.replace(kind, run=run)


def _demo_content(answer: tuple[object, ...]) -> Iterable[DemoContent]:
    for each in answer:
        if not isinstance(each, DemoContent):
            raise PluginRejected(f"register_demo_content returned {type(each).__name__} among its content")
        yield each
