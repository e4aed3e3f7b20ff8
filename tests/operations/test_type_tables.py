"""A type that gets or loses its drafts: readers keep nothing of what it was before, by whichever way it changes."""

from __future__ import annotations

import asyncio
from itertools import count
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from site_support import Site, open_site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.app import needed_migrations
from maydan.content.schema_document import Schema
from maydan.content.types import ContentType
from maydan.errors import LossyChange
from maydan.hookspecs import hookimpl
from maydan.operations import schema
from maydan.operations.core import as_system
from maydan.plugins.discovery import FoundPlugin
from maydan.plugins.host import PluginHost
from maydan.plugins.manifest import check_manifest
from maydan.plugins.settings import PluginSettings
from maydan.storage import DatabaseSettings, documents, open_store
from maydan.storage.migrations import apply
from maydan.storage.revisions import bump
from maydan.storage.schema.m0008_content import MIGRATION

pytestmark = pytest.mark.anyio
TYPE = "/api/spaces/demo/types/message"
LIST = "/api/spaces/demo/content/message"
FIELDS: list[dict[str, Any]] = [
    {"name": "text", "kind": "string", "localized": True},
    {"name": "code", "kind": "string", "unique": True},
    {"name": "about", "kind": "relation", "to": ["person"], "on_delete": "restrict"},
]


async def _messages(site: Site, *, drafts: bool) -> None:
    await site.define({"name": "message", "drafts": drafts, "fields": FIELDS})
    grant = [{"effect": "allow", "type": "message", "actions": ["read"], "fields": ["*"]}]
    answer = await site.put("/api/spaces/demo/roles/reader", {"policies": grant}, headers=site.admin)
    assert answer.is_success, answer.text


async def _message(site: Site, *, publish: bool = False, **body: Any) -> str:
    return (await site.entry({"text": "a note", **body}, type="message", publish=publish))["id"]


async def _switch(site: Site, *, drafts: bool, allow_drop: bool = True) -> None:
    query = "?allow_drop=true" if allow_drop else ""
    answer = await site.patch(f"{TYPE}{query}", {"drafts": drafts}, headers=site.admin)
    assert answer.status_code == 200, answer.text


async def _texts(site: Site, query: str, **headers: str) -> list[str]:
    answer = await site.get(f"{LIST}?count=exact{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    assert answer.json()["total"] == len(items)
    return sorted(one["text"] for one in items)


async def _require_unread(site: Site, entry: str, reader: dict[str, str]) -> None:
    """Neither somebody without an account nor who may read what is published gets it, in any locale or way."""
    for headers in ({}, reader):
        for locale in ("en", "ar", "ku", "*"):
            assert (await site.get(f"{LIST}/{entry}?locale={locale}", headers=headers)).status_code == 404
            assert await _texts(site, f"&locale={locale}", **headers) == []


async def test_entries_become_unpublished_drafts_where_a_type_gets_drafts(site: Site) -> None:
    """Refused unless it is meant, with the entries; what only some could read does not become public by it."""
    await _messages(site, drafts=False)
    reader = await site.account("reader@example.org", "reader")
    note, gone = await _message(site), await _message(site)
    await site.delete(f"{LIST}/{gone}", headers=site.admin)
    assert (await site.get(f"{LIST}/{note}", headers=reader)).status_code == 200
    assert (await site.get(f"{LIST}/{note}")).status_code == 404

    refused = await site.patch(TYPE, {"drafts": True}, headers=site.admin)
    assert (refused.status_code, refused.json()["code"]) == (409, "lossy_change"), refused.text
    (error,) = refused.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/drafts", "unpublished")
    assert (note in error["message"], gone in error["message"]) == (True, False)
    assert (await site.get(f"{LIST}/{note}", headers=reader)).status_code == 200

    await _switch(site, drafts=True)
    shown = (await site.get(f"{LIST}/{note}?perspective=draft", headers=site.admin)).json()
    assert (shown["status"], shown["published_at"], shown["text"]) == ("draft", None, "a note")
    await _require_unread(site, note, reader)


@pytest.mark.parametrize("locales", [None, ["en"], ["ku"]])
async def test_what_is_taken_from_readers_after_a_type_got_drafts_is_gone(
    site: Site, locales: list[str] | None
) -> None:
    """Published again it shows the newest version, in those locales alone; unpublished, deleted or purged nothing."""
    await _messages(site, drafts=False)
    reader = await site.account("reader@example.org", "reader")
    note = await _message(site, text={"en": "old", "ku": "old"})
    await _switch(site, drafts=True)
    await site.patch(f"{LIST}/{note}", {"text": {"en": "new", "ku": "new"}}, headers=site.admin)
    published = await site.post(f"{LIST}/{note}/publish", {"locales": locales} if locales else None, headers=site.admin)
    assert published.status_code == 200, published.text
    told = [(await site.get(f"{LIST}/{note}?locale={locale}")).json().get("text") for locale in ("en", "ar", "ku")]
    assert told == ([None, None, "new"] if locales == ["ku"] else ["new", "new", "new"])
    for verb in ("unpublish", "publish"):
        assert (await site.post(f"{LIST}/{note}/{verb}", headers=site.admin)).status_code == 200
        if verb == "unpublish":
            await _require_unread(site, note, reader)
    for query in ("", "?purge=1"):
        assert (await site.delete(f"{LIST}/{note}{query}", headers=site.admin)).status_code == 204
        await _require_unread(site, note, reader)
    assert await _texts(site, "&perspective=draft", **site.admin) == []


async def test_nothing_is_left_of_a_publication_where_a_type_loses_its_drafts(site: Site) -> None:
    """Neither for readers when it gets drafts again, nor of what it claimed, linked to, or was planned."""
    await _messages(site, drafts=True)
    reader = await site.account("reader@example.org", "reader")
    ann, ben = [(await site.entry({"name": name}, type="person", publish=False))["id"] for name in ("Ann", "Ben")]
    note = await _message(site, publish=True, code="1", about=ann, slug="one")
    gone = await _message(site, publish=True, text="gone", code="2")
    await site.patch(f"{LIST}/{note}", {"text": "new", "code": "3", "about": ben, "slug": "two"}, headers=site.admin)
    plan = await site.post(f"{LIST}/{note}/publish", {"at": "2090-01-01T00:00:00Z"}, headers=site.admin)
    assert plan.status_code == 200, plan.text

    await _switch(site, drafts=False)
    assert (await site.get(f"{LIST}/{note}", headers=reader)).json()["text"] == "new"
    assert await _texts(site, "", **reader) == ["gone", "new"]
    assert await _texts(site, "&perspective=draft", **site.admin) == ["gone", "new"]
    assert (await site.delete(f"/api/spaces/demo/content/person/{ann}", headers=site.admin)).status_code == 204
    assert (await site.delete(f"/api/spaces/demo/content/person/{ben}", headers=site.admin)).status_code == 409
    assert (await site.post(LIST, {"text": "other", "code": "1"}, headers=site.admin)).status_code == 201
    assert (await site.post(LIST, {"text": "other", "code": "3"}, headers=site.admin)).status_code == 409
    assert await site.core.store.fetch_all("SELECT 1 FROM maydan_jobs WHERE kind = 'publish'") == []
    await site.delete(f"{LIST}/{gone}?purge=1", headers=site.admin)

    await _switch(site, drafts=True)
    assert (await site.get(f"{LIST}/{gone}?perspective=draft", headers=site.admin)).status_code == 404
    assert await _texts(site, "&perspective=draft", **site.admin) == ["new", "other"]
    await _require_unread(site, note, reader)
    assert (await site.post(f"{LIST}/{note}/publish", headers=site.admin)).status_code == 200
    assert await _texts(site, "", **reader) == ["new"]


async def test_a_type_without_entries_gets_and_loses_drafts_as_it_likes(site: Site) -> None:
    """Nothing would be lost; what lies in the trash is read by nobody."""
    await _messages(site, drafts=False)
    note = await _message(site)
    await site.delete(f"{LIST}/{note}", headers=site.admin)
    for drafts in (True, False):
        await _switch(site, drafts=drafts, allow_drop=False)
    assert (await site.post(f"{LIST}/{note}/restore", headers=site.admin)).status_code == 200


async def test_a_schema_gives_drafts_as_a_change_does(site: Site) -> None:
    """The plan says what readers would lose; nothing is done, unless it is meant."""
    await _messages(site, drafts=False)
    reader = await site.account("reader@example.org", "reader")
    note = await _message(site)
    document = msgspec.to_builtins(await schema.dump(site.core.store))
    next(one for one in document["spaces"][0]["types"] if one["name"] == "message")["drafts"] = True
    wanted = msgspec.convert(document, Schema)
    (loss,) = (await schema.plan(site.core, wanted)).losses
    assert note in loss
    with pytest.raises(LossyChange, match=note):
        await schema.apply(site.core, as_system("test"), wanted)
    await schema.apply(site.core, as_system("test"), wanted, allow_drop=True)
    await _require_unread(site, note, reader)


def _release(*, drafts: bool) -> PluginHost:
    """The plugin ``shop``, whose type has drafts or has none."""
    field = {"name": "mark", "kind": "string"}
    brought = msgspec.convert([{"name": "shop.coin", "drafts": drafts, "fields": [field]}], list[ContentType])
    manifest = {"name": "shop", "version": "1.0", "hook_api": ">=1,<2", "content_types": ["shop.coin"]}
    plugin = SimpleNamespace(register_content_types=hookimpl(lambda: brought))
    found = FoundPlugin(name="shop", manifest=check_manifest(manifest), source="maydan-shop", load=lambda: plugin)
    return PluginHost.load(PluginSettings(enabled=("shop",)), found=[found])


async def test_a_plugin_gives_its_type_drafts_as_anybody_does(database_url: str) -> None:
    """Its upgrade stops with the entries, until it is allowed; they are drafts then."""
    first, second = _release(drafts=False), _release(drafts=True)
    store = open_store(DatabaseSettings(url=database_url))
    await store.open()
    await apply(store, needed_migrations(store, first))
    await store.close()
    async with open_site(database_url, host=first) as site:
        coin = await site.entry({"mark": "a"}, type="shop.coin", publish=False)
        path = f"/api/spaces/demo/content/shop.coin/{coin['id']}"
        with pytest.raises(LossyChange, match=rf"shop\.coin in the space demo .*{coin['id']}.*--allow-drop"):
            await apply(site.core.store, needed_migrations(site.core.store, second))
        assert (await site.get(path, headers=site.admin)).status_code == 200
        await apply(site.core.store, needed_migrations(site.core.store, second, allow_drop=True))
        await site.core.revisions.settled()
        assert (await site.get(path)).status_code == 404
        assert (await site.get(f"{path}?perspective=draft", headers=site.admin)).json()["status"] == "draft"


async def _relabel(site: Site, *, drafts: bool) -> None:
    """Say that the type has drafts, or has none, and leave everything else as it is, as releases before did."""
    async with site.core.store.write_transaction() as transaction:
        rows = await transaction.fetch_all("SELECT key, definition FROM maydan_types WHERE name = 'message'")
        definition = msgspec.json.encode({**msgspec.json.decode(rows[0][1]), "drafts": drafts}).decode()
        sql = "UPDATE maydan_types SET definition = ?, version = version + 1 WHERE key = ?"
        await transaction.execute(sql, definition, rows[0][0])
        await transaction.apply([bump("types")])
    await site.core.revisions.settled()


async def _mend(site: Site) -> None:
    """Run the migration, twice, as after it was interrupted."""
    (step,) = [one for one in MIGRATION.steps if one.only == site.core.store.dialect.name]
    assert step.run is not None
    for _ in range(2):
        async with site.core.store.write_transaction() as transaction:
            await step.run(transaction)


async def test_what_a_change_of_before_left_to_readers_is_dropped(site: Site) -> None:
    """Documents of entries that are drafts, published elsewhere, deleted or purged; what is published stays."""
    await _messages(site, drafts=False)
    reader = await site.account("reader@example.org", "reader")
    draft, gone, ku, shown = [await _message(site, text={"en": name, "ku": name}) for name in ("a", "b", "ku", "d")]
    await _relabel(site, drafts=True)
    for entry, body in ((shown, None), (ku, {"locales": ["ku"]})):
        assert (await site.post(f"{LIST}/{entry}/publish", body, headers=site.admin)).status_code == 200
    for query in ("", "?purge=1"):
        assert (await site.delete(f"{LIST}/{gone}{query}", headers=site.admin)).status_code == 204
    assert await _texts(site, "", **reader) == ["a", "b", "d", "ku"]
    await _mend(site)
    assert await _texts(site, "", **reader) == ["d"]
    assert await _texts(site, "&locale=ku", **reader) == ["d", "ku"]
    assert (await site.get(f"{LIST}/{draft}", headers=reader)).status_code == 404
    for entry in (shown, ku):
        assert (await site.post(f"{LIST}/{entry}/unpublish", headers=site.admin)).status_code == 200
    await _require_unread(site, shown, reader)


async def test_what_a_change_of_before_left_of_publications_is_dropped(site: Site) -> None:
    """In a type without drafts they claim nothing, link to nothing, and are not kept."""
    await _messages(site, drafts=True)
    ann = (await site.entry({"name": "Ann"}, type="person", publish=False))["id"]
    note = await _message(site, publish=True, code="1", about=ann)
    await site.patch(f"{LIST}/{note}", {"text": "new", "code": "2", "about": None}, headers=site.admin)
    await _relabel(site, drafts=False)
    assert (await site.post(LIST, {"text": "b", "code": "1"}, headers=site.admin)).status_code == 409
    await _mend(site)
    assert (await site.post(LIST, {"text": "b", "code": "1"}, headers=site.admin)).status_code == 201
    assert (await site.post(LIST, {"text": "c", "code": "2"}, headers=site.admin)).status_code == 409
    assert (await site.delete(f"/api/spaces/demo/content/person/{ann}", headers=site.admin)).status_code == 204
    assert await site.core.store.fetch_all("SELECT id FROM maydan_entries WHERE published IS NOT NULL") == []


async def test_a_type_gets_and_loses_drafts_while_others_write(site: Site) -> None:
    """No request fails for it, and in the end each entry has the documents that it should have, and no others."""
    await _messages(site, drafts=True)
    stopped = asyncio.Event()

    async def write(number: int) -> None:
        for turn in count():
            if stopped.is_set():
                return
            note = await _message(site, code=f"{number}-{turn}")
            verbs = [("PATCH", "", {"code": f"{number}-{turn}+"}), ("POST", "/publish", None), ("DELETE", "", None)]
            for method, verb, body in verbs[: 1 + turn % 3]:
                headers = {**site.admin, "if-match": "*"}
                answer = await site.client.request(method, f"{LIST}/{note}{verb}", json=body, headers=headers)
                # Publishing in a type without drafts is refused; nothing else is.
                assert answer.is_success or (verb, answer.status_code) == ("/publish", 409), answer.text

    writers = [asyncio.create_task(write(number)) for number in range(4)]
    for drafts in (False, True) * 4:
        await asyncio.sleep(0.1)
        await _switch(site, drafts=drafts)
    stopped.set()
    await asyncio.gather(*writers)

    ((key,),) = await site.core.store.fetch_all("SELECT key FROM maydan_types WHERE name = 'message'")
    for perspective, expected in (
        (documents.PUBLISHED, "published IS NOT NULL AND trashed_at IS NULL"),
        (documents.DRAFT, "trashed_at IS NULL"),
        (documents.TRASH, "trashed_at IS NOT NULL"),
    ):
        sql = f"SELECT entry_id FROM {documents.table_name(key)} WHERE perspective = ? AND locale = 'en'"
        found = await site.core.store.fetch_all(sql, perspective)
        entries = await site.core.store.fetch_all(
            f"SELECT id FROM maydan_entries WHERE type_key = ? AND {expected}", key
        )
        assert sorted(found) == sorted(entries)
