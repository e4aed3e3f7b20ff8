"""A whole instance without plugins, for accounts, members, roles and tokens over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from maydan.app import create_core, load_plugins, running
from maydan.http.accounts_me_routes import ROUTES as ME_ROUTES
from maydan.http.accounts_routes import ROUTES as ACCOUNT_ROUTES
from maydan.http.application import build_app
from maydan.http.members_routes import ROUTES as MEMBER_ROUTES
from maydan.http.roles_routes import ROUTES as ROLE_ROUTES
from maydan.http.spaces_routes import ROUTES as SPACE_ROUTES
from maydan.http.surroundings import Surroundings
from maydan.http.tokens_routes import ROUTES as TOKEN_ROUTES
from maydan.http.types_routes import ROUTES as TYPE_ROUTES
from maydan.http.users_routes import ROUTES as USER_ROUTES
from maydan.operations.core import Core
from maydan.settings import read

PASSWORD = "a long walk at dusk"
ROUTES = (
    *SPACE_ROUTES, *TYPE_ROUTES, *ACCOUNT_ROUTES, *ME_ROUTES, *MEMBER_ROUTES, *ROLE_ROUTES, *TOKEN_ROUTES, *USER_ROUTES,
)  # fmt: skip
ARTICLE = {
    "name": "article",
    "fields": [{"name": "title", "kind": "string"}, {"name": "note", "kind": "text", "private": True}],
}


class Site:
    """An instance with a space, and people who are logged in."""

    def __init__(self, core: Core, client: httpx.AsyncClient, letterbox: Any) -> None:
        self.core = core
        self.client = client
        self.letterbox = letterbox

    async def call(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Send a request with a token, or with none for ``""``."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if who:
            sent["authorization"] = f"Bearer {who}"
        return await self.client.request(method, path, json=body, headers=sent)

    async def person(self, name: str, *roles: str, administrator: bool = False) -> tuple[str, str]:
        """Make an account with roles in the space, and return its id and an access token."""
        email = f"{name}@site.example"
        accounts = self.core.accounts
        made = await accounts.people.create(email=email, password=PASSWORD, name=name, administrator=administrator)
        if roles:
            space = await self.core.registry.find_space("demo")
            assert space
            await accounts.members.put(space.key, made.id, roles, known=None)
        return made.id, (await accounts.logins.log_in(email, PASSWORD)).access_token


@asynccontextmanager
async def opened(url: str, letterbox: Any) -> AsyncIterator[Site]:
    """An instance with the space ``demo`` and the type ``article``."""
    settings = read(
        {
            "database": {"url": url},
            "server": {"base_url": "https://site.example"},
            "auth": {"hash_memory_kib": 64, "hash_passes": 1},
        }
    )
    core = create_core(settings, load_plugins(settings), mailer=letterbox)
    async with running(core):
        around = Surroundings(core, settings.server, settings.log)
        transport: Any = httpx.ASGITransport(build_app(around, ROUTES), raise_app_exceptions=True)  # pyright: ignore[reportArgumentType]
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            made = Site(core, client, letterbox)
            _, root = await made.person("root", administrator=True)
            space = {"name": "demo", "title": "Demo", "locales": ["en"]}
            assert (await made.call(root, "POST", "/api/spaces", space)).status_code == 201
            assert (await made.call(root, "POST", "/api/spaces/demo/types", ARTICLE)).status_code == 201
            await core.revisions.settled()
            yield made
        await core.accounts.stop()
