"""A whole instance in the process: one space in English and Arabic, a temporary SQLite file, and what a test needs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from msgspec import Struct

from maydan.operations.core import as_system
from maydan.operations.spaces import SpaceInput, create_space
from maydan.plugins.discovery import FoundPlugin, find_plugins
from maydan.plugins.gauges import HookHealth
from maydan.storage.migrations import apply
from maydan.testing.clients import Client
from maydan.testing.clock import TestClock
from maydan.testing.factories import Factory
from maydan.testing.recorder import EventRecorder

if TYPE_CHECKING:
    import httpx

    from maydan.accounts.people import Account
    from maydan.content.spaces import Space
    from maydan.operations.core import Core

SPACE: Final = "demo"
PASSWORD: Final = "a long and quiet evening"  # noqa: S105 - of accounts that live as long as a test
BASE_URL: Final = "http://maydan.test"
_FAST: Final[dict[str, Any]] = {
    "auth": {"hash_passes": 1, "hash_memory_kib": 64},
    "database": {"synchronous": "normal"},
}
"""Tests need neither slow passwords nor files that survive a power cut."""

_RENEWED_AFTER: Final = timedelta(minutes=5)
"""Access tokens live longer than this."""


class Entry(Struct, frozen=True, kw_only=True):
    """An entry that a test made."""

    id: str
    type: str
    data: dict[str, Any]
    """As its maker saw it over HTTP."""

    @property
    def path(self) -> str:
        """Where it is, for a client: ``content/<type>/<id>``."""
        return f"content/{self.type}/{self.id}"


class _Session:
    """Somebody who stays logged in, however far the clock is moved."""

    def __init__(self, core: Core, account: Account) -> None:
        self._core = core
        self._account = account
        self._token = ""
        self._at = datetime.min.replace(tzinfo=UTC)

    async def token(self) -> str:
        now = self._core.clock.now()
        if not self._at <= now < self._at + _RENEWED_AFTER:
            self._token = (await self._core.accounts.logins.begin(self._account)).access_token
            self._at = now
        return self._token


class Site:
    """The instance under test. ``administrator`` may do everything, ``anonymous`` is nobody in particular."""

    def __init__(self, core: Core, http: httpx.AsyncClient, clock: TestClock, events: EventRecorder) -> None:
        """Wrap running services; :func:`open_site` makes them."""
        self.core = core
        self.clock = clock
        self.events = events
        self._http = http
        self._factories: dict[str, Factory] = {}
        self._accounts = 0
        self.anonymous = Client(http, SPACE)
        self.administrator = self.anonymous

    @property
    def space(self) -> Space:
        """The space, as the instance knows it now."""
        found = self.core.registry.cached_space(SPACE)
        assert found is not None, "the space was deleted"
        return found

    async def person(self, *roles: str, administrator: bool = False) -> Client:
        """Return somebody new with these roles in the space."""
        self._accounts += 1
        name = f"person{self._accounts}"
        account = await self.core.accounts.people.create(
            email=f"{name}@example.org", password=PASSWORD, name=name, administrator=administrator
        )
        if roles:
            await self.core.accounts.members.put(self.space.key, account.id, roles, known=None)
        await self.core.revisions.settled()
        return Client(self._http, SPACE, _Session(self.core, account).token)

    def data(self, type: str, **given: Any) -> dict[str, Any]:
        """Return valid input for one more entry; what is given is taken as it is, ``None`` leaves a field out."""
        if type not in self._factories:
            content_type = self.core.registry.cached_type(self.space, type)
            assert content_type is not None, f"there is no content type {type} in the space"
            self._factories[type] = Factory(content_type, self.space.currency)
        return self._factories[type].make(**given)

    async def draft(self, type: str, **given: Any) -> Entry:
        """Make an entry with valid content, as the administrator; required relations get new entries to point at."""
        data = self.data(type, **given)
        for field in self._factories[type].required_relations():
            if field.name not in given:
                target = await self.draft(field.to[0])
                data[field.name] = [target.id] if field.many else target.id
        answer = await self.administrator.post(f"content/{type}", data)
        assert answer.status_code == 201, f"{type} was not created: {answer.text}"
        return _entry(type, answer)

    async def publish(self, entry: Entry, **body: Any) -> Entry:
        """Publish an entry, as the administrator."""
        answer = await self.administrator.post(f"{entry.path}/publish", body or None)
        assert answer.status_code == 200, f"{entry.type} was not published: {answer.text}"
        return _entry(entry.type, answer)

    async def published(self, type: str, **given: Any) -> Entry:
        """Make an entry and publish it."""
        return await self.publish(await self.draft(type, **given))

    async def find(self, entry: Entry, reader: Client | None = None) -> dict[str, Any] | None:
        """Return the entry as a reader gets it (nobody in particular by default), ``None`` for a 404."""
        answer = await (reader or self.anonymous).get(entry.path)
        if answer.status_code == 404:
            return None
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def settled(self) -> None:
        """Wait until every subscriber of the log, and so every observer, has heard of everything."""
        await self.core.subscriptions.settled()

    def hook(self, plugin: str, hook: str) -> HookHealth:
        """Return how often a hook was called, how often it failed, and what it last said."""
        return next(each for each in self.core.host.state(plugin).hooks if each.hook == hook)


@asynccontextmanager
async def open_site(
    folder: Path,
    plugins: Sequence[str] = (),
    *,
    found: Sequence[FoundPlugin] | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    clock: TestClock | None = None,
) -> AsyncGenerator[Site]:
    """Serve an instance in this process for the length of the block.

    Args:
        folder: Where its database file goes.
        plugins: Names of the plugins to enable, with what they require; anything wrong with one is raised.
        found: What is installed; looked for in this environment when absent.
        settings: Tables of ``maydan.toml``.
        clock: The time; stands still by default.

    Raises:
        PluginRejected: A plugin cannot be loaded.
    """
    from httpx import ASGITransport, AsyncClient

    from maydan import app
    from maydan.settings import read

    installed = find_plugins() if found is None else found
    enabled = _with_requirements(plugins, installed)
    tables = _merged({"database": {"url": f"sqlite:///{folder / 'site.db'}"}}, _FAST, settings or {})
    tables["plugins"] = {"enabled": list(enabled), "strict": True} | tables.get("plugins", {})
    read_tables = read(tables, {}, plugins=enabled)
    clock = clock or TestClock()
    core = app.create_core(read_tables, app.load_plugins(read_tables, found=installed), clock=clock)
    events = EventRecorder()
    core.subscriptions.add(events)
    await _migrate(core)
    application = app.create_app(core)
    # Litestar's and httpx's names for the same ASGI types differ.
    transport = ASGITransport(cast("Any", application))
    async with application.lifespan(), AsyncClient(transport=transport, base_url=BASE_URL) as http:
        site = Site(core, http, clock, events)
        given = SpaceInput(name=SPACE, title="Demo", locales=("en", "ar"), plugins=core.host.loaded())
        await create_space(core, as_system("maydan.testing"), given)
        site.administrator = await site.person(administrator=True)
        yield site


async def _migrate(core: Core) -> None:
    from maydan import app

    await core.store.open()
    try:
        await apply(core.store, app.needed_migrations(core.store, core.host))
    finally:
        await core.store.close()


def _with_requirements(plugins: Sequence[str], installed: Sequence[FoundPlugin]) -> tuple[str, ...]:
    manifests = {found.name: found.manifest for found in installed}
    wanted = dict.fromkeys(plugins)
    waiting = list(plugins)
    while waiting:
        manifest = manifests.get(waiting.pop())
        new = [each.name for each in manifest.required if each.name not in wanted] if manifest else []
        wanted |= dict.fromkeys(new)
        waiting += new
    return tuple(wanted)


def _merged(*layers: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    tables: dict[str, dict[str, Any]] = {}
    for layer in layers:
        for name, table in layer.items():
            tables[name] = {**tables.get(name, {}), **table}
    return tables


def _entry(type: str, answer: httpx.Response) -> Entry:
    data = msgspec.json.decode(answer.content, type=dict[str, Any])
    return Entry(id=data["id"], type=type, data=data)
