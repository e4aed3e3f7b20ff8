"""The log: its order is the order in which events become visible, on both engines."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from maydan.storage import DatabaseSettings, Statement, Store, open_store
from maydan.storage.log import Event, event_statement, find_event, last_position, read_after

pytestmark = pytest.mark.anyio

AT = datetime(2026, 5, 1, 12, 0, 0, 1, tzinfo=UTC)


def event(name: str, space_key: int | None = 1) -> Statement:
    """Return the statement of an event about a subject of that name."""
    return event_statement(Event(type="entry.created", space_key=space_key, subject_type="t", subject_id=name, at=AT))


async def subjects(store: Store, position: int = 0) -> list[str]:
    """Return whom the events after a position are about."""
    return [each.subject_id for each in await read_after(store, position, 1000)]


async def test_an_event_comes_back_as_it_was(store: Store) -> None:
    """All its members, its data and its moment."""
    written = Event(
        type="entry.published",
        space_key=3,
        subject_type="blog.post",
        subject_id="p",
        version=7,
        actor_id="me",
        at=AT,
        request_id="r",
        data={"locales": ["ar"], "title": "مرحبا"},
    )
    await store.commit([event_statement(written)])
    (read,) = await read_after(store, 0, 10)
    assert {name: getattr(read, name) for name in written.__struct_fields__} == {
        name: getattr(written, name) for name in written.__struct_fields__
    }
    assert await find_event(store, read.position) == read
    assert await find_event(store, read.position + 1) is None
    assert await last_position(store) == read.position


async def test_several_events_of_one_batch_and_of_one_transaction_keep_their_order(store: Store) -> None:
    """Positions ascend inside a batch, and over the batches of a transaction."""
    await store.commit([event("a"), event("b"), event("c")])
    async with store.write_transaction() as transaction:
        await transaction.apply([event("d"), event("e")])
        await transaction.apply([event("f")])
    await store.commit([event(f"long {number:03}") for number in range(150)])
    names = await subjects(store)
    assert names == [*"abcdef", *(f"long {number:03}" for number in range(150))]


async def test_a_space_reads_its_own_events(store: Store) -> None:
    """What happens in other spaces is not among them."""
    await store.commit([event("a", 1), event("b", 2), event("c", 1), event("d", None)])
    assert [each.subject_id for each in await read_after(store, 0, 10, 1)] == ["a", "c"]
    first = (await read_after(store, 0, 1, 1))[0].position
    assert [each.subject_id for each in await read_after(store, first, 10, 1)] == ["c"]


async def test_reading_goes_on_after_a_position(store: Store) -> None:
    """Pages neither repeat nor skip."""
    await store.commit([event(name) for name in "abcde"])
    read: list[str] = []
    position = 0
    while page := await read_after(store, position, 2):
        read += [each.subject_id for each in page]
        position = page[-1].position
    assert read == list("abcde")


async def test_a_lower_position_that_commits_later_is_not_skipped(postgresql_store: Store) -> None:
    """Readers wait for the transaction that took its id first and commits last."""
    store = postgresql_store
    may_commit, has_written = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with store.write_transaction() as transaction:
            await transaction.apply([event("lower")])
            has_written.set()
            await may_commit.wait()

    task = asyncio.create_task(slow())
    await has_written.wait()
    await store.commit([event("higher")])
    assert await store.fetch_one("SELECT count(*) FROM maydan_log") == (1,)
    assert await subjects(store) == []
    may_commit.set()
    await task
    assert await subjects(store) == ["lower", "higher"]


async def test_a_transaction_that_is_undone_holds_nobody_up(postgresql_store: Store) -> None:
    """Its id is passed over."""
    store = postgresql_store

    async def fail() -> None:
        async with store.write_transaction() as transaction:
            await transaction.apply([event("never")])
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    await store.commit([event("a")])
    assert await subjects(store) == ["a"]


async def test_positions_go_on_after_a_dump_is_restored_into_a_younger_cluster(postgresql_url: str) -> None:
    """New events come after the old ones although transaction ids have begun anew."""
    store = open_store(DatabaseSettings(url=postgresql_url))
    await store.open()
    await store.commit([event("old")])
    await store.commit([Statement("UPDATE maydan_log SET position = position + (1000000::bigint << 20)")])
    await store.close()
    store = open_store(DatabaseSettings(url=postgresql_url))
    await store.open()
    await store.commit([event("new")])
    assert await subjects(store) == ["old", "new"]
    (clock,) = await store.fetch_all("SELECT xid_offset FROM maydan_log_clock")
    await store.close()
    store = open_store(DatabaseSettings(url=postgresql_url))
    await store.open()
    assert await store.fetch_all("SELECT xid_offset FROM maydan_log_clock") == [clock], "only once"
    await store.close()


async def test_positions_are_never_given_twice_on_sqlite(sqlite_store: Store) -> None:
    """Also when the newest events are gone."""
    await sqlite_store.commit([event("a"), event("b")])
    newest = await last_position(sqlite_store)
    await sqlite_store.commit([Statement("DELETE FROM maydan_log")])
    await sqlite_store.commit([event("c")])
    assert await last_position(sqlite_store) == newest + 1


async def test_the_log_is_read_by_its_indexes(store: Store) -> None:
    """Neither reading tests every row."""
    word = "EXPLAIN QUERY PLAN" if store.dialect.is_sqlite else "EXPLAIN"
    async with store.write_transaction() as transaction:
        if not store.dialect.is_sqlite:
            await transaction.execute("SET LOCAL enable_seqscan = off")
        sql = "SELECT * FROM maydan_log WHERE space_key = 1 AND position > 5 AND position < {log_end}"
        plan = await transaction.fetch_all(f"{word} {sql} ORDER BY position LIMIT 10")
    assert "maydan_log_by_space" in str(plan)
