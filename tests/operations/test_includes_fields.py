"""Which members of an answer come with ``fields``, where relations are included."""

from __future__ import annotations

from typing import Any

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio
SPACE = "/api/spaces/demo/content"
WHO = {"name": "who", "kind": "relation", "to": ["writer"], "on_delete": "nullify"}
WRITER: dict[str, Any] = {"name": "writer", "fields": [{"name": "name", "kind": "string"}]}
POST: dict[str, Any] = {
    "name": "post",
    "fields": [
        {"name": "title", "kind": "string"},
        {"name": "author", "kind": "relation", "to": ["writer"], "on_delete": "nullify"},
        {"name": "comp", "kind": "component", "of": [{"name": "a", "kind": "string"}, WHO]},
        {"name": "parts", "kind": "blocks", "of": {"by": [WHO], "note": [{"name": "text", "kind": "string"}]}},
    ],
}


@pytest.fixture
async def post(site: Site) -> tuple[Site, str, str]:
    """A post in which one person stands everywhere; returns the ids of both."""
    await site.define(WRITER)
    await site.define(POST)
    person = (await site.entry({"name": "Ann"}, type="writer"))["id"]
    parts = [{"type": "by", "who": person}, {"type": "note", "text": "n"}]
    data = {"title": "One", "author": person, "comp": {"a": "x", "who": person}, "parts": parts}
    return site, (await site.entry(data, type="post"))["id"], person


async def _read(site: Site, entry_id: str, query: str) -> list[tuple[int, Any]]:
    """Read one entry, the list and the maps of both."""
    found: list[tuple[int, Any]] = []
    for path in (f"/{entry_id}?", "?", f"/{entry_id}?locale=*&", "?locale=*&"):
        answer = await site.get(f"{SPACE}/post{path}{query}")
        read = answer.json()
        found.append((answer.status_code, read["items"][0] if "items" in read else read))
    return found


async def test_fields_of_targets_alone_leave_out_all_other_members(post: tuple[Site, str, str]) -> None:
    """What is included comes, and the id; in blocks too, which come whole but for what stands in them."""
    site, entry_id, person = post
    ann = {"id": person, "name": "Ann"}
    parts = [{"type": "by", "who": ann}, {"type": "note", "text": "n"}]
    for query, expected in (
        ("include=author&fields=author.name", {"author": ann}),
        ("include=comp.who&fields=comp.who.name", {"comp": {"a": "x", "who": ann}}),
        ("include=parts.who&fields=title,parts.who.name", {"title": "One", "parts": parts}),
    ):
        for status, read in await _read(site, entry_id, query):
            assert (status, read) == (200, {"id": entry_id, **expected}), query


async def test_members_of_a_component_are_not_picked(post: tuple[Site, str, str]) -> None:
    """A component is shown whole, whether a relation in it is included or not; saying so beats ignoring it."""
    site, entry_id, _ = post
    for query in ("fields=comp.a", "include=comp.who&fields=comp.a", "include=comp.who&fields=title,comp.who"):
        for status, read in await _read(site, entry_id, query):
            assert (status, read["errors"][0]["code"]) == (400, "not_included"), query


@pytest.mark.parametrize(("most", "status"), [(400, 200), (200, 400)])
async def test_what_is_included_is_counted_in_characters(
    site: Site, most: int, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long text that stands in an answer a thousand times fills the memory of a server; it is refused before."""
    monkeypatch.setattr("maydan.operations.entries.including.MOST_INCLUDED_CHARACTERS", most)
    for definition in (WRITER, POST):
        await site.define(definition)
    writer = (await site.entry({"name": "x" * 70}, type="writer"))["id"]
    for title in ("One", "Two"):
        await site.entry({"title": title, "author": writer}, type="post")
    one = await site.get(f"{SPACE}/post?include=author&fields=title,author.name&limit=1")
    two = await site.get(f"{SPACE}/post?include=author&fields=title,author.name")
    assert (one.status_code, two.status_code) == (200, status)
    if status == 400:
        assert [each["code"] for each in two.json()["errors"]] == ["too_large"]


async def test_fields_behind_what_does_not_exist_are_unknown(post: tuple[Site, str, str]) -> None:
    """In blocks as everywhere."""
    site, entry_id, _ = post
    for query in ("include=parts.who&fields=parts.who.nothing", "fields=parts.text", "fields=parts.nothing.name"):
        for status, read in await _read(site, entry_id, query):
            assert (status, read["errors"][0]["code"]) == (400, "unknown_path"), query
