"""The audit: who did what, once, in chains in which every change shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from site_support import ARTICLE, Site, open_articles, open_site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.events.audit import FIRST, AuditRow, check_row, digest_of, sealed
from maydan.operations.audit import AuditTrail
from maydan.operations.core import as_system
from maydan.operations.entries.creating import create
from maydan.operations.scopes import scope_of
from maydan.storage import Statement
from maydan.storage.log import last_position, read_after

pytestmark = pytest.mark.anyio

AUDIT = "/api/spaces/demo/audit"


@pytest.fixture
async def site(database_url: str) -> AsyncIterator[Site]:
    """A site on each engine in turn."""
    async with open_articles(database_url) as opened:
        yield opened


@pytest.fixture
async def small_site(sqlite_url: str) -> AsyncIterator[Site]:
    """A site, where the engine makes no difference."""
    async with open_site(sqlite_url) as opened:
        await opened.define(ARTICLE)
        yield opened


async def settle(site: Site) -> None:
    """Write the audit of everything that has happened."""
    trail, position = AuditTrail(site.core), 0
    goal = await last_position(site.core.store)
    while position < goal:
        events = await read_after(site.core.store, position, 7)
        await trail.handle_all(events)
        position = events[-1].position


async def items(site: Site, path: str = AUDIT, **query: Any) -> list[dict[str, Any]]:
    """Return the newest rows."""
    answer = await site.get(path, params={"limit": 100, **query}, headers=site.admin)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_the_audit_says_who_did_what_and_where_it_changed(site: Site) -> None:
    """Content with the places that were changed, without values; roles, members, types, accounts; each event once."""
    await site.account("editor@example.org", "editor")
    entry = await site.entry({"title": "One", "note": "hush", "key": "s3cret"}, publish=False)
    path = f"/api/spaces/demo/content/article/{entry['id']}"
    answer = await site.patch(path, {"title": "Two", "note": "hushed", "key": "other"}, headers=site.admin)
    assert answer.status_code == 200, answer.text
    await settle(site)
    await asyncio.gather(settle(site), settle(site))
    newest, created, *rest = await items(site, subject=entry["id"])
    me = (await site.get("/api/me", headers=site.admin)).json()["id"]
    assert not rest
    assert (newest["type"], newest["actor"], newest["version"]) == ("entry.updated", me, 2)
    assert newest["request_id"] == answer.headers["x-request-id"]
    assert {change["path"]: change["op"] for change in newest["changes"]} == {
        "/title/en": "replace", "/note": "replace", "/key": "replace"
    }  # fmt: skip
    assert created["changes"][0]["op"] == "add"
    assert "hush" not in str([newest, created])
    everything = await items(site)
    assert {"type.created", "member.changed"} <= {row["type"] for row in everything}
    assert {"account.created", "space.created"} <= {row["type"] for row in await items(site, "/api/audit")}
    events = [event for event in await read_after(site.core.store, 0, 1000) if event.space_key == site.space.key]
    assert len(everything) == len(events) - 1  # that the space was made is in the instance's chain
    one = await site.get(f"{AUDIT}/{newest['id']}", headers=site.admin)
    assert one.json() == newest
    since = {"actor": me, "type": "entry.updated", "since": newest["time"]}
    assert await items(site, **since) == [newest]
    assert await items(site, since="2100-01-01T00:00:00Z") == []


async def test_the_audit_says_why_the_system_acted_past_the_policies(small_site: Site) -> None:
    """The reason stands in the audit, and in no event that others are told of."""
    site = small_site
    scope = await scope_of(site.core, as_system("a nightly count"), site.space, "article")
    entry = await create(scope, {"title": "Counted"})
    await settle(site)
    (row,) = await items(site, subject=entry.id)
    assert (row["actor"], row["request_id"], row["data"]) == (None, None, {"reason": "a nightly count"})
    assert "nightly" not in (await site.get("/api/spaces/demo/changes", headers=site.admin)).text


async def test_readers_of_the_audit_see_names_of_fields_that_they_may_read(small_site: Site) -> None:
    """``read:audit`` shows who and what; private fields stay with those who may read them; nobody else sees any."""
    site = small_site
    manager = await site.account("manager@example.org", "manager")
    editor = await site.account("editor@example.org", "editor")
    await site.entry({"title": "One", "note": "hush"}, publish=False)
    await settle(site)
    mine = (await site.get(AUDIT, params={"type": "entry.created"}, headers=manager)).json()["items"][0]
    assert "/title" in {change["path"] for change in mine["changes"]}
    assert "/note" not in {change["path"] for change in mine["changes"]}
    assert (await site.get(AUDIT, headers=editor)).status_code == 403
    assert (await site.get(AUDIT)).status_code == 401
    assert (await site.get("/api/audit", headers=manager)).status_code == 403
    for method in ("PUT", "DELETE", "PATCH", "POST"):
        answer = await site.client.request(method, f"{AUDIT}/{mine['id']}", headers=site.admin)
        assert answer.status_code == 405
    for missing in ("x", "0", "9" * 30, "-1"):
        assert (await site.get(f"{AUDIT}/{missing}", headers=site.admin)).status_code == 404
    assert (await site.get(f"/api/audit/{mine['id']}", headers=site.admin)).status_code == 404
    assert (await site.get(AUDIT, params={"since": "yesterday"}, headers=site.admin)).status_code == 400


async def test_slugs_and_tags_are_named_to_those_alone_who_may_read_them(small_site: Site) -> None:
    """That a slug was changed is as hidden as the slug."""
    site = small_site
    watching = [
        {"effect": "allow", "type": "*", "actions": ["read:audit"]},
        {"effect": "allow", "type": "article", "actions": ["read_draft"], "fields": ["category"]},
    ]
    answer = await site.put("/api/spaces/demo/roles/watcher", {"policies": watching}, headers=site.admin)
    assert answer.status_code == 201, answer.text
    watcher = await site.account("watcher@example.org", "watcher")
    await site.entry({"title": "One", "category": "news", "slug": "one", "tags": ["a"]}, publish=False)
    await settle(site)
    for headers, named in ((site.admin, {"/title", "/category", "/slug", "/tags"}), (watcher, {"/category"})):
        (row,) = (await site.get(AUDIT, params={"type": "entry.created"}, headers=headers)).json()["items"]
        assert {change["path"] for change in row["changes"]} == named


_REST = "0, 'x', 'x', 'x', '2026-01-01', 'x', 'x', 'x'"
_INTO = "maydan_audit (chain, seq, position, version, type, subject_type, subject_id, at, digest, previous, hash)"
REPLACING_ON_SQLITE = (
    f"INSERT OR REPLACE INTO {_INTO} SELECT chain, seq, 777777777, {_REST} FROM maydan_audit WHERE seq = 1",
    f"REPLACE INTO {_INTO} SELECT 7, 7, position, {_REST} FROM maydan_audit WHERE seq = 1",
    f"INSERT OR REPLACE INTO {_INTO.replace('(', '(rowid, ')} SELECT rowid, 7, 7, 777777777, {_REST} FROM maydan_audit",
    "UPDATE OR REPLACE maydan_audit SET details = NULL, actor_id = NULL, rowid = rowid + 1 WHERE rowid = 1",
    f"INSERT INTO {_INTO} SELECT 7, 7, position, {_REST} FROM maydan_audit WHERE seq = 1 ON CONFLICT DO NOTHING",
)
REPLACING_ON_POSTGRESQL = tuple(
    f"INSERT INTO {_INTO} SELECT chain, seq, position, 0, 'x', 'x', 'x', now(), 'x', 'x', 'x' FROM maydan_audit"
    f" WHERE seq = 1 ON CONFLICT {key} DO UPDATE SET type = 'x'"
    for key in ("(chain, seq)", "(position)")
)


async def test_the_database_refuses_to_change_a_row(site: Site) -> None:
    """Whoever tries; only what names people can be blanked, and the chain still holds then."""
    await site.entry({"title": "One"})
    await settle(site)
    store = site.core.store
    for sql in (
        "UPDATE maydan_audit SET type = 'entry.deleted' WHERE seq = 1",
        "UPDATE maydan_audit SET actor_id = 'somebody' WHERE seq = 1",
        "UPDATE maydan_audit SET details = NULL, actor_id = NULL, subject_id = '' WHERE seq = 1",
        "DELETE FROM maydan_audit WHERE seq = 1",
        "DELETE FROM maydan_audit",
        *(REPLACING_ON_SQLITE if store.dialect.is_sqlite else REPLACING_ON_POSTGRESQL),
    ):
        with pytest.raises(Exception, match="append-only"):
            await store.commit([Statement(sql)])
    await store.commit([Statement("UPDATE maydan_audit SET details = NULL, actor_id = NULL WHERE seq = 1")])
    assert (await site.get(f"{AUDIT}/verify", headers=site.admin)).json()["ok"] is True
    erased = (await items(site))[-1]
    assert erased["is_erased"] is True
    assert erased["actor"] is None


TAMPERING = {
    "UPDATE maydan_audit SET type = 'entry.deleted' WHERE chain = {chain} AND seq = 3": (3, "It was changed."),
    "UPDATE maydan_audit SET details = '{{}}' WHERE chain = {chain} AND seq = 3": (3, "Its details were changed."),
    "UPDATE maydan_audit SET actor_id = 'x' WHERE chain = {chain} AND seq = 3": (3, "Its actor was changed."),
    "DELETE FROM maydan_audit WHERE chain = {chain} AND seq = 3": (3, "A row is missing."),
    "DELETE FROM maydan_audit WHERE chain = {chain} AND seq = 1": (1, "A row is missing."),
    "DELETE FROM maydan_audit WHERE chain = {chain} AND seq >= 5": (5, "A row is missing."),
    "UPDATE maydan_audit SET hash = 'x' WHERE chain = {chain} AND seq = 4": (4, "It was changed."),
    "UPDATE maydan_audit SET at = 'xyz' WHERE chain = {chain} AND seq = 3": (3, "It was changed."),
    "UPDATE maydan_audit SET at = '9999-12-31T23:59:59-01:00' WHERE chain = {chain} AND seq = 3": (
        3,
        "It was changed.",
    ),
    "UPDATE maydan_audit SET type = x'ff' WHERE chain = {chain} AND seq = 3": (3, "It was changed."),
    "UPDATE maydan_audit SET version = 'x', position = x'ff' WHERE chain = {chain} AND seq = 3": (3, "It was changed."),
    "UPDATE maydan_audit SET seq = 'x' WHERE chain = {chain} AND seq = 3": (3, "A row is missing."),
    "UPDATE maydan_audit SET details = 'xyz' WHERE chain = {chain} AND seq = 3": (3, "Its details were changed."),
    "UPDATE maydan_audit SET details = x'ff' WHERE chain = {chain} AND seq = 3": (3, "Its details were changed."),
    "UPDATE maydan_audit SET actor_id = x'ff' WHERE chain = {chain} AND seq = 3": (3, "Its actor was changed."),
    "UPDATE maydan_audit SET details = NULL, actor_id = 'x' WHERE chain = {chain} AND seq = 3": (
        3,
        "Its actor was changed.",
    ),
}


async def test_verify_finds_the_first_link_that_was_changed_by_hand(sqlite_url: str) -> None:
    """A change, a row that is taken out, the end cut off: past the triggers, as somebody with the file could."""
    async with open_site(sqlite_url) as site:
        await site.define(ARTICLE)
        for number in range(3):
            await site.entry({"title": f"Entry {number}"})
        await settle(site)
        store, chain = site.core.store, site.space.key
        whole = (await site.get(f"{AUDIT}/verify", headers=site.admin)).json()
        assert whole["ok"] is True
        assert whole["head"]["seq"] == whole["rows"] == len(await items(site))
        for trigger in ("maydan_audit_no_update", "maydan_audit_no_delete"):
            await store.commit([Statement(f"DROP TRIGGER {trigger}")])
        await store.commit([Statement("CREATE TABLE kept AS SELECT * FROM maydan_audit")])
        for sql, (seq, reason) in TAMPERING.items():
            await store.commit([Statement(sql.format(chain=chain))])
            found = (await site.get(f"{AUDIT}/verify", headers=site.admin)).json()
            assert found["ok"] is False, sql
            assert (found["broken"]["seq"], found["broken"]["reason"]) == (seq, reason), sql
            assert len(await items(site)) <= whole["rows"], "it can be looked at nevertheless"
            await store.commit([Statement("DELETE FROM maydan_audit")])
            await store.commit([Statement("INSERT INTO maydan_audit SELECT * FROM kept")])
        assert (await site.get(f"{AUDIT}/verify", headers=site.admin)).json() == whole


async def test_a_row_of_a_moment_that_nobody_can_read_was_changed(site: Site) -> None:
    """PostgreSQL can hold moments of which there is no ``datetime``, SQLite any text."""
    await site.entry({"title": "One"})
    await settle(site)
    store, rows = site.core.store, len(await items(site))
    sqlite = store.dialect.is_sqlite
    past = "DROP TRIGGER maydan_audit_no_update" if sqlite else "ALTER TABLE maydan_audit DISABLE TRIGGER USER"
    await store.commit([Statement(past)])
    for written in ("20000-01-01", "infinity", "0100-01-01 BC"):
        await store.commit([Statement(f"UPDATE maydan_audit SET at = '{written}' WHERE seq = 2")])
        found = (await site.get(f"{AUDIT}/verify", headers=site.admin)).json()
        assert (found["ok"], found["broken"]["seq"], found["broken"]["reason"]) == (False, 2, "It was changed.")
        assert len(await items(site)) == rows


@pytest.mark.parametrize("written", ["xyz", "[" * 100_000, '{"data": {}}', '{"actor_id": 7}', '{"actor_id": "x"}'])
def test_details_that_nobody_wrote_show_in_a_chain_that_was_made_anew(written: str) -> None:
    """Somebody who makes new digests and hashes too has to write details that can be read, of that actor."""
    row = AuditRow(
        chain=1, seq=1, position=1, type="x", subject_type="x", subject_id="x", version=1, actor_id=None,
        at=datetime.now(UTC), request_id=None, details=written, digest=digest_of(written), previous=FIRST,
    )  # fmt: skip
    assert check_row(sealed(row), seq=1, previous=FIRST) is not None


async def test_a_space_never_gets_the_history_of_one_that_is_gone(site: Site) -> None:
    """What has a space's key stays that space's for ever: its log, its audit."""
    given = {"name": "second", "title": "Second", "locales": ["en"], "default_locale": "en"}
    assert (await site.post("/api/spaces", given, headers=site.admin)).status_code == 201
    await site.put("/api/spaces/second/roles/clerk", {"policies": []}, headers=site.admin)
    await settle(site)
    answer = await site.delete("/api/spaces/second", headers={**site.admin, "if-match": "*"})
    assert answer.status_code == 204, answer.text
    assert (await site.post("/api/spaces", given, headers=site.admin)).status_code == 201
    await settle(site)
    changes = (await site.get("/api/spaces/second/changes", headers=site.admin)).json()["items"]
    assert [each["type"] for each in changes] == ["space.created"]
    assert await items(site, "/api/spaces/second/audit") == []
    assert [row["type"] for row in await items(site, "/api/audit", subject="second")] == [
        "space.created", "space.deleted", "space.created"
    ]  # fmt: skip
