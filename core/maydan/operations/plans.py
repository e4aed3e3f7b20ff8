"""Plans: publications with a later moment, kept as jobs until :mod:`maydan.operations.schedules` carries them out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from maydan.events.jobs import JobStatus, NewJob, job_statement, list_jobs, replaced_statement
from maydan.events.jobs import cancel_statement as cancel_statement  # noqa: PLC0414 - plans end with their entry
from maydan.operations.locking import writer_of
from maydan.storage.locks import hold

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from maydan.operations.scopes import Scope
    from maydan.storage.entries import EntryRow
    from maydan.storage.ports import Statement

_PUBLISH: Final = "publish"
PUBLICATIONS: Final = (_PUBLISH, "unpublish")
"""Kinds of jobs that change what readers get of an entry."""


def schedule_statements(
    scope: Scope, entry: EntryRow, kind: str, locales: Sequence[str], at: datetime
) -> list[Statement]:
    """Return what plans a publish or unpublish, instead of an earlier plan of the same kind."""
    payload = {"type": scope.type.name, "locales": list(locales), "by": scope.caller.actor.id}
    job = NewJob(kind=kind, space_key=scope.space.key, subject_id=entry.id, payload=payload, run_at=at)
    return [cancel_statement(scope.space.key, entry.id, (kind,)), job_statement(job)]


def held_statement(scope: Scope, entry: EntryRow) -> Statement:
    """Return what refuses a batch where the entry is not as it was read, or somebody else holds its lock.

    Of two plans at the same moment the second sees the first one so: what it takes back is looked for anew.
    """
    return hold(scope.space.key, entry.id, entry.revision, writer_of(scope))


async def published_statements(scope: Scope, entry: EntryRow, locales: Collection[str]) -> list[Statement]:
    """Return what takes published locales out of a planned publish: it would publish what is written until then."""
    return await _without(scope, entry, _PUBLISH, locales)


async def unpublished_statements(scope: Scope, entry: EntryRow, locales: Collection[str] | None) -> list[Statement]:
    """Return what takes locales out of all plans, ``None`` for all of them: readers are to get nothing back."""
    if locales is None:
        return [cancel_statement(scope.space.key, entry.id, PUBLICATIONS)]
    return [statement for kind in PUBLICATIONS for statement in await _without(scope, entry, kind, locales)]


async def _without(scope: Scope, entry: EntryRow, kind: str, locales: Collection[str]) -> list[Statement]:
    """Return what takes locales out of a plan.

    Refused where the plan has changed since: what is left of it is not to come instead of a later one.
    """
    where: dict[str, Any] = {"space_key": scope.space.key, "kind": kind, "subject_id": entry.id}
    planned = await list_jobs(scope.core.store, **where, status=JobStatus.WAITING, limit=1)
    if not planned or not set(locales) & set(planned[0].payload["locales"]):
        return []
    payload, run_at = planned[0].payload, planned[0].run_at
    left = [locale for locale in payload["locales"] if locale not in locales]
    again = NewJob(payload={**payload, "locales": left}, run_at=run_at, **where)
    return [replaced_statement(planned[0]), *([job_statement(again)] if left else [])]
