"""Plans: publications with a later moment, kept as jobs until :mod:`maydan.operations.schedules` carries them out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from maydan.events.jobs import NewJob, job_statement
from maydan.events.jobs import cancel_statement as cancel_statement  # noqa: PLC0414 - plans end with their entry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from maydan.operations.scopes import Scope
    from maydan.storage.entries import EntryRow
    from maydan.storage.ports import Statement

PUBLICATIONS: Final = ("publish", "unpublish")
"""Kinds of jobs that change what readers get of an entry."""


def schedule_statements(
    scope: Scope, entry: EntryRow, kind: str, locales: Sequence[str], at: datetime
) -> list[Statement]:
    """Return what plans a publish or unpublish, instead of an earlier plan of the same kind."""
    payload = {"type": scope.type.name, "locales": list(locales), "by": scope.caller.actor.id}
    job = NewJob(kind=kind, space_key=scope.space.key, subject_id=entry.id, payload=payload, run_at=at)
    return [cancel_statement(scope.space.key, entry.id, (kind,)), job_statement(job)]
