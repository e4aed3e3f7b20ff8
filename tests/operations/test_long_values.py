"""Long texts where they are unique, indexed or sorted by: the same on both engines, over HTTP."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from site_support import Site, open_site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.content.index_limits import LARGEST_INDEXED_BYTES
from maydan.operations import entries
from maydan.storage.schema.m0007_content import MIGRATION

pytestmark = pytest.mark.anyio
TYPE = "/api/spaces/demo/types/note"
LIST = "/api/spaces/demo/content/note"
NOTE: dict[str, Any] = {
    "name": "note",
    "indexes": [["e", "-slug"], ["e", "-s", "t"]],
    "fields": [
        {"name": "s", "kind": "string"},
        {"name": "t", "kind": "text", "localized": True},
        {"name": "u", "kind": "string", "unique": True},
        {"name": "i", "kind": "string", "indexed": True},
        {"name": "e", "kind": "enum", "values": ["x", "y"]},
        {"name": "free", "kind": "string"},
    ],
}


def _noise(characters: int, first: str = "a", seed: int = 1) -> str:
    """Return a text that cannot be made shorter by packing it."""
    dice = random.Random(seed)
    return "".join(chr(ord(first) + dice.randrange(26 if first == "a" else 20_000)) for _ in range(characters))


async def _write(site: Site, data: dict[str, Any]) -> tuple[int, list[tuple[str, str]]]:
    answer = await site.post(LIST, data, headers=site.admin)
    return answer.status_code, [(one["pointer"], one["code"]) for one in answer.json().get("errors", ())]


@pytest.mark.parametrize("long", [_noise(3_000), _noise(100_000, "一")], ids=["3000", "100000 CJK"])
async def test_a_unique_value_may_be_as_long_as_any(site: Site, long: str) -> None:
    """Nobody else has it, its holder gives it up, and what only begins alike is another value."""
    await site.define(NOTE)
    first = await site.entry({"u": long}, type="note")
    assert await _write(site, {"u": long}) == (409, [("/u", "taken")])
    assert (await _write(site, {"u": f"{long[:-1]}!"}))[0] == 201
    changed = await site.patch(f"{LIST}/{first['id']}", {"u": "short"}, headers=site.admin)
    published = await site.post(f"{LIST}/{first['id']}/publish", headers=site.admin)
    assert (changed.status_code, published.status_code) == (200, 200)
    assert (await _write(site, {"u": long}))[0] == 201


async def test_long_unique_values_of_before_become_digests(site: Site) -> None:
    """The migration finds them as they were written, once and again; short ones stay."""
    await site.define(NOTE)
    long = _noise(1_500)
    for value in (long, "a" * 1_000):
        await site.entry({"u": value}, type="note")
    kept = await site.core.store.fetch_all("SELECT value FROM maydan_unique_values ORDER BY value")
    assert [len(row[0]) for row in kept] == [65, 1_000]
    async with site.core.store.write_transaction() as transaction:
        await transaction.execute("UPDATE maydan_unique_values SET value = ? WHERE length(value) = 65", long)
        for _ in range(2):
            assert MIGRATION.steps[0].run is not None
            await MIGRATION.steps[0].run(transaction)
    assert await site.core.store.fetch_all("SELECT value FROM maydan_unique_values ORDER BY value") == kept
    assert await _write(site, {"u": long}) == (409, [("/u", "taken")])


@pytest.mark.parametrize(("name", "most"), [("i", 2048), ("s", 682), ("t", 682), ("free", 100_000)])
async def test_what_an_index_holds_has_a_longest_value(site: Site, name: str, most: int) -> None:
    """Counted as UTF-8: 2,048 bytes for all texts of one index, in equal parts."""
    await site.define(NOTE)
    assert (await _write(site, {name: _noise(most), "e": "x"}))[0] == 201
    if most > LARGEST_INDEXED_BYTES:
        return
    pointer = f"/{name}"
    for long in (_noise(most + 1), "é" * (most // 2 + 1), _noise(3_000), _noise(100_000, "一")):
        assert await _write(site, {name: long}) == (422, [(pointer, "too_long_for_index")])
    entry = await site.entry({name: _noise(most)}, type="note")
    longer = await site.patch(f"{LIST}/{entry['id']}", {name: _noise(most + 1)}, headers=site.admin)
    assert (longer.status_code, longer.json()["errors"][0]["pointer"]) == (422, pointer)
    mapped = await _write(site, {"t": {"ar": _noise(683)}})
    assert mapped == (422, [("/t/ar", "too_long_for_index")])


async def test_an_index_of_the_longest_values_is_written_and_read(site: Site) -> None:
    """All texts of an index at once, beside the longest slug and the other keys."""
    keys = ["slug", "type", "locale", "a", "b"]
    fields = [{"name": name, "kind": "url" if name == "b" else "string"} for name in ("a", "b")]
    await site.define({"name": "wide", "indexes": [keys], "fields": fields})
    most = LARGEST_INDEXED_BYTES // 3
    url = f"https://example.org/{_noise(most - 20)}"
    made = await site.entry({"slug": _noise(100, "一"), "a": _noise(most), "b": url}, type="wide")
    query = f"/api/spaces/demo/content/wide?sort={','.join(keys)}"
    assert [one["id"] for one in (await site.get(query, headers=site.admin)).json()["items"]] == [made["id"]]


async def test_a_text_that_is_longer_when_it_is_folded_is_stored_and_found(site: Site) -> None:
    """Eighteen letters for each sign, 12,276 in all."""
    await site.define(NOTE)
    assert (await _write(site, {"i": "\ufdfa" * 682}))[0] == 201
    found = await site.get(f"{LIST}?perspective=draft&filter[i][icontains]=صلى", headers=site.admin)
    assert len(found.json()["items"]) == 1


async def test_a_default_that_no_index_holds_is_refused(site: Site) -> None:
    """With the place where it stands; and the schema says how long values are at most."""
    await site.define(NOTE)
    field = {"name": "x", "kind": "string", "indexed": True, "default": _noise(2_049)}
    answer = await site.post("/api/spaces/demo/types", {"name": "other", "fields": [field]}, headers=site.admin)
    places = [(one["pointer"], one["code"]) for one in answer.json()["errors"]]
    assert (answer.status_code, places) == (422, [("/fields/0/default", "too_long_for_index")])


@pytest.mark.parametrize("published", [False, True])
@pytest.mark.parametrize("is_indexed", [True, False])
async def test_an_index_over_longer_values_is_refused(site: Site, published: bool, is_indexed: bool) -> None:
    """409 names the entries, whether the draft or what readers get is longer; shortened, the index is made."""
    await site.define(NOTE)
    entry = await site.entry({"free": _noise(3_000)}, type="note", publish=published)
    if published:
        await site.patch(f"{LIST}/{entry['id']}", {"free": "short"}, headers=site.admin)
    patch: dict[str, Any] = {"indexes": [["e", "-free"]]}
    if is_indexed:
        patch = {"fields": [*NOTE["fields"][:-1], {**NOTE["fields"][-1], "indexed": True}]}
    refused = await site.patch(TYPE, patch, headers=site.admin)
    pointer = "/fields/5/indexed" if is_indexed else "/indexes/0"
    place = refused.json()["errors"][0]
    assert (refused.status_code, place["pointer"], place["code"]) == (409, pointer, "too_long_for_index")
    assert entry["id"] in refused.json()["detail"]
    await site.patch(f"{LIST}/{entry['id']}", {"free": "short"}, headers=site.admin)
    await site.post(f"{LIST}/{entry['id']}/publish", headers=site.admin)
    assert (await site.patch(TYPE, patch, headers=site.admin)).status_code == 200


async def test_becoming_unique_takes_long_values(site: Site) -> None:
    """Also where entries have them already."""
    await site.define(NOTE)
    await site.entry({"free": _noise(3_000)}, type="note")
    fields = [*NOTE["fields"][:-1], {**NOTE["fields"][-1], "unique": True}]
    assert (await site.patch(TYPE, {"fields": fields}, headers=site.admin)).status_code == 200
    assert await _write(site, {"free": _noise(3_000)}) == (409, [("/free", "taken")])


async def _bulk(site: Site, *texts: str) -> list[int]:
    lines = [json.dumps({"op": "create", "type": "note", "data": {"i": text}}) for text in texts]
    head = {"content-type": "application/x-ndjson", **site.admin}
    answer = await site.client.post("/api/spaces/demo/bulk", content="\n".join(lines).encode(), headers=head)
    return [json.loads(line)["status"] for line in answer.text.splitlines()]


async def test_a_line_that_fails_in_an_unforeseen_way_fails_alone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that shared its commit are carried out."""
    await site.define(NOTE)
    assert await _bulk(site, "one", _noise(3_000), "two") == [201, 422, 201]
    create = entries.create

    async def failing(scope: Any, data: dict[str, Any], **more: Any) -> Any:
        made = await create(scope, data, **more)
        if data["i"] == "bad":
            raise RuntimeError
        return made

    monkeypatch.setattr(entries, "create", failing)
    assert await _bulk(site, "three", "bad", "four") == [201, 500, 201]
    listed = await site.get(f"{LIST}?perspective=draft&sort=i", headers=site.admin)
    assert [item["i"] for item in listed.json()["items"]] == ["four", "one", "three", "two"]


async def _walk(site: Site, sort: list[str], more: dict[str, Any]) -> list[str]:
    """Return the ids of a list that is read one by one, by GET and by POST in turns."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        asked: dict[str, Any] = {"limit": 1, **more, **({"cursor": cursor} if cursor else {})}
        if len(found) % 2:
            answer = await site.post(f"{LIST}/query", {**asked, "sort": sort}, headers=site.admin)
        else:
            answer = await site.get(LIST, params={**asked, "sort": ",".join(sort)}, headers=site.admin)
        assert answer.status_code == 200, answer.text
        found += [item["id"] for item in answer.json()["items"]]
        cursor = answer.json()["next"]
        assert len(answer.headers.get("link", "")) < 2_300
        if cursor is None:
            return found
        assert len(cursor) < 1_400


@pytest.mark.parametrize(
    ("sort", "more"),
    [
        (["-free", "e"], {}),
        (["t", "-free"], {}),
        (["e", "-t", "u"], {"locale": "ar"}),
        (["near.free", "t"], {}),
        (["free"], {"locale": "*", "status": "draft"}),
    ],
    ids=str,
)
async def test_a_page_after_long_sort_keys_has_a_short_cursor(
    site: Site, sort: list[str], more: dict[str, Any]
) -> None:
    """Every entry once and in the order of the whole list; keys that differ only in their last letter too."""
    near = {"name": "near", "kind": "relation", "to": ["note"], "on_delete": "nullify"}
    await site.define({**NOTE, "indexes": [], "fields": [*NOTE["fields"], near]})
    last = None
    for text in (_noise(100_000, "一"), _noise(999), "", _noise(3_000), f"{_noise(2_999)}z", _noise(3_000), None):
        data = {"free": text, "t": {"en": text, "ar": _noise(5_000)}, "u": None, "near": last, "e": "x"}
        last = (await site.entry(data, type="note", publish=False))["id"]
    asked = {**more, "perspective": "draft", "sort": ",".join(sort)}
    whole = await site.get(LIST, params=asked, headers=site.admin)
    assert len(whole.json()["items"]) == 7
    walked = await _walk(site, sort, {**more, "perspective": "draft"})
    assert walked == [item["id"] for item in whole.json()["items"]]


async def test_a_cursor_after_a_long_key_ends_with_it(site: Site) -> None:
    """Where the entry has another value there or is gone one begins again; what else becomes of it does not matter."""
    await site.define(NOTE)
    first, second = [await site.entry({"free": _noise(3_000, seed=seed)}, type="note") for seed in (1, 2)]
    query = f"{LIST}?sort=free&limit=1&filter[e][exists]=false"
    page = (await site.get(query)).json()
    shown, other = (first, second) if page["items"][0]["id"] == first["id"] else (second, first)

    async def go_on() -> tuple[int, Any]:
        answer = (await site.get(f"{query}&cursor={page['next']}")).json()
        return (200, [item["id"] for item in answer["items"]]) if "items" in answer else (400, answer["code"])

    async def change(data: dict[str, Any]) -> None:
        await site.patch(f"{LIST}/{shown['id']}", data, headers=site.admin)
        await site.post(f"{LIST}/{shown['id']}/publish", headers=site.admin)

    assert await go_on() == (200, [other["id"]])
    await change({"e": "x"})
    assert await go_on() == (200, [other["id"]])
    await change({"free": "short"})
    assert await go_on() == (400, "bad_cursor")
    await change({"free": shown["free"]})
    assert await go_on() == (200, [other["id"]])
    await site.delete(f"{LIST}/{shown['id']}", headers=site.admin)
    assert await go_on() == (400, "bad_cursor")


@pytest.fixture
async def site(database_url: str) -> Any:
    """A space without types."""
    async with open_site(database_url) as opened:
        yield opened
