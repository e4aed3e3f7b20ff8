"""What only PostgreSQL does: a bounded pool, one round trip, lost races, lost connections, foreign notices."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from maydan.errors import PoolExhausted, Unavailable
from maydan.storage import DatabaseSettings, Duplicate, GuardFailed, Statement
from maydan.storage.postgresql.combining import Combiner, arguments
from maydan.storage.postgresql.store import PostgreSQLStore
from maydan.storage.signals import ELSEWHERE, LOG

pytestmark = pytest.mark.anyio

Open = Callable[..., Any]


def put(name: str) -> Statement:
    """Return the statement that stores a name."""
    return Statement("INSERT INTO things (name) VALUES (?)", (name,))


@pytest.fixture
async def opened(postgresql_url: str) -> AsyncIterator[Open]:
    """Open stores on one database, with settings."""
    stores: list[PostgreSQLStore] = []

    async def open_one(**settings: Any) -> PostgreSQLStore:
        store = PostgreSQLStore(postgresql_url, DatabaseSettings(**settings))
        await store.open()
        if not stores:
            await store.commit([Statement("CREATE TABLE things (name text PRIMARY KEY, number bigint DEFAULT 0)")])
        stores.append(store)
        return store

    yield open_one
    for store in stores:
        await store.close()


async def names(store: PostgreSQLStore) -> list[str]:
    """Return all names, sorted."""
    return [row[0] for row in await store.fetch_all("SELECT name FROM things ORDER BY name")]


class Trips:
    """Counts the calls that go to the server."""

    def __init__(self, store: PostgreSQLStore, monkeypatch: pytest.MonkeyPatch) -> None:
        self.texts: list[str] = []
        (connection,) = store.pool._idle
        for method in ("execute", "fetch", "fetchrow"):
            monkeypatch.setattr(type(connection), method, self._counted(getattr(type(connection), method)))

    def _counted(self, original: Callable[..., Any]) -> Callable[..., Any]:
        async def counted(connection: Any, text: str, *args: Any) -> Any:
            self.texts.append(text)
            return await original(connection, text, *args)

        return counted


async def test_a_batch_is_one_round_trip(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """With guards and all; taking and giving back the connection costs none."""
    store = await opened()
    await store.commit([put("a")])
    trips = Trips(store, monkeypatch)
    guard = Statement("UPDATE things SET number = 1 WHERE name = ?", ("a",), expect=1)
    await store.commit([guard, put("b"), put("c")])
    assert len(trips.texts) == 1
    trips.texts.clear()
    async with store.write_transaction() as transaction:
        await transaction.apply([put("d"), put("e")])
    assert len(trips.texts) == 3
    assert await names(store) == ["a", "b", "c", "d", "e"]


async def test_a_lone_statement_stays_as_it_is(opened: Open) -> None:
    """Only its parameters are numbered; a text is made once for batches that are alike."""
    combiner = Combiner()
    assert combiner.text([put("a")]) == "INSERT INTO things (name) VALUES ($1)"
    two = combiner.text([put("a"), put("b")])
    assert two is combiner.text([put("c"), put("d")])
    assert two == (
        "WITH p0 AS (INSERT INTO things (name) VALUES ($1) RETURNING 1), "
        "p1 AS (INSERT INTO things (name) VALUES ($2) RETURNING 1) SELECT 1"
    )
    assert combiner.text([put("a"), Statement("CREATE TABLE x (y text)")]) is None
    numbered = Statement("INSERT INTO t VALUES (?, {log_position})", ("x",), numbered=True)
    assert arguments([numbered, put("a"), numbered], 5) == ["x", 5, "a", "x", 6]


async def test_when_all_connections_are_busy_a_request_is_refused(opened: Open) -> None:
    """After the wait that is set; and the next one is served when one is free."""
    store = await opened(pool_size=2)
    held, done = asyncio.Semaphore(0), asyncio.Event()

    async def hold() -> None:
        async with store.write_transaction():
            held.release()
            await done.wait()

    holders = [asyncio.create_task(hold()) for _ in range(2)]
    for _ in holders:
        await held.acquire()
    store.pool._wait_s = 0.1
    with pytest.raises(PoolExhausted) as refused:
        await store.commit([put("a")])
    assert refused.value.facts["retry_after_s"] == 1
    store.pool._wait_s = 60
    waiting = asyncio.create_task(store.commit([put("b")]))
    await asyncio.sleep(0.01)
    done.set()
    await asyncio.gather(*holders, waiting)
    assert await names(store) == ["b"]


@pytest.mark.parametrize("seed", range(3))
async def test_cancelled_requests_lose_no_connection(opened: Open, seed: int) -> None:
    """Whatever is cancelled wherever, the pool is whole afterwards, and who was acknowledged is stored."""
    store = await opened(pool_size=3, pool_wait_s=5)
    choice = random.Random(seed)
    acknowledged: set[str] = set()

    async def write(name: str) -> None:
        if choice.random() < 0.5:
            await store.commit([put(name)])
        else:
            async with store.write_transaction() as transaction:
                await transaction.apply([put(name)])
        acknowledged.add(name)

    tasks: list[asyncio.Task[None]] = []
    for number in range(80):
        tasks.append(asyncio.create_task(write(f"{number:02}")))
        await asyncio.sleep(choice.choice([0, 0.0005, 0.001]))
        if choice.random() < 0.5:
            choice.choice(tasks).cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.gather(*(store.commit([put(f"last {number}")]) for number in range(9)))
    assert acknowledged < set(await names(store))
    assert store.pool._count <= 3
    assert len(store.pool._idle) == store.pool._count


async def test_a_lost_race_is_run_again(opened: Open) -> None:
    """40001 twice, then it works: for a batch and for a transaction, once each in effect."""
    store = await opened()
    await lose_races(store, 2)
    await store.commit([put("a")])
    assert await names(store) == ["a"]
    await store.fetch_one("SELECT setval('tries', 1, false)")
    runs: list[int] = []

    async def work(transaction: Any) -> str:
        runs.append(1)
        await transaction.apply([put("b")])
        return "done"

    assert await store.retrying(work) == "done"
    assert len(runs) == 3
    assert await names(store) == ["a", "b"]


async def test_a_race_that_is_always_lost_ends_as_unavailable(opened: Open) -> None:
    """Trying again has an end."""
    store = await opened()
    await lose_races(store, 1000)
    with pytest.raises(Unavailable) as refused:
        await store.commit([put("a")])
    assert refused.value.error_code == "race"
    with pytest.raises(Unavailable):
        await store.retrying(lambda transaction: transaction.apply([put("a")]))
    assert await names(store) == []


async def lose_races(store: PostgreSQLStore, count: int) -> None:
    """Let the next inserts fail as when CockroachDB wants the transaction to be repeated."""
    async with store.write_transaction() as transaction:
        await transaction.execute("CREATE SEQUENCE tries")
        await transaction.execute(
            f"""CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('tries') <= {count} THEN RAISE EXCEPTION 'restart transaction' USING ERRCODE = '40001'; END IF;
            RETURN NEW; END $$"""
        )
        await transaction.execute("CREATE TRIGGER lose BEFORE INSERT ON things FOR EACH ROW EXECUTE FUNCTION lose()")


async def test_a_deadlock_is_run_again(opened: Open) -> None:
    """Two transactions that lock two rows crosswise both get through."""
    store = await opened()
    await store.commit([put("a"), put("b")])
    both = asyncio.Barrier(2)
    met: set[str] = set()

    async def cross(first: str, second: str) -> None:
        async def work(transaction: Any) -> None:
            change = "UPDATE things SET number = number + 1 WHERE name = ?"
            await transaction.execute(change, first)
            if first not in met:
                met.add(first)
                await both.wait()
            await transaction.execute(change, second)

        await store.retrying(work)

    await asyncio.gather(cross("a", "b"), cross("b", "a"))
    assert await store.fetch_all("SELECT number FROM things") == [(2,), (2,)]


async def test_lost_connections_heal_by_themselves(opened: Open) -> None:
    """When the server ends every connection, reading goes on and so does the next write."""
    store = await opened()
    await asyncio.gather(*(store.commit([put(name)]) for name in "abcd"))
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname ="
    for _ in range(3):
        other = await store.connect()
        await other.execute(f"{end} current_database()")
        await other.close()
        assert await names(store) == ["a", "b", "c", "d"]
    await store.commit([put("e")])
    assert len(await names(store)) == 5


async def test_a_server_that_is_not_there_is_unavailable(tmp_path: Any) -> None:
    """And not an error of the driver."""
    store = PostgreSQLStore(f"postgresql://postgres@/x?host={tmp_path}", DatabaseSettings(pool_wait_s=0.5))
    with pytest.raises(Unavailable):
        await store.open()


async def test_an_error_that_was_swallowed_is_not_acknowledged(opened: Open) -> None:
    """PostgreSQL answers COMMIT with ROLLBACK after an error; whoever went on hears it."""
    store = await opened()
    await store.commit([put("a")])

    async def swallow() -> None:
        async with store.write_transaction() as transaction:
            await transaction.apply([put("b")])
            with pytest.raises(Duplicate):
                await transaction.apply([put("a")])

    with pytest.raises(Unavailable, match="undid"):
        await swallow()
    assert await names(store) == ["a"]


async def test_a_statement_that_is_cut_off_is_undone_with_its_savepoint(opened: Open) -> None:
    """The server is told to stop, and the transaction goes on without it."""
    store = await opened()

    async def wait_in_vain(transaction: Any) -> None:
        async with asyncio.timeout(0.2), transaction.savepoint():
            await transaction.apply([put("b")])
            await transaction.execute("SELECT pg_sleep(600)")

    async with store.write_transaction() as transaction:
        await transaction.apply([put("a")])
        with pytest.raises(TimeoutError):
            await wait_in_vain(transaction)
        await transaction.apply([put("c")])
    assert await names(store) == ["a", "c"]


async def test_a_savepoint_whose_release_is_cut_off_is_never_stored(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it can no longer be undone alone, all is undone, and whoever went on hears it."""
    store = await opened()
    limit = asyncio.timeout(None)
    (connection,) = store.pool._idle
    original = type(connection).execute

    async def release_and_stall(self: Any, text: str, *args: Any) -> Any:
        answer = await original(self, text, *args)
        if text.startswith("RELEASE"):
            limit.reschedule(0)
            await asyncio.Event().wait()
        return answer

    async def keep_going() -> None:
        async with store.write_transaction() as transaction:
            with pytest.raises(TimeoutError):
                async with limit, transaction.savepoint():
                    await transaction.apply([put("a")])

    monkeypatch.setattr(type(connection), "execute", release_and_stall)
    with pytest.raises(Unavailable, match="undid"):
        await keep_going()
    assert await names(store) == []


async def test_a_table_that_changes_under_prepared_statements_is_no_error(opened: Open) -> None:
    """Run-time types alter tables while others read and write them."""
    first, second = await opened(), await opened()
    await first.commit([put("a")])
    for number in range(3):
        assert len(await second.fetch_all("SELECT * FROM things")) == 1
        await first.commit([Statement(f"ALTER TABLE things ADD COLUMN more_{number} text")])
        await second.commit([Statement("UPDATE things SET number = number + 1 WHERE name = ?", ("a",), expect=1)])
        assert len((await second.fetch_all("SELECT * FROM things"))[0]) == 3 + number


async def test_the_first_guard_that_fails_wins_over_a_duplicate(opened: Open) -> None:
    """A stale version is told before anything else."""
    store = await opened()
    await store.commit([put("a")])
    guard = Statement("UPDATE things SET number = 9 WHERE name = 'z'", expect=1)
    with pytest.raises(GuardFailed) as failed:
        await store.commit([guard, put("a")])
    assert failed.value.index == 0
    assert await store.fetch_all("SELECT name, number FROM things") == [("a", 0)]


async def watch(store: PostgreSQLStore) -> None:
    """Let the store listen to others, and wait until it does: then it says that anything may have happened."""
    listens = asyncio.Event()
    stop = store.signals.listen(lambda _signal: listens.set())
    store.watch()
    async with asyncio.timeout(30):
        await listens.wait()
    stop()


async def test_others_hear_of_new_events(opened: Open) -> None:
    """Another process' log wakes ours; our own hint does not come back."""
    here, there = await opened(), await opened()
    heard: list[str] = []
    await watch(here)
    await watch(there)
    here.signals.listen(heard.append)
    first = put("a")
    await there.commit([Statement(first.sql, first.args, signal=LOG)])
    async with asyncio.timeout(30):
        while not heard:  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0.005)
    assert heard == [ELSEWHERE]


async def test_listening_goes_on_after_its_connection_was_lost(opened: Open) -> None:
    """It connects again and looks at everything, since it may have missed something."""
    store = await opened()
    heard: list[str] = []
    await watch(store)
    store.signals.listen(heard.append)
    end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname ="
    assert await store.fetch_one(f"{end} current_database()") == (1,)
    async with asyncio.timeout(30):
        while ELSEWHERE not in heard:  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0.005)


async def test_closing_waits_for_what_is_running(opened: Open) -> None:
    """A transaction that was begun is finished, what waits is refused."""
    store = await opened(pool_size=1, pool_wait_s=60)
    begun, done = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        async with store.write_transaction() as transaction:
            await transaction.apply([put("a")])
            begun.set()
            await done.wait()

    writing = asyncio.create_task(write())
    await begun.wait()
    waiting = asyncio.create_task(store.commit([put("b")]))
    await asyncio.sleep(0)
    closing = asyncio.create_task(store.close())
    await asyncio.sleep(0.01)
    assert not closing.done()
    done.set()
    await asyncio.gather(writing, closing)
    with pytest.raises(Unavailable):
        await waiting
    await store.open()
    assert await names(store) == ["a"]
