"""Reading on SQLite: short on the event loop, long in threads, never without limits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from maydan.errors import ConfigurationError, PoolExhausted, Unavailable
from maydan.storage import DatabaseSettings, Statement, open_store
from maydan.storage.sqlite.store import SQLiteStore

pytestmark = pytest.mark.anyio

LONG = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT max(i) FROM n"
SELECT_LONG = f"SELECT * FROM ({LONG})"


@pytest.fixture(params=[{}])
async def reading(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    """A store with two reading threads; the parameter says for how long one is waited for, or may read."""
    store = SQLiteStore(f"{tmp_path}/a.db", DatabaseSettings(**{"readers": 2, "pool_wait_s": 60, **request.param}))
    await store.open()
    await store.commit([Statement("CREATE TABLE t (n INTEGER)"), Statement("INSERT INTO t VALUES (1)")])
    yield store
    await store.close()


def where(store: SQLiteStore) -> list[str]:
    """Return the list to which every thread that reads adds its name."""
    threads: list[str] = []
    original = store.readers.run

    async def noted(work: object, *, typed: bool = False) -> object:
        def inside(connection: object) -> object:
            threads.append(threading.current_thread().name)
            return work(connection)  # type: ignore[operator]

        return await original(inside, typed=typed)

    store.readers.run = noted  # type: ignore[method-assign]
    return threads


async def test_a_short_read_stays_on_the_loop_and_a_long_one_moves(reading: SQLiteStore) -> None:
    """The rows are the same; a read that is interrupted is repeated in a thread."""
    threads = where(reading)
    assert await reading.fetch_all("SELECT n FROM t") == [(1,)]
    assert threads == []
    assert await reading.fetch_one(LONG, 300_000) == (300_000,)
    assert [name.partition("_")[0] for name in threads] == ["maydan-read"]


async def test_many_short_reads_do_not_add_up_to_a_long_one(reading: SQLiteStore) -> None:
    """The limit is for each read, not for the statement's counter, which goes on over its executions."""
    threads = where(reading)
    for _ in range(400):
        assert await reading.fetch_one(LONG, 100) == (100,)
    assert len(threads) < 20


async def test_a_long_read_inside_a_transaction_moves_too_and_sees_its_writes(reading: SQLiteStore) -> None:
    """It runs on the writer's connection, in the writer's thread, and undoes nothing."""
    async with reading.write_transaction() as transaction:
        await transaction.execute("INSERT INTO t VALUES (2)")
        assert await transaction.fetch_all(SELECT_LONG, 300_000) == [(300_000,)]
        assert await transaction.fetch_all("SELECT n FROM t ORDER BY n") == [(1,), (2,)]
    assert await reading.fetch_all("SELECT n FROM t ORDER BY n") == [(1,), (2,)]


async def test_the_loop_goes_on_while_a_long_read_runs(reading: SQLiteStore) -> None:
    """Other requests are served meanwhile."""
    long = asyncio.create_task(reading.fetch_one(LONG, 1_000_000))
    turns = 0
    while not long.done():
        assert await reading.fetch_point("SELECT n FROM t") == (1,)
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 5


@pytest.mark.parametrize("reading", [{"read_limit_s": 0.2}], indirect=True)
async def test_a_read_without_end_is_ended(reading: SQLiteStore) -> None:
    """After the limit it is an error, and the thread is free again."""
    for _ in range(2):
        with pytest.raises(Unavailable) as refused:
            await reading.fetch_one(LONG, 10**12)
        assert refused.value.error_code == "query_limit"
    assert await reading.fetch_one("SELECT n FROM t") == (1,)


@pytest.mark.parametrize("reading", [{"pool_wait_s": 0.05}], indirect=True)
async def test_when_all_threads_are_busy_a_read_is_refused(reading: SQLiteStore) -> None:
    """It waits for as long as the setting says, and short reads are not affected."""
    busy = [asyncio.create_task(reading.fetch_one(LONG, 10**12)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(PoolExhausted) as refused:
        await reading.fetch_one(LONG, 10**12)
    assert refused.value.facts["retry_after_s"] == 1
    assert await reading.fetch_one("SELECT n FROM t") == (1,)
    for task in busy:
        task.cancel()
    await asyncio.gather(*busy, return_exceptions=True)


async def test_a_read_that_nobody_waits_for_any_more_is_ended(reading: SQLiteStore) -> None:
    """The thread of a client that went away is free at once."""
    for _ in range(6):
        task = asyncio.create_task(reading.fetch_one(LONG, 10**12))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await reading.fetch_one(LONG, 300_000) == (300_000,)


async def test_readers_cannot_write(reading: SQLiteStore) -> None:
    """Whatever reaches a reading connection changes nothing."""
    with pytest.raises(Exception, match="readonly"):
        await reading.fetch_all("INSERT INTO t VALUES (9) RETURNING n")
    assert await reading.fetch_all("SELECT n FROM t") == [(1,)]


async def test_a_database_is_a_file_in_a_folder_that_exists(tmp_path: Path) -> None:
    """A mistake in the URL is one clear line."""
    for url in ("sqlite:///", "sqlite:///:memory:", "mysql://x/y"):
        with pytest.raises(ConfigurationError, match=r"\[database\] url"):
            open_store(DatabaseSettings(url=url))
    store = open_store(DatabaseSettings(url=f"sqlite:///{tmp_path}/nowhere/a.db"))
    with pytest.raises(ConfigurationError, match="nowhere, which does not exist"):
        await store.open()
