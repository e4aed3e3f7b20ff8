"""How far a bulk with an ``Idempotency-Key`` has come."""

from __future__ import annotations

from typing import Final

from maydan.storage.migrations import Migration, Step

_PROGRESS: Final = """
CREATE TABLE IF NOT EXISTS maydan_bulk_progress (
    scope {text} NOT NULL,
    first {bigint} NOT NULL,
    lines {bigint} NOT NULL,
    answer {text} NOT NULL,
    expires_at {time} NOT NULL,
    PRIMARY KEY (scope, first)
)
"""

_EXPIRES: Final = (
    "CREATE INDEX IF NOT EXISTS maydan_bulk_progress_expires_at_index ON maydan_bulk_progress (expires_at)"
)

MIGRATION: Final = Migration(
    app="core",
    name="0003_bulk",
    steps=(
        Step(name="maydan_bulk_progress", sql=_PROGRESS),
        Step(name="maydan_bulk_progress_expires_at_index", sql=_EXPIRES),
    ),
)
"""``scope`` is that of ``maydan_idempotency``; ``first`` counts the lines before, and ``answer`` is what these got."""
