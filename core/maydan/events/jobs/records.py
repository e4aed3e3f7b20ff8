"""Jobs as they are stored: what may become of one, and the statements for it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from maydan.ids import new_id
from maydan.storage.dialects import Dialect
from maydan.storage.ports import Reader, Row, Statement

SIGNAL: Final = "jobs"
"""Told after commit, so that what is due at once need not wait for the next look."""
INSTANCE: Final = 0
"""The space key of a job that belongs to no space."""
DEFAULT_TRIES: Final = 5

COLUMNS: Final = "id, space_key, kind, subject_id, payload, run_at, status, tries, max_tries, error, finished_at, tick"


class JobStatus(StrEnum):
    """How a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """Tried as often as it may be; stays until somebody retries or cancels it."""
    CANCELLED = "cancelled"


class NewJob(Struct, frozen=True, kw_only=True):
    """A job to be stored."""

    kind: str
    """Says which handler does it: a word of the core's, or ``<plugin>.<word>``."""
    run_at: datetime
    """Aware; a moment that has passed is now."""
    space_key: int = INSTANCE
    subject_id: str | None = None
    """The entry that it is about; with that it is cancelled."""
    payload: dict[str, Any] = {}
    """What the handler needs to know besides, as JSON."""
    max_tries: int = DEFAULT_TRIES
    tick: str | None = None
    """What it is stored only once for, per kind: for cron entries the moment."""
    id: str = field(default_factory=new_id)


class Job(Struct, frozen=True, kw_only=True):
    """A job as it is stored."""

    id: str
    kind: str
    space_key: int
    subject_id: str | None
    payload: dict[str, Any]
    run_at: datetime
    """When it is due; after a failed try, when it is tried again."""
    status: JobStatus
    tries: int
    """Begun so far, this one too."""
    max_tries: int
    error: str | None
    """Of the last try that failed."""
    finished_at: datetime | None
    tick: str | None


def job_statement(job: NewJob) -> Statement:
    """Return the part of a batch that stores a job; nothing where one of its kind has the same tick."""
    return Statement(
        "INSERT INTO maydan_jobs (id, space_key, kind, subject_id, payload, run_at, tick, max_tries, status, tries)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'waiting', 0) ON CONFLICT (kind, tick) DO NOTHING",
        (
            job.id, job.space_key, job.kind, job.subject_id, msgspec.json.encode(job.payload).decode(), job.run_at,
            job.tick, job.max_tries,
        ),
        signal=SIGNAL,
    )  # fmt: skip


def cancel_statement(space_key: int, subject_id: str, kinds: tuple[str, ...] | None = None) -> Statement:
    """Return the part of a batch that takes back what waits for a subject, or has failed; what runs is left alone.

    Args:
        space_key: The subject's space.
        subject_id: Whose jobs.
        kinds: Only these; ``None`` is all.
    """
    of_kinds = "" if kinds is None else f" AND kind IN ({','.join('?' * len(kinds))})"
    return Statement(
        f"DELETE FROM maydan_jobs WHERE space_key = ? AND subject_id = ?{of_kinds} AND status IN ('waiting', 'failed')",
        (space_key, subject_id, *(kinds or ())),
    )


def replaced_statement(job: Job) -> Statement:
    """Return the part of a batch that takes back a waiting job, for others in its place; refused when it has begun."""
    sql = "DELETE FROM maydan_jobs WHERE space_key = ? AND id = ? AND status = 'waiting'"
    return Statement(sql, (job.space_key, job.id), expect=1)


def done_statement(job: Job, at: datetime) -> Statement:
    """Return the part of a batch that says that a job is done; refused when another worker has taken it over."""
    return Statement(
        "UPDATE maydan_jobs SET status = 'done', finished_at = ?, lease_until = NULL, owner = NULL, error = NULL"
        " WHERE id = ? AND tries = ? AND status = 'running'",
        (at, job.id, job.tries),
        expect=1,
    )


def cancelled_statement(space_key: int, job_id: str, at: datetime) -> Statement:
    """Return the part of a batch that cancels a job which waits or has failed, and keeps it to be looked at."""
    return Statement(
        "UPDATE maydan_jobs SET status = 'cancelled', finished_at = ?"
        " WHERE space_key = ? AND id = ? AND status IN ('waiting', 'failed')",
        (at, space_key, job_id),
        expect=1,
    )


def retried_statement(space_key: int, job_id: str, at: datetime) -> Statement:
    """Return the part of a batch that has a job done again which failed or was cancelled."""
    return Statement(
        "UPDATE maydan_jobs SET status = 'waiting', finished_at = NULL, tries = 0, run_at = ?"
        " WHERE space_key = ? AND id = ? AND status IN ('failed', 'cancelled')",
        (at, space_key, job_id),
        expect=1,
        signal=SIGNAL,
    )


def forget_statement(before: datetime) -> Statement:
    """Return the part of a batch that forgets the jobs that ended before a moment."""
    return Statement(
        "DELETE FROM maydan_jobs WHERE status IN ('done', 'failed', 'cancelled') AND finished_at < ?", (before,)
    )


async def list_jobs(
    reader: Reader,
    *,
    space_key: int | None,
    status: str | None = None,
    kind: str | None = None,
    subject_id: str | None = None,
    after: str | None = None,
    limit: int = 25,
    offset: int = 0,
) -> list[Job]:
    """Return jobs, the newest first.

    Args:
        reader: Where to read.
        space_key: Only those of a space; ``None`` is the whole instance.
        status: Only these.
        kind: Only these.
        subject_id: Only those about an entry.
        after: The id of the last one of the page before.
        limit: How many at most.
        offset: How many to leave out.
    """
    where, args = _where(space_key, status, kind, subject_id)
    if after is not None:
        where, args = f"{where} AND id < ?", [*args, after]
    rows = await reader.fetch_all(
        f"SELECT {COLUMNS} FROM maydan_jobs WHERE {where} ORDER BY id DESC LIMIT ? OFFSET ?", *args, limit, offset
    )
    return [job_of(row) for row in rows]


async def count_jobs(
    reader: Reader,
    *,
    space_key: int | None,
    status: str | None = None,
    kind: str | None = None,
    subject_id: str | None = None,
) -> int:
    """Return how many :func:`list_jobs` would give without a limit."""
    where, args = _where(space_key, status, kind, subject_id)
    row = await reader.fetch_one(f"SELECT count(*) FROM maydan_jobs WHERE {where}", *args)
    return row[0] if row else 0


async def find_job(reader: Reader, space_key: int | None, job_id: str) -> Job | None:
    """Return one job of a space, or ``None``."""
    where, args = _where(space_key, None, None, None)
    row = await reader.fetch_one(f"SELECT {COLUMNS} FROM maydan_jobs WHERE {where} AND id = ?", *args, job_id)
    return job_of(row) if row else None


def _where(
    space_key: int | None, status: str | None, kind: str | None, subject_id: str | None
) -> tuple[str, list[object]]:
    wanted = {"space_key": space_key, "status": status, "kind": kind, "subject_id": subject_id}
    given = {column: value for column, value in wanted.items() if value is not None}
    return " AND ".join(["1 = 1", *(f"{column} = ?" for column in given)]), list(given.values())


def job_of(row: Row) -> Job:
    """Read what ``COLUMNS`` give."""
    return Job(
        id=str(row[0]),
        space_key=row[1],
        kind=row[2],
        subject_id=None if row[3] is None else str(row[3]),
        payload=msgspec.json.decode(row[4], type=dict[str, Any]),
        run_at=Dialect.read_time(row[5]),
        status=JobStatus(row[6]),
        tries=row[7],
        max_tries=row[8],
        error=row[9],
        finished_at=Dialect.read_optional_time(row[10]),
        tick=row[11],
    )
