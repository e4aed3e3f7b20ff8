"""Reads that many ask for, on SQLite: kept until somebody commits, read by one thread for all who wait."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from maydan.storage import DatabaseSettings, Statement
from maydan.storage.sqlite.reading import LoopReader
from maydan.storage.sqlite.store import SQLiteStore

pytestmark = pytest.mark.anyio

LONG = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT max(i) FROM n"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    """A store with a table of one number."""
    store = SQLiteStore(f"{tmp_path}/a.db", DatabaseSettings(readers=2))
    await store.open()
    await store.commit([Statement("CREATE TABLE t (n INTEGER)"), Statement("INSERT INTO t VALUES (1)")])
    yield store
    await store.close()


def reads(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list that gets a line for each read: ``loop`` or ``thread``."""
    noted: list[str] = []
    on_loop, in_thread = LoopReader.fetch_all, store.readers.run

    def loop(self: LoopReader, sql: str, args: Any) -> Any:
        noted.append("loop")
        return on_loop(self, sql, args)

    async def thread(work: Any, *, typed: bool = False) -> Any:
        noted.append("thread")
        return await in_thread(work, typed=typed)

    monkeypatch.setattr(LoopReader, "fetch_all", loop)
    monkeypatch.setattr(store.readers, "run", thread)
    return noted


async def test_the_same_read_is_answered_from_memory(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was committed, so the rows are those that were read before."""
    noted = reads(store, monkeypatch)
    assert [await store.fetch_shared("SELECT n FROM t WHERE n = ?", 1) for _ in range(3)] == [[(1,)]] * 3
    assert noted == ["loop"]
    assert await store.fetch_shared("SELECT n FROM t WHERE n = ?", 2) == []


async def test_a_commit_of_this_process_is_seen_at_once(store: SQLiteStore) -> None:
    """Whoever wrote reads what was written."""
    for number in range(2, 6):
        await store.commit([Statement("UPDATE t SET n = ?", (number,))])
        assert await store.fetch_shared("SELECT n FROM t") == [(number,)]


async def test_a_commit_of_another_process_is_seen_at_once(store: SQLiteStore) -> None:
    """The file's version moves with every commit, whoever makes it."""
    assert await store.fetch_shared("SELECT n FROM t") == [(1,)]
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("UPDATE t SET n = 7")
    assert await store.fetch_shared("SELECT n FROM t") == [(7,)]
    other.close()


async def test_inside_a_transaction_its_own_writes_are_read(store: SQLiteStore) -> None:
    """And nobody else reads them from memory afterwards, if it is rolled back."""

    async def fail() -> None:
        async with store.write_transaction() as transaction:
            await transaction.execute("UPDATE t SET n = 9")
            assert await store.fetch_shared("SELECT n FROM t") == [(9,)]
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await store.fetch_shared("SELECT n FROM t") == [(1,)]


async def test_those_who_ask_for_the_same_long_read_share_a_thread(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried on the loop once, and not again while it is slow."""
    noted = reads(store, monkeypatch)
    found = await asyncio.gather(*(store.fetch_shared(LONG, 300_000) for _ in range(10)))
    assert found == [[(300_000,)]] * 10
    assert noted == ["loop", "thread"]
    assert await store.fetch_shared(LONG, 300_001) == [(300_001,)]
    assert noted == ["loop", "thread", "thread"]


async def test_what_was_slow_may_become_quick(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it is read on the loop again."""
    assert store._loop_reader is not None
    store._loop_reader.limit_s = 0
    await store.fetch_shared(LONG, 300_000)
    store._loop_reader.limit_s = 600
    noted = reads(store, monkeypatch)
    assert [await store.fetch_shared(LONG, number) for number in (10, 11)] == [[(10,)], [(11,)]]
    assert noted == ["thread", "loop"]


async def test_whoever_asks_after_a_commit_does_not_join_a_read_from_before(store: SQLiteStore) -> None:
    """A read that is under way may have begun before the commit."""
    sql = f"SELECT n, ({LONG}) FROM t"
    before = asyncio.create_task(store.fetch_shared(sql, 2_000_000))
    await asyncio.sleep(0.01)
    await store.commit([Statement("UPDATE t SET n = 2")])
    assert await store.fetch_shared(sql, 2_000_000) == [(2, 2_000_000)]
    await before
    assert await store.fetch_shared(sql, 2_000_000) == [(2, 2_000_000)]


async def test_a_caller_who_goes_away_takes_nobody_along(store: SQLiteStore) -> None:
    """Only the last one who goes ends the read."""
    first, second = (asyncio.create_task(store.fetch_shared(LONG, 1_000_000)) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    assert await second == [(1_000_000,)]
    alone = asyncio.create_task(store.fetch_shared(LONG, 400_000_000))
    await asyncio.sleep(0.01)
    alone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await alone
    assert await store.fetch_shared(LONG, 5) == [(5,)]


async def test_an_error_reaches_everyone_who_waits_and_is_not_kept(store: SQLiteStore) -> None:
    """A statement that fails fails for all, and may succeed later."""
    found = await asyncio.gather(*(store.fetch_shared("SELECT m FROM t") for _ in range(3)), return_exceptions=True)
    assert all(isinstance(one, Exception) for one in found)
    await store.commit([Statement("ALTER TABLE t ADD COLUMN m INTEGER")])
    assert await store.fetch_shared("SELECT m FROM t") == [(None,)]
