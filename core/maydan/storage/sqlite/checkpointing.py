"""Emptying the write-ahead log, so that nothing that was deleted is left in it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from maydan.errors import PoolExhausted
from maydan.storage.sqlite.errors import is_busy, translated

if TYPE_CHECKING:
    from maydan.storage.sqlite.writing import Writer

_TRIES: Final = 30
_PAUSE_S: Final = 0.1
"""Between two tries others may write, and those who read an older state may end."""


async def checkpoint(writer: Writer) -> bool:
    """Bring the log into the file and empty it; ``False`` where others went on reading or writing what it holds."""
    with suppress(PoolExhausted):
        for attempt in range(_TRIES):
            await asyncio.sleep(_PAUSE_S if attempt else 0)
            if await writer.alone(_empty):
                return True
    return False


def _empty(connection: sqlite3.Connection) -> bool:
    try:
        return connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    except sqlite3.Error as error:
        if is_busy(error):
            return False
        raise translated(error) from error
