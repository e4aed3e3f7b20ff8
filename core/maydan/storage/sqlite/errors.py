"""From SQLite's errors to the store's."""

from __future__ import annotations

import re
import sqlite3
from typing import Final

from maydan.errors import PoolExhausted, Unavailable
from maydan.storage.ports import ConstraintFailed, Duplicate, dropped

_INDEX: Final = re.compile(r"index '(.+)'$")
_NO_TABLE: Final = "no such table: "
_KINDS: Final = {
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: "foreign_key",
    sqlite3.SQLITE_CONSTRAINT_CHECK: "check",
    sqlite3.SQLITE_CONSTRAINT_NOTNULL: "not_null",
}
_UNIQUE: Final = (
    sqlite3.SQLITE_CONSTRAINT_UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    sqlite3.SQLITE_CONSTRAINT_ROWID,
)


def code_of(error: sqlite3.Error) -> int:
    """Return the primary result code, 0 when there is none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def is_busy(error: sqlite3.Error) -> bool:
    """Whether somebody else holds a lock on the file."""
    return code_of(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_interrupted(error: sqlite3.Error) -> bool:
    """Whether a progress handler ended the statement."""
    return code_of(error) == sqlite3.SQLITE_INTERRUPT


def translated(error: sqlite3.Error) -> Exception:
    """Return what the store raises instead."""
    if isinstance(error, sqlite3.IntegrityError):
        return _refusal(error)
    if is_busy(error):
        return PoolExhausted("Another program holds the database's lock; try again.", retry_after_s=1)
    if is_interrupted(error):
        return Unavailable("The query took too long and was ended.", code="query_limit", retry_after_s=1)
    if code_of(error) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY):
        return Unavailable(f"The database file cannot be written: {error}.", retry_after_s=5)
    if (message := str(error)).startswith(_NO_TABLE):
        return dropped(message) or error
    return error


def _refusal(error: sqlite3.IntegrityError) -> ConstraintFailed:
    """Read which constraint it was; SQLite says ``UNIQUE constraint failed: t.a, t.b`` or ``index 'name'``."""
    message = str(error)
    code = getattr(error, "sqlite_errorcode", 0)
    if code not in _UNIQUE:
        return ConstraintFailed(message, _KINDS.get(code, "other"))
    subject = message.partition(": ")[2]
    if match := _INDEX.search(subject):
        return Duplicate(match[1])
    columns = subject.split(", ")
    table = columns[0].rpartition(".")[0]
    return Duplicate(f"{table}.{','.join(column.rpartition('.')[2] for column in columns)}")
