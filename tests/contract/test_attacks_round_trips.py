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
