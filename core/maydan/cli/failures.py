"""Failures as the operator sees them: one clear line on stderr, and an exit code."""

from __future__ import annotations

import errno
import sys
import traceback
from typing import Final, cast

from maydan.errors import ConfigurationError, InvalidInput, MaydanError, MigrationsPending

FAILED: Final = 1
USAGE: Final = 2
"""As argparse: the command line or the configuration is wrong."""
PENDING: Final = 3

_DRIVERS: Final = ("sqlite3", "asyncpg", "piccolo")


class CommandFailed(Exception):
    """A command cannot do what was asked; the text is the line for the operator."""


def report(error: Exception) -> int:
    """Print the failure and return the exit code."""
    lines = describe(error)
    if not lines:
        # A fault of ours, not of the operator: whoever mends it needs the place.
        traceback.print_exception(error)
        lines = [f"unexpected {type(error).__name__}; this is a fault in Maydan or in a plugin, please report it"]
    for line in lines:
        print(f"maydan: {line}", file=sys.stderr)
    if isinstance(error, ConfigurationError):
        return USAGE
    return PENDING if isinstance(error, MigrationsPending) and error.error_code == MigrationsPending.code else FAILED


def describe(error: BaseException) -> list[str]:
    """Return the lines that say what happened and what to do; none for what nobody expects."""
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return [line for each in group.exceptions for line in describe(each)]
    if isinstance(error, InvalidInput) and error.errors:
        return [f"{each.pointer.removeprefix('/') or 'input'}: {each.message}" for each in error.errors]
    if isinstance(error, MaydanError | CommandFailed):
        return str(error).splitlines()
    if type(error).__module__.partition(".")[0] in _DRIVERS:
        return [_describe_database(error)]
    return [_describe_system(error)] if isinstance(error, OSError) else []


def _describe_database(error: BaseException) -> str:
    text = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    if "locked" in text:
        return "database: another process holds the lock; end it, or try again when it is done"
    if "unable to open database file" in text:
        return "database: cannot open the file; does its folder exist, and may this user write there?"
    if "readonly" in text:
        return "database: this user may not write to the file or its folder"
    return f"database: {text[:1].lower() + text[1:]}"


def _describe_system(error: OSError) -> str:
    if error.filename is not None:
        return f"{error.filename}: {(error.strerror or str(error)).lower()}"
    if error.errno in {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH} or "Connect call failed" in str(
        error
    ):
        return f"cannot connect, is the server running? ({error})"
    return error.strerror or str(error) or "nobody answered in time; is the server running and reachable?"
