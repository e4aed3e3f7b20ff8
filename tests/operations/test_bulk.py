"""Many writes in one request, on both engines."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio
BULK = "/api/spaces/demo/bulk"
LIST = "/api/spaces/demo/content/article"


async def _send(site: Site, *lines: Any, query: str = "", **headers: str) -> httpx.Response:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    head = {"content-type": "application/x-ndjson", **site.admin}
    head |= {name.replace("_", "-"): value for name, value in headers.items()}
    return await site.client.post(f"{BULK}{query}", content=text.encode(), headers=head)


async def _results(site: Site, *lines: Any, **more: Any) -> list[dict[str, Any]]:
    answer = await _send(site, *lines, **more)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson"), answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def _new(title: str, **more: Any) -> dict[str, Any]:
    return {"op": "create", "type": "article", "data": {"title": title, **more}}


async def _titles(site: Site) -> list[str]:
    answer = await site.get(f"{LIST}?perspective=draft&sort=title&limit=100", headers=site.admin)
    return [item["title"] for item in answer.json()["items"]]


async def test_every_operation_answers_on_its_line(site: Site) -> None:
    """Created 201, changed and published 200, deleted 204; lines count from 1 and see what those before them did."""
    first = (await site.entry({"title": "First"}, publish=False))["id"]
    results = await _results(
        site,
        _new("Second"),
        {"op": "update", "type": "article", "id": first, "data": {"rating": 4}},
        {"op": "replace", "type": "article", "id": first, "data": {"title": "Replaced"}},
        {"op": "replace", "type": "article", "id": "third", "data": {"title": "Third"}},
        {"op": "publish", "type": "article", "id": first},
        {"op": "update", "type": "article", "id": "second", "data": {"rating": 2}},
        {"op": "publish", "type": "article", "id": "second", "data": {"locales": ["en"]}},
        {"op": "unpublish", "type": "article", "id": first},
        {"op": "delete", "type": "article", "id": "third"},
    )
    assert [(one["line"], one["status"]) for one in results] == [
        (1, 201), (2, 200), (3, 200), (4, 201), (5, 200), (6, 200), (7, 200), (8, 200), (9, 204)
    ]  # fmt: skip
    assert results[0]["id"] == results[5]["id"] == results[6]["id"]
    assert results[3]["id"] == results[8]["id"]
    assert await _titles(site) == ["Replaced", "Second"]
    published = (await site.get(LIST)).json()["items"]
    assert [(item["title"], item["rating"]) for item in published] == [("Second", 2)]


@pytest.mark.parametrize(
    ("line", "status", "pointer"),
    [
        ("{", 400, None),
        ("[]", 422, ""),
        ('{"op": "create", "op": "delete", "type": "article"}', 400, None),
        ({"op": "fly", "type": "article"}, 422, "/op"),
        ({"op": "create", "type": "article"}, 422, "/data"),
        ({"op": "create", "type": "article", "id": "x", "data": {}}, 422, "/id"),
        ({"op": "update", "type": "article", "data": {}}, 422, "/id"),
        ({"op": "create", "type": "article", "data": {}, "more": 1}, 422, "/more"),
        ({"op": "delete", "type": "article", "id": "x", "data": {}}, 422, "/data"),
        ({"op": "create", "type": "article", "data": {"nothing": 1}}, 422, "/nothing"),
        ({"op": "create", "type": "article", "data": {"title": 1}}, 422, "/title"),
        ({"op": "create", "type": "nothing", "data": {}}, 404, None),
        ({"op": "publish", "type": "article", "id": "nothing"}, 404, None),
        ({"op": "publish", "type": "article", "id": "kept", "data": {"locales": ["xx"]}}, 422, "/locales/0"),
        ({"op": "publish", "type": "article", "id": "kept", "data": {"at": "2026-01-01T00:00:00"}}, 422, "/data/at"),
        ({"op": "replace", "type": "article", "id": "kept", "data": {"version": 9}}, 422, "/version"),
    ],
)
async def test_a_line_that_fails_leaves_the_others_as_they_are(
    site: Site, line: Any, status: int, pointer: str | None
) -> None:
    """It answers with the problem that it would have got alone; with ``Prefer: atomic`` that is the whole answer."""
    lines = (_new("Kept"), line, _new("Also kept"))
    stopped = await _send(site, *lines, Prefer="atomic")
    assert (stopped.status_code, stopped.headers["content-type"]) == (status, "application/problem+json")
    assert stopped.json()["line"] == 2
    assert await _titles(site) == []
    results = await _results(site, *lines)
    assert [one["status"] for one in results] == [201, status, 201]
    problem = results[1]["problem"]
    assert problem["status"] == status
    assert pointer is None or [place["pointer"] for place in problem["errors"]] == [pointer]
    assert await _titles(site) == ["Also kept", "Kept"]


async def test_atomic_is_all_or_nothing(site: Site) -> None:
    """Also what the lines before the failing one did to entries that were there; and without a failure it is all."""
    entry = await site.entry({"title": "Old", "code": "a"})
    update = {"op": "update", "type": "article", "id": entry["id"], "data": {"title": "New"}}
    refused = await _send(site, update, _new("X", code="b"), _new("Y", code="a"), Prefer="atomic")
    assert (refused.status_code, refused.json()["code"], refused.json()["line"]) == (409, "unique_violation", 3)
    assert await _titles(site) == ["Old"]
    done = await _send(site, update, _new("X", code="b"), Prefer="respond-async, atomic")
    assert (done.status_code, done.headers["preference-applied"]) == (200, "atomic")
    assert await _titles(site) == ["New", "X"]


async def test_lines_with_one_slug_get_numbers(site: Site) -> None:
    """As entries that are created one after the other do."""
    results = await _results(site, *[_new("Same")] * 3)
    slugs = [
        (await site.get(f"{LIST}/{one['id']}?perspective=draft", headers=site.admin)).json()["slug"] for one in results
    ]
    assert slugs == ["same", "same-2", "same-3"]


@pytest.mark.parametrize("prefer", ["", "atomic"])
async def test_a_dry_run_says_what_would_happen_and_stores_nothing(site: Site, prefer: str) -> None:
    """Not the ids of what would be created; the events and slugs are not there afterwards either."""
    lines = (_new("One"), {"op": "update", "type": "article", "id": "one", "data": {"rating": 1}})
    results = await _results(site, *lines, query="?dry_run=true", Prefer=prefer)
    assert [one["status"] for one in results] == [201, 200]
    assert "id" not in results[0]
    assert await _titles(site) == []
    rows = await site.core.store.fetch_all("SELECT 1 FROM maydan_log WHERE type LIKE 'entry.%'")
    assert rows == []


@pytest.mark.parametrize("prefer", ["", "atomic"])
async def test_the_same_key_writes_once(site: Site, prefer: str) -> None:
    """The first answer again, with its ids; another body is refused, and so is another ``Prefer``."""
    first = await _send(site, _new("A"), _new("B"), Prefer=prefer, Idempotency_Key="k1")
    second = await _send(site, _new("A"), _new("B"), Prefer=prefer, Idempotency_Key="k1")
    assert (second.text, second.headers["idempotency-replayed"]) == (first.text, "true")
    assert await _titles(site) == ["A", "B"]
    other = await _send(site, _new("C"), Prefer=prefer, Idempotency_Key="k1")
    assert other.status_code == 422
    otherwise = await _send(site, _new("A"), _new("B"), Prefer="" if prefer else "atomic", Idempotency_Key="k1")
    assert (otherwise.status_code, otherwise.json()["code"]) == (422, "idempotency_key_reused")
    assert await _titles(site) == ["A", "B"]


async def test_a_bulk_that_ended_half_way_goes_on_where_it_was(site: Site) -> None:
    """The same request with the same key: what was stored is answered as it was then, and nothing is created twice."""
    lines = [_new(f"T{number:03}") if number != 7 else {"op": "create", "type": "nothing"} for number in range(1, 451)]
    counting = "SELECT count(*) FROM maydan_versions"
    cut = asyncio.create_task(_send(site, *lines, idempotency_key="k"))
    while (await site.core.store.fetch_all(counting))[0][0] < 100:  # noqa: ASYNC110 - the database has no event for it
        await asyncio.sleep(0)
    cut.cancel()  # as if the process had ended: nothing is tidied up
    await asyncio.wait([cut])
    assert cut.cancelled()
    stored = (await site.core.store.fetch_all(counting))[0][0]
    assert stored < len(lines) - 1
    early = await _send(site, *lines, idempotency_key="k")
    assert (early.status_code, early.json()["code"]) == (409, "idempotency_running")
    site.clock.forward(seconds=61)
    other = await _send(site, *lines[1:], idempotency_key="k")
    assert other.status_code == 422
    results = await _results(site, *lines, idempotency_key="k")
    assert [one["line"] for one in results] == list(range(1, 451))
    assert [one["line"] for one in results if one["status"] != 201] == [7]
    rows = await site.core.store.fetch_all("SELECT entry_id FROM maydan_versions")
    assert sorted(str(row[0]) for row in rows) == sorted(one["id"] for one in results if "id" in one)
    again = await _send(site, *lines, idempotency_key="k")
    assert again.headers["idempotency-replayed"] == "true"
    assert [json.loads(line) for line in again.text.splitlines()] == results


async def test_each_line_needs_its_right(site: Site) -> None:
    """Nobody is 401 for the whole; somebody without the right gets 403 or 404 on the line."""
    content = json.dumps(_new("A")).encode()
    headers = {"content-type": "application/x-ndjson"}
    assert (await site.client.post(BULK, content=content, headers=headers)).status_code == 401
    member = await site.account("member@example.org", "member")
    answer = await site.client.post(BULK, content=content, headers=headers | member)
    assert (answer.status_code, answer.json()["status"]) == (200, 403)
    assert await _titles(site) == []


async def test_plain_values_go_to_the_locale_that_is_named(site: Site) -> None:
    """As ``?locale=`` on a single write; one that the space has not is 400 for the whole."""
    results = await _results(site, _new("مرحبا"), query="?locale=ar")
    answer = await site.get(f"{LIST}/{results[0]['id']}?perspective=draft&locale=*", headers=site.admin)
    assert answer.json()["title"] == {"ar": "مرحبا"}
    assert (await _send(site, _new("x"), query="?locale=xx")).status_code == 400


async def test_what_is_no_bulk_is_refused_as_a_whole(site: Site) -> None:
    """No line, too many lines, another media type, an unknown parameter; nothing is stored."""
    assert (await _send(site, "\n\n")).status_code == 400
    most = site.core.settings.server.max_bulk_lines
    assert (await _send(site, *["{}"] * (most + 1))).status_code == 413
    answer = await site.post(BULK, _new("x"), headers=site.admin)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert (await _send(site, _new("x"), query="?dry=1")).status_code == 400
    assert await _titles(site) == []


async def test_many_lines_in_several_commits_keep_their_order(site: Site) -> None:
    """One answer line for each, blank lines are counted and left out."""
    lines = [_new(f"T{number:03}") if number % 50 else "{}" for number in range(250)]
    results = await _results(site, *lines, "")
    assert [one["line"] for one in results] == list(range(1, 251))
    assert [one["line"] for one in results if one["status"] != 201] == [1, 51, 101, 151, 201]
    assert len({one["id"] for one in results if one["status"] == 201}) == 245


async def test_later_lines_see_what_earlier_ones_stored(site: Site) -> None:
    """Within one commit: a relation to an entry of the line before, a slug that was freed, a value that is taken."""
    results = await _results(
        site,
        {"op": "create", "type": "person", "data": {"name": "Ann"}},
        _new("One", code="x"),
        {"op": "update", "type": "article", "id": "one", "data": {"slug": "uno"}},
        {"op": "create", "type": "article", "data": {"title": "Two", "slug": "one"}},
        _new("Three", code="x"),
        {"op": "delete", "type": "article", "id": "uno"},
        _new("Four", code="x"),
    )
    assert [one["status"] for one in results] == [201, 201, 200, 201, 409, 204, 201]
    person = results[0]["id"]
    linked = await _results(site, _new("Five", author=person), _new("Six", author=results[1]["id"]))
    assert [one["status"] for one in linked] == [201, 422]


async def test_every_line_that_is_stored_has_its_event_and_its_version(site: Site) -> None:
    """In the order of the lines."""
    results = await _results(site, *[_new(f"T{number}") for number in range(30)])
    ids = [one["id"] for one in results]
    rows = await site.core.store.fetch_all(
        "SELECT subject_id FROM maydan_log WHERE type = ? ORDER BY position", "entry.created"
    )
    assert [str(row[0]) for row in rows] == ids
    counts = await site.core.store.fetch_all("SELECT count(*) FROM maydan_versions")
    assert counts[0][0] == 30
