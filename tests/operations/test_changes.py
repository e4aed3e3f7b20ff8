"""The change feed's inside: joined without gap while others write, and judged once for all with the same rights."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from site_support import PERSON, Site, open_site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.access.actors import ANONYMOUS, Actor, system
from maydan.errors import Unavailable
from maydan.operations.changes import ChangeFeed, Follower, Wanted
from maydan.storage.log import last_position, read_after

pytestmark = pytest.mark.anyio


@pytest.fixture
async def site(sqlite_url: str) -> AsyncIterator[Site]:
    """A site on SQLite: what is asked here does not depend on the engine."""
    async with open_site(sqlite_url) as opened:
        await opened.define(PERSON)
        yield opened


class Box:
    """A follower's reader, who has room for ever."""

    def __init__(self, site: Site, actor: Actor, limit: int = -1) -> None:
        self.follower = Follower(actor, site.space, Wanted(), limit)
        self.follower.give = self.take
        self.ids: list[str] = []

    def take(self, encoded: bytes) -> bool:
        self.ids.append(encoded.decode())
        return True

    async def put(self, encoded: bytes) -> bool:
        await asyncio.sleep(0)
        return self.take(encoded)


def feed_of(site: Site) -> ChangeFeed:
    """Return a feed that gives the positions alone."""
    return ChangeFeed(site.core, lambda view: view.id.encode())


async def test_who_joins_while_others_write_gets_each_change_once_and_in_order(site: Site) -> None:
    """Between the old changes, which are read, and the new ones, which are offered, nothing is lost or repeated."""
    feed, boxes, serving = feed_of(site), list[Box](), list[asyncio.Task[None]]()
    for number in range(40):
        await site.entry({"name": f"Person {number}"}, type="person", publish=False)
        if number % 4 == 0:
            boxes.append(Box(site, system("test")))
            serving.append(asyncio.create_task(feed.serve(boxes[-1].follower, 0, boxes[-1].put)))
            await asyncio.sleep(0)
    few = Box(site, system("test"), limit=3)
    await feed.serve(few.follower, 0, few.put)
    newest = str(await last_position(site.core.store))
    async with asyncio.timeout(30):
        while any(newest not in box.ids for box in boxes):  # noqa: ASYNC110 - the feed has no event for it
            await asyncio.sleep(0.01)
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)
    assert len(boxes[0].ids) >= 40
    assert boxes[0].ids == sorted(set(boxes[0].ids), key=int)
    assert all(box.ids == boxes[0].ids for box in boxes)
    assert few.ids == boxes[0].ids[:3]


async def test_followers_with_the_same_rights_cost_as_many_statements_as_one(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log is read once for all; members are judged together, and apart only where it matters who somebody is."""
    store, asked = site.core.store, list[str]()
    for name in ("fetch_all", "fetch_one", "fetch_point"):
        monkeypatch.setattr(store, name, _counting(getattr(store, name), asked))

    async def statements_for(actors: list[Actor]) -> int:
        feed, boxes = feed_of(site), [Box(site, actor) for actor in actors]
        since = await last_position(store)
        serving = [asyncio.create_task(feed.serve(box.follower, since, box.put)) for box in boxes]
        async with asyncio.timeout(30):
            while not all(box.follower.is_current for box in boxes):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.005)
            del asked[:]
            await site.entry({"name": "Ann"}, type="person", publish=False)
            told = [box for box in boxes if box.follower.actor.kind != "anonymous"]
            while not all(box.ids for box in told):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.005)
        count = len([each for each in asked if "revision" not in each])
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        return count

    editor = frozenset({"editor"})
    people = [Actor(kind="account", id=f"person {n}", roles={site.space.key: editor}) for n in range(30)]
    one = await statements_for(people[:1])
    assert await statements_for(people) <= one + 2
    assert await statements_for([*people, *[ANONYMOUS] * 30]) <= 2 * one


async def test_plugins_follow_a_space_by_the_same_reading_of_the_log(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First what was, then what comes, each once; who falls too far behind is told so, and misses nothing unnoticed."""
    tail, key = site.core.tail, site.space.key
    old = [event.position for event in await read_after(site.core.store, 0, 100, key)]
    async with aclosing(tail.follow(key, 0)) as events:
        seen = [(await anext(events)).position for _ in old]
        coming = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.05)  # it waits for what comes by now; else it would read this from the log too
        await site.entry({"name": "Ann"}, type="person", publish=False)
        async with asyncio.timeout(30):
            new = await coming
            assert (seen, new.type) == (old, "entry.created")
            monkeypatch.setattr("maydan.events.streams._MOST_WAITING", 3)
            for number in range(5):
                await site.entry({"name": f"Person {number}"}, type="person", publish=False)
            while tail.position < await last_position(site.core.store):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.005)
            assert [(await anext(events)).type for _ in range(3)] == ["entry.created"] * 3
            with pytest.raises(Unavailable):
                await anext(events)


def _counting(read: Any, asked: list[str]) -> Any:
    async def counted(sql: str, *args: Any) -> Any:
        asked.append(sql)
        return await read(sql, *args)

    return counted
