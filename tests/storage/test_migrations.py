"""Migrations: once, by one process, whatever is interrupted; and a plugin keeps to its own tables."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from maydan.errors import MigrationsPending, PluginRejected
from maydan.storage import DatabaseSettings, Store, Transaction, open_store
from maydan.storage.migrations import Migration, Step, apply, pending, plan
from maydan.storage.migrations.sqlite import statements
from maydan.storage.schema import CORE

pytestmark = pytest.mark.anyio

CHILD = Path(__file__).parent.parent / "support" / "migrating.py"
TEAPOTS = Migration(
    app="teapots",
    name="0001_teapots",
    steps=(
        Step("table", "CREATE TABLE teapots_pots (id {bigint} PRIMARY KEY, name {text})"),
        Step("index", "CREATE INDEX teapots_by_name ON teapots_pots (name)"),
        Step("rows", "INSERT INTO teapots_pots (id, name) VALUES (1, 'a;b'); INSERT INTO teapots_pots (id) VALUES (2)"),
    ),
)


async def names(store: Store) -> list[tuple[str, str]]:
    """Return the recorded steps and their states."""
    rows = await store.fetch_all("SELECT step, state FROM maydan_migrations WHERE app <> 'core' ORDER BY started_at")
    return [(row[0], row[1]) for row in rows]


async def test_a_new_database_gets_everything_once(store: Store) -> None:
    """What is pending is known before, and nothing is pending after."""
    assert await pending(store, CORE) == []
    assert await pending(store, [*CORE, TEAPOTS]) == [TEAPOTS]
    assert [step.step for step in await plan(store, [TEAPOTS])] == ["table", "index", "rows"]
    assert [step.step for step in await apply(store, [TEAPOTS])] == ["table", "index", "rows"]
    assert await names(store) == [("table", "done"), ("index", "done"), ("rows", "done")]
    assert await apply(store, [TEAPOTS]) == []
    assert await store.fetch_all("SELECT id, name FROM teapots_pots ORDER BY id") == [(1, "a;b"), (2, None)]


@pytest.fixture(params=["sqlite", "postgresql"])
async def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The address of a database without any tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    server = request.getfixturevalue("postgresql_server")
    url = await server.create(empty=True)
    yield url
    await server.drop(url)


async def test_an_empty_database_has_everything_pending(empty_url: str) -> None:
    """But what another engine needs; asking changes nothing."""
    store = open_store(DatabaseSettings(url=empty_url))
    await store.open()
    own = (None, store.dialect.name)
    everything = [each for each in CORE if any(step.only in own for step in each.steps)]
    assert await pending(store, CORE) == everything
    assert await pending(store, CORE) == everything
    await store.close()


async def test_a_step_that_fails_leaves_nothing_and_can_be_repeated(store: Store) -> None:
    """What came before it is done; the failed one is known as begun."""
    broken = Migration(
        "teapots", "0001_teapots", (*TEAPOTS.steps[:2], Step("rows", "INSERT INTO teapots_pots VALUES (3, 'x', 4)"))
    )
    with pytest.raises(MigrationsPending, match="rows of migration teapots 0001_teapots failed"):
        await apply(store, [broken])
    assert await names(store) == [("table", "done"), ("index", "done"), ("rows", "intent")]
    assert [(step.step, step.interrupted) for step in await plan(store, [TEAPOTS])] == [("rows", True)]
    await apply(store, [TEAPOTS])
    assert await store.fetch_one("SELECT count(*) FROM teapots_pots") == (2,)


async def test_a_step_may_be_code(store: Store) -> None:
    """It works in the step's transaction."""

    async def fill(transaction: Transaction) -> None:
        for number in range(10, 13):
            await transaction.execute("INSERT INTO teapots_pots (id, name) VALUES (?, ?)", number, "code")

    await apply(store, [Migration("teapots", "0001_teapots", (*TEAPOTS.steps, Step("code", run=fill)))])
    assert await store.fetch_one("SELECT count(*) FROM teapots_pots") == (5,)


@pytest.mark.parametrize(
    ("sql", "touched"),
    [
        ("CREATE TABLE other_pots (id {bigint})", "other_pots"),
        ("DROP TABLE maydan_log", "maydan_log"),
        ("ALTER TABLE maydan_log ADD COLUMN mine {text}", "maydan_log"),
        ("CREATE INDEX teapots_steal ON maydan_log (type)", "maydan_log"),
        ("CREATE INDEX others_by_id ON teapots_own (id)", "others_by_id"),
        ("ALTER TABLE teapots_own RENAME TO maydan_mine", "maydan_mine"),
        ("INSERT INTO maydan_revisions (scope, revision) VALUES ('x', 1)", "maydan_revisions"),
        ("DELETE FROM maydan_migrations", "maydan_migrations"),
        ("CREATE VIEW maydan_view AS SELECT 1 AS one", "maydan_view"),
    ],
)
async def test_a_plugin_cannot_touch_what_is_not_its_own(store: Store, sql: str, touched: str) -> None:
    """The step is undone as a whole, and the refusal names the table."""
    migration = Migration(
        "teapots",
        "0001_teapots",
        (Step("own", "CREATE TABLE teapots_own (id {bigint} PRIMARY KEY)"), Step("bad", sql)),
        table_prefix="teapots_",
    )
    with pytest.raises(PluginRejected, match=touched):
        await apply(store, [migration])
    assert (await names(store))[0] == ("own", "done"), "its own table is allowed by the same rule"
    assert ("bad", "done") not in await names(store)
    await store.fetch_all("SELECT position FROM maydan_log")
    assert await store.fetch_all("SELECT * FROM maydan_revisions") == []
    assert await pending(store, CORE) == []


async def test_a_plugin_may_do_everything_with_its_own_tables(store: Store) -> None:
    """Make, index, refer to the core, rename, fill, drop."""
    steps = (
        Step("make", "CREATE TABLE teapots_a (id {bigint} PRIMARY KEY, name {text} UNIQUE)"),
        Step("child", "CREATE TABLE teapots_b (id {bigint} PRIMARY KEY, a {bigint} REFERENCES teapots_a (id))"),
        Step("refer", "CREATE TABLE teapots_c (scope {text} REFERENCES maydan_revisions (scope))"),
        Step("index", "CREATE INDEX teapots_by_a ON teapots_b (a)"),
        Step("fill", "INSERT INTO teapots_a (id, name) VALUES (1, 'x'); UPDATE teapots_a SET name = 'y'"),
        Step("alter", "ALTER TABLE teapots_a ADD COLUMN size {bigint}"),
        Step("rename", "ALTER TABLE teapots_b RENAME TO teapots_d"),
        Step("drop", "DROP TABLE teapots_c"),
    )
    await apply(store, [Migration("teapots", "0001", steps, table_prefix="teapots_")])
    assert await store.fetch_all("SELECT id, name, size FROM teapots_a") == [(1, "y", None)]


async def test_code_of_a_plugin_is_watched_as_its_text_is(store: Store) -> None:
    """Whatever way a statement comes, it is judged."""

    async def steal(transaction: Transaction) -> None:
        await transaction.execute("DELETE FROM maydan_migrations")

    migration = Migration("teapots", "0001", (Step("steal", run=steal),), table_prefix="teapots_")
    with pytest.raises(PluginRejected, match="maydan_migrations"):
        await apply(store, [migration])
    assert await pending(store, CORE) == []


async def test_a_plugin_on_sqlite_cannot_end_the_transaction_or_change_the_file(sqlite_store: Store) -> None:
    """COMMIT, ATTACH and pragmas that write are refused."""
    for sql in ("COMMIT", "ATTACH DATABASE 'x.db' AS x", "PRAGMA writable_schema = ON"):
        with pytest.raises(PluginRejected):
            await apply(sqlite_store, [Migration("teapots", "0001", (Step("bad", sql),), table_prefix="teapots_")])
    await apply(sqlite_store, [TEAPOTS])


async def test_a_deferred_constraint_is_refused_on_sqlite(sqlite_store: Store) -> None:
    """It would fail at the commit that many requests share."""
    sql = "CREATE TABLE teapots_x (a {text} REFERENCES maydan_revisions (scope) DEFERRABLE INITIALLY DEFERRED)"
    with pytest.raises(PluginRejected, match="deferred"):
        await apply(sqlite_store, [Migration("teapots", "0001", (Step("x", sql),), table_prefix="teapots_")])


async def run_child(url: str, *args: str) -> asyncio.subprocess.Process:
    """Start a process that migrates the database."""
    return await asyncio.create_subprocess_exec(sys.executable, str(CHILD), url, *args, stdout=asyncio.subprocess.PIPE)


async def test_eight_processes_at_once_apply_each_step_once(empty_url: str) -> None:
    """One does the work, the others wait and find it done."""
    children = [await run_child(empty_url) for _ in range(8)]
    outputs = [(await child.communicate())[0].decode().split() for child in children]
    assert [child.returncode for child in children] == [0] * 8
    done = [line for output in outputs for line in output]
    assert len(done) == len(set(done)) > 0
    store = open_store(DatabaseSettings(url=empty_url))
    await store.open()
    assert await pending(store, CORE) == []
    assert await store.fetch_all("SELECT DISTINCT state FROM maydan_migrations") == [("done",)]
    assert await store.fetch_one("SELECT count(*) FROM steps_done") == (5,)
    await store.close()


@pytest.mark.parametrize("after", [1, 4, 9])
async def test_a_migration_that_is_killed_is_finished_by_the_next_run(empty_url: str, after: int) -> None:
    """Killed at any statement: the next run does what is left, and no step's effect is there twice."""
    child = await run_child(empty_url, str(after))
    await child.communicate()
    assert child.returncode == -signal.SIGKILL
    again = await run_child(empty_url)
    await again.communicate()
    assert again.returncode == 0
    store = open_store(DatabaseSettings(url=empty_url))
    await store.open()
    assert await pending(store, CORE) == []
    assert await store.fetch_all("SELECT DISTINCT state FROM maydan_migrations") == [("done",)]
    assert await store.fetch_one("SELECT count(*) FROM steps_done") == (5,)
    await store.close()


def test_a_text_is_cut_at_the_semicolons_that_end_statements() -> None:
    """Not at those in literals and triggers."""
    trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; DELETE FROM c; END"
    assert statements(f"INSERT INTO a VALUES ('x;y'); {trigger};\n ; DROP TABLE z") == [
        "INSERT INTO a VALUES ('x;y')",
        trigger,
        "DROP TABLE z",
    ]
