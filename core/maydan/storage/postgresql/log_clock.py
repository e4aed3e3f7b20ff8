"""Positions of the log on PostgreSQL: transaction ids, and what to add to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from maydan.storage.ports import Statement

if TYPE_CHECKING:
    from maydan.storage.postgresql.store import PostgreSQLStore

_BEHIND: Final = """
SELECT max(position) / 1048576 + 1 - (SELECT xid_offset FROM maydan_log_clock)
    - CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)
FROM maydan_log
"""


async def raise_log_clock(store: PostgreSQLStore) -> None:
    """Add to ``xid_offset`` what a restored database lacks.

    Positions grow with the cluster's transaction ids. A dump that is restored into a younger cluster holds positions
    that its ids have not reached; new events would come before old ones. In any other case nothing changes: what is
    visible was written by transactions below the snapshot's end.
    """
    row = await store.fetch_one("SELECT to_regclass('maydan_log_clock') IS NOT NULL")
    if row is None or not row[0]:
        return
    row = await store.fetch_one(_BEHIND)
    if row is not None and row[0] is not None and row[0] > 0:
        await store.commit(
            [
                Statement(
                    f"UPDATE maydan_log_clock SET xid_offset = xid_offset + lacking.ids"
                    f" FROM ({_BEHIND}) AS lacking(ids) WHERE lacking.ids > 0"
                )
            ]
        )
