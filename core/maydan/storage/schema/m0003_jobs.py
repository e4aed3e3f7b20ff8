"""Jobs get a state, an owner, a tick and a history; planned publications, which were all that there was, become some.

A job without a space has the space key 0, as what plugins share has.
"""

from __future__ import annotations

from typing import Final

from maydan.storage.migrations import Migration, Step

_COLUMNS: Final = {
    "status": "{text} NOT NULL DEFAULT 'waiting'",
    "owner": "{text}",
    "tick": "{text}",
    "max_tries": "{bigint} NOT NULL DEFAULT 5",
    "finished_at": "{time}",
}
_LEFT: Final = """
UPDATE maydan_jobs SET status = 'failed', lease_until = NULL, finished_at = run_at WHERE tries >= 5;
UPDATE maydan_jobs SET lease_until = NULL WHERE status = 'waiting'
"""


def _column(name: str, kind: str) -> tuple[Step, Step]:
    """SQLite has no ``IF NOT EXISTS`` here; its step and the note that it is done are one transaction."""
    return (
        Step(f"{name}_sqlite", f"ALTER TABLE maydan_jobs ADD COLUMN {name} {kind}", only="sqlite"),
        Step(
            f"{name}_postgresql", f"ALTER TABLE maydan_jobs ADD COLUMN IF NOT EXISTS {name} {kind}", only="postgresql"
        ),
    )


MIGRATION: Final = Migration(
    app="core",
    name="0003_jobs",
    steps=(
        *(step for name, kind in _COLUMNS.items() for step in _column(name, kind)),
        Step("left", _LEFT),
        Step("due", "CREATE INDEX IF NOT EXISTS maydan_jobs_due_index ON maydan_jobs (status, run_at)"),
        Step("once", "CREATE UNIQUE INDEX IF NOT EXISTS maydan_jobs_tick_unique ON maydan_jobs (kind, tick)"),
        Step("listed", "CREATE INDEX IF NOT EXISTS maydan_jobs_listed_index ON maydan_jobs (space_key, id)"),
        Step("run_at", "DROP INDEX IF EXISTS maydan_jobs_run_at_index"),
    ),
)
