"""A whole application in this process, as its clients meet it: over HTTP, on either engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
import msgspec

from maydan import app
from maydan.content.spaces import Space
from maydan.content.types import ContentType
from maydan.operations import spaces, types
from maydan.operations.core import Core, as_system
from maydan.plugins.host import PluginHost
from maydan.settings import read

PASSWORD = "a long walk at dusk"
ARTICLE: dict[str, Any] = {
    "name": "article",
    "title": "Article",
    "slug_from": "title",
    "indexes": [["category", "-rating"]],
    "fields": [
        {"name": "title", "kind": "string", "required": True, "localized": True, "max_length": 200},
        {"name": "body", "kind": "richtext", "localized": True},
        {"name": "category", "kind": "enum", "values": ["news", "guide"], "indexed": True},
        {"name": "rating", "kind": "integer", "min": 0, "max": 5},
        {"name": "price", "kind": "money"},
        {"name": "code", "kind": "string", "unique": True},
        {"name": "note", "kind": "text", "private": True},
        {"name": "key", "kind": "secret"},
        {"name": "author", "kind": "relation", "to": ["person"], "on_delete": "nullify"},
    ],
    "engagement": ["comments"],
}
PERSON: dict[str, Any] = {
    "name": "person",
    "drafts": False,
    "fields": [{"name": "name", "kind": "string", "required": True}],
}


class MovableClock:
    """The machine's clock, plus what the test adds."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        """Return the moment."""
        return datetime.now(UTC) + self.ahead

    def forward(self, **parts: float) -> None:
        """Move on, by ``days=``, ``hours=``, ``seconds=``."""
        self.ahead += timedelta(**parts)


class Site:
    """One space called ``demo`` in English and Arabic, an administrator, and a client for anybody."""

    def __init__(self, core: Core, client: httpx.AsyncClient, clock: MovableClock) -> None:
        self.core = core
        self.client = client
        self.clock = clock
        self.admin: dict[str, str] = {}
        self.application: Any = None

    @property
    def space(self) -> Space:
        """The space, as this process knows it now."""
        found = self.core.registry.cached_space("demo")
        assert found is not None
        return found

    async def define(self, definition: dict[str, Any]) -> None:
        """Define a content type."""
        await types.create_type(self.core, as_system("test"), self.space, msgspec.convert(definition, ContentType))

    async def account(self, email: str, *roles: str) -> dict[str, str]:
        """Make an account with roles in the space; returns the headers with which it calls."""
        account = await self.core.accounts.people.create(email=email, password=PASSWORD, name=email.partition("@")[0])
        if roles:
            path = f"/api/spaces/demo/members/{account.id}"
            answer = await self.put(path, {"roles": list(roles)}, headers=self.admin)
            assert answer.is_success, answer.text
        return await self.log_in(email)

    async def log_in(self, email: str) -> dict[str, str]:
        """Return the headers of somebody who logged in."""
        pair = await self.core.accounts.logins.log_in(email, PASSWORD)
        return {"authorization": f"Bearer {pair.access_token}"}

    async def get(self, path: str, **more: Any) -> httpx.Response:
        """Send a GET."""
        return await self.client.get(path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """Send a POST."""
        return await self.client.post(path, **({} if body is None else {"json": body}), **more)

    async def put(self, path: str, body: Any, **more: Any) -> httpx.Response:
        """Send a PUT."""
        return await self.client.put(path, json=body, **more)

    async def patch(self, path: str, body: Any, *, tag: str | None = "*", **more: Any) -> httpx.Response:
        """Send a PATCH with a tag in ``If-Match``."""
        headers = {**more.pop("headers", {}), **({"if-match": tag} if tag else {})}
        return await self.client.patch(path, json=body, headers=headers, **more)

    async def delete(self, path: str, **more: Any) -> httpx.Response:
        """Send a DELETE."""
        return await self.client.delete(path, **more)

    async def entry(self, data: dict[str, Any], *, type: str = "article", publish: bool = True) -> dict[str, Any]:
        """Create an entry as the administrator, published unless told otherwise."""
        answer = await self.post(f"/api/spaces/demo/content/{type}", data, headers=self.admin)
        assert answer.status_code == 201, answer.text
        if publish:
            path = f"/api/spaces/demo/content/{type}/{answer.json()['id']}/publish"
            answer = await self.post(path, headers=self.admin)
            assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def open_site(
    url: str, *, host: PluginHost | None = None, work: bool = False, more: dict[str, Any] | None = None
) -> AsyncIterator[Site]:
    """Serve an application over a migrated database, for the length of the block; ``more`` are tables of settings."""
    tables = {"database": {"url": url}, "auth": {"hash_passes": 1, "hash_memory_kib": 64}, **(more or {})}
    settings = read(tables, {})
    clock = MovableClock()
    core = app.create_core(settings, host or PluginHost.empty(), clock=clock)
    application = app.create_app(core, work=work)
    async with application.lifespan():
        transport = httpx.ASGITransport(cast("Any", application), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://maydan.test") as client:
            site = Site(core, client, clock)
            site.application = application
            await spaces.create_space(
                core,
                as_system("test"),
                spaces.SpaceInput(
                    name="demo", title="Demo", locales=("en", "ar", "ku"), fallbacks={"ku": ("ar",)},
                    plugins=core.host.loaded(),
                ),
            )  # fmt: skip
            await core.accounts.people.create_administrator(email="admin@example.org", password=PASSWORD)
            site.admin = await site.log_in("admin@example.org")
            yield site


@asynccontextmanager
async def open_articles(url: str) -> AsyncIterator[Site]:
    """Serve a space with articles and persons, for the length of the block."""
    async with open_site(url) as opened:
        await opened.define(PERSON)
        await opened.define(ARTICLE)
        yield opened
