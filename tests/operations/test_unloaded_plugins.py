"""A process that does not load a plugin, over data that it left: the space stays the space, the types are shut."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import httpx
import msgspec
import pytest
from site_support import Site, open_site  # pyright: ignore[reportMissingImports] - tests/support

from maydan import app
from maydan.access.policies import PolicyInput
from maydan.content.types import ContentType
from maydan.hookspecs import hookimpl
from maydan.operations.schedules import run_due
from maydan.plugins.declarations import Role
from maydan.plugins.discovery import FoundPlugin
from maydan.plugins.host import PluginHost
from maydan.plugins.manifest import check_manifest
from maydan.plugins.settings import PluginSettings
from maydan.settings import read
from maydan.storage import DatabaseSettings, open_store
from maydan.storage.migrations import apply

pytestmark = pytest.mark.anyio
SPACE = "/api/spaces/demo"
COIN = {"name": "shop.coin", "fields": [{"name": "mark", "kind": "string"}]}
CASE = {
    "name": "case",
    "fields": [{"name": "label", "kind": "string"}, {"name": "coin", "kind": "relation", "to": ["shop.coin"]}],
}
READ_COINS = {"effect": "allow", "type": "shop.coin", "actions": ["read"]}


class Half(SimpleNamespace):
    """A database with the plugin ``shop`` in its space, served by a process with it and by one without."""

    site: Site
    without: httpx.AsyncClient

    async def ask(
        self, method: str, path: str, body: Any = None, *, of: httpx.AsyncClient | None = None
    ) -> httpx.Response:
        """Send a request as the administrator to the process without the plugin, or to the other one."""
        headers = {**self.site.admin, "if-match": "*"}
        return await (of or self.without).request(method, f"{SPACE}{path}", json=body, headers=headers)


def _shop(*more: dict[str, Any]) -> PluginHost:
    brought = msgspec.convert([COIN, *more], list[ContentType])
    roles = [
        Role(
            name="shop.keeper",
            title="Keeper",
            policies=(PolicyInput(effect="allow", type="shop.coin", actions=("read",)),),
        )
    ]
    plugin = SimpleNamespace(register_content_types=hookimpl(lambda: brought), register_roles=hookimpl(lambda: roles))
    keys = {"name": "shop", "version": "1.0", "hook_api": ">=1,<2", "content_types": [each.name for each in brought]}
    found = FoundPlugin(name="shop", manifest=check_manifest(keys), source="maydan-shop", load=lambda: plugin)
    return PluginHost.load(PluginSettings(enabled=("shop",)), found=[found])


async def _migrate(url: str, host: PluginHost) -> None:
    store = open_store(DatabaseSettings(url=url))
    await store.open()
    await apply(store, app.needed_migrations(store, host))
    await store.close()


@asynccontextmanager
async def _served(url: str, host: PluginHost) -> AsyncIterator[httpx.AsyncClient]:
    settings = read({"database": {"url": url}, "auth": {"hash_passes": 1, "hash_memory_kib": 64}}, {})
    application = app.create_app(app.create_core(settings, host), work=False)
    async with application.lifespan():
        transport = httpx.ASGITransport(cast("Any", application), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://maydan.test") as client:
            yield client


@pytest.fixture
async def half(database_url: str) -> AsyncIterator[Half]:
    """The space, with the plugin's role in one of its own, before the process without the plugin starts."""
    host = _shop()
    await _migrate(database_url, host)
    async with open_site(database_url, host=host) as site:
        await site.define(CASE)
        trader = {"inherits": ["shop.keeper"], "policies": [READ_COINS]}
        answer = await site.put(f"{SPACE}/roles/trader", trader, headers=site.admin)
        assert answer.is_success, answer.text
        async with _served(database_url, PluginHost.empty()) as without:
            yield Half(site=site, without=without)


async def test_a_space_with_a_plugin_that_is_not_loaded_can_be_changed(half: Half) -> None:
    """What it has stays in it, sent again or not; what is new must be there."""
    for body in ({"title": "Town"}, {"plugins": ["shop"]}):
        changed = await half.ask("PATCH", "", body)
        assert changed.status_code == 200, changed.text
        assert changed.json()["plugins"] == ["shop"]
    refused = await half.ask("PATCH", "", {"plugins": ["shop", "nothing"]})
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/plugins/1"]
    assert (await half.ask("PATCH", "", {"plugins": []})).json()["plugins"] == []
    gone = await half.ask("PATCH", "", {"plugins": ["shop"]})
    assert (gone.status_code, gone.json()["errors"][0]["code"]) == (422, "unknown_plugin")


async def test_a_role_that_names_what_an_unloaded_plugin_brought_can_be_written_as_it_is(half: Half) -> None:
    """What it contains and may do is judged where it is new; another role gets neither."""
    read = (await half.ask("GET", "/roles/trader")).json()
    as_read = {"inherits": read["inherits"], "policies": read["policies"]}
    assert as_read["inherits"] == ["shop.keeper"]
    written = await half.ask("PUT", "/roles/trader", as_read)
    assert written.status_code == 200, written.text
    assert (written.json()["inherits"], written.json()["policies"]) == (read["inherits"], read["policies"])
    refused = await half.without.put(f"{SPACE}/roles/other", json=as_read, headers=half.site.admin)
    assert refused.status_code == 422
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/inherits/0", "/policies/0/type"]


async def test_a_member_keeps_the_role_of_an_unloaded_plugin_beside_another(half: Half) -> None:
    """It is given to nobody else meanwhile."""
    await half.site.account("keeper@example.org", "shop.keeper")
    await half.site.account("member@example.org", "member")
    ids = {one["email"]: one["id"] for one in (await half.ask("GET", "/members")).json()["items"]}
    roles = {"roles": ["shop.keeper", "editor"]}
    kept = await half.ask("PUT", f"/members/{ids['keeper@example.org']}", roles)
    assert (kept.status_code, kept.json().get("roles")) == (200, ["editor", "shop.keeper"])
    refused = await half.ask("PUT", f"/members/{ids['member@example.org']}", roles)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/roles/0")


async def test_the_types_of_a_plugin_that_is_not_loaded_are_shut(half: Half) -> None:
    """Nobody would check what is written: to everybody they are what they are where the plugin is not active."""
    coin = await half.site.entry({"mark": "a"}, type="shop.coin")
    case = await half.site.entry({"label": "left", "coin": coin["id"]}, type="case")
    coins, cases = "/content/shop.coin", "/content/case"
    asked: list[tuple[int, str, str, Any]] = [
        (404, "GET", coins, None),
        (404, "GET", f"{coins}/{coin['id']}", None),
        (404, "POST", coins, {"mark": "b"}),
        (404, "PATCH", f"{coins}/{coin['id']}", {"mark": "b"}),
        (404, "PUT", f"{coins}/{coin['id']}", {"mark": "b"}),
        (404, "DELETE", f"{coins}/{coin['id']}", None),
        (404, "GET", f"{coins}/{coin['id']}/references", None),
        (404, "GET", "/types/shop.coin", None),
        (200, "GET", "/types", None),
        (200, "GET", f"{cases}?include=coin", None),
        (400, "GET", f"{cases}?filter[coin.mark][eq]=a", None),
        (422, "POST", cases, {"coin": coin["id"]}),
        (200, "GET", f"{cases}/{case['id']}", None),
        (200, "GET", "/changes", None),
        (200, "GET", "/openapi.json", None),
    ]
    unloaded = [await half.ask(method, path, body) for _, method, path, body in asked]
    assert [answer.status_code for answer in unloaded] == [status for status, *_ in asked]
    assert all("/shop.coin" not in answer.text for answer in unloaded[-2:])
    changed = await half.ask("PATCH", f"{cases}/{case['id']}", {"label": "right"})
    assert (changed.status_code, changed.json()["coin"]) == (200, coin["id"])
    assert (await half.site.get(f"{SPACE}{coins}/{coin['id']}")).json()["mark"] == "a"

    inactive = await half.ask("PATCH", "", {"plugins": []}, of=half.site.client)
    assert inactive.status_code == 200, inactive.text
    for (_, method, path, body), answer in zip(asked[:-3], unloaded, strict=False):
        alike = await half.ask(method, path, body, of=half.site.client)
        assert _facts(answer) == _facts(alike), (method, path)


async def test_a_type_that_a_plugin_does_not_bring_any_more_is_shut(database_url: str) -> None:
    """Nothing of the plugin's new release knows of it; its others are served."""
    older, newer = _shop({**COIN, "name": "shop.box"}), _shop()
    await _migrate(database_url, older)
    async with open_site(database_url, host=older) as site:
        await site.entry({"mark": "a"}, type="shop.box")
        await _migrate(database_url, newer)
        async with _served(database_url, newer) as client:
            got = [
                await client.get(f"{SPACE}/content/{name}", headers=site.admin) for name in ("shop.box", "shop.coin")
            ]
            assert [answer.status_code for answer in got] == [404, 200]


async def test_a_plan_waits_for_a_plugin_that_is_not_loaded(half: Half, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that failed at a start costs nobody what was planned."""
    site = half.site
    path = f"{SPACE}/content/shop.coin/{(await site.entry({'mark': 'a'}, type='shop.coin', publish=False))['id']}"
    at = (site.clock.now() + timedelta(hours=1)).isoformat()
    assert (await site.post(f"{path}/publish", {"at": at}, headers=site.admin)).status_code == 200
    site.clock.forward(hours=2)
    with monkeypatch.context() as unloaded:
        for holder, name in ((site.core.host, "brings"), (site.core.registry, "_brings")):
            unloaded.setattr(holder, name, lambda _name: False)
        await run_due(site.core)
    site.clock.forward(hours=1)
    await run_due(site.core)
    site.admin = await site.log_in("admin@example.org")
    assert (await site.get(path, headers=site.admin)).json()["status"] == "published"


def _facts(answer: httpx.Response) -> Any:
    own = dict.fromkeys(("request_id", "version", "updated_at", "label"), "")
    body = answer.json()
    items = [{**each, **own} for each in body.get("items", ())]
    return answer.status_code, {**body, **own, "items": items}
