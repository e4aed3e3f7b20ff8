"""How the jobs are doing, in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from maydan.storage.dialects import Dialect

if TYPE_CHECKING:
    from datetime import datetime

    from maydan.storage.ports import Reader


class Backlog(Struct, frozen=True, kw_only=True):
    """The jobs of one kind that stand alike."""

    kind: str
    status: str
    """``waiting``, ``running`` or ``failed``."""
    count: int
    late_s: float
    """Seconds for which the first of those that wait has been due; 0 where none is."""


async def list_backlogs(store: Reader, now: datetime) -> list[Backlog]:
    """Return what waits, is being done and has failed, by kind."""
    rows = await store.fetch_all(
        "SELECT kind, status, count(*), min(run_at) FROM maydan_jobs WHERE status IN ('waiting', 'running', 'failed')"
        " GROUP BY kind, status ORDER BY kind, status"
    )
    return [
        Backlog(
            kind=kind,
            status=status,
            count=count,
            late_s=max(0.0, (now - Dialect.read_time(first)).total_seconds()) if status == "waiting" else 0.0,
        )
        for kind, status, count, first in rows
    ]
