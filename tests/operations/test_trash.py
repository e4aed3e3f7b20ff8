"""The trash is emptied after a time, by itself."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.content.settings import ContentSettings
from maydan.operations.core import as_system
from maydan.operations.entries import deleting
from maydan.operations.entries.loading import find_any
from maydan.operations.imports import SpaceTarget
from maydan.operations.scopes import Scope
from maydan.operations.trash import empty_trash
from maydan.storage.entries import EntryRow

pytestmark = pytest.mark.anyio
LIST = "/api/spaces/demo/content/article"


async def deleted(site: Site, title: str) -> str:
    """Make an entry and delete it; returns its path."""
    entry = await site.entry({"title": title})
    assert (await site.delete(f"{LIST}/{entry['id']}", headers=site.admin)).status_code == 204
    return f"{LIST}/{entry['id']}"


async def test_what_was_deleted_long_ago_is_removed_for_good(site: Site) -> None:
    """With its versions; what was deleted lately, and what was never deleted, stays."""
    old = await deleted(site, "Old")
    live = await site.entry({"title": "Live"})
    site.clock.forward(days=20)
    site.admin = await site.log_in("admin@example.org")
    late = await deleted(site, "Late")
    site.clock.forward(days=11)
    assert await empty_trash(site.core) == 1
    assert await empty_trash(site.core) == 0
    left = await site.core.store.fetch_all("SELECT DISTINCT entry_id FROM maydan_versions")
    assert {str(row[0]) for row in left} == {late.rpartition("/")[2], live["id"]}
    admin = await site.log_in("admin@example.org")
    assert (await site.post(f"{old}/restore", headers=admin)).status_code == 404
    assert (await site.post(f"{late}/restore", headers=admin)).status_code == 200
    events = await site.core.store.fetch_all(
        "SELECT actor_id, data FROM maydan_log WHERE type = 'entry.deleted' ORDER BY position"
    )
    assert events[-1][0] is None
    assert '"purged"' in events[-1][1]


async def test_coming_back_begins_the_time_anew(site: Site) -> None:
    """What was brought back and deleted again stays for the whole time."""
    path = await deleted(site, "One")
    site.clock.forward(days=29)
    admin = await site.log_in("admin@example.org")
    await site.post(f"{path}/restore", headers=admin)
    await site.delete(path, headers=admin)
    site.clock.forward(days=29)
    assert await empty_trash(site.core) == 0


async def test_what_comes_back_at_the_last_moment_stays(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found in the trash, and not there any more when it is to be removed."""
    path = await deleted(site, "One")
    site.clock.forward(days=31)
    admin = await site.log_in("admin@example.org")

    async def late(scope: Scope, entry_id: str) -> EntryRow | None:
        monkeypatch.setattr(deleting, "find_any", find_any)
        assert (await site.post(f"{path}/restore", headers=admin)).status_code == 200
        return await find_any(scope, entry_id)

    monkeypatch.setattr(deleting, "find_any", late)
    assert await empty_trash(site.core) == 0
    assert (await site.get(f"{path}?perspective=draft", headers=admin)).status_code == 200


async def test_what_lacks_something_does_not_come_back_before_readers(site: Site) -> None:
    """Where a type has no drafts what comes back is readable at once, so it needs what a new entry needs."""
    text = {"name": "text", "kind": "string"}
    await site.define({"name": "memo", "drafts": False, "fields": [text]})
    memo = await site.entry({"text": "Hello"}, type="memo", publish=False)
    path, definition = f"/api/spaces/demo/content/memo/{memo['id']}", "/api/spaces/demo/types/memo"
    assert (await site.delete(path, headers=site.admin)).status_code == 204
    due = {"name": "due", "kind": "string", "required": True}
    assert (await site.patch(definition, {"fields": [text, due]}, headers=site.admin)).status_code == 200
    refused = await site.post(f"{path}/restore", headers=site.admin)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/due")
    assert (await site.get(path, headers=site.admin)).status_code == 404
    due["required"] = False
    assert (await site.patch(definition, {"fields": [text, due]}, headers=site.admin)).status_code == 200
    assert (await site.post(f"{path}/restore", headers=site.admin)).status_code == 200
    assert (await site.get(path, headers=site.admin)).status_code == 200


async def test_several_workers_empty_it_once(site: Site) -> None:
    """Each entry is removed by one of them, and none of them fails."""
    for number in range(5):
        await deleted(site, f"Number {number}")
    site.clock.forward(days=31)
    removed = await asyncio.gather(*(empty_trash(site.core) for _ in range(3)))
    assert sum(removed) == 5


async def test_no_days_keep_the_trash_for_ever(site: Site) -> None:
    """``trash_days = 0``."""
    await deleted(site, "One")
    site.clock.forward(days=4000)
    kept = ContentSettings(trash_days=0)
    site.core.settings = msgspec.structs.replace(site.core.settings, content=kept)
    assert await empty_trash(site.core) == 0


async def test_the_trash_is_listed_with_every_locale_and_a_purge_forgets_the_import(site: Site) -> None:
    """``locale=*`` shows what the draft said; an importer brings a purged entry back as a new one."""
    target = SpaceTarget(site.core, as_system("test"), site.space, "test", dry_run=False, progress=lambda *_: None)
    assert await target.put("article", "a", {"title": {"en": "A", "ar": "ا"}}) == "created"
    entry_id = await target.find("a")
    gone = await site.entry({"title": "B"})
    for each in (entry_id, gone["id"]):
        assert (await site.delete(f"{LIST}/{each}", headers=site.admin)).status_code == 204
    listed = await site.get(f"{LIST}?status=trashed&locale=*&sort=created_at", headers=site.admin)
    assert listed.status_code == 200, listed.text
    assert [(one["status"], one["title"]) for one in listed.json()["items"]] == [
        ("trashed", {"en": "A", "ar": "ا"}),
        ("trashed", {"en": "B"}),
    ]
    assert (await site.delete(f"{LIST}/{entry_id}?purge=1", headers=site.admin)).status_code == 204
    again = SpaceTarget(site.core, as_system("test"), site.space, "test", dry_run=False, progress=lambda *_: None)
    assert await again.put("article", "a", {"title": "A"}) == "created"
