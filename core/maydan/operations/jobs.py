"""The jobs of a space, for those who manage it: what waits, what failed, and having it done again or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from maydan.clock import to_text
from maydan.content.cursors import decode_cursor, encode_cursor
from maydan.errors import Conflict, NotFound
from maydan.events import jobs
from maydan.events.jobs import JobStatus, cancelled_statement, retried_statement
from maydan.ids import is_id
from maydan.storage.ports import GuardFailed, Statement

if TYPE_CHECKING:
    from maydan.content.spaces import Space
    from maydan.events.jobs import Job
    from maydan.operations.core import Core


class JobView(Struct, frozen=True, kw_only=True):
    """A job as those see it who manage its space."""

    id: str
    kind: str
    """What is done: ``publish``, ``unpublish``, ``transition``, or a plugin's ``<plugin>.<word>``."""
    status: JobStatus
    entry: str | None
    """The entry that it is about."""
    payload: dict[str, Any]
    run_at: str
    """When it is due; after a failed try, when it is tried again."""
    tries: int
    max_tries: int
    error: str | None
    """Of the last try that failed."""
    finished_at: str | None


class JobPage(Struct, frozen=True, kw_only=True):
    """One page of jobs, the newest first."""

    items: list[JobView]
    next: str | None
    total: int | None = None


class JobFilter(Struct, frozen=True, kw_only=True):
    """Which jobs."""

    status: str | None = None
    kind: str | None = None
    entry: str | None = None


async def list_jobs(
    core: Core,
    space: Space,
    wanted: JobFilter,
    *,
    limit: int,
    cursor: str | None = None,
    offset: int = 0,
    count: bool = False,
) -> JobPage:
    """Return one page of a space's jobs.

    Raises:
        BadCursor: It was altered, or belongs to another list.
    """
    if wanted.entry is not None and not is_id(wanted.entry):
        return JobPage(items=[], next=None, total=0 if count else None)
    where: dict[str, Any] = {
        "space_key": space.key, "status": wanted.status, "kind": wanted.kind, "subject_id": wanted.entry
    }  # fmt: skip
    fingerprint = f"jobs:{space.key}:{wanted.status}:{wanted.kind}:{wanted.entry}".encode()
    after: str | None = None if cursor is None else decode_cursor(core.secret, fingerprint, cursor)[0]
    found = await jobs.list_jobs(core.store, **where, after=after, limit=limit + 1, offset=offset)
    shown = found[:limit]
    return JobPage(
        items=[view_of(job) for job in shown],
        next=encode_cursor(core.secret, fingerprint, [shown[-1].id]) if len(found) > limit else None,
        total=await jobs.count_jobs(core.store, **where) if count else None,
    )


async def cancel_job(core: Core, space: Space, job_id: str) -> JobView:
    """Have a job that waits, or that has failed, never done.

    Raises:
        NotFound: The space has no such job.
        Conflict: It is being done, or has come to its end.
    """
    statement = cancelled_statement(space.key, job_id, core.clock.now())
    return await _change(core, space, job_id, statement, "It is being done, or has ended, and cannot be cancelled.")


async def retry_job(core: Core, space: Space, job_id: str) -> JobView:
    """Have a job done now that has failed or was cancelled, with as many tries as a new one.

    Raises:
        NotFound: The space has no such job.
        Conflict: It waits, is being done, or is done.
    """
    statement = retried_statement(space.key, job_id, core.clock.now())
    return await _change(core, space, job_id, statement, "Only what failed or was cancelled can be tried again.")


async def _change(core: Core, space: Space, job_id: str, statement: Statement, refusal: str) -> JobView:
    found = await jobs.find_job(core.store, space.key, job_id) if is_id(job_id) else None
    if found is None:
        raise NotFound
    try:
        await core.store.commit([statement])
    except GuardFailed as error:
        raise Conflict(refusal, code="invalid_job_state", status=found.status.value) from error
    return view_of(await jobs.find_job(core.store, space.key, job_id) or found)


def view_of(job: Job) -> JobView:
    """Return a job as it is shown."""
    return JobView(
        id=job.id,
        kind=job.kind,
        status=job.status,
        entry=job.subject_id,
        payload=job.payload,
        run_at=to_text(job.run_at),
        tries=job.tries,
        max_tries=job.max_tries,
        error=job.error,
        finished_at=None if job.finished_at is None else to_text(job.finished_at),
    )
