"""A plugin's content types through an upgrade: what a change of a type does over HTTP, ``maydan migrate`` does too."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from site_support import Site, open_site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.app import needed_migrations
from maydan.content.types import ContentType
from maydan.errors import LossyChange, UniqueViolation
from maydan.hookspecs import hookimpl
from maydan.operations import spaces
from maydan.operations.core import as_system
from maydan.plugins.discovery import FoundPlugin
from maydan.plugins.host import PluginHost
from maydan.plugins.manifest import check_manifest
from maydan.plugins.settings import PluginSettings
from maydan.storage import DatabaseSettings, Store, open_store
from maydan.storage.migrations import apply

pytestmark = pytest.mark.anyio
COINS = "/api/spaces/demo/content/shop.coin"


def _release(*fields: dict[str, Any], others: Sequence[dict[str, Any]] = ()) -> PluginHost:
    """The plugin ``shop``, whose main type has these fields."""
    brought = msgspec.convert([{"name": "shop.coin", "fields": fields}, *others], list[ContentType])
    names = [each.name for each in brought]
    manifest = {"name": "shop", "version": "1.0", "hook_api": ">=1,<2", "content_types": names}
    plugin = SimpleNamespace(register_content_types=hookimpl(lambda: brought))
    found = FoundPlugin(name="shop", manifest=check_manifest(manifest), source="maydan-shop", load=lambda: plugin)
    return PluginHost.load(PluginSettings(enabled=("shop",)), found=[found])


async def _migrate(store: Store, host: PluginHost, *, allow_drop: bool = False) -> None:
    await apply(store, needed_migrations(store, host, allow_drop=allow_drop))


async def _mark(site: Site, coin: dict[str, Any], mark: str) -> None:
    answer = await site.patch(f"{COINS}/{coin['id']}", {"mark": mark}, headers=site.admin)
    assert answer.status_code == 200, answer.text


async def test_an_upgrade_claims_what_becomes_unique_and_asks_before_values_are_lost(database_url: str) -> None:
    """Duplicates are named and stop the migration with nothing done; so does a loss, until it is allowed."""
    mark: dict[str, Any] = {"name": "mark", "kind": "string"}
    first = _release(mark)
    store = open_store(DatabaseSettings(url=database_url))
    await store.open()
    await _migrate(store, first)
    await store.close()
    async with open_site(database_url, host=first) as site:
        one, two = [await site.entry({"mark": "a"}, type="shop.coin", publish=False) for _ in range(2)]
        unique = _release({**mark, "unique": True, "indexed": True})
        with pytest.raises(UniqueViolation, match=r"shop\.coin in the space demo: .* mark") as refused:
            await _migrate(site.core.store, unique)
        assert {one["id"], two["id"]} == {each for each in (one["id"], two["id"]) if each in str(refused.value)}
        await _mark(site, two, "b")
        await _migrate(site.core.store, unique)
        await site.core.revisions.settled()
        taken = await site.post(COINS, {"mark": "b"}, headers=site.admin)
        assert taken.status_code == 409, taken.text

        shorter = _release({**mark, "unique": True, "pattern": "^a$"})
        with pytest.raises(LossyChange, match=rf"shop\.coin in the space demo .*'mark' .*{two['id']}.*--allow-drop"):
            await _migrate(site.core.store, shorter)

        localized = _release({**mark, "localized": True})
        with pytest.raises(LossyChange, match=r"shop\.coin in the space demo would lose data: .*--allow-drop"):
            await _migrate(site.core.store, localized)
        assert (await site.get(f"{COINS}/{two['id']}?perspective=draft", headers=site.admin)).json()["mark"] == "b"
        await _migrate(site.core.store, localized, allow_drop=True)
        await site.core.revisions.settled()
        assert (await site.post(COINS, {"mark": "b"}, headers=site.admin)).status_code == 201


async def test_what_an_upgrade_does_to_a_type_is_told_like_any_other_change(sqlite_url: str) -> None:
    """To who manages types, in the spaces where the plugin is active; what stays as it was is not told of."""
    mark: dict[str, Any] = {"name": "mark", "kind": "string"}
    other = {"name": "shop.note", "fields": [mark]}
    store = open_store(DatabaseSettings(url=sqlite_url))
    await store.open()
    await _migrate(store, _release(mark))
    await store.close()
    async with open_site(sqlite_url, host=_release(mark)) as site:
        space = spaces.SpaceInput(name="without", locales=("en",))
        await spaces.create_space(site.core, as_system("test"), space)
        for fields in ([mark, {"name": "weight", "kind": "integer"}], [mark]):
            await _migrate(site.core.store, _release(*fields, others=[other]), allow_drop=True)
        await site.core.revisions.settled()
        feed = "/api/spaces/demo/changes?since=0&events=type.created,type.updated,type.deleted"
        told = (await site.get(feed, headers=site.admin)).json()["items"]
        seen = [(each["type"], each["data"]["id"], each["data"]["version"]) for each in told]
        assert seen == [
            ("type.updated", "shop.coin", 2),
            ("type.created", "shop.note", 1),
            ("type.updated", "shop.coin", 3),
        ]
        assert (await site.get(feed)).json()["items"] == []
        elsewhere = await site.get(feed.replace("demo", "without"), headers=site.admin)
        assert elsewhere.json()["items"] == []
