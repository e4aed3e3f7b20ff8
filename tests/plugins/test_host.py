"""Loading: whatever is wrong with a plugin is its state and its reason, and the others are loaded."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from msgspec import Struct

from maydan.content.types import ContentType, Field, Kind
from maydan.errors import ConfigurationError, NotFound, PluginIsolated, PluginRejected
from maydan.http.routing import LOGGED_IN, Route, route
from maydan.plugins.declarations import DemoContent, Role
from maydan.plugins.host import HostOptions, PluginHost
from maydan.plugins.isolation import Isolation
from maydan.plugins.loaded import State
from maydan.plugins.settings import PluginSettings
from maydan.storage.migrations import Migration, Step

Make = Callable[..., Any]
Load = Callable[..., PluginHost]


async def fine() -> None:
    """Refuse nothing."""


def exit_at_import() -> object:
    """Leave."""
    raise SystemExit(0)


def fail_at_import() -> object:
    """Miss something."""
    raise ModuleNotFoundError("No module named 'nothing'")


def recurse_at_import() -> object:
    """Never end."""
    return recurse_at_import()


def sleep_at_import() -> object:
    """Wait, whatever happens."""
    while True:
        with suppress(Exception):
            time.sleep(60)


def loop_at_import() -> object:
    """Never end, busily."""
    while True:
        pass


@pytest.mark.parametrize(
    ("imported", "said"),
    [
        (fail_at_import, "import failed: ModuleNotFoundError: No module named 'nothing'"),
        (exit_at_import, "import failed: SystemExit: 0"),
        (recurse_at_import, "import failed: RecursionError"),
        (sleep_at_import, "import took longer than 0.2 s"),
        (loop_at_import, "import took longer than 0.2 s"),
        (object, "implements no hook"),
    ],
)
def test_an_import_that_goes_wrong_fails_that_plugin_alone(
    make: Make, load: Load, imported: Callable[[], object], said: str
) -> None:
    """Raise, exit, recurse, wait, loop: the neighbour is active."""
    host = load(make("bad", load=imported), make("good", check_entry_create=fine), import_s=0.2)
    assert host.state("bad").state is State.FAILED
    assert said in host.state("bad").reason
    assert host.state("good").state is State.ACTIVE
    assert host.loaded() == ("good",)


async def unknown_argument(entry: object, colour: object) -> None:
    """Want what there is not."""


async def asynchronous() -> list[object]:
    """Be async where nobody awaits."""
    return []


def nothing() -> list[object]:
    """Bring nothing."""
    return []


def taking_settings(settings: object) -> list[object]:
    """Find the settings wrong."""
    raise ConfigurationError("maydan.toml: [bad] key: unknown key")


TYPE = ContentType(name="bad.thing", fields=(Field(name="title", kind=Kind.STRING),))
TABLES = Migration(app="", name="0001_tables", steps=(Step("t", "CREATE TABLE bad_t (id {uuid} PRIMARY KEY)"),))


@route("GET", "/api/spaces/{space}/bad/list", public=True)
async def listing(call: object) -> Any:
    """List something."""


def sync_handler(call: object) -> Any:
    """Answer without async."""


def at(path: str, permission: Any = LOGGED_IN, method: str = "GET") -> Route:
    """Declare a route elsewhere."""
    return route(method, path, permission=permission)(listing.handler)


@pytest.mark.parametrize(
    ("hooks", "manifest", "said"),
    [
        ({"entry_publised": fine}, {}, "there is no hook entry_publised; did you mean entry_published?"),
        ({"check_entry_create": unknown_argument}, {}, "colour"),
        ({"register_routes": asynchronous}, {}, "plain functions, without async"),
        ({"register_routes": lambda: 1 / 0}, {}, "ZeroDivisionError"),
        ({"register_routes": lambda: {"a": 1}}, {}, "returned dict, and a list is expected"),
        ({"register_routes": lambda: [1]}, {}, "returned int among its routes"),
        ({"register_routes": taking_settings}, {}, "[bad] key: unknown key"),
        ({"register_routes": lambda: [at("/api/spaces/{space}/other/x")]}, {}, "under none of the manifest's mounts"),
        ({"register_routes": lambda: [at("/api/bad")]}, {}, "under none of the manifest's mounts (space)"),
        ({"register_routes": lambda: [at("/api/spaces/x")]}, {"mounts": ["root"]}, "under none"),
        ({"register_routes": lambda: [at("/{anything}")]}, {"mounts": ["root"]}, "under none"),
        ({"register_routes": lambda: [at("/api/me/sessions")]}, {"mounts": ["me"]}, "under none"),
        ({"register_routes": lambda: [listing, listing]}, {}, "is taken by another route of the plugin"),
        (
            {"register_routes": lambda: [at("/api/bad/{id}"), at("/api/bad/{name}", method="PUT")]},
            {"mounts": ["instance"]},
            "PUT /api/bad/{name} is called /api/bad/{id} by another route",
        ),
        ({"register_routes": lambda: [at("/api/bad//x")]}, {"mounts": ["instance"]}, "is not a path such as"),
        ({"register_routes": lambda: [at("/api/bad/{Id2}")]}, {"mounts": ["instance"]}, "is not a path such as"),
        ({"register_routes": lambda: [at("/api/bad/{a}/{a}")]}, {"mounts": ["instance"]}, "is not a path such as"),
        (
            {"register_routes": lambda: [at("/api/spaces/{space}/bad/x", "bad.paint")]},
            {},
            "bad.paint is not among permissions of the manifest",
        ),
        (
            {
                "register_routes": lambda: [
                    Route(method="GET", path="/api/bad", handler=sync_handler, permission=LOGGED_IN)
                ]
            },
            {"mounts": ["instance"]},
            "GET /api/bad: the handler is not an async function",
        ),
        (
            {"register_routes": lambda: [route("GET", "/api/spaces/{space}/bad/x")]},
            {},
            "GET /api/spaces/{space}/bad/x must state either its permission or public=True",
        ),
        ({"register_content_types": lambda: [TYPE]}, {}, "bad.thing is not among content_types of the manifest"),
        ({"register_content_types": nothing}, {"content_types": ["bad.thing"]}, "the manifest promises bad.thing"),
        ({"register_content_types": lambda: [TYPE, TYPE]}, {"content_types": ["bad.thing"]}, "given twice"),
        (
            {"register_content_types": lambda: [ContentType(name="bad.thing", slug_from="nothing")]},
            {"content_types": ["bad.thing"]},
            "register_content_types: bad.thing/slug_from",
        ),
        ({"register_roles": lambda: [Role(name="editor", title="E", policies=())]}, {}, "must begin with bad."),
        ({"register_importers": lambda: [object()]}, {}, "register_importers"),
        ({"register_demo_content": lambda: [1]}, {}, "register_demo_content returned int"),
        ({"register_migrations": lambda: [TABLES, TABLES]}, {}, "the name 0001_tables is taken"),
        ({"check_entry_create": fine}, {"settings": "maydan.errors:MaydanError"}, "is not a msgspec Struct"),
        ({"check_entry_create": fine}, {"settings": "maydan.no_such:Settings"}, "ModuleNotFoundError"),
    ],
)
def test_a_set_up_that_goes_wrong_fails_that_plugin_alone(
    make: Make, load: Load, hooks: dict[str, Any], manifest: dict[str, Any], said: str
) -> None:
    """Nothing of it stays; the reason names the hook and the thing."""
    host = load(make("bad", manifest=manifest, **hooks), make("good", check_entry_create=fine))
    assert said in host.state("bad").reason
    assert host.state("bad").state is State.FAILED
    assert host.state("good").state is State.ACTIVE
    assert "bad" not in host.registered()


def test_hook_wrappers_are_refused(make: Make, load: Load) -> None:
    """They would see, and could change, what other plugins answer."""
    from maydan.hookspecs import hookimpl

    class Target:
        @hookimpl(wrapper=True)
        def check_entry_create(self) -> Any:
            return (yield)

    host = load(make("bad", load=Target))
    assert "wrappers are not called here" in host.state("bad").reason


def test_a_hook_without_its_mark_is_refused(make: Make, load: Load) -> None:
    """It would never be called, and nobody would notice."""

    class Target:
        async def check_entry_create(self) -> None: ...

    assert load(make("bad", load=Target)).state("bad").reason == "check_entry_create lacks @hookimpl"


def test_a_mark_on_what_is_no_function_is_refused(make: Make, load: Load) -> None:
    """A class, for example."""
    from maydan.hookspecs import hookimpl

    class Target:
        @hookimpl
        class provide_mailer: ...  # noqa: N801 - the name of a hook

    host = load(make("bad", load=Target))
    assert host.state("bad").reason == "provide_mailer is marked with @hookimpl and is no function"


def test_what_a_plugin_registers_is_kept(make: Make, load: Load) -> None:
    """Types in normal form, routes with the plugin's name, migrations limited to its prefix."""
    host = load(
        make(
            "bad",
            manifest={"content_types": ["bad.thing"]},
            register_content_types=lambda: [TYPE],
            register_routes=lambda: [listing],
            register_migrations=lambda: [TABLES],
            register_demo_content=lambda: [DemoContent(entries=())],
        )
    )
    registered = host.registered()["bad"]
    assert [(each.name, each.title) for each in registered.content_types] == [("bad.thing", "Thing")]
    assert [(each.path, each.plugin) for each in registered.routes] == [(listing.path, "bad")]  # pyright: ignore[reportAttributeAccessIssue] - of our Route
    assert [(each.app, each.table_prefix) for each in registered.migrations] == [("bad", "bad_")]
    assert registered.demo_content == (DemoContent(entries=()),)


def test_a_path_that_another_plugin_has_is_taken(make: Make, load: Load) -> None:
    """Whoever comes later in the order fails; names of parameters make no difference."""
    root = {"mounts": ["root"]}
    host = load(
        make("a", manifest=root, register_routes=lambda: [at("/q/{code}")]),
        make("b", manifest=root, register_routes=lambda: [at("/q/{name}")]),
    )
    assert host.state("a").state is State.ACTIVE
    assert "GET /q/{name} is taken by a" in host.state("b").reason


def test_a_path_of_the_core_is_taken(make: Make, load: Load) -> None:
    """Mounts keep most apart; this is for the rest."""
    host = load(
        make("a", manifest={"mounts": ["root"]}, register_routes=lambda: [at("/favicon.ico")]),
        core_routes=(("GET", "/favicon.ico"),),
    )
    assert "is taken by the core" in host.state("a").reason


def test_a_format_is_imported_by_one_plugin(make: Make, load: Load) -> None:
    """``maydan import FORMAT`` must know whom to ask."""

    class Importer:
        name = "wordpress"

        async def run(self, path: Any, target: Any, options: Any) -> Any: ...

    host = load(make("a", register_importers=lambda: [Importer()]), make("b", register_importers=lambda: [Importer()]))
    assert "wordpress is taken by a" in host.state("b").reason


@pytest.mark.parametrize(
    ("hook_api", "state"), [(">=1,<2", State.ACTIVE), (">=2", State.INCOMPATIBLE), ("<1", State.INCOMPATIBLE)]
)
def test_a_plugin_for_other_hooks_is_incompatible(make: Make, load: Load, hook_api: str, state: State) -> None:
    """It is not even imported."""
    host = load(make("a", manifest={"hook_api": hook_api}, check_entry_create=fine))
    assert host.state("a").state is state


def test_installed_is_not_enabled(make: Make) -> None:
    """A plugin that is not named in the settings is not imported."""
    found = make("a", load=fail_at_import)
    host = PluginHost.load(PluginSettings(), found=[found])
    assert [(each.state, each.reason) for each in host.states()] == [(State.DISABLED, "not enabled")]


def test_enabled_is_not_installed(make: Make) -> None:
    """A name that nothing brings is a failure that can be seen."""
    host = PluginHost.load(PluginSettings(enabled=("ghost",)), found=[])
    assert host.state("ghost").reason == "it is enabled, but not installed"


def test_with_strict_a_fault_stops_the_start(make: Make, load: Load) -> None:
    """All faults are named at once, one line each."""
    with pytest.raises(PluginRejected) as caught:
        load(make("a", load=fail_at_import), make("b", load=object), make("c", check_entry_create=fine), strict=True)
    assert [line.partition(":")[0] for line in caught.value.detail.splitlines()] == ["a", "b"]


def test_settings_are_read_with_the_plugins_own_struct(make: Make) -> None:
    """And handed to every setup hook."""
    given: list[object] = []

    def register_routes(settings: object) -> list[Route]:
        given.append(settings)
        return []

    def read(plugin: str, struct: type[Struct], /) -> object:
        return plugin, struct.__name__

    found = make("a", manifest={"settings": "maydan.plugins.settings:PluginSettings"}, register_routes=register_routes)
    PluginHost.load(PluginSettings(enabled=("a",)), found=[found], options=HostOptions(read_settings=read))
    assert given == [("a", "PluginSettings")]


@pytest.mark.anyio
async def test_routes_of_an_isolated_plugin_answer_503(make: Make, load: Load) -> None:
    """At once, without a restart."""

    @route("GET", "/api/spaces/{space}/a/x", public=True)
    async def answer(call: Any) -> Any:
        return call

    host = load(make("a", register_routes=lambda: [answer]))
    (mounted,) = host.registered()["a"].routes
    handler: Any = mounted.handler  # pyright: ignore[reportAttributeAccessIssue] - of our Route
    assert await handler("called") == "called"
    host.isolate("a", "it stalled")
    with pytest.raises(PluginIsolated):
        await handler("called")


@pytest.mark.parametrize(
    ("what", "state", "imported"),
    [
        ("check_entry_create", State.ISOLATED, True),
        ("import", State.FAILED, False),
        ("again", State.ISOLATED, False),
    ],
)
def test_what_the_supervisor_took_out_is_not_called(
    make: Make, load: Load, what: str, state: State, imported: bool
) -> None:
    """What stalled in a hook is loaded and not called; what stalled at import, or again, is not even loaded."""
    seen: list[str] = []

    def register_routes() -> list[Route]:
        seen.append("set up")
        return []

    host = load(
        make("a", register_routes=register_routes, check_entry_create=fine),
        isolated={"a": Isolation(what=what, reason="it stalled")},
    )
    assert (host.state("a").state, host.state("a").reason, bool(seen)) == (state, "it stalled", imported)


def test_a_plugin_that_is_not_installed_is_not_found(load: Load) -> None:
    """For ``GET /api/plugins/{name}``."""
    with pytest.raises(NotFound):
        load().state("ghost")


def test_hooks_of_the_start_are_counted_like_any_other(make: Make, load: Load) -> None:
    """Once each; a hook that nobody called yet has no calls."""

    def register_routes() -> list[Route]:
        return []

    host = load(make("a", register_routes=register_routes, check_entry_create=fine))
    assert {hook.hook: hook.calls for hook in host.state("a").hooks} == {"register_routes": 1, "check_entry_create": 0}
