"""Since when an entry has been in its state; what time-based transitions count from."""

from __future__ import annotations

from typing import Final

from maydan.storage.migrations import Migration, Step

MIGRATION: Final = Migration(
    app="core",
    name="0003_workflow",
    steps=(
        Step("state_at_sqlite", "ALTER TABLE maydan_entries ADD COLUMN state_at {time}", only="sqlite"),
        Step(
            "state_at_postgresql",
            "ALTER TABLE maydan_entries ADD COLUMN IF NOT EXISTS state_at {time}",
            only="postgresql",
        ),
    ),
)
