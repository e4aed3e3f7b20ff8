"""The change feed over HTTP: pages and streams, read by an independent client from a real server."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from site_support import ARTICLE, PASSWORD, PERSON, Site, open_site  # pyright: ignore[reportMissingImports] - tests/support
from streams_support import WAIT_S, listening, reading  # pyright: ignore[reportMissingImports] - tests/support

from maydan.storage.ports import Statement

pytestmark = pytest.mark.anyio

FEED = "/api/spaces/demo/changes"
STREAM = {"accept": "text/event-stream"}


class Served:
    """A site with a server in front of it."""

    def __init__(self, site: Site, client: httpx.AsyncClient, port: int) -> None:
        self.site = site
        self.client = client
        self.port = port

    @property
    def around(self) -> Any:
        """What all requests share."""
        return self.site.application.state["around"]

    def set(self, **settings: Any) -> None:
        """Change settings of ``[streams]``."""
        self.around.streams.settings = replace(self.around.streams.settings, **settings)

    async def newest(self) -> int:
        """Return the position of the newest change."""
        items: list[dict[str, Any]] = []
        since: str | None = "0"
        while since is not None:
            page = (await self.client.get(FEED, params={"since": since, "limit": 100}, headers=self.site.admin)).json()
            items, since = page["items"] or items, page["next"]
        return int(items[-1]["id"])


async def served_on(url: str) -> AsyncIterator[Served]:
    """Serve a site."""
    async with open_site(url) as site:
        await site.define(PERSON)
        await site.define(ARTICLE)
        async with listening(site.application) as (client, port):
            yield Served(site, client, port)


@pytest.fixture
async def served(sqlite_url: str) -> AsyncIterator[Served]:
    """A served site on SQLite."""
    async for each in served_on(sqlite_url):
        yield each


@pytest.fixture
async def served_everywhere(database_url: str) -> AsyncIterator[Served]:
    """A served site on each engine in turn."""
    async for each in served_on(database_url):
        yield each


async def test_pages_and_streams_tell_the_same_in_the_same_order(served_everywhere: Served) -> None:
    """What was before comes first, what happens then follows; a client that comes back misses and repeats nothing."""
    site, client = served_everywhere.site, served_everywhere.client
    start = await served_everywhere.newest()
    entries = [(await site.entry({"title": f"Entry {number}"}))["id"] for number in range(6)]
    async with reading(client, site.admin, since=start) as first:
        await first.has(12)
        entries.append((await site.entry({"title": "Live"}))["id"])
        await first.has(14)
    entries += [(await site.entry({"title": f"Missed {number}"}))["id"] for number in range(2)]
    again = {**site.admin, "Last-Event-ID": first.events[-1].id}
    async with reading(client, again, since=start) as second:
        entries.append((await site.entry({"title": "Live again"}))["id"])
        await second.has(6)
    told = [*first.told, *second.told]
    assert told == [(kind, entry) for entry in entries for kind in ("entry.created", "entry.published")]
    assert first.ids + second.ids == sorted({*first.ids, *second.ids})
    paged: list[dict[str, Any]] = []
    since: str | None = str(start)
    while since is not None:
        answer = await client.get(FEED, params={"since": since, "limit": 7}, headers=site.admin)
        following = answer.json()["next"]
        assert answer.headers.get("link") == (following and f'<{FEED}?limit=7&since={following}>; rel="next"')
        paged, since = paged + answer.json()["items"], answer.json()["next"]
    assert paged == [json.loads(event.data) for event in (*first.events, *second.events)]
    assert all(event["source"] == "/api/spaces/demo" and event["specversion"] == "1.0" for event in paged)


async def test_a_stream_tells_each_reader_what_that_reader_may_know(served_everywhere: Served) -> None:
    """Drafts are for editors; private fields and secrets are in no event; rights that come later count from then on."""
    site, client = served_everywhere.site, served_everywhere.client
    editor = await site.account("editor@example.org", "editor")
    member = await site.account("member@example.org", "member")
    start = await served_everywhere.newest()
    async with (
        reading(client, editor, since=start) as edits,
        reading(client, since=start) as anyone,
        reading(client, member, since=start) as reads,
    ):
        draft = await site.entry({"title": "Draft", "note": "private", "key": "secret"}, publish=False)
        shown = await site.entry({"title": "Shown"})
        await edits.has(3)
        await asyncio.gather(anyone.has(1), reads.has(1))
        path = "/api/spaces/demo/members"
        people = (await site.get(path, headers=site.admin)).json()["items"]
        user = next(each for each in people if each["email"] == "member@example.org")
        answer = await site.client.put(
            f"{path}/{user['id']}", json={"roles": ["editor"]}, headers={**site.admin, "if-match": "*"}
        )
        assert answer.status_code == 200, answer.text
        later: list[str] = []
        async with asyncio.timeout(WAIT_S):
            while len(reads.told) < 2:  # a stream looks at its reader's rights again within a second
                later.append((await site.entry({"title": "Later"}, publish=False))["id"])
                await asyncio.sleep(0.05)
    assert edits.told[:3] == [
        ("entry.created", draft["id"]), ("entry.created", shown["id"]), ("entry.published", shown["id"])
    ]  # fmt: skip
    assert reads.told[0] == ("entry.published", shown["id"])
    assert set(reads.told[1:]) <= {("entry.created", one) for one in later}
    assert anyone.told == [("entry.published", shown["id"])]
    everything = "".join(event.data for event in (*edits.events, *reads.events, *anyone.events))
    assert "note" not in everything
    assert "secret" not in everything


async def test_a_stream_ends_when_its_caller_loses_the_right_to_it(served: Served) -> None:
    """A suspended account, a session that was ended; who is no member any more hears what anybody may."""
    site, client = served.site, served.client
    people: dict[str, dict[str, str]] = {}
    for name in ("suspended", "out", "removed", "kept"):
        people[name] = await site.account(f"{name}@example.org", "editor")
    users = {
        each["email"].partition("@")[0]: each["id"]
        for each in (await site.get("/api/spaces/demo/members", headers=site.admin)).json()["items"]
    }
    async with AsyncExitStack() as streams:
        readers = {
            name: await streams.enter_async_context(reading(client, headers)) for name, headers in people.items()
        }
        answer = await site.patch(f"/api/users/{users['suspended']}", {"suspended": True}, headers=site.admin)
        assert answer.status_code == 200, answer.text
        await site.post("/api/auth/logout", headers=people["out"])
        await site.delete(f"/api/spaces/demo/members/{users['removed']}", headers=site.admin)
        for name in ("suspended", "out"):
            await readers[name].ends()
        await site.core.revisions.settled()
        entry = await site.entry({"title": "Still told"})
        await asyncio.gather(readers["kept"].has(2), readers["removed"].has(1))
        assert readers["removed"].told == [("entry.published", entry["id"])]
        assert not readers["kept"].is_over
        site.clock.forward(seconds=3600)  # its access token has expired
        await site.core.accounts.people.create(email="new@example.org", password=PASSWORD, name="New")
        await asyncio.gather(readers["kept"].ends(), readers["removed"].ends())
    figures = (await client.get("/metrics", headers=await site.log_in("admin@example.org"))).text
    assert 'maydan_streams_ended_total{reason="revoked"} 4.0' in figures
    assert "maydan_streams_open " in figures
    assert (await client.get(FEED, headers={**people["suspended"], **STREAM})).status_code == 401


@pytest.mark.parametrize("by", ["token", "access token", "ticket of a token", "ticket of a session"])
async def test_a_stream_ends_at_the_end_of_what_it_was_opened_with(
    served_everywhere: Served, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """Within a second, though nothing changes by which rights would be judged again."""
    site, client = served_everywhere.site, served_everywhere.client
    start, passed = site.clock.now(), [timedelta()]
    monkeypatch.setattr(site.clock, "now", lambda: start + passed[0])
    headers = await site.account("reader@example.org", "editor")
    lives = timedelta(seconds=site.core.settings.auth.access_token_s)
    if by.endswith(" a session"):
        lives = timedelta(seconds=60)
        ends = Statement("UPDATE maydan_sessions SET expires_at = ?", (start + lives,))
        await site.core.store.commit([ends])
    elif by.endswith("token") and by != "access token":
        lives = timedelta(seconds=60)
        given = {"name": "feed", "space": "demo", "actions": ["read"], "expires_in": 60}
        made = await site.post("/api/tokens", given, headers=headers)
        headers = {"authorization": f"Bearer {made.json()['token']}"}
    passed[0] = lives - timedelta(seconds=1)
    query: dict[str, Any] = {}
    if by.startswith("ticket"):
        query = {"ticket": (await site.post("/api/auth/tickets", headers=headers)).json()["ticket"]}
        headers = {}
    await site.core.revisions.settled()
    async with reading(client, headers, **query) as reader:
        passed[0] = lives
        await reader.ends()


async def test_filters_and_a_limit_apply_to_pages_and_to_streams(served: Served) -> None:
    """``events`` names kinds, ``types`` content types; a stream ends after ``limit`` changes."""
    site, client = served.site, served.client
    person = await site.entry({"name": "Ann"}, type="person", publish=False)
    article = await site.entry({"title": "One"})
    await site.entry({"title": "Two"}, publish=False)
    query = {"since": "0", "events": "entry.created,entry.published", "types": "person"}
    page = (await client.get(FEED, params=query, headers=site.admin)).json()
    assert [item["data"]["id"] for item in page["items"]] == [person["id"]]
    async with reading(client, site.admin, since=0, events="entry.published", limit=1) as reader:
        await reader.ends()
    assert reader.told == [("entry.published", article["id"])]
    limited = (await client.get(FEED, params={"limit": 1, "types": "article"}, headers=site.admin)).json()
    assert len(limited["items"]) == 1
    assert limited["next"] == limited["items"][0]["id"]


async def test_a_place_beyond_the_end_is_the_end(served: Served) -> None:
    """Whoever names more than has happened, since the log was another one, is told what happens from then on."""
    site, client = served.site, served.client
    beyond = {**site.admin, "Last-Event-ID": "999999999"}
    async with reading(client, beyond) as first, reading(client, site.admin, since=2**59) as second:
        entry = await site.entry({"title": "New"})
        for reader in (first, second):
            await reader.has(2)
            assert reader.told == [("entry.created", entry["id"]), ("entry.published", entry["id"])]


async def test_what_cannot_be_read_is_refused(served: Served) -> None:
    """A mistake is a 400 that names the parameter, for a stream as for a page."""
    refused: tuple[tuple[dict[str, str], dict[str, str]], ...] = (
        ({"since": "-1"}, {}),
        ({"since": "x"}, {}),
        ({"since": ""}, {}),
        ({"limit": "0"}, {}),
        ({"limit": "101"}, {}),
        ({"events": "entry.exploded"}, {}),
        ({"types": "nothing"}, {}),
        ({"after": "3"}, {}),
        ({}, {**STREAM, "last-event-id": "x"}),
        ({}, {**STREAM, "last-event-id": "-1"}),
        ({}, {**STREAM, "last-event-id": "9" * 30}),
        ({"ticket": "x"}, {}),
    )
    for query, headers in refused:
        answer = await served.site.get(FEED, params=query, headers={**served.site.admin, **headers})
        assert answer.status_code == 400, (query, headers, answer.text)


async def test_a_hidden_type_and_an_unknown_one_are_the_same_mistake(served: Served) -> None:
    """Nobody learns from a filter that a type exists."""
    hidden = await served.client.get(FEED, params={"types": "person"})
    unknown = await served.client.get(FEED, params={"types": "nobody"})
    assert hidden.status_code == unknown.status_code == 400
    assert hidden.json()["detail"].replace("person", "nobody") == unknown.json()["detail"]


async def test_a_silent_stream_sends_heartbeats_and_the_position(served: Served) -> None:
    """Comments keep proxies awake; the position moves on past what the reader may not know."""
    served.set(heartbeat_s=0.02)
    async with served.client.stream("GET", FEED, headers=STREAM) as answer:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-accel-buffering"] == "no"
        lines = answer.aiter_lines()
        assert [await anext(lines), await anext(lines)] == [": open", "retry: 2000"]
        while await anext(lines) != ": heartbeat":
            pass
        await served.site.entry({"title": "Hidden"}, publish=False)
        newest = await served.newest()
        while await anext(lines) != f"id: {newest}":
            pass


async def test_a_reader_who_takes_nothing_is_cut_off(served: Served) -> None:
    """What waits for it is bounded, and the others hear everything."""
    served.set(buffer_bytes=20_000, stall_s=0.3, heartbeat_s=0.1)
    site = served.site
    start = await served.newest()
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect(("127.0.0.1", served.port))
    head = ["Host: x", "Accept: text/event-stream", f"Authorization: {site.admin['authorization']}", "", ""]
    slow.sendall("\r\n".join([f"GET {FEED} HTTP/1.1", *head]).encode())
    async with reading(served.client, site.admin, since=start) as quick:
        streams = served.around.streams
        while len(streams) < 2:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.005)
        for opened in tuple(streams._open.values()):
            if opened.call.query.since is None:
                # More than the network's own buffers take, so that the reader is behind at once.
                opened.outlet.offer(b":" * 8_000_000 + b"\n")
        while len(streams) > 1:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)
        entry = await site.entry({"title": "Heard"})
        await quick.has(2)
    assert quick.told[0] == ("entry.created", entry["id"])
    assert streams.endings["slow"] == 1
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    slow.close()


async def test_streams_are_counted_per_account_address_and_worker(served: Served) -> None:
    """Too many of one caller are 429, too many of all 503, both with ``Retry-After``; one that ends makes room."""
    site, client = served.site, served.client
    served.set(max_per_account=1, max_per_address=1)
    asking = {**site.admin, **STREAM}
    async with reading(client, site.admin), reading(client):
        own, address = await client.get(FEED, headers=asking), await client.get(FEED, headers=STREAM)
        served.around.streams._most = 2
        worker = await client.get(FEED, headers={**await site.account("a@example.org", "editor"), **STREAM})
    assert [each.status_code for each in (own, address, worker)] == [429, 429, 503]
    assert all(int(each.headers["retry-after"]) > 0 for each in (own, address, worker))
    while len(served.around.streams):  # noqa: ASYNC110 - the server has no event for it
        await asyncio.sleep(0.005)
    async with reading(client, site.admin):
        pass


async def test_a_stop_ends_streams_cleanly(served: Served) -> None:
    """What was told arrives, then the answer is complete, and no new stream begins."""
    async with reading(served.client, served.site.admin) as reader:
        await served.site.entry({"title": "Last words"})
        await reader.has(2)
        served.around.begin_stop()
        await reader.ends()
    assert (await served.client.get(FEED, headers={**served.site.admin, **STREAM})).status_code == 503
    assert (await served.client.get(FEED, headers=served.site.admin)).status_code == 200


async def test_the_head_of_a_stream_is_answered_at_once(served: Served) -> None:
    """HEAD opens nothing."""
    answer = await served.client.head(FEED, headers=STREAM)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert not len(served.around.streams)
