"""Opening connections, each with the settings of its part."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from maydan import clock
from maydan.errors import ConfigurationError
from maydan.storage.settings import DatabaseSettings

_CACHED_STATEMENTS: Final = 1000
_JOURNAL_LIMIT_BYTES: Final = 64 * 1024 * 1024
_CHECKPOINT_PAGES: Final = 2000


def bound(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments with moments as text; a moment without its zone is a mistake and raises ``ValueError``.

    The driver's adapters are global to the process and Piccolo sets its own whenever it is imported, so ours would
    not be safe there.
    """
    places = [place for place, arg in enumerate(args) if isinstance(arg, datetime)]
    if not places:
        return args
    values = list(args)
    for place in places:
        values[place] = _moment(values[place])
    return tuple(values)


def _moment(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError(f"{value} has no time zone; the store takes aware moments only.")
    return clock.to_text(value)


def connect_writer(path: str, settings: DatabaseSettings) -> sqlite3.Connection:
    """Open the connection that writes, and make the file a WAL database."""
    # Piccolo's tables are read inside write transactions too, and need their types back; see piccolo.py.
    connection = _connect(path, settings, sqlite3.PARSE_DECLTYPES | sqlite3.PARSE_COLNAMES)
    connection.execute("PRAGMA busy_timeout = 5000")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {settings.synchronous}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    # What is deleted is overwritten; whether it is by default depends on how the machine's SQLite was built. Measured:
    # inserts and updates cost the same, deleting rows half as much again.
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_LIMIT_BYTES}")
    connection.execute("PRAGMA cache_size = -8000")
    # BEGIN IMMEDIATE may run on the event loop: it must answer at once, and is repeated in a thread.
    connection.execute("PRAGMA busy_timeout = 0")
    return connection


def connect_reader(path: str, settings: DatabaseSettings, *, busy_ms: int, typed: bool = False) -> sqlite3.Connection:
    """Open a connection that only reads.

    Args:
        path: The file.
        settings: The database's settings.
        busy_ms: Milliseconds to wait inside the driver while the log is being recovered.
        typed: Whether values become what the column's declared type says, for Piccolo.
    """
    types = sqlite3.PARSE_DECLTYPES | sqlite3.PARSE_COLNAMES if typed else 0
    connection = _connect(path, settings, types)
    connection.execute(f"PRAGMA busy_timeout = {busy_ms}")
    # Checkpoints happen under the lock only: older SQLite can corrupt a log that two connections reset at once.
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("PRAGMA cache_size = -4000")
    connection.execute("PRAGMA query_only = ON")
    return connection


def _connect(path: str, settings: DatabaseSettings, detect_types: int) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(
            path,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_CACHED_STATEMENTS,
            detect_types=detect_types,
        )
    except sqlite3.OperationalError as error:
        raise ConfigurationError(_why(path, error)) from error
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute(f"PRAGMA mmap_size = {settings.mmap_bytes}")
    return connection


def _why(path: str, error: sqlite3.OperationalError) -> str:
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        return f"[database] url names a file in {folder}, which is not a folder; make it first."
    return f"[database] url names {path}, which cannot be opened: {error}."
