"""An index that finds what an importer remembers of an entry, so that it is forgotten with the entry."""

from __future__ import annotations

from typing import Final

from maydan.storage.migrations import Migration, Step

_TARGET: Final = "CREATE INDEX IF NOT EXISTS maydan_imports_target_index ON maydan_imports (space_key, target_id)"

MIGRATION: Final = Migration(
    app="core",
    name="0003_imports",
    steps=(Step(name="maydan_imports_target_index", sql=_TARGET),),
)
