"""Content types over HTTP: definition, change under data, grants that follow."""

from __future__ import annotations

import pytest
from site_support import ARTICLE, Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio
TYPES = "/api/spaces/demo/types"
LIST = "/api/spaces/demo/content/article"


async def test_a_type_is_defined_and_used_at_once(site: Site) -> None:
    """The answer to the definition is followed by entries without waiting."""
    made = await site.post(TYPES, {"name": "note", "fields": [{"name": "text", "kind": "string"}]}, headers=site.admin)
    assert (made.status_code, made.headers["location"]) == (201, f"{TYPES}/note")
    entry = await site.entry({"text": "hi"}, type="note")
    assert (await site.get(f"/api/spaces/demo/content/note/{entry['id']}")).json()["text"] == "hi"
    again = await site.post(TYPES, {"name": "note", "fields": []}, headers=site.admin)
    assert again.status_code == 409


async def test_a_bad_definition_names_every_place(site: Site) -> None:
    """Nothing is stored of it."""
    answer = await site.post(
        TYPES,
        {
            "name": "bad",
            "fields": [
                {"name": "id", "kind": "string"},
                {"name": "x", "kind": "enum"},
                {"name": "y", "kind": "integer", "max_length": 3},
                {"name": "z", "kind": "relation", "to": []},
            ],
        },
        headers=site.admin,
    )
    assert answer.status_code == 422
    pointers = [error["pointer"] for error in answer.json()["errors"]]
    assert [pointer[:9] for pointer in pointers] == ["/fields/0", "/fields/1", "/fields/2", "/fields/3"]
    assert (await site.get(f"{TYPES}/bad", headers=site.admin)).status_code == 404


async def test_readers_see_no_field_that_they_may_neither_read_nor_write(site: Site) -> None:
    """Private and secret fields are in no answer about the type for who has no right to them."""
    answer = await site.get(f"{TYPES}/article")
    assert {"note", "key"} & {field["name"] for field in answer.json()["fields"]} == set()
    assert "note" not in answer.text
    managed = await site.get(f"{TYPES}/article", headers=site.admin)
    assert {"note", "key"} <= {field["name"] for field in managed.json()["fields"]}


async def test_a_rename_keeps_the_data(site: Site) -> None:
    """Entries, published and drafts, show the value under the new name; filters know it at once."""
    entry = await site.entry({"title": "A", "rating": 4})
    tag = (await site.get(f"{TYPES}/article", headers=site.admin)).headers["etag"]
    renamed = await site.patch(f"{TYPES}/article", {"rename": {"rating": "stars"}}, tag=tag, headers=site.admin)
    assert renamed.status_code == 200, renamed.text
    shown = (await site.get(f"{LIST}/{entry['id']}")).json()
    assert shown["stars"] == 4
    assert "rating" not in shown
    assert len((await site.get(f"{LIST}?filter[stars][eq]=4")).json()["items"]) == 1
    assert (await site.get(f"{LIST}?filter[rating][eq]=4")).status_code == 400


async def test_a_change_that_loses_data_is_refused_unless_it_is_meant(site: Site) -> None:
    """409 names the loss; ``allow_drop=true`` goes on, and a field made again starts empty."""
    entry = await site.entry({"title": "A", "rating": 4})
    without = [field for field in ARTICLE["fields"] if field["name"] != "rating"]
    body = {"fields": without, "indexes": []}
    refused = await site.patch(f"{TYPES}/article", body, headers=site.admin)
    assert (refused.status_code, refused.json()["code"]) == (409, "lossy_change")
    assert (await site.get(f"{LIST}/{entry['id']}")).json()["rating"] == 4
    dropped = await site.patch(f"{TYPES}/article?allow_drop=true", body, headers=site.admin)
    assert dropped.status_code == 200, dropped.text
    assert "rating" not in (await site.get(f"{LIST}/{entry['id']}")).json()
    await site.patch(f"{TYPES}/article", {"fields": ARTICLE["fields"]}, headers=site.admin)
    assert (await site.get(f"{LIST}/{entry['id']}")).json()["rating"] is None


async def test_a_grant_ends_with_its_field_and_follows_a_rename(site: Site) -> None:
    """A private field that a policy names stays readable under its new name, and not when it is made again."""
    await site.entry({"title": "A", "note": "between us"})
    policies = [{"effect": "allow", "type": "article", "actions": ["read"], "fields": ["title", "note"]}]
    put = await site.put("/api/spaces/demo/roles/friend", {"policies": policies}, headers=site.admin)
    assert put.is_success, put.text
    friend = await site.account("friend@example.org", "friend")
    assert "between us" in (await site.get(LIST, headers=friend)).text

    await site.patch(f"{TYPES}/article", {"rename": {"note": "memo"}}, headers=site.admin)
    assert (await site.get(LIST, headers=friend)).json()["items"][0]["memo"] == "between us"

    fields = [field for field in ARTICLE["fields"] if field["name"] != "note"]
    await site.patch(f"{TYPES}/article?allow_drop=true", {"fields": fields}, headers=site.admin)
    await site.patch(f"{TYPES}/article", {"fields": ARTICLE["fields"]}, headers=site.admin)
    entry = (await site.get(LIST, headers=site.admin)).json()["items"][0]
    await site.patch(f"{LIST}/{entry['id']}", {"note": "new secret"}, headers=site.admin)
    await site.post(f"{LIST}/{entry['id']}/publish", headers=site.admin)
    assert "new secret" not in (await site.get(LIST, headers=friend)).text


async def test_a_type_with_entries_is_deleted_only_when_that_is_meant(site: Site) -> None:
    """The trash counts; afterwards nothing of it is left."""
    entry = await site.entry({"title": "A"})
    await site.delete(f"{LIST}/{entry['id']}", headers=site.admin)
    assert (await site.delete(f"{TYPES}/article", headers=site.admin)).status_code in (409, 428)
    match = {**site.admin, "if-match": "*"}
    assert (await site.delete(f"{TYPES}/article", headers=match)).status_code == 409
    assert (await site.delete(f"{TYPES}/article?allow_drop=true", headers=match)).status_code == 204
    assert (await site.get(LIST)).status_code == 404


async def test_defining_types_needs_the_right_to(site: Site) -> None:
    """An editor edits content, not types; nobody in particular is asked to log in."""
    editor = await site.account("editor@example.org", "editor")
    assert (await site.post(TYPES, {"name": "x1"}, headers=editor)).status_code == 403
    assert (await site.post(TYPES, {"name": "x1"})).status_code == 401
    assert (await site.patch(f"{TYPES}/article", {"title": "X"}, tag=None, headers=site.admin)).status_code == 428
    assert (await site.patch(f"{TYPES}/article", {"title": "X"}, tag='"99"', headers=site.admin)).status_code == 412


async def test_a_single_type_has_one_entry(site: Site) -> None:
    """The second is 409."""
    await site.define({"name": "settings", "single": True, "fields": [{"name": "motto", "kind": "string"}]})
    await site.entry({"motto": "x"}, type="settings")
    again = await site.post("/api/spaces/demo/content/settings", {"motto": "y"}, headers=site.admin)
    assert again.status_code == 409
