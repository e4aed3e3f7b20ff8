"""A small instance for the kernel's tests: a space that readers see, one that they do not, and three people."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

import httpx
import pytest

from maydan.access.actors import Actor
from maydan.app import create_app, create_core
from maydan.clock import SystemClock
from maydan.content.spaces import Space
from maydan.errors import Unauthenticated
from maydan.http.application import build_app
from maydan.http.routing import Route
from maydan.http.settings import LogSettings, ServerSettings
from maydan.http.surroundings import Surroundings
from maydan.operations.core import Core
from maydan.plugins.host import PluginHost
from maydan.settings import load
from maydan.storage import Store

OPEN = Space(key=1, name="open", title="Open", locales=("en",), default_locale="en", plugins=("blog",))
HIDDEN = Space(key=2, name="hidden", title="Hidden", locales=("en",), default_locale="en")

PEOPLE = {
    "editor": Actor(kind="account", id="editor", roles={1: frozenset({"editor"})}),
    "other": Actor(kind="account", id="other"),
    "admin": Actor(kind="account", id="admin", administrator=True),
}
"""By token."""


class FakeSnapshot:
    """Everybody sees the open space; editors and administrators may do everything there."""

    def __init__(self, space: Space) -> None:
        self._space = space

    def sees_space(self, actor: Actor) -> bool:
        return self._space.key == 1 or actor.administrator

    def allows(self, actor: Actor, action: str) -> bool:
        return actor.administrator or "editor" in actor.roles.get(self._space.key, ())


class FakeCore:
    """What the kernel asks of a core, without a database unless a test gives one."""

    def __init__(self, store: Store | None = None) -> None:
        self.store = store
        self.clock = SystemClock()
        self.secret = b"s" * 32
        self.registry = self
        self.snapshots = self
        self.authenticator = self
        self.shared_rights = self

    async def find_space(self, name: str) -> Space | None:
        return {"open": OPEN, "hidden": HIDDEN}.get(name)

    async def get(self, space: Space) -> FakeSnapshot:
        return FakeSnapshot(space)

    async def rights_of(self, actor: Actor, space: Space, snapshot: FakeSnapshot) -> dict[int, object]:
        return {}

    async def authenticate(self, token: str) -> Actor:
        if token not in PEOPLE:
            raise Unauthenticated("The token is not valid.")
        return PEOPLE[token]


def make_app(
    routes: Sequence[Route], *, store: Store | None = None, log: LogSettings | None = None, **server: Any
) -> Any:
    """Return an application that answers these routes and no others."""
    core = cast("Core", FakeCore(store))
    return build_app(Surroundings(core, ServerSettings(**server), log or LogSettings()), routes)


Serve = Callable[..., Any]


@pytest.fixture
def serve() -> Serve:
    """Routes in this process: use it with the routes as ``async with … as client``."""

    @asynccontextmanager
    async def serving(routes: Sequence[Route], **given: Any) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(make_app(routes, **given), raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield client

    return serving


@pytest.fixture
def build() -> Callable[..., Any]:
    """The function that makes an application of routes."""
    return make_app


@pytest.fixture
async def instance(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Instance]:
    """A whole instance without plugins, with a space that everybody reads and the right to monitor."""
    environment = {"MAYDAN_DATABASE_URL": sqlite_url, "MAYDAN_SERVER_METRICS_TOKEN": "monitor"}
    core = create_core(load(tmp_path / "maydan.toml", environment), PluginHost.empty())
    app = create_app(core, work=False)
    async with app.lifespan():
        transport = httpx.ASGITransport(cast("Any", app))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            core.authenticator.authenticate = _authenticate  # type: ignore[method-assign]
            yield Instance(core, app.state["around"], client)


async def _authenticate(token: str) -> Actor:
    return await FakeCore().authenticate(token)


class Instance(NamedTuple):
    """What a test of the whole surface needs."""

    core: Core
    around: Surroundings
    client: httpx.AsyncClient
