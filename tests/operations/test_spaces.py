"""Spaces over HTTP: walls, locales, and what changes with them."""

from __future__ import annotations

import pytest
from site_support import ARTICLE, PERSON, Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio
LIST = "/api/spaces/demo/content/article"


async def test_a_space_is_a_wall(site: Site) -> None:
    """An owner of one space sees, counts and touches nothing of another, whose existence is not told either."""
    made = await site.post("/api/spaces", {"name": "other", "title": "Other"}, headers=site.admin)
    assert made.status_code == 201, made.text
    for definition in (PERSON, ARTICLE):
        assert (await site.post("/api/spaces/other/types", definition, headers=site.admin)).status_code == 201
    foreign = (await site.post("/api/spaces/other/content/article", {"title": "Far"}, headers=site.admin)).json()
    owner = await site.account("owner@example.org", "owner")

    listed = await site.get(f"{LIST}?perspective=draft&count=exact", headers=owner)
    assert listed.json()["total"] == 0
    for method in ("GET", "PATCH", "DELETE", "PUT"):
        body = None if method in ("GET", "DELETE") else {"title": "Mine"}
        answer = await site.client.request(
            method, f"{LIST}/{foreign['id']}", json=body, headers={**owner, "if-match": "*"}
        )
        assert answer.status_code == 404, method
    closed = await site.put("/api/spaces/other/roles/anonymous", {"policies": []}, headers=site.admin)
    assert closed.is_success, closed.text
    for path in ("", "/members", "/types", "/content/article"):
        hidden = (await site.get(f"/api/spaces/other{path}", headers=owner)).json()
        missing = (await site.get(f"/api/spaces/nothing{path}", headers=owner)).json()
        assert {**hidden, "instance": "", "request_id": ""} == {**missing, "instance": "", "request_id": ""}
    assert [space["name"] for space in (await site.get("/api/spaces", headers=owner)).json()["items"]] == ["demo"]


async def test_adding_a_locale_shows_every_entry_in_it(site: Site) -> None:
    """Documents are rendered anew, along the new chains."""
    entry = await site.entry({"title": {"en": "Hello", "ar": "مرحبا"}})
    assert (await site.get(f"{LIST}/{entry['id']}?locale=fa")).status_code == 400
    body = {"locales": ["en", "ar", "ku", "fa"], "fallbacks": {"fa": ["ar"]}}
    changed = await site.patch("/api/spaces/demo", body, headers=site.admin)
    assert changed.status_code == 200, changed.text
    persian = (await site.get(f"{LIST}/{entry['id']}?locale=fa")).json()
    assert (persian["title"], persian["_locales"]["title"]) == ("مرحبا", "ar")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "UPPER"}, "/name"),
        ({"name": "-x"}, "/name"),
        ({"name": "ok-1", "locales": ["xx_YY!"]}, "/locales/0"),
        ({"name": "ok-1", "locales": []}, "/locales"),
        ({"name": "ok-1", "locales": ["en"], "default_locale": "ar"}, "/default_locale"),
        ({"name": "ok-1", "timezone": "Mars/Base"}, "/timezone"),
        ({"name": "ok-1", "currency": "XXX"}, "/currency"),
        ({"name": "ok-1", "plugins": ["nothing"]}, "/plugins/0"),
        ({"name": "ok-1", "fallbacks": {"de": ["en"]}}, "/fallbacks/de"),
        ({"name": "ok-1", "owner": "me"}, "/owner"),
    ],
)
async def test_a_bad_space_names_the_place(site: Site, body: dict[str, object], pointer: str) -> None:
    """Nothing is stored of it."""
    answer = await site.post("/api/spaces", body, headers=site.admin)
    assert answer.status_code == 422, answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert (await site.get("/api/spaces/ok-1", headers=site.admin)).status_code == 404


async def test_spaces_are_made_by_administrators(site: Site) -> None:
    """Nobody in particular is asked to log in, and an owner may not."""
    owner = await site.account("owner@example.org", "owner")
    assert (await site.post("/api/spaces", {"name": "new"})).status_code == 401
    assert (await site.post("/api/spaces", {"name": "new"}, headers=owner)).status_code == 403
    assert (await site.post("/api/spaces", {"name": "demo"}, headers=site.admin)).status_code == 409


async def test_a_deleted_space_is_gone_with_everything_in_it(site: Site) -> None:
    """A space of the same name starts empty."""
    await site.entry({"title": "Hello"})
    gone = await site.delete("/api/spaces/demo", headers={**site.admin, "if-match": "*"})
    assert gone.status_code == 204, gone.text
    assert (await site.get(LIST)).status_code == 404
    await site.post("/api/spaces", {"name": "demo"}, headers=site.admin)
    assert (await site.get("/api/spaces/demo/types", headers=site.admin)).json()["items"] == []
    assert await site.core.store.fetch_all("SELECT count(*) FROM maydan_entries") == [(0,)]


async def test_a_locale_with_content_goes_only_when_that_is_meant(site: Site) -> None:
    """409 names the entries, those in the trash not; then nobody sees the content, and what they see may come back."""
    entry = await site.entry({"title": {"en": "One", "ku": "Yek"}, "rating": 1})
    gone = await site.entry({"title": {"en": "Two", "ku": "Du"}})
    await site.delete(f"{LIST}/{gone['id']}", headers=site.admin)
    body = {"locales": ["en", "ar"], "fallbacks": {"ku": None}}
    refused = await site.patch("/api/spaces/demo", body, headers=site.admin)
    assert (refused.status_code, refused.json()["code"]) == (409, "lossy_change"), refused.text
    (error,) = refused.json()["errors"]
    assert (error["pointer"], entry["id"] in error["message"], gone["id"] in error["message"]) == (
        "/locales", True, False
    )  # fmt: skip
    assert (await site.get(f"{LIST}/yek?locale=ku")).json()["title"] == "Yek"

    assert (await site.patch("/api/spaces/demo?allow_drop=true", body, headers=site.admin)).status_code == 200
    path = f"{LIST}/{entry['id']}"
    for query in ("locale=*", "perspective=draft&locale=*"):
        shown = await site.get(f"{path}?{query}", headers=site.admin)
        assert (shown.json()["title"], shown.json()["slug"]) == ({"en": "One"}, {"en": "one"})
        put = await site.put(path, shown.json(), headers={**site.admin, "if-match": "*"})
        assert (put.status_code, put.json()["version"], put.json()["status"]) == (200, 1, "published"), put.text
    await site.patch(path, {"rating": 2}, headers=site.admin)
    assert (await site.post(f"{path}/versions/1/restore", headers=site.admin)).status_code == 200

    await site.patch("/api/spaces/demo", {"locales": ["en", "ar", "ku"]}, headers=site.admin)
    for query in ("locale=*", "perspective=draft&locale=*"):
        assert (await site.get(f"{path}?{query}", headers=site.admin)).json()["title"] == {"en": "One", "ku": "Yek"}


async def test_a_locale_without_content_goes(site: Site) -> None:
    """Also where an entry had something in it that readers get no more."""
    entry = await site.entry({"title": {"en": "One", "ku": "Yek"}})
    path = f"{LIST}/{entry['id']}"
    body = {"locales": ["en", "ar"], "fallbacks": {"ku": None}}
    await site.patch(path, {"title": {"ku": None}, "slug": {"ku": None}}, headers=site.admin)
    assert (await site.patch("/api/spaces/demo", body, headers=site.admin)).status_code == 409
    await site.post(f"{path}/unpublish", {"locales": ["ku"]}, headers=site.admin)
    assert (await site.patch("/api/spaces/demo", body, headers=site.admin)).status_code == 200


async def test_a_locale_in_which_entries_are_published_goes_only_when_that_is_meant(site: Site) -> None:
    """Also without content of their own in it: readers would lose them."""
    await site.define({"name": "note", "fields": [{"name": "text", "kind": "string"}]})
    note = (await site.entry({"text": "one"}, type="note", publish=False))["id"]
    path = f"/api/spaces/demo/content/note/{note}"
    await site.post(f"{path}/publish", {"locales": ["ku"]}, headers=site.admin)
    body = {"locales": ["en", "ar"], "fallbacks": {"ku": None}}
    refused = await site.patch("/api/spaces/demo", body, headers=site.admin)
    assert (refused.status_code, refused.json()["code"]) == (409, "lossy_change"), refused.text
    assert note in refused.json()["errors"][0]["message"]
    assert (await site.get(f"{path}?locale=ku")).status_code == 200
    await site.post(f"{path}/publish", {"locales": ["en"]}, headers=site.admin)
    await site.post(f"{path}/unpublish", {"locales": ["ku"]}, headers=site.admin)
    assert (await site.patch("/api/spaces/demo", body, headers=site.admin)).status_code == 200


@pytest.mark.parametrize("locales", [None, ["en"], ["en", "ar"]])
async def test_what_is_unpublished_is_not_back_with_a_locale(site: Site, locales: list[str] | None) -> None:
    """An entry that has no locale of the space left has none of those that were dropped before either."""
    entry = await site.entry({"title": {"en": "One", "ku": "Yek"}})
    path = f"{LIST}/{entry['id']}"
    body = {"locales": ["en", "ar"], "fallbacks": {"ku": None}}
    assert (await site.patch("/api/spaces/demo?allow_drop=true", body, headers=site.admin)).status_code == 200
    gone = await site.post(f"{path}/unpublish", {"locales": locales} if locales else None, headers=site.admin)
    assert (gone.status_code, gone.json()["status"], gone.json()["published_at"]) == (200, "draft", None)
    await site.patch("/api/spaces/demo", {"locales": ["en", "ar", "ku"]}, headers=site.admin)
    assert (await site.get(f"{path}?locale=ku")).status_code == 404
    assert (await site.get(f"{path}?perspective=draft&locale=ku", headers=site.admin)).json()["title"] == "Yek"
