"""Migrations on SQLite: a lock file, and an authorizer that keeps a plugin to its own tables."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, cast

from maydan.errors import PluginRejected
from maydan.storage.ports import Transaction

if TYPE_CHECKING:
    from maydan.storage.sqlite.store import SQLiteStore
    from maydan.storage.sqlite.transaction import SQLiteTransaction

_POLL_S: Final = 0.02
_FREE: Final = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
    | {sqlite3.SQLITE_SAVEPOINT, sqlite3.SQLITE_REINDEX, sqlite3.SQLITE_ANALYZE}
)
_SECOND_NAMES_TABLE: Final = frozenset(
    {sqlite3.SQLITE_CREATE_INDEX, sqlite3.SQLITE_CREATE_TRIGGER, sqlite3.SQLITE_ALTER_TABLE}
    | {sqlite3.SQLITE_DROP_INDEX, sqlite3.SQLITE_DROP_TRIGGER}
)
_FIRST_NAMES_TABLE: Final = frozenset(
    {sqlite3.SQLITE_CREATE_TABLE, sqlite3.SQLITE_DROP_TABLE, sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE}
    | {sqlite3.SQLITE_DELETE, sqlite3.SQLITE_CREATE_VIEW, sqlite3.SQLITE_DROP_VIEW}
    | {sqlite3.SQLITE_CREATE_VTABLE, sqlite3.SQLITE_DROP_VTABLE}
)
_OBJECTS: Final = "SELECT name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite@_%' ESCAPE '@'"


class SQLiteMigrations:
    """What the runner needs to know about SQLite."""

    def __init__(self, store: SQLiteStore) -> None:
        """Work on the store's file."""
        self._store = store

    @asynccontextmanager
    async def lock(self) -> AsyncGenerator[None]:
        """Hold ``<database>.migrate``; writers of a running server go on between the steps."""
        descriptor = os.open(f"{self._store.path}.migrate", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    await asyncio.sleep(_POLL_S)
            yield
        finally:
            os.close(descriptor)

    async def has_table(self) -> bool:
        """Whether the table of migrations exists."""
        return await self._store.fetch_one("SELECT 1 FROM sqlite_master WHERE name = 'maydan_migrations'") is not None

    async def prepare(self, transaction: Transaction, *, is_limited: bool) -> None:
        """Nothing to do."""

    async def execute(self, transaction: Transaction, sql: str) -> None:
        """Run each statement of the text, in the writer's thread."""
        for statement in statements(sql):
            await transaction.execute_heavy(statement)

    @asynccontextmanager
    async def limit(self, transaction: Transaction, prefix: str) -> AsyncGenerator[None]:
        """Refuse everything outside the prefix, while it is prepared and by comparing the schema afterwards."""
        connection = cast("SQLiteTransaction", transaction).connection
        guard = _Guard(prefix)
        before = set(connection.execute(_OBJECTS))
        connection.set_authorizer(guard)
        try:
            yield
        except Exception as error:
            if guard.refused:
                raise _rejected(guard.refused, prefix) from error
            raise
        finally:
            connection.set_authorizer(None)
        if guard.refused:
            raise _rejected(guard.refused, prefix)
        for name, table, sql in before ^ set(connection.execute(_OBJECTS)):
            if not (name.startswith(prefix) and table.startswith(prefix)):
                raise _rejected(name, prefix)
            if sql is not None and "INITIALLY DEFERRED" in " ".join(sql.upper().split()):
                raise PluginRejected(
                    f"The plugin's migration makes {name} with a deferred constraint, which would fail at the commit"
                    " that many requests share; leave INITIALLY DEFERRED out."
                )

    async def finish(self) -> None:
        """Let the planner know the new tables."""


class _Guard:
    """SQLite's authorizer: asked for each thing a statement would do, while the statement is prepared."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.refused = ""

    def __call__(
        self, action: int, first: str | None, second: str | None, database: str | None, trigger: str | None
    ) -> int:
        if action in _FREE:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_PRAGMA:
            is_harmless = second is None or (first or "").endswith(("_info", "_list", "_xinfo"))
            return self._judge(f"PRAGMA {first}", is_allowed=is_harmless)
        if action in _SECOND_NAMES_TABLE:
            return self._judge(second, is_allowed=self._is_own(second))
        if action in _FIRST_NAMES_TABLE:
            return self._judge(first, is_allowed=self._is_own(first) or (first or "").startswith("sqlite_"))
        return self._judge(first or f"action {action}", is_allowed=False)

    def _is_own(self, name: str | None) -> bool:
        return name is not None and name.startswith(self._prefix)

    def _judge(self, name: str | None, *, is_allowed: bool) -> int:
        if is_allowed:
            return sqlite3.SQLITE_OK
        self.refused = self.refused or name or "something without a name"
        return sqlite3.SQLITE_DENY


def _rejected(name: str, prefix: str) -> PluginRejected:
    return PluginRejected(
        f"The plugin's migration touches {name}, which does not begin with its table prefix {prefix}; nothing of the"
        " step was stored."
    )


def statements(sql: str) -> list[str]:
    """Cut a text at the semicolons that end statements, not at those in literals or triggers."""
    found: list[str] = []
    begun = ""
    for piece in sql.split(";"):
        begun += piece
        if not begun.strip():
            begun = ""
        elif sqlite3.complete_statement(f"{begun};"):
            found.append(begun.strip())
            begun = ""
        else:
            begun += ";"
    if begun.strip(" ;\n\t"):
        found.append(begun.strip())
    return found
