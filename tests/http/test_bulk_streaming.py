"""A bulk that is streamed: of any length, a few lines at a time, on both engines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpx
import pytest
from site_support import ARTICLE, PERSON, Site, open_site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio
BULK = "/api/spaces/demo/bulk"
LIMITS = {"max_body_bytes": 20_000, "max_bulk_lines": 100, "max_stream_bytes": 100_000}


@pytest.fixture
async def site(database_url: str) -> AsyncIterator[Site]:
    """A space in which little is much."""
    async with open_site(database_url, more={"server": LIMITS}) as opened:
        await opened.define(PERSON)
        await opened.define(ARTICLE)
        yield opened


def _new(title: str, **more: Any) -> str:
    return json.dumps({"op": "create", "type": "article", "data": {"title": title, **more}})


async def _send(site: Site, lines: Iterable[str], *, at_once: int = 50, **headers: str) -> httpx.Response:
    """Send lines in chunks, which says nothing about how many there are."""
    text = "\n".join(lines).encode()

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(text), at_once * 80):
            yield text[start : start + at_once * 80]

    head = {"content-type": "application/x-ndjson", **site.admin}
    head |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = {name: value for name, value in head.items() if value}
    return await site.client.post(BULK, content=chunks(), headers=head)


def _results(answer: httpx.Response) -> list[dict[str, Any]]:
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson"), answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)
    return [json.loads(line) for line in answer.text.splitlines()]


async def _count(site: Site) -> int:
    return (await site.core.store.fetch_all("SELECT count(*) FROM maydan_versions"))[0][0]


@pytest.mark.parametrize("padding", ["", "x" * 100])
async def test_more_lines_than_a_body_holds_are_each_answered(site: Site, padding: str) -> None:
    """Also more bytes; a bad line and one that is too long leave the others as they are, blank ones count."""
    lines = [_new(f"T{number} {padding}") for number in range(1, 251)]
    lines[6] = "{"
    lines[7] = ""
    lines[99] = _new("x" * 20_001)
    results = _results(await _send(site, lines))
    assert [one["line"] for one in results] == [number for number in range(1, 251) if number != 8]
    assert {one["line"]: one["status"] for one in results if one["status"] != 201} == {7: 400, 100: 413}
    assert len({one["id"] for one in results if "id" in one}) == await _count(site) == 247


async def test_what_is_too_much_is_refused_and_nothing_is_done(site: Site) -> None:
    """With a length, all or nothing, as a trial, without an account, and beyond what the disk is for."""
    many = [_new(f"T{number}") for number in range(101)]
    head = {"content-type": "application/x-ndjson", **site.admin}
    whole = await site.client.post(BULK, content="\n".join(many).encode(), headers=head)
    assert (whole.status_code, whole.json()["code"]) == (413, "too_many_lines")
    atomic = await _send(site, many, prefer="atomic")
    assert (atomic.status_code, atomic.json()["code"]) == (413, "too_many_lines")
    large = [_new("x" * 150) for _ in range(110)]
    atomic = await _send(site, large, prefer="atomic")
    assert (atomic.status_code, atomic.json()["code"]) == (413, "too_many_lines")
    for lines in (many, large):
        assert (await _send(site, lines, authorization="")).status_code == 401
        nobody = await _send(site, lines, authorization="Bearer nobody")
        assert nobody.status_code == 401
    assert (await _send(site, [_new("x" * 150)] * 600)).json()["code"] == "too_large"
    assert (await _send(site, ["\n" * 20_001])).json()["code"] == "body_required"
    assert await _count(site) == 0
    few = await _send(site, many[:3], prefer="atomic")
    assert [one["status"] for one in _results(few)] == [201] * 3


@pytest.mark.parametrize("padding", ["", "x" * 100])
async def test_the_same_key_streams_once(site: Site, padding: str) -> None:
    """Also when it ended half way; the first answer again, and another body is refused."""
    lines = [_new(f"T{number:03} {padding}") if number != 7 else "{}" for number in range(1, 451)]
    cut = asyncio.create_task(_send(site, lines, idempotency_key="k"))
    while await _count(site) < 100:  # noqa: ASYNC110 - the database has no event for it
        await asyncio.sleep(0)
    cut.cancel()  # as if the process had ended: nothing is tidied up
    await asyncio.wait([cut])
    assert (await _send(site, lines, idempotency_key="k")).status_code == 409
    site.clock.forward(seconds=61)
    assert (await _send(site, lines[1:], idempotency_key="k")).status_code == 422
    first = await _send(site, lines, idempotency_key="k")
    results = _results(first)
    assert [one["line"] for one in results] == list(range(1, 451))
    assert [one["line"] for one in results if one["status"] != 201] == [7]
    assert len({one["id"] for one in results if "id" in one}) == await _count(site) == 449
    again = await _send(site, lines, idempotency_key="k")
    assert (again.headers["idempotency-replayed"], again.content) == ("true", first.content)
    assert await _count(site) == 449


async def test_a_right_that_ends_meanwhile_ends_the_stream(site: Site) -> None:
    """The lines that are left are each refused, and nothing more is stored."""
    editor = await site.account("editor@example.org", "editor")
    member = (await site.get("/api/me", headers=editor)).json()["id"]
    sending = asyncio.create_task(_send(site, [_new(f"T{number}") for number in range(450)], **editor))
    while await _count(site) < 100:  # noqa: ASYNC110 - the database has no event for it
        await asyncio.sleep(0)
    gone = await site.delete(f"/api/spaces/demo/members/{member}", headers=site.admin)
    assert gone.status_code == 204, gone.text
    results = _results(await sending)
    statuses = [one["status"] for one in results]
    assert len(statuses) == 450
    assert statuses == sorted(statuses)
    assert statuses.count(201) == await _count(site) < 450
