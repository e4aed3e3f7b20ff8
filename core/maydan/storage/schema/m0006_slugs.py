"""Whose former name a slug is while another entry's draft has it: readers are still led to the one that they knew."""

from __future__ import annotations

from typing import Final

from maydan.storage.migrations import Migration, Step

MIGRATION: Final = Migration(
    app="core",
    name="0006_slugs",
    steps=(
        Step("former_sqlite", "ALTER TABLE maydan_slugs ADD COLUMN former_id {uuid}", only="sqlite"),
        Step(
            "former_postgresql",
            "ALTER TABLE maydan_slugs ADD COLUMN IF NOT EXISTS former_id {uuid}",
            only="postgresql",
        ),
    ),
)
