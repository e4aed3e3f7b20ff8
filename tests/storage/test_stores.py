"""What both stores promise: reads, batches, guards, duplicates, transactions."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from maydan.ids import new_id
from maydan.storage import ConstraintFailed, Duplicate, GuardFailed, Statement, Store
from maydan.storage.ports import TableDropped

pytestmark = pytest.mark.anyio

INSERT = "INSERT INTO cups (id, name, size, made_at, is_full, about) VALUES (?, ?, ?, ?, ?, ?)"


@pytest.fixture
async def cups(store: Store) -> Store:
    """A store with a table of cups."""
    for sql in (
        """CREATE TABLE cups (id {uuid} PRIMARY KEY, name {text} NOT NULL, size {bigint} NOT NULL CHECK (size < 1000),
        made_at {time}, is_full {bool}, about {json})""",
        "CREATE UNIQUE INDEX cups_by_name ON cups (name, size)",
        "CREATE UNIQUE INDEX cups_folded ON cups (lower(name))",
        "CREATE TABLE saucers (cup_id {uuid} NOT NULL REFERENCES cups (id))",
    ):
        await store.commit([Statement(sql)])
    return store


def cup(name: str, size: int = 1, id: str | None = None) -> Statement:
    """Return the statement that stores a cup."""
    return Statement(INSERT, (id or new_id(), name, size, datetime(2026, 1, 2, tzinfo=UTC), True, '{"a": 1}'))


def told(name: str) -> Statement:
    """Return the statement that stores a cup and, when it is kept, tells its name."""
    return msgspec.structs.replace(cup(name), signal=name)


async def names(store: Store) -> list[str]:
    """Return the names of all cups, sorted."""
    return [row[0] for row in await store.fetch_all("SELECT name FROM cups ORDER BY name")]


async def test_values_come_back_as_the_port_says(cups: Store) -> None:
    """Ids and JSON as text, moments through read_time, booleans as truth values."""
    key = new_id()
    made_at = datetime(2026, 3, 1, 12, 30, 0, 123456, tzinfo=timezone(timedelta(hours=3)))
    await cups.commit([Statement(INSERT, (key, "a?b", 2, made_at, False, '{"what": "?"}'))])
    row = await cups.fetch_point("SELECT id, name, size, made_at, is_full, about FROM cups WHERE id = ?", key)
    assert row is not None
    assert isinstance(row, tuple)
    assert (str(row[0]), row[1], row[2], bool(row[4])) == (key, "a?b", 2, False)
    assert cups.dialect.read_time(row[3]) == made_at
    assert row[5] == '{"what": "?"}'


async def test_a_question_mark_in_a_literal_is_no_parameter(cups: Store) -> None:
    """Parameters are found outside literals, quoted names and comments only."""
    row = await cups.fetch_one("SELECT '?''?' -- ?\n, ? /* ? */ AS \"?\"", "x")
    assert row == ("?'?", "x")


async def test_a_batch_is_stored_whole_or_not_at_all(cups: Store) -> None:
    """A duplicate in the last part undoes the first."""
    await cups.commit([cup("a"), cup("b")])
    with pytest.raises(Duplicate):
        await cups.commit([cup("c"), cup("a", 5)])
    assert await names(cups) == ["a", "b"]


async def test_a_guard_that_fails_says_which_and_stores_nothing(cups: Store) -> None:
    """The number of affected rows must be the expected one."""
    await cups.commit([cup("a")])
    change = "UPDATE cups SET size = 7 WHERE name = ?"
    with pytest.raises(GuardFailed) as failed:
        await cups.commit([Statement(change, ("a",), expect=1), Statement(change, ("z",), expect=1), cup("b")])
    assert failed.value.index == 1
    assert await cups.fetch_all("SELECT name, size FROM cups") == [("a", 1)]
    await cups.commit([Statement(change, ("a",), expect=1), Statement(change, ("z",), expect=0), cup("b")])
    assert await cups.fetch_all("SELECT name, size FROM cups ORDER BY name") == [("a", 7), ("b", 1)]


async def test_a_select_guards_by_its_rows(cups: Store) -> None:
    """A part that only reads counts the rows it finds."""
    look = Statement("SELECT 1 FROM cups WHERE name = ?", ("a",), expect=1)
    with pytest.raises(GuardFailed):
        await cups.commit([look, cup("b")])
    await cups.commit([cup("a")])
    await cups.commit([look, cup("b")])
    assert await names(cups) == ["a", "b"]


async def test_a_duplicate_names_table_and_columns_on_both_engines(cups: Store) -> None:
    """The form is table.column,column; an index over expressions gives its name."""
    key = new_id()
    await cups.commit([cup("a", 1, key)])
    for statement, constraint in (
        (cup("x", 1, key), "cups.id"),
        (cup("A", 1), "cups_folded"),
    ):
        with pytest.raises(Duplicate) as refused:
            await cups.commit([statement, cup("later")])
        assert refused.value.constraint == constraint
    await cups.commit([Statement("DROP INDEX cups_folded")])
    with pytest.raises(Duplicate) as refused:
        await cups.commit([cup("a", 1)])
    assert refused.value.constraint == "cups.name,size"


async def test_other_constraints_say_their_kind(cups: Store) -> None:
    """A missing parent, a check and a null are told apart."""
    for statement, kind in (
        (Statement("INSERT INTO saucers (cup_id) VALUES (?)", (new_id(),)), "foreign_key"),
        (cup("big", 1000), "check"),
        (Statement(INSERT, (new_id(), None, 1, None, None, None)), "not_null"),
    ):
        with pytest.raises(ConstraintFailed) as refused:
            await cups.commit([statement])
        assert refused.value.kind == kind


async def test_a_long_batch_is_still_one_transaction(cups: Store) -> None:
    """A batch may be longer than one statement can be."""
    batch = [cup(f"cup {number:04}") for number in range(700)]
    with pytest.raises(Duplicate):
        await cups.commit([*batch, cup("cup 0003", 9)])
    assert await names(cups) == []
    with pytest.raises(GuardFailed) as failed:
        await cups.commit([*batch, Statement("DELETE FROM saucers", expect=1)])
    assert failed.value.index == 700
    await cups.commit(batch)
    assert len(await names(cups)) == 700


async def test_a_transaction_reads_its_own_writes_and_others_do_not(cups: Store) -> None:
    """What is not committed is seen inside only."""

    async def outside() -> list[str]:
        return await names(cups)

    async with cups.write_transaction() as transaction:
        assert await transaction.execute(cup("a").sql, *cup("a").args) == 1
        assert await transaction.fetch_one("SELECT count(*) FROM cups") == (1,)
        assert await names(cups) == ["a"], "the store reads through the transaction of the task"
    assert await outside() == ["a"]


async def test_an_error_undoes_the_transaction(cups: Store) -> None:
    """Whatever leaves the block with an error leaves nothing."""
    heard: list[str] = []
    cups.signals.listen(heard.append)

    async def fail() -> None:
        async with cups.write_transaction() as transaction:
            await transaction.apply([told("a")])
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await names(cups) == []
    assert heard == []


async def test_a_value_that_does_not_fit_is_an_error_of_the_caller(cups: Store) -> None:
    """It is no database that is away, and the connection goes on."""
    for value in (10**30, "\ud800"):
        with pytest.raises((ValueError, OverflowError)):
            await cups.fetch_all("SELECT name FROM cups WHERE size = ? OR name = ?", value, value)
    assert await names(cups) == []


async def test_a_savepoint_is_undone_alone(cups: Store) -> None:
    """What stands around it stays."""
    heard: list[str] = []
    cups.signals.listen(heard.append)
    async with cups.write_transaction() as transaction:
        await transaction.apply([told("a")])

        async def fail() -> None:
            async with transaction.savepoint():
                await transaction.apply([told("b")])
                await transaction.apply([cup("b")])

        with pytest.raises(Duplicate):
            await fail()
        async with transaction.savepoint():
            await transaction.apply([cup("c")])
    assert await names(cups) == ["a", "c"]
    assert heard == ["a"]


async def test_a_savepoint_that_is_cancelled_is_undone_alone(cups: Store) -> None:
    """Whoever gives up on a part and goes on stores nothing of it, and tells nobody."""
    heard: list[str] = []
    cups.signals.listen(heard.append)

    async def give_up(name: str) -> None:
        async with asyncio.timeout(None) as limit, cups.write_transaction() as inner:
            await inner.apply([told(name)])
            limit.reschedule(0)
            await asyncio.Event().wait()

    async with cups.write_transaction() as transaction:
        await transaction.apply([cup("a")])
        with pytest.raises(TimeoutError):
            await give_up("b")
        async with transaction.savepoint():
            await transaction.apply([cup("c")])
            with pytest.raises(TimeoutError):
                await give_up("d")
        assert await names(cups) == ["a", "c"]
        await transaction.apply([cup("e")])
        with pytest.raises(TimeoutError):
            await give_up("f")
    assert await names(cups) == ["a", "c", "e"]
    assert heard == []


async def test_savepoints_that_are_left_with_errors_take_nothing_else_away(cups: Store) -> None:
    """Neither the one around them nor the one after them."""

    async def fail(name: str) -> None:
        async with cups.write_transaction() as inner:
            await inner.apply([cup(name)])
            raise LookupError

    async def fail_around(name: str) -> None:
        async with cups.write_transaction() as inner:
            await inner.apply([cup(name)])
            await fail(f"{name} inside")

    async with cups.write_transaction() as transaction:
        await transaction.apply([cup("a")])
        for name in "bc":
            with pytest.raises(LookupError):
                await fail_around(name)
            async with transaction.savepoint():
                await transaction.apply([cup(f"{name} kept")])
                with pytest.raises(LookupError):
                    await fail(name)
    assert await names(cups) == ["a", "b kept", "c kept"]


async def test_a_commit_inside_a_transaction_joins_it(cups: Store) -> None:
    """One way to write: nothing escapes the transaction around it, on either engine."""

    async def fail() -> None:
        async with cups.write_transaction():
            await cups.commit([cup("a")])
            async with cups.write_transaction() as inner:
                await inner.apply([cup("b")])
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await names(cups) == []


async def test_a_transaction_that_has_ended_refuses(cups: Store) -> None:
    """A task that outlives the block cannot write into another's."""
    async with cups.write_transaction() as transaction:
        pass
    with pytest.raises(RuntimeError):
        await transaction.execute("DELETE FROM cups")


async def test_transactions_of_many_tasks_lose_no_update(cups: Store) -> None:
    """Sixty read-then-write transactions at once all count."""
    await cups.commit([cup("a", 0)])

    async def count() -> None:
        async with cups.write_transaction() as transaction:
            row = await transaction.fetch_one("SELECT size FROM cups WHERE name = 'a' {for_update}")
            assert row is not None
            await asyncio.sleep(0)
            await transaction.execute("UPDATE cups SET size = ? WHERE name = 'a'", row[0] + 1)

    await asyncio.gather(*(count() for _ in range(60)))
    assert await cups.fetch_one("SELECT size FROM cups") == (60,)


async def test_affected_rows_are_counted_for_every_kind_of_change(cups: Store) -> None:
    """Also where the statement begins with WITH."""
    async with cups.write_transaction() as transaction:
        await transaction.apply([cup("a"), cup("b"), cup("c")])
        changed = await transaction.execute(
            "WITH small AS (SELECT id FROM cups WHERE name < 'c')"
            " UPDATE cups SET size = 2 WHERE id IN (SELECT id FROM small)"
        )
        deleted = await transaction.execute_heavy("DELETE FROM cups WHERE size = ?", 2)
    assert (changed, deleted) == (2, 2)


async def test_signals_are_sent_after_the_commit_only(cups: Store) -> None:
    """A refused batch tells nobody."""
    heard: list[str] = []
    cups.signals.listen(heard.append)
    await cups.commit([told("a")])
    with pytest.raises(Duplicate):
        await cups.commit([told("a")])
    async with cups.write_transaction() as transaction:
        await transaction.apply([Statement("UPDATE cups SET size = 3", signal="sizes")])
        assert heard == ["a"]
    assert heard == ["a", "sizes"]


async def test_a_missing_table_of_a_content_type_means_that_the_type_was_deleted(store: Store) -> None:
    """However it is met; another table that is missing is a mistake in the code, and stays one."""
    missing = "SELECT 1 FROM maydan_documents_4711 WHERE space_key = ?"
    batch = [Statement(missing, (1,), expect=0)]
    for read in (store.fetch_all, store.fetch_one, store.fetch_point, store.fetch_shared):
        with pytest.raises(TableDropped):
            await read(missing, 1)
    with pytest.raises(TableDropped):
        await store.commit(batch)
    for_text = missing.replace("documents", "trigrams")
    for sql in (missing, for_text):
        with pytest.raises(TableDropped):
            await store.retrying(lambda transaction, sql=sql: transaction.fetch_all(sql, 1))
    with pytest.raises(TableDropped):
        await store.retrying(lambda transaction: transaction.apply(batch))
    for sql in ("SELECT 1 FROM maydan_nothing WHERE space_key = ?", missing.replace("maydan_", "other_maydan_")):
        with pytest.raises(Exception, match="maydan_") as raised:
            await store.fetch_all(sql, 1)
        assert not isinstance(raised.value, TableDropped)
