"""Subscribers get every event, in order, at least once, whatever goes wrong."""

from __future__ import annotations

import asyncio
import gc
from datetime import UTC, datetime

import pytest

from maydan.errors import NotFound
from maydan.events.dead_letters import get_dead_letter, list_dead_letters
from maydan.events.positions import list_subscribers, replay
from maydan.events.settings import EventsSettings
from maydan.events.subscriptions import Subscriptions
from maydan.storage import Statement, Store
from maydan.storage.log import Event, LoggedEvent, event_statement, last_position, read_after

pytestmark = pytest.mark.anyio

QUICK = EventsSettings(first_pause_s=0.001, longest_pause_s=0.002, tries=3, poll_s=0.05)


def event(name: str, space_key: int | None = 1) -> Statement:
    """Return the statement of an event about a subject of that name."""
    return event_statement(
        Event(type="entry.created", space_key=space_key, subject_type="t", subject_id=name, at=datetime.now(UTC))
    )


class Recorder:
    """Remembers what it gets; fails on a name as often as told."""

    def __init__(self, name: str = "recorder", failing: dict[str, int] | None = None) -> None:
        self.name = name
        self.failing = failing or {}
        self.seen: list[str] = []
        self.entered = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def handle(self, event: LoggedEvent) -> None:
        self.entered.set()
        await self.gate.wait()
        self.seen.append(event.subject_id)
        left = self.failing.get(event.subject_id, 0)
        if left:
            self.failing[event.subject_id] = left - 1
            raise LookupError(f"no {event.subject_id} here")


async def served(store: Store, *recorders: Recorder) -> Subscriptions:
    """Start a worker that serves them."""
    subscriptions = Subscriptions(store, QUICK)
    for recorder in recorders:
        subscriptions.add(recorder)
    await subscriptions.start()
    return subscriptions


async def test_events_come_in_order_also_those_from_before_the_start(store: Store) -> None:
    """Nothing that was committed is missed, whoever was running then."""
    await store.commit([event("a"), event("b")])
    recorder = Recorder()
    subscriptions = await served(store, recorder)
    for name in "cdefgh":
        await store.commit([event(name)])
    await subscriptions.settled()
    await subscriptions.stop()
    assert recorder.seen == list("abcdefgh")


async def test_a_position_survives_the_worker(store: Store) -> None:
    """The next worker goes on where the last one stopped."""
    await store.commit([event("a")])
    first = await served(store, Recorder())
    await first.settled()
    await first.stop()
    await store.commit([event("b")])
    recorder = Recorder()
    second = await served(store, recorder)
    await second.settled()
    await second.stop()
    assert recorder.seen == ["b"]


async def test_a_failure_is_tried_again_and_keeps_the_order_of_its_entry(store: Store) -> None:
    """What happened to the same entry waits, its comments too; other entries and other subscribers do not."""
    poor, good = Recorder("poor", {"b": 2}), Recorder("good")
    comment = event_statement(
        Event(
            type="comment.created", space_key=1, subject_type="comment", subject_id="on b", at=datetime.now(UTC),
            data={"entry": "b"},
        )
    )  # fmt: skip
    await store.commit([event("a"), event("b"), event("c")])
    await store.commit([comment, event("d")])
    subscriptions = await served(store, poor, good)
    await subscriptions.settled()
    await subscriptions.stop()
    assert poor.seen == ["a", "b", "c", "d", "b", "b", "on b"]
    assert good.seen == ["a", "b", "c", "on b", "d"]
    assert await list_dead_letters(store) == []


async def test_nothing_new_is_begun_while_all_goes_wrong(store: Store) -> None:
    """A subscriber that takes nothing is not handed a million events; what it was handed becomes dead letters."""
    names = [f"{number:03}" for number in range(130)]
    broken = Recorder(failing=dict.fromkeys(names, 1000))
    await store.commit([event(name) for name in names])
    subscriptions = await served(store, broken)
    async with asyncio.timeout(30):
        while len(broken.seen) < 150:  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0.01)
    assert set(broken.seen[:100]) == set(names[:100])
    assert broken.seen[100] in names[:100]
    await subscriptions.stop()


async def test_a_poison_event_becomes_a_dead_letter_that_can_be_retried(store: Store) -> None:
    """After the last try the rest goes on, and the event is kept with its error."""
    recorder = Recorder(failing={"b": 4})
    await store.commit([event("a"), event("b", 7), event("c")])
    subscriptions = await served(store, recorder)
    await subscriptions.settled()
    assert recorder.seen == ["a", "b", "c", "b", "b"]
    (letter,) = await list_dead_letters(store, space_key=7)
    assert (letter.subscriber, letter.attempts) == ("recorder", 3)
    assert letter.error == "LookupError: no b here"
    assert await list_dead_letters(store, space_key=8) == []
    await subscriptions.retry_dead_letter(letter.id)
    for gone in (subscriptions.retry_dead_letter(letter.id), get_dead_letter(store, letter.id)):
        with pytest.raises(NotFound):
            await gone
    await subscriptions.settled()
    await subscriptions.stop()
    # Once more it failed, and then it was taken.
    assert recorder.seen == ["a", "b", "c", "b", "b", "b", "b"]
    assert await list_dead_letters(store) == []


async def test_workers_share_the_work_and_each_event_is_handed_over_once(store: Store) -> None:
    """Of two workers, one serves a subscriber at a time."""
    first, second = Recorder(), Recorder()
    workers = [await served(store, first), await served(store, second)]
    for number in range(30):
        await store.commit([event(f"{number:02}")])
    for worker in workers:
        await worker.settled()
    for worker in workers:
        await worker.stop()
    assert sorted(first.seen + second.seen) == [f"{number:02}" for number in range(30)]
    assert first.seen == sorted(first.seen)
    assert second.seen == sorted(second.seen)


async def test_a_worker_takes_over_when_another_one_has_died(store: Store) -> None:
    """A lease that is not renewed runs out."""
    dying = Subscriptions(store, EventsSettings(lease_s=0.2, poll_s=0.05))
    stuck = Recorder()
    stuck.gate.clear()
    dying.add(stuck)
    await store.commit([event("a"), event("b")])
    await dying.start()
    await stuck.entered.wait()
    for task in dying._tasks:  # pyright: ignore[reportPrivateUsage] - as when the process is killed
        task.cancel()
    recorder = Recorder()
    alive = await served(store, recorder)
    await alive.settled()
    await alive.stop()
    assert recorder.seen == ["a", "b"]
    assert stuck.seen == []


async def test_a_clock_that_is_put_back_stops_nothing(store: Store) -> None:
    """Neither a dead worker's lease nor a pause lasts until the clock is where it was."""
    recorder = Recorder(failing={"a": 1})
    await store.commit([event("a")])
    subscriptions = await served(store, recorder)
    await recorder.entered.wait()
    await subscriptions.stop()
    tomorrow = "{now_ms} + 86400000"
    dead = f"UPDATE maydan_subscriptions SET lease_owner = 'dead', lease_until_ms = {tomorrow}"
    await store.commit([Statement(dead), Statement(f"UPDATE maydan_parked SET due_ms = {tomorrow}"), event("b")])
    subscriptions = await served(store, recorder)
    await subscriptions.settled()
    await subscriptions.stop()
    assert sorted(recorder.seen) == ["a", "a", "b"]


async def leased_until_ms(store: Store) -> int:
    """Return when the lease of the one subscriber ends, by the database's clock."""
    ((until_ms,),) = await store.fetch_all("SELECT lease_until_ms FROM maydan_subscriptions")
    return until_ms


async def test_a_lease_is_kept_while_an_event_takes_long(store: Store) -> None:
    """A slow subscriber is not started a second time elsewhere."""
    slow, other = Recorder(), Recorder()
    slow.gate.clear()
    first, second = (Subscriptions(store, EventsSettings(lease_s=1.5, poll_s=0.02)) for _ in range(2))
    first.add(slow)
    second.add(other)
    await store.commit([event("a")])
    await first.start()
    await slow.entered.wait()
    given_ms = await leased_until_ms(store)
    await second.start()
    async with asyncio.timeout(60):
        # As long again: it was kept, and more than once.
        while await leased_until_ms(store) < given_ms + 1500:  # noqa: ASYNC110 - a row has no event
            await asyncio.sleep(0.02)
    slow.gate.set()
    await first.settled()
    await second.stop()
    await first.stop()
    assert (slow.seen, other.seen) == (["a"], [])


async def test_stopping_finishes_the_event_under_way(store: Store) -> None:
    """What is stopped in order repeats nothing."""
    recorder = Recorder()
    recorder.gate.clear()
    await store.commit([event("a"), event("b")])
    subscriptions = await served(store, recorder)
    await recorder.entered.wait()
    stopping = asyncio.create_task(subscriptions.stop())
    await asyncio.sleep(0.05)
    recorder.gate.set()
    await stopping
    assert recorder.seen == ["a"]
    again = Recorder()
    subscriptions = await served(store, again)
    await subscriptions.settled()
    await subscriptions.stop()
    assert again.seen == ["b"]


class Victim(Recorder):
    """Never comes back from the deadly one."""

    async def handle(self, event: LoggedEvent) -> None:
        if event.subject_id == "deadly":
            self.entered.set()
            await asyncio.Event().wait()
        self.seen.append(event.subject_id)


async def test_a_crash_that_takes_the_worker_along_ends_as_a_dead_letter(store: Store) -> None:
    """An event that kills its worker each time does not do so for ever, whatever was handed over just before it."""
    settings = EventsSettings(poll_s=0.02, tries=3)
    await store.commit([event(name) for name in ("a", "c", "deadly", "b")])
    for _ in range(3):
        worker = Subscriptions(store, settings)
        victim = Victim()
        worker.add(victim)
        await worker.start()
        await victim.entered.wait()
        for task in worker._tasks:  # pyright: ignore[reportPrivateUsage] - as when the process is killed
            task.cancel()
        await store.commit([Statement("UPDATE maydan_subscriptions SET lease_until_ms = 0")])
    recorder = Recorder()
    survivor = Subscriptions(store, settings)
    survivor.add(recorder)
    await survivor.start()
    await survivor.settled()
    await survivor.stop()
    assert recorder.seen == ["b"]
    (letter,) = await list_dead_letters(store)
    assert letter.error.startswith("The worker died")


async def test_a_backlog_is_never_held_in_memory(sqlite_store: Store) -> None:
    """However far behind, and at different places: a few batches are read ahead, whoever is slow."""
    for begin in range(0, 4000, 500):
        await sqlite_store.commit([event(f"{number}") for number in range(begin, begin + 500)])
    held: list[int] = []

    class Counting(Recorder):
        async def handle(self, event: LoggedEvent) -> None:
            self.seen.append(event.subject_id)
            if len(self.seen) % 500 == 250:
                held.append(sum(type(each) is LoggedEvent for each in gc.get_objects()))
                await asyncio.sleep(0.02 if self.name == "slow" else 0)

    slow, quick = Counting("slow"), Counting("quick")
    subscriptions = Subscriptions(sqlite_store, EventsSettings(batch_size=100))
    for each in (slow, quick):
        subscriptions.add(each)
    await subscriptions.start()
    await subscriptions.settled(30)
    await subscriptions.stop()
    assert slow.seen == quick.seen == [f"{number}" for number in range(4000)]
    assert 0 < max(held) <= 5 * 100


async def test_what_has_to_wait_is_held_and_no_restart_counts_as_a_try(sqlite_store: Store) -> None:
    """Neither does it hold up the stop; when it may be called again everything comes."""

    class Switched(Recorder):
        is_on = False

        def is_held(self, event: LoggedEvent) -> bool:
            return not self.is_on and event.subject_id != "a"

    recorder = Switched(failing={"a": 1})
    await sqlite_store.commit([event(name) for name in "abac"])
    for _ in range(2 * QUICK.tries):
        dead = "UPDATE maydan_subscriptions SET lease_owner = 'dead', lease_until_ms = 0"
        await sqlite_store.commit([Statement(dead)])
        subscriptions = await served(sqlite_store, recorder)
        await asyncio.sleep(0.03)
        await subscriptions.stop(timeout_s=1)
    assert recorder.seen == ["a"]
    recorder.is_on = True
    subscriptions = await served(sqlite_store, recorder)
    await subscriptions.settled()
    await subscriptions.stop()
    assert sorted(recorder.seen) == list("aaabc")
    assert await list_dead_letters(sqlite_store) == []


async def test_a_replay_begins_again_after_a_position(store: Store) -> None:
    """An operator can hand events over again."""
    recorder = Recorder()
    await store.commit([event("a"), event("b"), event("c")])
    subscriptions = await served(store, recorder)
    await subscriptions.settled()
    first = (await read_after(store, 0, 1))[0].position
    await replay(store, "recorder", first)
    await subscriptions.settled()
    await subscriptions.stop()
    assert recorder.seen == ["a", "b", "c", "b", "c"]


async def test_standings_show_what_waits(store: Store) -> None:
    """Lag, failures and the last error are visible."""
    await store.commit([event("a"), event("b")])
    recorder = Recorder(failing={"b": 1000})
    slow = Subscriptions(store, EventsSettings(first_pause_s=30, poll_s=0.05))
    slow.add(recorder)
    await slow.start()
    async with asyncio.timeout(20):
        # The figures are read one after the other, so the lag may be of a moment before.
        while not (subscribers := await list_subscribers(store)) or subscribers[0].lag or not subscribers[0].failures:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.01)
    assert (subscribers[0].lag, subscribers[0].parked, subscribers[0].failures) == (0, 1, 1)
    assert subscribers[0].error == "LookupError: no b here"
    await slow.stop()


async def test_no_event_of_what_was_undone(store: Store) -> None:
    """Rolled back, never happened."""
    recorder = Recorder()
    subscriptions = await served(store, recorder)

    async def fail() -> None:
        async with store.write_transaction() as transaction:
            await transaction.apply([event("never")])
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    await store.commit([event("a")])
    assert await last_position(store) > 0
    await subscriptions.settled()
    await subscriptions.stop()
    assert recorder.seen == ["a"]
