"""A subscriber that can take nothing now is held where it is: no event is to blame, and none is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from maydan.events.dead_letters import list_dead_letters
from maydan.events.parked import Waiting, parked_statement
from maydan.events.positions import list_subscribers
from maydan.events.settings import EventsSettings
from maydan.events.subscribers import Held
from maydan.events.subscriptions import Subscriptions
from maydan.storage import Statement, Store
from maydan.storage.log import Event, LoggedEvent, event_statement, read_after

pytestmark = pytest.mark.anyio

QUICK = EventsSettings(first_pause_s=0.001, longest_pause_s=0.002, tries=3, poll_s=0.01)


def event(name: str) -> Statement:
    """Return the statement of an event about a subject of that name."""
    return event_statement(
        Event(type="entry.created", space_key=1, subject_type="t", subject_id=name, at=datetime.now(UTC))
    )


class Shy:
    """Takes nothing from a certain subject on while it is told so."""

    name = "shy"

    def __init__(self, *, refuses: str = "") -> None:
        self.refuses = refuses
        """The subject; empty: none."""
        self.taken: list[str] = []
        self.refused = 0
        self._refused = asyncio.Event()

    def is_held(self, event: LoggedEvent) -> bool:
        """It does not say so by itself."""
        return False

    async def handle(self, event: LoggedEvent) -> None:
        """Take it, unless it is what it cannot take now."""
        if event.subject_id == self.refuses:
            self.refused += 1
            self._refused.set()
            raise Held("It is down.")
        self.taken.append(event.subject_id)

    async def refused_again(self, times: int) -> None:
        """Wait until it could not take something so often."""
        goal = self.refused + times
        async with asyncio.timeout(40):
            while self.refused < goal:
                self._refused.clear()
                await self._refused.wait()


class ShyOfMany(Shy):
    """Takes batches."""

    async def handle_all(self, events: Sequence[LoggedEvent]) -> None:
        """All or nothing."""
        if any(each.subject_id == self.refuses for each in events):
            await self.handle(next(each for each in events if each.subject_id == self.refuses))
        self.taken += [each.subject_id for each in events]


async def served(store: Store, shy: Shy) -> Subscriptions:
    """Start a worker that serves it."""
    worker = Subscriptions(store, QUICK)
    worker.add(shy)
    await worker.start()
    return worker


@pytest.mark.parametrize("kind", [Shy, ShyOfMany])
async def test_however_often_it_is_held_everything_comes_in_order(store: Store, kind: type[Shy]) -> None:
    """No try is counted, nothing goes by, and why it is held is shown until it goes on."""
    shy = kind(refuses="b")
    await store.commit([event(name) for name in "abcb"])
    worker = await served(store, shy)
    await shy.refused_again(4 * QUICK.tries)
    await store.commit([event("d")])
    await shy.refused_again(QUICK.tries)
    (shown,) = await list_subscribers(store)
    assert (shown.parked, shown.failures, shown.dead_letters) == (0, 0, 0)
    assert shown.error == "Held: It is down."
    assert shown.lag >= 4
    shy.refuses = ""
    await worker.settled()
    await worker.stop()
    assert shy.taken == list("abcbd")
    (shown,) = await list_subscribers(store)
    assert (shown.lag, shown.error) == (0, None)


async def test_a_worker_that_dies_while_it_is_held_leaves_nothing_out(sqlite_store: Store) -> None:
    """What it was held at is no event that kills its workers."""
    await sqlite_store.commit([event(name) for name in "abc"])
    for _ in range(2 * QUICK.tries):
        shy = Shy(refuses="a")
        dead = "UPDATE maydan_subscriptions SET lease_owner = 'dead', lease_until_ms = 0"
        await sqlite_store.commit([Statement(dead)])
        worker = await served(sqlite_store, shy)
        await shy.refused_again(2 * QUICK.tries)
        await worker.stop()
    shy = Shy()
    worker = await served(sqlite_store, shy)
    await worker.settled()
    await worker.stop()
    assert shy.taken == list("abc")
    assert await list_dead_letters(sqlite_store) == []


async def test_what_was_parked_before_keeps_its_tries(store: Store) -> None:
    """It waits with the others, and is taken with them."""
    await store.commit([event(name) for name in "abc"])
    shy = Shy()
    worker = await served(store, shy)
    await worker.settled()
    await worker.stop()
    first = (await read_after(store, 0, 1))[0]
    await store.commit([parked_statement("shy", [Waiting(first, QUICK.tries - 1, "before")])])
    shy = Shy(refuses="a")
    worker = await served(store, shy)
    await shy.refused_again(3 * QUICK.tries)
    await worker.stop()
    (shown,) = await list_subscribers(store)
    assert (shown.parked, shown.failures, shown.error) == (1, QUICK.tries - 1, "Held: It is down.")
    shy.refuses = ""
    worker = await served(store, shy)
    await worker.settled()
    await worker.stop()
    assert shy.taken == ["a"]
    (shown,) = await list_subscribers(store)
    assert (shown.parked, shown.dead_letters, shown.error) == (0, 0, None)
