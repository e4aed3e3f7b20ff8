"""Storage: keeps rows on SQLite or PostgreSQL behind one small port, ``Store``.

Everybody below ``operations`` who keeps something comes here: reads, ``commit(batch)``, ``write_transaction()``,
migrations, the log and the revisions. SQL dialects, drivers, pools and locks stay inside. ``ports`` is what
others program against; ``open_store`` makes the store that a database URL asks for.
"""

from __future__ import annotations

from maydan.storage.opening import open_store
from maydan.storage.ports import (
    ConstraintFailed,
    Duplicate,
    GuardFailed,
    Reader,
    Row,
    Statement,
    Store,
    Transaction,
)
from maydan.storage.settings import DatabaseSettings

__all__ = [
    "ConstraintFailed",
    "DatabaseSettings",
    "Duplicate",
    "GuardFailed",
    "Reader",
    "Row",
    "Statement",
    "Store",
    "Transaction",
    "open_store",
]
