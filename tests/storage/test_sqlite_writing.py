"""The writer on SQLite: turns, shared commits, cancellation, other processes.

Longer than 400 lines, because all of it is one state machine and each test needs the same store.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from maydan.errors import PoolExhausted, Unavailable
from maydan.storage import DatabaseSettings, Duplicate, Statement
from maydan.storage.sqlite.lock import FileLock
from maydan.storage.sqlite.store import SQLiteStore

pytestmark = pytest.mark.anyio

COUNTING = Path(__file__).parent.parent / "support" / "writing.py"


def put(name: str, number: int = 0) -> Statement:
    """Return the statement that stores a name."""
    return Statement("INSERT INTO things (name, number) VALUES (?, ?)", (name, number))


Open = Callable[..., Any]


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Open]:
    """Open stores on one file, with settings."""
    stores: list[SQLiteStore] = []

    async def open_one(**settings: Any) -> SQLiteStore:
        store = SQLiteStore(f"{tmp_path}/things.db", DatabaseSettings(**settings))
        await store.open()
        if not stores:
            await store.commit([Statement("CREATE TABLE things (name TEXT PRIMARY KEY, number INTEGER)")])
        stores.append(store)
        return store

    yield open_one
    for store in stores:
        await store.close()


async def names(store: SQLiteStore) -> list[str]:
    """Return all names, sorted."""
    return [row[0] for row in await store.fetch_all("SELECT name FROM things ORDER BY name")]


class Commits:
    """Counts what goes to the disk, and may make it fail or wait."""

    def __init__(self, store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.error: Exception | None = None
        writer: Any = store._writer
        original = writer._commit_in_thread

        def counted() -> None:
            self.count += 1
            if self.error is None:
                original()
                return
            writer.connection.execute("ROLLBACK")
            writer._lock.release()
            raise self.error

        monkeypatch.setattr(writer, "_commit_in_thread", counted)


async def test_requests_at_the_same_time_share_commits(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty writes need a few commits only, and each is on disk when it returns."""
    store = await opened()
    commits = Commits(store, monkeypatch)
    await asyncio.gather(*(store.commit([put(f"{number:02}")]) for number in range(50)))
    assert len(await names(store)) == 50
    assert commits.count <= 3


async def test_a_group_has_a_limit(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred writes in groups of ten are ten commits at least."""
    store = await opened(group_size=10)
    commits = Commits(store, monkeypatch)
    await asyncio.gather(*(store.commit([put(f"{number:02}")]) for number in range(100)))
    assert len(await names(store)) == 100
    assert commits.count >= 10


async def test_a_member_that_fails_does_not_touch_the_others(opened: Open) -> None:
    """It is undone to its own savepoint."""
    store = await opened()
    await store.commit([put("taken")])
    batches = [[put(f"{number:02}"), put("taken")][: 2 if number % 3 == 0 else 1] for number in range(30)]
    results = await asyncio.gather(*(store.commit(batch) for batch in batches), return_exceptions=True)
    assert [isinstance(result, Duplicate) for result in results] == [number % 3 == 0 for number in range(30)]
    assert await names(store) == [f"{number:02}" for number in range(30) if number % 3] + ["taken"]


async def test_what_a_batch_was_refused_for_is_visible_when_it_is_told(opened: Open) -> None:
    """Also when another did the work in its turn: whoever starts over reads what it lost to."""
    store = await opened()
    done = asyncio.Event()

    async def hold() -> None:
        async with store.write_transaction() as transaction:
            await transaction.apply([put("first")])
            await done.wait()

    async def lose(name: str) -> list[str]:
        with pytest.raises(Duplicate):
            await store.commit([put(f"{name} too"), put(name)])
        return await names(store)

    holder = asyncio.create_task(hold())
    await asyncio.sleep(0)
    winner = asyncio.create_task(store.commit([put("second")]))
    losers = [asyncio.create_task(lose(name)) for name in ("first", "second") * 6]
    gone = asyncio.create_task(store.commit([put("gone")]))
    await asyncio.sleep(0)
    gone.cancel()
    done.set()
    assert await asyncio.gather(*losers) == [["first", "second"]] * 12
    await asyncio.gather(holder, winner)


async def test_when_the_commit_fails_every_member_hears_it(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told that it is stored, and the next group works."""
    store = await opened()
    commits = Commits(store, monkeypatch)
    commits.error = sqlite3.OperationalError("disk I/O error")
    called: list[str] = []
    store.signals.listen(called.append)
    batches = [[Statement(put(name).sql, put(name).args, signal=name)] for name in "abc"]
    results = await asyncio.gather(*(store.commit(batch) for batch in batches), return_exceptions=True)
    assert all(isinstance(result, Exception) for result in results)
    assert called == []
    commits.error = None
    await store.commit([put("d")])
    assert await names(store) == ["d"]


async def test_whatever_a_listener_does_writing_goes_on(opened: Open) -> None:
    """The commit has happened: its members are told so, and the next ones have their turn."""
    store = await opened()
    loop = asyncio.get_running_loop()
    before, reported = loop.get_exception_handler(), list[Any]()

    def break_off(_signal: str) -> None:
        raise asyncio.CancelledError

    store.signals.listen(break_off)
    told = Statement(put("a").sql, put("a").args, signal="things")
    loop.set_exception_handler(lambda _loop, context: reported.append(context["exception"]))
    try:
        async with asyncio.timeout(30):
            await asyncio.gather(store.commit([told]), store.commit([put("b")]))
            await store.commit([put("c")])
    finally:
        loop.set_exception_handler(before)
    assert await names(store) == ["a", "b", "c"]
    assert [type(error) for error in reported] == [asyncio.CancelledError]


async def test_when_sqlite_undoes_everything_by_itself_nobody_is_acknowledged(opened: Open) -> None:
    """As it does when the disk is full: the whole group hears it."""
    store = await opened()
    entered, waiting = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with store.write_transaction() as transaction:
            await transaction.apply([put("first")])
            entered.set()
            await waiting.wait()

    async def second() -> None:
        async with store.write_transaction() as transaction:
            await transaction.apply([put("second")])
            await transaction.execute("INSERT OR ROLLBACK INTO things (name) VALUES ('second')")

    tasks = [asyncio.create_task(first())]
    await entered.wait()
    tasks.append(asyncio.create_task(second()))
    await asyncio.sleep(0)
    waiting.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[0], Unavailable)
    assert isinstance(results[1], Duplicate)
    assert await names(store) == []
    await store.commit([put("third")])
    assert await names(store) == ["third"]


async def test_whoever_ends_the_transaction_by_hand_hears_it(opened: Open) -> None:
    """COMMIT inside a block is a mistake that does not go by in silence."""
    store = await opened()

    async def end_it() -> None:
        async with store.write_transaction() as transaction:
            await transaction.apply([put("a")])
            await transaction.execute("ROLLBACK")

    with pytest.raises(Unavailable):
        await end_it()
    await store.commit([put("b")])
    assert await names(store) == ["b"]


@pytest.mark.parametrize("seed", range(6))
async def test_cancelled_members_never_harm_the_others(opened: Open, seed: int) -> None:
    """Whatever is cancelled wherever: who was acknowledged is stored, who failed is not, and writing goes on."""
    store = await opened(group_size=5)
    choice = random.Random(seed)
    acknowledged: set[str] = set()
    undone: set[str] = set()

    async def write(name: str) -> None:
        try:
            async with store.write_transaction() as transaction:
                await transaction.apply([put(name)])
                for _ in range(choice.randrange(3)):
                    await asyncio.sleep(0)
                if choice.random() < 0.2:
                    await transaction.execute_heavy("UPDATE things SET number = 1 WHERE name = ?", name)
                if choice.random() < 0.2:
                    undone.add(name)
                    raise LookupError
        except LookupError:
            return
        acknowledged.add(name)

    tasks: list[asyncio.Task[None]] = []
    for number in range(150):
        tasks.append(asyncio.create_task(write(f"{number:03}")))
        if choice.random() < 0.4:
            await asyncio.sleep(choice.choice([0, 0, 0.0005]))
        if choice.random() < 0.5:
            choice.choice(tasks).cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await store.commit([put("last")])
    stored = set(await names(store))
    assert acknowledged < stored
    assert not undone & stored
    with sqlite3.connect(store.path) as other:
        assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_waiting_in_the_queue_has_an_end(opened: Open) -> None:
    """Who cannot write in time is told to come again, and the queue goes on."""
    store = await opened(write_wait_s=0.05)
    done = asyncio.Event()

    async def hold() -> None:
        async with store.write_transaction():
            await done.wait()

    holder = asyncio.create_task(hold())
    await asyncio.sleep(0)
    with pytest.raises(PoolExhausted) as refused:
        await store.commit([put("a")])
    assert refused.value.facts["retry_after_s"] == 1
    done.set()
    await holder
    await store.commit([put("b")])
    assert await names(store) == ["b"]


async def test_waiting_for_another_process_has_an_end(opened: Open) -> None:
    """The lock of the operating system is waited for in a thread, so that reading goes on."""
    store = await opened(write_wait_s=0.1)
    foreign = FileLock(store.path)
    assert foreign.try_acquire()
    writing = asyncio.create_task(store.commit([put("a")]))
    await asyncio.sleep(0.02)
    assert await names(store) == []
    with pytest.raises(PoolExhausted):
        await writing
    foreign.release()
    await store.commit([put("b")])
    assert await names(store) == ["b"]
    foreign.close()


async def test_a_foreign_lock_in_the_file_is_waited_for(opened: Open) -> None:
    """A program that does not know our lock, such as sqlite3, is respected as well."""
    store = await opened()
    foreign = sqlite3.connect(store.path, isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(store.commit([put("a")]))
    await asyncio.sleep(0.05)
    assert not writing.done()
    foreign.execute("COMMIT")
    foreign.close()
    await writing
    assert await names(store) == ["a"]


async def test_a_cancelled_wait_for_the_lock_leaves_it_free(opened: Open) -> None:
    """The thread that waits hands the lock on when nobody wants it any more."""
    store = await opened()
    foreign = FileLock(store.path)
    assert foreign.try_acquire()
    writing = asyncio.create_task(store.commit([put("a")]))
    await asyncio.sleep(0.02)
    writing.cancel()
    await asyncio.sleep(0.02)
    foreign.release()
    with suppress(asyncio.CancelledError):
        await writing
    await store.commit([put("b")])
    assert await names(store) == ["b"]
    assert foreign.acquire(1)
    foreign.close()


async def test_closing_waits_for_what_is_being_written(opened: Open) -> None:
    """Everything that was begun is stored, what comes later is refused."""
    store = await opened()
    writing = [asyncio.create_task(store.commit([put(f"{number}")])) for number in range(9)]
    await asyncio.sleep(0)
    await store.close()
    results = await asyncio.gather(*writing, return_exceptions=True)
    again = await opened()
    stored = await names(again)
    assert stored == [f"{number}" for number, result in enumerate(results) if result is None]


async def test_closing_waits_for_a_process_that_writes(opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    """However long: the last connection that is closed resets the log, which only one process may do at a time."""
    store = await opened(write_wait_s=0.05)
    foreign = FileLock(store.path)
    assert foreign.try_acquire()
    closing = asyncio.create_task(store.close())
    async with asyncio.timeout(30):
        while not caplog.messages and not closing.done():  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.01)
        assert "Another process is writing" in caplog.text
        assert not closing.done()
        foreign.close()
        await closing


async def test_a_store_that_could_not_be_closed_goes_on_and_is_closed_later(opened: Open) -> None:
    """Whoever writes for too long keeps it from closing, and nothing is left half closed."""
    store = await opened(write_wait_s=0.05)
    connection = store._writer.connection
    done = asyncio.Event()

    async def hold() -> None:
        async with store.write_transaction() as transaction:
            await transaction.apply([put("a")])
            await done.wait()

    holder = asyncio.create_task(hold())
    await asyncio.sleep(0)
    with pytest.raises(PoolExhausted):
        await store.close()
    done.set()
    await holder
    await store.commit([put("b")])
    assert await store.readers.run(lambda reader: reader.execute("SELECT name FROM things").fetchall())
    assert await names(store) == ["a", "b"]
    await store.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


async def test_closing_that_was_cancelled_is_done_again(opened: Open) -> None:
    """It waits for what still reads, as often as it is asked to, and whoever asks waits for the end of it."""
    store = await opened()
    connection = store._writer.connection
    may_end = threading.Event()
    reading = asyncio.create_task(store.readers.run(lambda _reader: may_end.wait(60)))
    await asyncio.sleep(0)
    closing = asyncio.create_task(store.close())
    await asyncio.wait({closing}, timeout=0.05)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    again = asyncio.create_task(store.close())
    and_again = asyncio.create_task(store.close())
    await asyncio.wait({again, and_again}, timeout=0.05)
    assert not again.done()
    assert not and_again.done()
    may_end.set()
    async with asyncio.timeout(30):
        await asyncio.gather(reading, again, and_again)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


async def test_two_processes_write_one_file_and_both_get_on(opened: Open) -> None:
    """Neither is refused nor starved, and every acknowledged row is there."""
    store = await opened()
    children = [
        await asyncio.create_subprocess_exec(
            sys.executable, str(COUNTING), store.path, word, "1.0", stdout=asyncio.subprocess.PIPE
        )
        for word in ("left", "right")
    ]
    counts = [int((await child.communicate())[0]) for child in children]
    assert [child.returncode for child in children] == [0, 0]
    assert await store.fetch_one("SELECT count(*) FROM things") == (sum(counts),)
    assert min(counts) * 5 > max(counts), f"one of them starved: {counts}"


async def test_a_checkpoint_takes_its_turn_between_writers(opened: Open, tmp_path: Path) -> None:
    """Nothing of theirs is lost, in this process or another one's store, and the log is empty when all are done."""
    one, other = await opened(), await opened()
    numbers = range(20)
    writing = [
        store.commit([put(f"{place} {number}")]) for number in numbers for place, store in enumerate((one, other))
    ]
    done = await asyncio.gather(*writing, one.checkpoint(), other.checkpoint())
    assert done[-2:] == [True, True]
    assert await names(one) == sorted(f"{place} {number}" for number in numbers for place in (0, 1))
    assert await one.checkpoint()
    assert (tmp_path / "things.db-wal").stat().st_size == 0
