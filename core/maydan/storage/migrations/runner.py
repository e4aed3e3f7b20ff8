"""Finding out what has to be done, and doing it under a lock."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Final, Protocol, cast

from maydan.errors import MaydanError, MigrationsPending
from maydan.storage.migrations.steps import Migration, PlannedStep, Step
from maydan.storage.ports import Statement, Store, Transaction

_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS maydan_migrations (app {text} NOT NULL, name {text} NOT NULL, step {text} NOT NULL,"
    " state {text} NOT NULL, started_at {time} NOT NULL, finished_at {time}, PRIMARY KEY (app, name, step))"
)
_BEGIN: Final = (
    "INSERT INTO maydan_migrations (app, name, step, state, started_at) VALUES (?, ?, ?, 'intent', ?)"
    " ON CONFLICT (app, name, step) DO UPDATE SET state = 'intent', started_at = excluded.started_at"
)
_END: Final = "UPDATE maydan_migrations SET state = 'done', finished_at = ? WHERE app = ? AND name = ? AND step = ?"

_logger = logging.getLogger(__name__)


class Engine(Protocol):
    """What the runner needs to know about an engine."""

    def lock(self) -> AbstractAsyncContextManager[None]:
        """Return a block that one process of all is inside of at a time; it ends with its process."""
        ...

    async def has_table(self) -> bool:
        """Whether the table of migrations exists."""
        ...

    async def prepare(self, transaction: Transaction, *, is_limited: bool) -> None:
        """Make a transaction fit for a step, first thing in it; ``is_limited`` if the step has a table prefix."""
        ...

    async def execute(self, transaction: Transaction, sql: str) -> None:
        """Run a text of one or more statements."""
        ...

    def limit(self, transaction: Transaction, prefix: str) -> AbstractAsyncContextManager[None]:
        """Return a block in which nothing outside the prefix may change, else ``PluginRejected``."""
        ...

    async def finish(self) -> None:
        """Do what an engine needs once everything is applied."""
        ...


async def pending(store: Store, migrations: Sequence[Migration]) -> list[Migration]:
    """Return the migrations of which a step has not been done, in order."""
    missing = {(step.app, step.migration) for step in await plan(store, migrations)}
    return [each for each in migrations if (each.app, each.name) in missing]


async def plan(store: Store, migrations: Sequence[Migration]) -> list[PlannedStep]:
    """Return the steps that have not been done, in order; changes nothing."""
    states: dict[tuple[str, str, str], str] = {}
    if await _engine(store).has_table():
        rows = await store.fetch_all("SELECT app, name, step, state FROM maydan_migrations")
        states = {(row[0], row[1], row[2]): row[3] for row in rows}
    planned: list[PlannedStep] = []
    for migration, step in _steps(store, migrations):
        state = states.get((migration.app, migration.name, step.name))
        if state != "done":
            sql = store.dialect.translate(step.sql)
            planned.append(PlannedStep(migration.app, migration.name, step.name, sql, state == "intent"))
    return planned


async def apply(store: Store, migrations: Sequence[Migration]) -> list[PlannedStep]:
    """Do what has not been done, under a lock, and return it; processes that come later find nothing to do.

    Raises:
        MigrationsPending: A step failed (code ``migration_failed``); what came before it is done.
        PluginRejected: A plugin's step touched what is not under its table prefix.
    """
    engine = _engine(store)
    done: list[PlannedStep] = []
    async with engine.lock():
        async with store.write_transaction() as transaction:
            await transaction.execute(_TABLE)
        todo = {(each.app, each.migration, each.step): each for each in await plan(store, migrations)}
        for migration, step in _steps(store, migrations):
            planned = todo.get((migration.app, migration.name, step.name))
            if planned is not None:
                await _apply_step(store, engine, migration, step)
                done.append(planned)
        await engine.finish()
    return done


def _steps(store: Store, migrations: Sequence[Migration]) -> list[tuple[Migration, Step]]:
    return [
        (migration, step)
        for migration in migrations
        for step in migration.steps
        if step.only in (None, store.dialect.name)
    ]


async def _apply_step(store: Store, engine: Engine, migration: Migration, step: Step) -> None:
    _logger.info("Migration %s %s: %s.", migration.app, migration.name, step.name)
    key = (migration.app, migration.name, step.name)
    await store.commit([Statement(_BEGIN, (*key, datetime.now(UTC)))])

    async def work(transaction: Transaction) -> None:
        await engine.prepare(transaction, is_limited=bool(migration.table_prefix))
        if migration.table_prefix:
            async with engine.limit(transaction, migration.table_prefix):
                await _run(engine, transaction, step)
        else:
            await _run(engine, transaction, step)
        await transaction.apply([Statement(_END, (datetime.now(UTC), *key), expect=1)])

    try:
        await store.retrying(work)
    except MaydanError:
        raise
    except Exception as error:
        raise MigrationsPending(
            f"Step {step.name} of migration {migration.app} {migration.name} failed: {error}. What came before it is"
            " done; repair the cause and run maydan migrate again.",
            code="migration_failed",
        ) from error


async def _run(engine: Engine, transaction: Transaction, step: Step) -> None:
    if step.run is not None:
        await step.run(transaction)
    else:
        await engine.execute(transaction, step.sql)


def _engine(store: Store) -> Engine:
    if store.dialect.is_sqlite:
        from maydan.storage.migrations.sqlite import SQLiteMigrations
        from maydan.storage.sqlite.store import SQLiteStore

        return SQLiteMigrations(cast("SQLiteStore", store))
    from maydan.storage.migrations.postgresql import PostgreSQLMigrations
    from maydan.storage.postgresql.store import PostgreSQLStore

    return PostgreSQLMigrations(cast("PostgreSQLStore", store))
