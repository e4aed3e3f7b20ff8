"""Jobs are done once, by whoever comes first, again when that goes wrong, and visibly when it stays wrong."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from maydan.events.jobs import (
    Job,
    Jobs,
    JobStatus,
    NewJob,
    Obsolete,
    cancel_statement,
    find_job,
    job_statement,
    list_jobs,
    next_tick,
)
from maydan.events.settings import JobsSettings
from maydan.ids import new_id
from maydan.storage import Statement, Store, open_store
from maydan.storage.migrations import apply
from maydan.storage.schema import CORE
from maydan.storage.settings import DatabaseSettings
from maydan.testing.clock import TestClock

pytestmark = pytest.mark.anyio

COUNTED = "INSERT INTO maydan_secrets (name, value) VALUES (?, 'done')"
"""The effect of a job that may happen once: a second time its row is refused."""


class Worker:
    """One of several that share a database, with a handler that notes what it was given."""

    def __init__(self, store: Store, clock: TestClock, **settings: Any) -> None:
        self.store = store
        self.jobs = Jobs(store, clock, JobsSettings(**settings))
        self.seen: list[tuple[str, int]] = []
        self.error: BaseException | None = None
        self.jobs.handler("note", self.handle)

    async def handle(self, job: Job, done: Statement) -> None:
        """Note it, or fail."""
        self.seen.append((str(job.payload.get("name")), job.tries))
        if self.error is not None:
            raise self.error
        await self.store.commit([Statement(COUNTED, (f"{job.id}",)), done])


async def stored(store: Store, clock: TestClock, **parts: Any) -> str:
    """Store a job; returns its id."""
    job = NewJob(**{"kind": "note", "run_at": clock.now(), **parts})
    await store.commit([job_statement(job)])
    return job.id


async def found(store: Store, job_id: str) -> Job:
    """A job as it stands."""
    job = await find_job(store, None, job_id)
    assert job is not None
    return job


async def test_a_job_is_done_at_its_time_once_over_all_workers(store: Store) -> None:
    """Effect and completion are one commit; in the order of their times."""
    clock = TestClock()
    workers = [Worker(store, clock) for _ in range(3)]
    later = await stored(store, clock, payload={"name": "later"}, run_at=clock.now() + timedelta(minutes=5))
    for number in range(6):
        await stored(store, clock, payload={"name": f"{number}"}, run_at=clock.now() - timedelta(minutes=number))
    assert sum(await asyncio.gather(*(worker.jobs.run_due() for worker in workers))) == 6
    seen = [name for worker in workers for name, _ in worker.seen]
    assert sorted(seen) == ["0", "1", "2", "3", "4", "5"]
    assert workers[0].seen[0] == ("5", 1)
    assert (await found(store, later)).status is JobStatus.WAITING
    clock.move(minutes=6)
    assert await workers[1].jobs.run_due() == 1
    assert (await found(store, later)).status is JobStatus.DONE


async def test_what_fails_is_tried_again_after_growing_pauses_and_then_stays(store: Store) -> None:
    """With its error; what is obsolete is not tried again."""
    clock = TestClock()
    worker = Worker(store, clock, first_pause_s=10.0)
    job_id = await stored(store, clock, max_tries=3)
    worker.error = RuntimeError("the printer is out of paper")
    pauses: list[float] = []
    for _ in range(2):
        assert await worker.jobs.run_due() == 1
        job = await found(store, job_id)
        assert (job.status, job.error) == (JobStatus.WAITING, "RuntimeError: the printer is out of paper")
        pauses.append((job.run_at - clock.now()).total_seconds())
        assert await worker.jobs.run_due() == 0
        clock.set(job.run_at)
    assert 8 <= pauses[0] <= 12
    assert 32 <= pauses[1] <= 48
    assert await worker.jobs.run_due() == 1
    job = await found(store, job_id)
    assert (job.status, job.tries, job.finished_at) == (JobStatus.FAILED, 3, clock.now())
    clock.move(days=1)
    assert await worker.jobs.run_due() == 0
    worker.error = Obsolete("nobody wants it any more")
    gone = await stored(store, clock)
    await worker.jobs.run_due()
    job = await found(store, gone)
    assert (job.status, job.error) == (JobStatus.CANCELLED, "nobody wants it any more")


async def test_a_handler_that_waited_for_something_cancelled_has_failed(store: Store) -> None:
    """It is no stop of the worker: the try counts, and the next one comes after a pause."""
    clock = TestClock()
    worker = Worker(store, clock, first_pause_s=10.0)
    job_id = await stored(store, clock, max_tries=2)
    worker.error = asyncio.CancelledError()
    assert await worker.jobs.run_due() == 1
    job = await found(store, job_id)
    assert (job.status, job.tries) == (JobStatus.WAITING, 1)
    assert job.error == "CancelledError: what it waited for was cancelled"
    clock.set(job.run_at)
    assert await worker.jobs.run_due() == 1
    assert (await found(store, job_id)).status is JobStatus.FAILED


async def test_a_job_has_finished_when_it_has_and_not_when_it_began(store: Store) -> None:
    """Long ones too, that leave it to the worker to say so."""
    clock = TestClock()
    worker = Worker(store, clock)

    async def long(_job: Job, _done: Statement) -> None:
        clock.move(minutes=10)

    worker.jobs.handler("long", long)
    job_id = await stored(store, clock, kind="long")
    assert await worker.jobs.run_due() == 1
    job = await found(store, job_id)
    assert (job.status, job.finished_at) == (JobStatus.DONE, clock.now())


async def test_a_dead_workers_job_is_taken_over_and_its_late_effect_refused(store: Store) -> None:
    """Whoever was only slow, or whose clock jumped, finds that the job is another's: its effect is not stored."""
    clock = TestClock()
    slow, quick = Worker(store, clock, lease_s=60.0), Worker(store, clock, lease_s=60.0)
    goes_on = asyncio.Event()
    begun = asyncio.Event()
    refused: list[Exception] = []

    async def dawdle(job: Job, done: Statement) -> None:
        begun.set()
        await goes_on.wait()
        try:
            await store.commit([Statement(COUNTED, (f"late {job.id}",)), done])
        except Exception as error:
            refused.append(error)
            raise

    slow.jobs = Jobs(store, clock, JobsSettings(lease_s=60.0))
    slow.jobs.handler("note", dawdle)
    job_id = await stored(store, clock, payload={"name": "x"})
    dawdling = asyncio.create_task(slow.jobs.run_due())
    await begun.wait()
    assert await quick.jobs.run_due() == 0
    clock.move(seconds=61)
    assert await quick.jobs.run_due() == 1
    goes_on.set()
    await dawdling
    assert quick.seen == [("x", 2)]
    assert [type(error).__name__ for error in refused] == ["GuardFailed"]
    assert (await found(store, job_id)).status is JobStatus.DONE
    rows = await store.fetch_all("SELECT name FROM maydan_secrets WHERE value = 'done'")
    assert rows == [(job_id,)]


async def test_a_long_job_keeps_its_lease(sqlite_store: Store) -> None:
    """Its worker renews it, so that nobody else begins the same."""
    clock = TestClock()
    long, other = Worker(sqlite_store, clock, lease_s=0.06), Worker(sqlite_store, clock)
    begun, goes_on = asyncio.Event(), asyncio.Event()

    async def last(job: Job, done: Statement) -> None:
        begun.set()
        await goes_on.wait()
        await sqlite_store.commit([done])

    long.jobs = Jobs(sqlite_store, clock, JobsSettings(lease_s=0.06))
    long.jobs.handler("note", last)
    job_id = await stored(sqlite_store, clock)
    lasting = asyncio.create_task(long.jobs.run_due())
    await begun.wait()
    before = await lease_of(sqlite_store, job_id)
    clock.move(seconds=1)
    while await lease_of(sqlite_store, job_id) == before:  # noqa: ASYNC110 - the worker tells nobody
        await asyncio.sleep(0.005)
    assert await other.jobs.run_due() == 0
    goes_on.set()
    await lasting
    assert (await found(sqlite_store, job_id)).status is JobStatus.DONE


async def lease_of(store: Store, job_id: str) -> object:
    """Until when a job is somebody's."""
    row = await store.fetch_one("SELECT lease_until FROM maydan_jobs WHERE id = ?", job_id)
    return row and row[0]


async def test_a_worker_that_dies_again_and_again_does_not_try_for_ever(sqlite_store: Store) -> None:
    """Its job counts a try for each death."""
    clock = TestClock()
    worker = Worker(sqlite_store, clock)
    job_id = await stored(sqlite_store, clock, max_tries=2)
    await sqlite_store.commit(
        [Statement("UPDATE maydan_jobs SET status = 'running', tries = 2, lease_until = ?", (clock.now(),))]
    )
    clock.move(seconds=1)
    assert await worker.jobs.run_due() == 0
    job = await found(sqlite_store, job_id)
    assert (job.status, job.error) == (JobStatus.FAILED, "The worker died each time it was tried.")
    assert worker.seen == []


async def test_jobs_end_with_their_subject(store: Store) -> None:
    """What waits and what failed; others', and what is done, stay."""
    clock = TestClock()
    worker = Worker(store, clock)
    subject, other = new_id(), new_id()
    done = await stored(store, clock, space_key=1, subject_id=subject)
    await worker.jobs.run_due()
    for whose in (subject, other):
        await stored(store, clock, space_key=1, subject_id=whose)
        await stored(store, clock, space_key=1, subject_id=whose, kind="mail")
    await store.commit([cancel_statement(1, subject, ("mail",))])
    assert len(await list_jobs(store, space_key=1, subject_id=subject)) == 2
    await store.commit([cancel_statement(1, subject)])
    assert [job.id for job in await list_jobs(store, space_key=1, subject_id=subject)] == [done]
    assert len(await list_jobs(store, space_key=1, subject_id=other, status="waiting")) == 2


async def test_a_tick_is_done_once_over_all_workers_and_made_up_for_once(store: Store) -> None:
    """Also when no worker ran for days, when several plan at once, and when the clock goes back."""
    clock = TestClock(datetime(2026, 1, 15, 12, 0, tzinfo=UTC))
    ticks: list[str | None] = []

    async def tick(job: Job, done: Statement) -> None:
        ticks.append(job.tick)

    workers = [Worker(store, clock) for _ in range(3)]
    for worker in workers:
        worker.jobs.every("nightly", "0 3 * * *", "Asia/Baghdad", tick)

    async def all_run() -> None:
        await asyncio.gather(*(worker.jobs.run_due() for worker in workers))

    await all_run()
    assert ticks == []
    clock.set(datetime(2026, 1, 16, 0, 0, tzinfo=UTC))  # 03:00 in Baghdad
    await all_run()
    assert ticks == ["2026-01-16T00:00:00.000000Z"]
    clock.move(days=3, hours=1)
    await all_run()
    assert ticks[1:] == ["2026-01-17T00:00:00.000000Z"]
    clock.move(days=-2)
    await all_run()
    clock.move(days=2)
    await all_run()
    assert len(ticks) == len(set(ticks))


async def test_a_running_worker_notices_and_stops_without_losing_anything(sqlite_store: Store) -> None:
    """What is not finished when it stops is given back, and does not count as a try."""
    clock = TestClock()
    worker = Worker(sqlite_store, clock)
    begun = asyncio.Event()

    async def never(job: Job, done: Statement) -> None:
        begun.set()
        await asyncio.Event().wait()

    worker.jobs.handler("long", never)
    await worker.jobs.start()
    quick = await stored(sqlite_store, clock)
    long = await stored(sqlite_store, clock, kind="long")
    await begun.wait()
    async with asyncio.timeout(30):
        while (await found(sqlite_store, quick)).status is not JobStatus.DONE:  # noqa: ASYNC110 - the worker tells nobody
            await asyncio.sleep(0.005)
    await worker.jobs.stop(timeout_s=0.01)
    job = await found(sqlite_store, long)
    assert (job.status, job.tries) == (JobStatus.WAITING, 0)


def berlin(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(f"{text}:00+00:00")


@pytest.mark.parametrize(
    ("cron", "after", "ticks"),
    [
        # The clock goes from 02:00 to 03:00: what lies between is due right after.
        ("30 2 * * *", "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:30"]),
        # The clock goes from 03:00 back to 02:00: once, the first time; also for who begins in between.
        ("30 2 * * *", "2026-10-24T12:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),
        ("30 2 * * *", "2026-10-25T01:10", ["2026-10-26T01:30"]),
        # What follows real time goes on through both.
        ("*/30 * * * *", "2026-10-25T00:00", ["2026-10-25T00:30", "2026-10-25T01:00", "2026-10-25T01:30"]),
        ("0 9 * * 1", "2026-03-28T12:00", ["2026-03-30T07:00", "2026-04-06T07:00"]),
    ],
)
def test_cron_means_the_clock_on_the_wall(cron: str, after: str, ticks: list[str]) -> None:
    """In Berlin, in the nights in which that clock is changed."""
    moment, seen = berlin(after), list[datetime]()
    for _ in ticks:
        moment = next_tick(cron, "Europe/Berlin", moment)
        seen.append(moment)
    assert seen == [berlin(tick) for tick in ticks]


@pytest.mark.parametrize(
    ("cron", "zone"),
    [
        ("tomorrow", "UTC"), ("0 0 30 2 *", "UTC"), ("0 0 * * *", "Mars/Base"), ("0 0 * * *", "../etc"),
        ("* * * * * *", "UTC"), ("0 0 * *", "UTC"), ("", "UTC"),
    ],
)  # fmt: skip
def test_what_means_nothing_is_refused(cron: str, zone: str) -> None:
    """When it is registered, not when it would be due."""
    with pytest.raises(ValueError, match=r"cron expression|time zone"):
        next_tick(cron, zone, datetime(2026, 1, 1, tzinfo=UTC))


async def test_planned_publications_of_before_become_jobs(tmp_path: Any) -> None:
    """What waited goes on waiting, what had failed stays to be looked at."""
    store = open_store(DatabaseSettings(url=f"sqlite:///{tmp_path}/old.db"))
    await store.open()
    old = [migration for migration in CORE if migration.name < "0003"]
    await apply(store, old)
    clock = TestClock()
    columns = "id, space_key, kind, subject_id, payload, run_at, tries, error"
    insert = f"INSERT INTO maydan_jobs ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    waiting, failed = new_id(), new_id()
    await store.commit([Statement(insert, (waiting, 1, "note", new_id(), "{}", clock.now(), 1, "once"))])
    await store.commit([Statement(insert, (failed, 1, "note", new_id(), "{}", clock.now(), 5, "no"))])
    await apply(store, CORE)
    worker = Worker(store, clock)
    assert await worker.jobs.run_due() == 1
    assert (await found(store, waiting)).status is JobStatus.DONE
    assert (await found(store, failed)).status is JobStatus.FAILED
    await store.close()
