"""Slow reads on PostgreSQL are answered from memory while nothing was committed, and never later than that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import pytest

from maydan.storage import DatabaseSettings, Statement
from maydan.storage.postgresql import sharing
from maydan.storage.postgresql.store import PostgreSQLStore

pytestmark = pytest.mark.anyio

SLOW = "SELECT number, pg_sleep(0.01)::text FROM things WHERE number >= ? ORDER BY number"


@pytest.fixture
async def store(postgresql_url: str) -> AsyncIterator[PostgreSQLStore]:
    """A store with a table of one number."""
    store = PostgreSQLStore(postgresql_url, DatabaseSettings())
    await store.open()
    await store.commit([Statement("CREATE TABLE things (number bigint)")])
    await store.commit([Statement("INSERT INTO things VALUES (1)")])
    yield store
    await store.close()


async def numbers(store: PostgreSQLStore) -> list[int]:
    """Read slowly."""
    return [row[0] for row in await store.fetch_shared(SLOW, 0)]


def noting(monkeypatch: pytest.MonkeyPatch, store: PostgreSQLStore) -> list[str]:
    """Return the list that gets every statement that is sent."""
    texts: list[str] = []
    original = store._once

    async def noted(method: str, sql: str, args: Sequence[Any]) -> Any:
        texts.append("snapshot" if "snapshot" in sql else "rows")
        return await original(method, sql, args)

    monkeypatch.setattr(store, "_once", noted)
    return texts


async def test_a_slow_read_is_not_repeated_while_nothing_is_committed(
    store: PostgreSQLStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That it is slow shows the first time; from then on the snapshot is asked for first."""
    sent = noting(monkeypatch, store)
    assert [await numbers(store) for _ in range(4)] == [[1]] * 4
    assert sent == ["rows", "snapshot", "rows", "snapshot", "snapshot"]


async def test_a_quick_read_is_read_each_time(store: PostgreSQLStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot would cost as much."""
    monkeypatch.setattr(sharing, "SLOW_S", 60)
    sent = noting(monkeypatch, store)
    assert [await numbers(store) for _ in range(2)] == [[1], [1]]
    assert sent == ["rows", "rows"]


async def test_what_others_commit_is_read_at_once(store: PostgreSQLStore, postgresql_url: str) -> None:
    """Also when their transaction began, and wrote, before the rows were kept; what they have not committed is not."""
    assert [await numbers(store) for _ in range(3)] == [[1]] * 3
    other = await asyncpg.connect(postgresql_url)
    for value in range(2, 8):
        transaction = other.transaction()
        await transaction.start()
        await other.execute("UPDATE things SET number = $1", value)
        assert [await numbers(store) for _ in range(2)] == [[value - 1]] * 2
        await transaction.commit()
        assert [await numbers(store) for _ in range(2)] == [[value]] * 2
    await other.close()


async def test_whoever_has_written_reads_it(store: PostgreSQLStore) -> None:
    """However many read and write at the same time."""
    await store.commit([Statement("INSERT INTO things VALUES (?), (?), (?)", (1_000, 2_000, 3_000))])

    async def write_and_read(base: int) -> None:
        for value in range(base, base + 15):
            await store.commit([Statement("UPDATE things SET number = ? WHERE number = ?", (value + 1, value))])
            assert value + 1 in await numbers(store)

    await asyncio.gather(*(write_and_read(base) for base in (1_000, 2_000, 3_000)))


async def test_a_server_without_snapshots_is_asked_each_time(
    store: PostgreSQLStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What speaks PostgreSQL's protocol need not have the function; nobody notices."""
    monkeypatch.setattr(sharing, "_SNAPSHOT", "SELECT CAST(no_snapshot() AS text)")
    sent = noting(monkeypatch, store)
    assert [await numbers(store) for _ in range(4)] == [[1]] * 4
    assert sent == ["rows", "snapshot", "rows", "rows", "rows"]
