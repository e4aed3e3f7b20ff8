"""What a caller got may come back: GET, edit, PUT works whatever way the entry was read."""

from __future__ import annotations

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio

CONTENT = "/api/spaces/demo/content/article"


@pytest.mark.parametrize("asked", ["locale=*", "locale=*&perspective=draft", "", "perspective=draft"])
async def test_what_was_read_may_be_put_back(site: Site, asked: str) -> None:
    """System fields are accepted when unchanged, also those of the published entry and of all locales at once."""
    entry = await site.entry({"title": {"en": "One", "ar": "واحد"}, "rating": 3})
    path = f"{CONTENT}/{entry['id']}"
    changed = await site.patch(path, {"rating": 4}, headers=site.admin)
    assert changed.status_code == 200
    got = await site.get(f"{path}?{asked}", headers=site.admin)
    put = await site.put(path, {**got.json(), "rating": 5}, headers={**site.admin, "if-match": got.headers["etag"]})
    assert put.status_code == 200, put.text
    now = (await site.get(f"{path}?perspective=draft&locale=*", headers=site.admin)).json()
    assert now["rating"] == 5
    assert now["title"] == {"en": "One", "ar": "واحد"}
    assert now["slug"] == {"en": "one", "ar": "واحد"}


async def test_a_published_fallback_that_comes_back_is_not_copied(site: Site) -> None:
    """A value that fell back in what was read does not become the locale's own."""
    entry = await site.entry({"title": {"en": "One", "ar": "واحد"}, "body": {"en": "<p>x</p>"}})
    path = f"{CONTENT}/{entry['id']}"
    await site.patch(path, {"rating": 4, "body": {"ar": "<p>y</p>"}}, headers=site.admin)
    got = (await site.get(f"{path}?locale=ku", headers=site.admin)).json()
    put = await site.put(f"{path}?locale=ku", got, headers={**site.admin, "if-match": "*"})
    assert put.status_code == 200, put.text
    now = (await site.get(f"{path}?perspective=draft&locale=*", headers=site.admin)).json()
    assert "ku" not in now["title"]


async def test_a_changed_system_field_is_refused(site: Site) -> None:
    """What only the system sets stays refused where it was never given."""
    entry = await site.entry({"title": "One"})
    path = f"{CONTENT}/{entry['id']}"
    for name, value in {"version": 7, "status": "trashed", "locale": "ku", "created_by": None}.items():
        put = await site.put(path, {**entry, name: value}, headers={**site.admin, "if-match": "*"})
        assert put.status_code == 422, (name, put.text)
        assert put.json()["errors"][0]["pointer"] == f"/{name}"


@pytest.mark.parametrize("asked", ["locale=*", "locale=en", "locale=en&perspective=draft"])
async def test_a_slug_that_is_the_id_may_come_back(site: Site, asked: str) -> None:
    """Where no slug could be made, as of emoji alone, the id stands in; whoever sends it back changes nothing."""
    entry = await site.entry({"title": "🎉"})
    path = f"{CONTENT}/{entry['id']}"
    got = await site.get(f"{path}?{asked}", headers=site.admin)
    assert entry["id"] in str(got.json()["slug"])
    put = await site.put(path, {**got.json(), "rating": 5}, headers={**site.admin, "if-match": got.headers["etag"]})
    assert put.status_code == 200, put.text
    assert (await site.patch(path, {"slug": got.json()["slug"]}, headers=site.admin)).json()["version"] == 2
    other = await site.entry({"title": "Other"})
    taken = await site.patch(f"{CONTENT}/{other['id']}", {"slug": got.json()["slug"]}, headers=site.admin)
    assert taken.status_code == 422


async def test_a_large_number_that_was_given_out_may_come_back(site: Site) -> None:
    """PostgreSQL writes a double such as 1e25 with all of its digits; it is the same number on its way back."""
    fields = [{"name": "size", "kind": "number"}, {"name": "extra", "kind": "json"}]
    await site.define({"name": "star", "fields": fields})
    entry = await site.entry({"size": 1e25, "extra": {"mass": [1e300, -1e17]}}, type="star")
    path = f"/api/spaces/demo/content/star/{entry['id']}"
    got = await site.get(path, headers=site.admin)
    put = await site.put(path, got.json(), headers={**site.admin, "if-match": got.headers["etag"]})
    assert put.status_code == 200, put.text
    assert put.json()["size"] == 1e25
    for lossy in (2**53 + 1, 2**63, 10**25 + 1, 10**400):
        for field in ("size", "extra"):
            refused = await site.patch(path, {field: lossy}, headers=site.admin)
            assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, f"/{field}"), lossy


@pytest.mark.parametrize("asked", ["locale=*", "", "locale=ar", "fields=locale,j,title&locale=*"])
async def test_objects_of_each_language_come_back_as_what_they_are(site: Site, asked: str) -> None:
    """``locale`` in the body says whether objects are maps: an empty map is none, and values may look like maps."""
    objects = [{"name": "m", "kind": "money"}, {"name": "g", "kind": "geo"}, {"name": "j", "kind": "json"}]
    part = {"name": "c", "kind": "component", "of": [{"name": "en", "kind": "string"}]}
    fields = [{"name": "title", "kind": "string"}, *objects, part]
    await site.define({"name": "stall", "fields": [{**field, "localized": True} for field in fields]})
    path = "/api/spaces/demo/content/stall/"
    maps = {
        "title": {"en": "A", "ar": "B"},
        "j": {"en": {"en": 1, "ar": {}}, "ar": {"ar": 2}},
        "c": {"en": {"en": "x"}},
    }
    for given in ({"title": {"en": "A", "ar": "B"}}, maps):
        entry = await site.entry(given, type="stall", publish=False)
        stored = await site.get(f"{path}{entry['id']}?perspective=draft&locale=*", headers=site.admin)
        got = await site.get(f"{path}{entry['id']}?perspective=draft&{asked}", headers=site.admin)
        query = "?locale=ar" if "locale=ar" in asked else ""
        put = await site.put(f"{path}{entry['id']}{query}", got.json(), headers={**site.admin, "if-match": "*"})
        assert put.status_code == 200, put.text
        now = await site.get(f"{path}{entry['id']}?perspective=draft&locale=*", headers=site.admin)
        if "fields" in asked:
            assert now.json()["j"] == stored.json()["j"]
        else:
            assert now.json() == stored.json()
