"""An index that gives the links to an entry in the order in which they are listed."""

from __future__ import annotations

from typing import Final

from maydan.storage.migrations import Migration, Step

_LISTED: Final = (
    "CREATE INDEX IF NOT EXISTS maydan_links_listed_index"
    " ON maydan_links (space_key, target_id, source_id, field_id, perspective)"
)

MIGRATION: Final = Migration(
    app="core",
    name="0002_content",
    steps=(
        Step(name="maydan_links_listed_index", sql=_LISTED),
        Step(
            name="maydan_links_space_key_target_id_index",
            sql="DROP INDEX IF EXISTS maydan_links_space_key_target_id_index",
        ),
    ),
)
