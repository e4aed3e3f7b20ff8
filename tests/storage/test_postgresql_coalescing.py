"""Reads that would wait anyway share a round trip, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from maydan.errors import Unavailable
from maydan.storage import DatabaseSettings, Statement
from maydan.storage.postgresql.coalescing import MOST_TOGETHER, Coalescing, joined_text
from maydan.storage.postgresql.store import PostgreSQLStore

pytestmark = pytest.mark.anyio

READ = "SELECT name, number FROM things WHERE id = ? AND number >= ?"


class Server:
    """Doubles numbers, when it is let; keeps what it was sent."""

    def __init__(self) -> None:
        self.sent: list[list[int]] = []
        self.gate = asyncio.Event()

    async def answer(self, kind: str, members: Sequence[int]) -> list[int]:
        """Answer once the gate is open; 13 is not to be had, 503 says to come back later."""
        self.sent.append(list(members))
        await self.gate.wait()
        if 13 in members:
            raise ValueError(kind)
        if 503 in members:
            raise Unavailable("later")
        return [2 * member for member in members]


@pytest.fixture
def server() -> Server:
    """A server whose gate is shut."""
    return Server()


async def begun(*reads: Any) -> list[asyncio.Task[Any]]:
    """Start the reads, in their order, and let them come to where they wait."""
    tasks = [asyncio.ensure_future(read) for read in reads]
    await asyncio.sleep(0)
    return tasks


async def test_those_who_come_meanwhile_are_sent_together(server: Server) -> None:
    """The first at once, the others after its end; another kind waits for nobody; nothing is remembered."""
    reads: Coalescing[int, int] = Coalescing(server.answer)
    tasks = await begun(*(reads.read("a", number) for number in range(5)), reads.read("b", 9))
    assert server.sent == [[0], [9]]
    server.gate.set()
    assert await asyncio.gather(*tasks) == [0, 2, 4, 6, 8, 18]
    assert server.sent == [[0], [9], [1, 2, 3, 4]]
    assert await reads.read("a", 7) == 14
    assert server.sent[-1] == [7]
    assert not reads._waiting


async def test_a_statement_reads_for_a_bounded_number(server: Server) -> None:
    """However many wait."""
    reads: Coalescing[int, int] = Coalescing(server.answer)
    tasks = await begun(*(reads.read("a", number) for number in range(100, 102 + 2 * MOST_TOGETHER)))
    server.gate.set()
    await asyncio.gather(*tasks)
    assert [len(sent) for sent in server.sent] == [1, MOST_TOGETHER, MOST_TOGETHER, 1]


async def test_who_goes_away_takes_nobody_along(server: Server) -> None:
    """Neither the one that is in flight nor one that waits; what nobody waits for is not sent."""
    reads: Coalescing[int, int] = Coalescing(server.answer)
    first, second, third, fourth = await begun(*(reads.read("a", number) for number in range(4)))
    third.cancel()
    first.cancel()
    await asyncio.sleep(0)
    server.gate.set()
    assert await asyncio.gather(second, fourth) == [2, 6]
    assert server.sent == [[0], [1, 3]]
    assert first.cancelled()
    assert third.cancelled()
    server.gate.clear()
    alone, waiting = await begun(reads.read("a", 1), reads.read("a", 2))
    waiting.cancel()
    server.gate.set()
    assert await alone == 2
    assert server.sent[2:] == [[1]]
    assert not reads._waiting


async def test_a_mistake_reaches_only_who_made_it(server: Server) -> None:
    """The others are read for one by one; what concerns the whole database is told to all."""
    reads: Coalescing[int, int] = Coalescing(server.answer)
    tasks = await begun(*(reads.read("a", number) for number in (0, 1, 13, 2)))
    server.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) if isinstance(result, Exception) else result for result in results] == [0, 2, ValueError, 4]
    server.gate.clear()
    tasks = await begun(*(reads.read("a", number) for number in (0, 1, 503)))
    server.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) if isinstance(result, Exception) else result for result in results] == [
        0, Unavailable, Unavailable,
    ]  # fmt: skip


@pytest.fixture
async def store(postgresql_url: str) -> AsyncIterator[PostgreSQLStore]:
    """A store with ten things."""
    store = PostgreSQLStore(postgresql_url, DatabaseSettings())
    await store.open()
    await store.commit(
        [
            Statement("CREATE TABLE things (id uuid PRIMARY KEY, name text, number bigint)"),
            *(Statement("INSERT INTO things VALUES (?,?,?)", (key(n), f"thing {n}", n)) for n in range(10)),
        ]
    )
    yield store
    await store.close()


def key(number: int) -> str:
    """Return the id of a thing."""
    return f"00000000-0000-7000-8000-{number:012d}"


class Sent:
    """The statements that a store sends, counted at its connections."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, store: PostgreSQLStore) -> None:
        self.texts: list[str] = []
        original = store._once

        async def noted(method: str, sql: str, args: Sequence[Any]) -> Any:
            self.texts.append(sql)
            return await original(method, sql, args)

        monkeypatch.setattr(store, "_once", noted)


async def test_points_are_read_by_one_statement(store: PostgreSQLStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each gets its own row, or None; duplicates too; the same as alone."""
    asked = [(key(n % 12), n % 3 * 4) for n in range(24)]
    alone = [await store.fetch_point(READ, *args) for args in asked]
    await asyncio.gather(*(store.fetch_point(READ, *asked[0]) for _ in range(3)))
    sent = Sent(monkeypatch, store)
    assert await asyncio.gather(*(store.fetch_point(READ, *args) for args in asked)) == alone
    assert alone[4] == ("thing 4", 4)
    assert alone[11] is None
    assert len(sent.texts) == 2
    assert "LATERAL" in sent.texts[1]


async def test_a_wrong_argument_hurts_no_other_read(store: PostgreSQLStore) -> None:
    """It raises what it would raise alone."""
    results = await asyncio.gather(
        *(store.fetch_point(READ, each, 0) for each in (key(1), key(2), "no id", key(3))), return_exceptions=True
    )
    assert results[:2] + results[3:] == [("thing 1", 1), ("thing 2", 2), ("thing 3", 3)]
    assert isinstance(results[2], ValueError)


async def test_whoever_has_written_reads_it_in_any_company(store: PostgreSQLStore) -> None:
    """A read that joins others is sent after it asked, so that it sees every commit that was acknowledged before."""
    stop = asyncio.Event()

    async def crowd(number: int) -> None:
        while not stop.is_set():
            await store.fetch_point(READ, key(number), 0)
            await store.fetch_shared("SELECT max(number) FROM things")

    async def write_and_read(number: int) -> None:
        for value in range(100, 130):
            await store.commit([Statement("UPDATE things SET number = ? WHERE id = ?", (value, key(number)))])
            assert await store.fetch_point(READ, key(number), 0) == (f"thing {number}", value)
            (row,) = await store.fetch_shared("SELECT max(number) FROM things")
            assert row[0] >= value

    others = [asyncio.create_task(crowd(number)) for number in range(6)]
    await asyncio.gather(*(write_and_read(number) for number in range(6)))
    stop.set()
    await asyncio.gather(*others)


async def test_a_transaction_reads_for_itself(store: PostgreSQLStore) -> None:
    """It sees what it wrote, and nobody else does before the commit."""
    async with store.write_transaction() as transaction:
        await transaction.execute("UPDATE things SET number = 50 WHERE id = ?", key(1))
        assert await store.fetch_point(READ, key(1), 0) == ("thing 1", 50)
        assert await store.fetch_shared("SELECT max(number) FROM things") == [(50,)]
        outside = asyncio.create_task(_outside(store))
        assert await outside == ("thing 1", 1)


async def _outside(store: PostgreSQLStore) -> Any:
    store.current._variable.set(None)
    return await store.fetch_point(READ, key(1), 0)


async def test_the_same_question_is_answered_once(store: PostgreSQLStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """For all who ask it together; each has a list of its own, and other arguments are another question."""
    sent = Sent(monkeypatch, store)
    sql = "SELECT number FROM things WHERE number < ? ORDER BY number"
    found = await asyncio.gather(*(store.fetch_shared(sql, 2 + number % 2) for number in range(10)))
    assert found == [[(0,), (1,)], [(0,), (1,), (2,)]] * 5
    assert len(sent.texts) == 4
    found[2].clear()
    assert found[4] == [(0,), (1,)]
    with pytest.raises(ValueError, match="str"):
        await asyncio.gather(*(store.fetch_shared(sql, argument) for argument in (1, "1", 1)))


async def test_closing_waits_for_what_is_being_read(postgresql_url: str) -> None:
    """A read that was sent is answered, one that waits for it is refused, and every connection comes back."""
    store = PostgreSQLStore(postgresql_url, DatabaseSettings())
    await store.open()
    first, second = await begun(*(store.fetch_shared("SELECT 1, pg_sleep(0.1)") for _ in range(2)))
    await store.close()
    assert [tuple(row)[:1] for row in await first] == [(1,)]
    with pytest.raises(Unavailable, match="closed"):
        await second


async def test_a_lost_connection_is_told_to_nobody(store: PostgreSQLStore) -> None:
    """Reads are sent again on another one, together or alone."""
    await asyncio.gather(*(store.fetch_point(READ, key(number), 0) for number in range(5)))
    async with store.write_transaction() as transaction:
        await transaction.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    found = await asyncio.gather(*(store.fetch_point(READ, key(number), 0) for number in range(5)))
    assert found == [(f"thing {number}", number) for number in range(5)]


def test_only_plain_values_are_put_into_arrays() -> None:
    """An array of arrays would be taken apart twice, and a type elsewhere has another name."""

    class Type:
        def __init__(self, name: str, kind: str = "scalar", schema: str = "pg_catalog") -> None:
            self.name, self.kind, self.schema = name, kind, schema

    assert joined_text("SELECT a FROM t WHERE b = $1 AND c = $10", [Type("uuid")] * 10) is not None
    assert "asked.p10" in str(joined_text("SELECT a FROM t WHERE b = $1 AND c = $10", [Type("uuid")] * 10))
    assert joined_text("SELECT 1 WHERE $1", [Type("text[]", "array")]) is None
    assert joined_text("SELECT 1 WHERE $1", [Type("mood", schema="public")]) is None
    assert joined_text("SELECT 1", []) is None
