"""What an event keeps to judge who may learn of it, when what it is about cannot be asked any more."""

from __future__ import annotations

from typing import Final

from maydan.storage.migrations import Migration, Step

MIGRATION: Final = Migration(
    app="core",
    name="0003_events",
    steps=(
        Step("log_witness_sqlite", "ALTER TABLE maydan_log ADD COLUMN witness {json_text}", only="sqlite"),
        Step(
            "log_witness_postgresql",
            "ALTER TABLE maydan_log ADD COLUMN IF NOT EXISTS witness {json_text}",
            only="postgresql",
        ),
    ),
)
