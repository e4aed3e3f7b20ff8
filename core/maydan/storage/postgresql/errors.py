"""From PostgreSQL's errors to the store's."""

from __future__ import annotations

import re
from typing import Any, Final

from maydan.errors import PoolExhausted, Unavailable
from maydan.storage.ports import ConstraintFailed, Duplicate, GuardFailed
from maydan.storage.postgresql.driver import asyncpg

GUARD: Final = "maydan_guard"
"""What a guard that failed tries to read as a number, followed by its index."""

LOST: Final[tuple[type[Exception], ...]] = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InterfaceError,
    OSError,
)
"""The connection is gone, or there is none to be had."""

RACES: Final[tuple[type[Exception], ...]] = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InvalidCachedStatementError,
)
"""The same work may well succeed when it is done again: 40001, 40P01, and a table that changed under a plan."""

_GUARD_TEXT: Final = re.compile(rf"{GUARD} (\d+)")
_KEY: Final = re.compile(r"\((.+?)\)=\(")
_KINDS: Final[dict[type[Exception], str]] = {
    asyncpg.ForeignKeyViolationError: "foreign_key",
    asyncpg.CheckViolationError: "check",
    asyncpg.NotNullViolationError: "not_null",
}


def translated(error: Exception) -> Exception:
    """Return what the store raises instead."""
    if isinstance(error, asyncpg.UniqueViolationError):
        return Duplicate(_constraint(error))
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return ConstraintFailed(str(error), _KINDS.get(type(error), "other"))
    if isinstance(error, asyncpg.InvalidTextRepresentationError) and (match := _GUARD_TEXT.search(str(error))):
        return GuardFailed(int(match[1]))
    if isinstance(error, asyncpg.QueryCanceledError):
        return Unavailable("The query took too long and was ended.", code="query_limit", retry_after_s=1)
    if isinstance(error, asyncpg.TooManyConnectionsError):
        return PoolExhausted("The database takes no more connections; try again.", retry_after_s=1)
    if isinstance(error, RACES):
        return Unavailable("Others changed the same rows again and again; try again.", code="race", retry_after_s=1)
    if isinstance(error, LOST):
        return Unavailable("The database cannot be reached; try again.", code="database_lost", retry_after_s=1)
    return error


def _constraint(error: Any) -> str:
    """Read table and columns from ``Key (a, b)=(1, 2) already exists``; the name for an index over expressions."""
    # The sentence is translated by the server's locale, its parentheses are not.
    match = _KEY.search(error.detail or "")
    if match is None or "(" in match[1]:
        return error.constraint_name or ""
    columns = ",".join(column.strip('"') for column in match[1].split(", "))
    return f"{error.table_name}.{columns}"
