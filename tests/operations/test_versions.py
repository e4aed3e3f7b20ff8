"""Versions as clients meet them: listed, read as they were, compared, restored."""

from __future__ import annotations

from typing import Any

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio
LIST = "/api/spaces/demo/content/article"
TYPE = "/api/spaces/demo/types/article"
ROLES = "/api/spaces/demo/roles"


async def change(site: Site, path: str, **fields: Any) -> dict[str, Any]:
    """Change an entry as the administrator."""
    answer = await site.patch(path, fields, headers=site.admin)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def allow(site: Site, role: str, *policies: dict[str, Any]) -> dict[str, str]:
    """Make a role with policies, and somebody who has it; returns the headers with which they call."""
    body = {"policies": [{"effect": "allow", "type": "article", **policy} for policy in policies]}
    answer = await site.put(f"{ROLES}/{role}", body, headers=site.admin)
    assert answer.is_success, answer.text
    return await site.account(f"{role}@example.org", role)


async def test_every_change_is_a_version_and_publishing_is_none(site: Site) -> None:
    """The list has who saved what when, the newest first, and pages like every list."""
    entry = await site.entry({"title": "One"})
    path = f"{LIST}/{entry['id']}"
    await change(site, path, rating=1)
    await change(site, path, rating=2)
    await site.post(f"{path}/publish", headers=site.admin)

    page = (await site.get(f"{path}/versions?limit=2&count=exact", headers=site.admin)).json()
    assert ([item["version"] for item in page["items"]], page["total"]) == ([3, 2], 3)
    assert set(page["items"][0]) == {"version", "created_at", "created_by"}
    assert page["items"][0]["created_by"] is not None
    rest = await site.get(f"{path}/versions?limit=2&cursor={page['next']}", headers=site.admin)
    assert ([item["version"] for item in rest.json()["items"]], rest.json()["next"]) == ([1], None)
    skipped = await site.get(f"{path}/versions?offset=1&limit=1", headers=site.admin)
    assert [item["version"] for item in skipped.json()["items"]] == [2]
    other = await site.entry({"title": "Two"})
    foreign = await site.get(f"{LIST}/{other['id']}/versions?cursor={page['next']}", headers=site.admin)
    assert (foreign.status_code, foreign.json()["code"]) == (400, "bad_cursor")


async def test_a_version_is_the_entry_as_it_was(site: Site) -> None:
    """In the locale asked for, in all with ``*``, and with the status that this version has now."""
    entry = await site.entry({"title": {"en": "One", "ar": "واحد"}, "rating": 1, "tags": ["a"]})
    path = f"{LIST}/{entry['id']}"
    await change(site, path, title={"en": "Two", "ar": None}, rating=None, tags=None, slug="two")

    first = (await site.get(f"{path}/versions/1?locale=ar", headers=site.admin)).json()
    assert (first["title"], first["rating"], first["tags"], first["slug"]) == ("واحد", 1, ["a"], "واحد")
    assert (first["version"], first["status"], first["locale"]) == (1, "published", "ar")
    second = (await site.get(f"{path}/versions/2", headers=site.admin)).json()
    assert (second["title"], second["slug"], second["status"]) == ("Two", "two", "draft")
    maps = (await site.get(f"{path}/versions/1?locale=*", headers=site.admin)).json()
    assert (maps["title"], maps["slug"]) == ({"en": "One", "ar": "واحد"}, {"en": "one", "ar": "واحد"})
    for wrong in ("3", "0", "01", "x", "99999999999999999999"):
        assert (await site.get(f"{path}/versions/{wrong}", headers=site.admin)).status_code == 404
    assert (await site.get(f"{path}/versions/1?locale=de", headers=site.admin)).status_code == 400


async def test_versions_never_change(site: Site) -> None:
    """There is no method that would."""
    entry = await site.entry({"title": "One"})
    path = f"{LIST}/{entry['id']}/versions/1"
    assert (await site.put(path, {}, headers=site.admin)).status_code == 405
    assert (await site.patch(path, {}, headers=site.admin)).status_code == 405
    assert (await site.delete(path, headers=site.admin)).status_code == 405


async def test_a_diff_is_a_json_patch_over_the_stored_form(site: Site) -> None:
    """Locale maps, minor units and ids, both ways; nothing for what stayed."""
    entry = await site.entry({"title": {"en": "One", "ar": "واحد"}, "price": {"amount": 100, "currency": "USD"}})
    path = f"{LIST}/{entry['id']}"
    await change(site, path, title={"en": "Two"}, price={"amount": 200, "currency": "USD"}, rating=3)
    forward = (await site.get(f"{path}/versions/1/diff/2", headers=site.admin)).json()
    assert forward == [
        {"op": "replace", "path": "/price/amount", "value": 200},
        {"op": "add", "path": "/rating", "value": 3},
        {"op": "replace", "path": "/title/en", "value": "Two"},
    ]
    back = (await site.get(f"{path}/versions/2/diff/1", headers=site.admin)).json()
    assert {"op": "remove", "path": "/rating"} in back
    assert (await site.get(f"{path}/versions/2/diff/2", headers=site.admin)).json() == []
    assert (await site.get(f"{path}/versions/2/diff/9", headers=site.admin)).status_code == 404


async def test_read_draft_governs_versions(site: Site) -> None:
    """Nobody else gets anything of them, and what cannot be seen is 404."""
    entry = await site.entry({"title": "One"})
    hidden = await site.entry({"title": "Two"}, publish=False)
    reader = await allow(site, "reader", {"actions": ["read"], "fields": ["*"]})
    for part in ("versions", "versions/1", "versions/1/diff/1"):
        path = f"{LIST}/{entry['id']}/{part}"
        assert (await site.get(path)).status_code == 401
        assert (await site.get(path, headers=reader)).status_code == 403
        assert (await site.get(f"{LIST}/{hidden['id']}/{part}", headers=reader)).status_code == 404
    restored = await site.post(f"{LIST}/{entry['id']}/versions/1/restore", headers=reader)
    assert restored.status_code == 403
    await site.delete(f"{LIST}/{entry['id']}", headers=site.admin)
    assert (await site.get(f"{LIST}/{entry['id']}/versions", headers=site.admin)).status_code == 404


async def test_versions_show_the_fields_that_the_caller_may_read(site: Site) -> None:
    """Private fields only for who may read them, secret ones for nobody, in versions and in diffs."""
    entry = await site.entry({"title": "One", "note": "private 1", "key": "s3cret-1"})
    path = f"{LIST}/{entry['id']}"
    await change(site, path, title="Two", note="private 2", key="s3cret-2")
    plain = await allow(site, "plain", {"actions": ["read_draft"], "fields": ["*"]})
    few = await allow(site, "few", {"actions": ["read_draft"], "fields": ["title"]})
    for part in ("versions/1", "versions/1?locale=*", "versions/1/diff/2"):
        mine = (await site.get(f"{path}/{part}", headers=site.admin)).text
        assert "private" in mine
        assert "s3cret" not in mine
        assert "note" not in (await site.get(f"{path}/{part}", headers=plain)).text
    diff = (await site.get(f"{path}/versions/1/diff/2", headers=few)).json()
    assert diff == [{"op": "replace", "path": "/title/en", "value": "Two"}]
    listed = (await site.get(f"{path}/versions", headers=few)).json()["items"]
    assert [item["created_by"] for item in listed] == [None, None]


async def test_a_condition_holds_for_each_version(site: Site) -> None:
    """Who may read the drafts of news does not get the version that was a guide."""
    entry = await site.entry({"title": "One", "category": "guide"})
    path = f"{LIST}/{entry['id']}"
    await change(site, path, category="news")
    news = await allow(
        site, "news", {"actions": ["read_draft"], "fields": ["*"], "condition": {"category": {"eq": "news"}}}
    )
    assert (await site.get(f"{path}/versions/2", headers=news)).status_code == 200
    assert (await site.get(f"{path}/versions/1", headers=news)).status_code == 404
    assert (await site.get(f"{path}/versions/1/diff/2", headers=news)).status_code == 404


async def test_old_versions_follow_the_names_of_their_fields(site: Site) -> None:
    """A renamed field appears under its present name, a dropped one not at all, one that came later is empty."""
    entry = await site.entry({"title": "One", "rating": 4, "code": "x"})
    path = f"{LIST}/{entry['id']}"
    assert (await site.patch(TYPE, {"rename": {"rating": "stars"}}, headers=site.admin)).status_code == 200
    await change(site, path, stars=5)
    shown = (await site.get(TYPE, headers=site.admin)).json()["fields"]
    left = [field for field in shown if field["name"] != "code"]
    dropped = await site.patch(f"{TYPE}?allow_drop=true", {"fields": left}, headers=site.admin)
    assert dropped.status_code == 200, dropped.text

    first = (await site.get(f"{path}/versions/1", headers=site.admin)).json()
    assert (first["stars"], "rating" in first, "code" in first) == (4, False, False)
    diff = (await site.get(f"{path}/versions/1/diff/2", headers=site.admin)).json()
    assert diff == [{"op": "replace", "path": "/stars", "value": 5}]
    restored = await site.post(f"{path}/versions/1/restore", headers=site.admin)
    assert (restored.json()["stars"], restored.json()["version"]) == (4, 3)


async def test_restoring_makes_a_new_version_and_readers_keep_what_they_have(site: Site) -> None:
    """The content is that of the old version; the slug and secret fields stay as they are."""
    entry = await site.entry({"title": "One", "rating": 1, "note": "mine"})
    path = f"{LIST}/{entry['id']}"
    await change(site, path, title={"en": "Two", "ar": "اثنان"}, rating=None, note=None, slug="two", key="kept")
    await site.post(f"{path}/publish", headers=site.admin)

    restored = await site.post(f"{path}/versions/1/restore", headers=site.admin)
    assert restored.status_code == 200, restored.text
    body = restored.json()
    assert (body["title"], body["rating"], body["note"], body["slug"]) == ("One", 1, "mine", "two")
    assert (body["version"], body["status"]) == (3, "changed")
    assert (await site.get(path)).json()["title"] == "Two"
    diff = (await site.get(f"{path}/versions/1/diff/3", headers=site.admin)).json()
    assert [operation["path"] for operation in diff] == ["/slug/ar", "/slug/en"]
    row = await site.core.store.fetch_one("SELECT secrets FROM maydan_entries WHERE id = ?", entry["id"])
    assert row is not None
    assert '"kept"' in row[0]
    assert (await site.post(f"{path}/versions/9/restore", headers=site.admin)).status_code == 404


async def test_who_restores_needs_the_rights_of_who_changes(site: Site) -> None:
    """A field that would change and may not be written is 403, and nothing is stored."""
    entry = await site.entry({"title": "One", "rating": 1})
    path = f"{LIST}/{entry['id']}"
    await change(site, path, title="Two", rating=2)
    titles = await allow(
        site,
        "titles",
        {"actions": ["read_draft"], "fields": ["*"]},
        {"actions": ["update"], "fields": ["title"]},
    )
    refused = await site.post(f"{path}/versions/1/restore", headers=titles)
    assert (refused.status_code, refused.json()["code"]) == (403, "field_forbidden")
    await change(site, path, rating=1)
    allowed = await site.post(f"{path}/versions/1/restore", headers=titles)
    assert (allowed.status_code, allowed.json()["title"], allowed.json()["version"]) == (200, "One", 4)


async def test_a_restored_version_must_still_be_acceptable(site: Site) -> None:
    """What the type refuses now is 422 with its place; a unique value that another has by now is 409."""
    entry = await site.entry({"title": "One", "rating": 5, "code": "x"}, publish=False)
    path = f"{LIST}/{entry['id']}"
    await change(site, path, rating=1, code=None)
    await site.entry({"title": "Other", "code": "x"})
    taken = await site.post(f"{path}/versions/1/restore", headers=site.admin)
    assert (taken.status_code, taken.json()["code"]) == (409, "unique_violation")
    fields = (await site.get(TYPE, headers=site.admin)).json()["fields"]
    narrowed = [{**field, "max": 3} if field["name"] == "rating" else field for field in fields]
    assert (await site.patch(TYPE, {"fields": narrowed}, headers=site.admin)).status_code == 200
    refused = await site.post(f"{path}/versions/1/restore", headers=site.admin)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/rating")


async def test_links_to_what_is_gone_are_left_out_of_a_restored_version(site: Site) -> None:
    """So that a version can be restored whatever became of what it linked to."""
    person = await site.entry({"name": "Ann"}, type="person", publish=False)
    entry = await site.entry({"title": "One", "author": person["id"]}, publish=False)
    path = f"{LIST}/{entry['id']}"
    await change(site, path, author=None)
    assert (await site.delete(f"/api/spaces/demo/content/person/{person['id']}", headers=site.admin)).is_success
    restored = await site.post(f"{path}/versions/1/restore", headers=site.admin)
    assert (restored.status_code, restored.json()["author"]) == (200, None)
    await site.post(f"/api/spaces/demo/content/person/{person['id']}/restore", headers=site.admin)
    again = await site.post(f"{path}/versions/1/restore", headers=site.admin)
    assert again.json()["author"] == person["id"]


async def test_a_restore_with_an_idempotency_key_happens_once(site: Site) -> None:
    """The same key gets the first answer again, and makes no further version."""
    entry = await site.entry({"title": "One"})
    path = f"{LIST}/{entry['id']}"
    headers = {**site.admin, "idempotency-key": "k"}
    first = await site.post(f"{path}/versions/1/restore", headers=headers)
    again = await site.post(f"{path}/versions/1/restore", headers=headers)
    assert (first.content, again.headers["idempotency-replayed"]) == (again.content, "true")
    assert first.json()["version"] == 2


async def test_the_versions_of_an_entry_are_found_by_an_index(site: Site) -> None:
    """A page of one entry's versions reads its page, whatever else the table holds."""
    sql = (
        "SELECT version, created_at, created_by FROM maydan_versions"
        " WHERE entry_id = ? AND version < ? AND space_key = ? ORDER BY version DESC LIMIT 26"
    )
    args = ("01a205a9-3fcf-7094-a5af-39927a08eb43", 7, 1)
    if site.core.store.dialect.is_sqlite:
        plan = str(await site.core.store.fetch_all(f"EXPLAIN QUERY PLAN {sql}", *args))
        assert "USING INDEX" in plan
        assert "TEMP B-TREE" not in plan
    else:
        async with site.core.store.write_transaction() as transaction:
            await transaction.execute("SET LOCAL enable_seqscan = off")
            await transaction.execute("SET LOCAL enable_bitmapscan = off")
            plan = str(await transaction.fetch_all(f"EXPLAIN {sql}", *args))
        assert "Index Scan" in plan
        assert "Sort" not in plan
