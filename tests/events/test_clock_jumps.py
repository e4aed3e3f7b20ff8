"""A clock that is put back an hour, or forward a day: nothing waits for what is past, nothing is lost or doubled."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from site_support import ARTICLE, Site, open_site  # pyright: ignore[reportMissingImports] - tests/support
from webhook_receiver import receiving, says  # pyright: ignore[reportMissingImports] - tests/support

from maydan.events.clock_jumps import ClockWatch
from maydan.events.jobs import Job, Jobs, JobStatus, NewJob, find_job, job_statement
from maydan.events.settings import EventsSettings, JobsSettings
from maydan.events.subscriptions import Subscriptions
from maydan.storage import Statement, Store
from maydan.storage.log import Event, LoggedEvent, event_statement
from maydan.testing.clock import TestClock

pytestmark = pytest.mark.anyio


async def found(store: Store, job_id: str) -> Job:
    """A job as it stands."""
    job = await find_job(store, None, job_id)
    assert job is not None
    return job


async def until_done(store: Store, job_id: str) -> None:
    """Wait until a worker has done it."""
    async with asyncio.timeout(30):
        while (await found(store, job_id)).status is not JobStatus.DONE:  # noqa: ASYNC110 - the worker tells nobody
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("hours", [-1, 24])
async def test_a_job_that_failed_is_tried_again_wherever_the_clock_went(store: Store, hours: int) -> None:
    """Not an hour later, but soon; what somebody planned for a moment stays planned for that moment."""
    clock = TestClock()
    jobs = Jobs(store, clock, JobsSettings(poll_s=0.02))
    tries: list[int] = []

    async def handle(job: Job, done: Statement) -> None:
        tries.append(job.tries)
        if len(tries) < 2:
            raise LookupError

    jobs.handler("note", handle)
    poor = NewJob(kind="note", run_at=clock.now())
    planned = NewJob(kind="note", run_at=clock.now() + timedelta(days=2))
    await store.commit([job_statement(poor), job_statement(planned)])
    await jobs.start()
    async with asyncio.timeout(30):
        while (await found(store, poor.id)).error is None:  # noqa: ASYNC110 - the worker tells nobody
            await asyncio.sleep(0.01)
    await jobs.stop()
    clock.move(hours=hours)
    await jobs.start()
    await until_done(store, poor.id)
    await jobs.stop()
    assert tries == [1, 2]
    assert (await found(store, planned.id)).status is JobStatus.WAITING


async def test_a_dead_workers_job_is_not_its_own_until_the_clock_is_where_it_was(store: Store) -> None:
    """A lease that ends later than any can is none."""
    clock = TestClock()
    dead, alive = (Jobs(store, clock) for _ in range(2))
    begun = asyncio.Event()
    done: list[int] = []

    async def hang(job: Job, finished: Statement) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def handle(job: Job, finished: Statement) -> None:
        done.append(job.tries)

    dead.handler("note", hang)
    alive.handler("note", handle)
    job = NewJob(kind="note", run_at=clock.now() - timedelta(days=1))
    await store.commit([job_statement(job)])
    dying = asyncio.create_task(dead.run_due())
    await begun.wait()
    clock.move(hours=-1)
    assert await alive.run_due() == 1
    assert done == [2]
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    assert (await found(store, job.id)).status is JobStatus.DONE


async def test_a_lease_that_seems_to_be_over_repeats_an_event_and_loses_none(store: Store) -> None:
    """The database's clock was put forward while a worker was busy: another one takes over, and the first gives up."""
    seen: dict[str, list[str]] = {"first": [], "second": []}
    begun, goes_on = asyncio.Event(), asyncio.Event()

    class Taker:
        name = "taker"

        def __init__(self, worker: str) -> None:
            self.worker = worker

        async def handle(self, event: LoggedEvent) -> None:
            if self.worker == "first":
                begun.set()
                await goes_on.wait()
            seen[self.worker].append(event.subject_id)

    workers = {name: Subscriptions(store, EventsSettings(poll_s=0.02)) for name in seen}
    for name, worker in workers.items():
        worker.add(Taker(name))
    await store.commit([event_statement(about(name)) for name in "ab"])
    await workers["first"].start()
    await begun.wait()
    await store.commit([Statement("UPDATE maydan_subscriptions SET lease_until_ms = 1")])
    await workers["second"].start()
    await workers["second"].settled()
    await asyncio.sleep(0.05)  # longer than a worker goes on before it saves its position, and so sees that it lost
    goes_on.set()
    await workers["first"].settled()
    await store.commit([event_statement(about("c"))])
    await workers["second"].settled()
    for worker in workers.values():
        await worker.stop()
    assert seen["second"][:2] == ["a", "b"]
    assert seen["first"][0] == "a"
    assert (seen["first"][1:] + seen["second"][2:]) == ["c"]


def about(name: str) -> Event:
    """An event about something of that name."""
    return Event(type="entry.created", space_key=1, subject_type="t", subject_id=name, at=datetime.now(UTC))


def test_a_clock_that_was_put_back_is_noticed_until_something_was_done_about_it() -> None:
    """At the first look it is not known, so that counts as well; forward is nobody's loss."""
    clock = TestClock()
    watch = ClockWatch(clock)
    assert [watch.was_put_back(), watch.was_put_back()] == [True, True]
    watch.forget()
    assert not watch.was_put_back()
    clock.move(hours=-1)
    assert [watch.was_put_back(), watch.was_put_back()] == [True, True]
    watch.forget()
    clock.move(days=1)
    assert not watch.was_put_back()


async def put(site: Site, **parts: float) -> None:
    """Move the clock."""
    site.clock.forward(**parts)
    site.admin = await site.log_in("admin@example.org")


@pytest.mark.parametrize("hours", [-1, 24])
async def test_deliveries_go_on_wherever_the_clock_went(database_url: str, hours: int) -> None:
    """What waits for its next try, what is new, a pause and a dead worker's lease; in order, and each once."""
    more: dict[str, Any] = {"webhooks": {"allow_private": True}}
    async with receiving(says(500)) as receiver, open_site(database_url, work=True, more=more) as site:
        await site.define(ARTICLE)
        hook = {"url": receiver.url, "events": ["entry.created", "entry.published"]}
        await site.post("/api/spaces/demo/webhooks", hook, headers=site.admin)
        entry = await site.entry({"title": {"en": "One"}})
        await receiver.wait(1)
        await asyncio.sleep(0.05)  # the first failure is noted; the next try is a second away
        await site.core.webhooks.stop()
        receiver.behave = says(204)
        tried = len(receiver.got)
        # A worker that died in a pause between tries, by the clocks of then.
        left = (
            "UPDATE maydan_webhook_endpoints SET lease_owner = 'dead', lease_until_ms = {now_ms} + ?, paused_until = ?"
        )
        until_ms = 0 if hours > 0 else 3_600_000
        await site.core.store.commit([Statement(left, (until_ms, site.clock.now() + timedelta(seconds=30)))])
        await put(site, hours=hours)
        await site.core.webhooks.start()
        other = await site.entry({"title": {"en": "Two"}})
        await receiver.wait(tried + 4)
        events = [(each.event["data"]["id"], each.event["type"]) for each in receiver.got[tried:]]
        assert sorted(events) == sorted((each["id"], kind) for each in (entry, other) for kind in hook["events"])
        assert all([kind for mine, kind in events if mine == each["id"]] == hook["events"] for each in (entry, other))
