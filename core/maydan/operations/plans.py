"""Plans: publications with a later moment, kept until :mod:`maydan.operations.schedules` carries them out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maydan.ids import new_id
from maydan.storage.entries import json_text
from maydan.storage.ports import Statement

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from maydan.operations.scopes import Scope
    from maydan.storage.entries import EntryRow


def schedule_statements(
    scope: Scope, entry: EntryRow, kind: str, locales: Sequence[str], at: datetime
) -> list[Statement]:
    """Return what plans a publish or unpublish, instead of an earlier plan of the same kind."""
    payload = {"type": scope.type.name, "locales": list(locales), "by": scope.caller.actor.id}
    return [
        Statement(
            "DELETE FROM maydan_jobs WHERE space_key = ? AND subject_id = ? AND kind = ?",
            (scope.space.key, entry.id, kind),
        ),
        Statement(
            "INSERT INTO maydan_jobs (id, space_key, kind, subject_id, payload, run_at, tries) VALUES (?,?,?,?,?,?,0)",
            (new_id(), scope.space.key, kind, entry.id, json_text(payload), at),
        ),
    ]


def cancel_statement(space_key: int, entry_id: str) -> Statement:
    """Return what forgets all plans for an entry."""
    return Statement("DELETE FROM maydan_jobs WHERE space_key = ? AND subject_id = ?", (space_key, entry_id))
