"""From PostgreSQL's errors to the store's."""

from __future__ import annotations

import re
from typing import Any, Final

from maydan.errors import PoolExhausted, TooLarge, Unavailable
from maydan.storage.ports import ConstraintFailed, Duplicate, GuardFailed, dropped
from maydan.storage.postgresql.driver import asyncpg

GUARD: Final = "maydan_guard"
"""What a guard that failed tries to read as a number, followed by its index."""

LOST: Final[tuple[type[Exception], ...]] = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
"""The connection is gone, or there is none to be had."""

RACES: Final[tuple[type[Exception], ...]] = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InvalidCachedStatementError,
)
"""The same work may well succeed when it is done again: 40001, 40P01, and a table that changed under a plan."""


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone; the driver's error about an argument has the same base class."""
    return isinstance(error, LOST) and not isinstance(error, ValueError)


def was_never_sent(error: BaseException) -> bool:
    """Whether the connection had ended before the statement, as after a restart of the server: nothing has happened.

    The driver either knows that, or is still in the middle of being told so.
    """
    is_closed = isinstance(error, asyncpg.InterfaceError) and "connection is closed" in str(error)
    return is_closed or isinstance(error, asyncpg.InternalClientError)


def is_usable_after(error: BaseException) -> bool:
    """Whether the connection that raised it is as good as before: the server or the driver refused a statement."""
    return isinstance(error, (asyncpg.PostgresError, ValueError)) and not is_lost(error)


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
    if isinstance(error, asyncpg.DataError):
        return ValueError(str(error))
    if isinstance(error, asyncpg.ProgramLimitExceededError):
        return TooLarge("The database cannot hold a value of this length.")
    if isinstance(error, asyncpg.UndefinedTableError):
        return dropped(str(error)) or error
    return _passing(error)


def _passing(error: Exception) -> Exception:
    """Return what the store raises when trying again later may help."""
    if isinstance(error, asyncpg.QueryCanceledError):
        return Unavailable("The query took too long and was ended.", code="query_limit", retry_after_s=1)
    if isinstance(error, asyncpg.InvalidSavepointSpecificationError):
        # It had been released when that was cut off: what it held cannot be undone alone.
        return Unavailable("The database undid the transaction; nothing was stored.", retry_after_s=1)
    if isinstance(error, asyncpg.TooManyConnectionsError):
        return PoolExhausted("The database takes no more connections; try again.", retry_after_s=1)
    if isinstance(error, RACES):
        return Unavailable("Others changed the same rows again and again; try again.", code="race", retry_after_s=1)
    if is_lost(error):
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
