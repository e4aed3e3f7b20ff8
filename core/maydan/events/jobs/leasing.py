"""Taking jobs: which are due, and that only one worker has each."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from msgspec import structs

from maydan import ids
from maydan.events.jobs.records import COLUMNS, Job, JobStatus, job_of
from maydan.storage.guarded import committed
from maydan.storage.ports import Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.clock import Clock
    from maydan.events.settings import JobsSettings
    from maydan.storage.ports import Store

_LONGEST_ERROR: Final = 2000
_SPREAD: Final = 1.2
_TRIES_KNOWN: Final = 10
"""From this try on pauses are the longest."""
_DIED: Final = "The worker died each time it was tried."
_TAKE: Final = (
    "UPDATE maydan_jobs SET status = 'running', owner = ?, lease_until = ?, tries = tries + 1"
    " WHERE id = ? AND tries = ? AND status = ?"
)
_RENEW: Final = "UPDATE maydan_jobs SET lease_until = ? WHERE id = ? AND tries = ? AND status = 'running'"
_AGAIN: Final = (
    "UPDATE maydan_jobs SET status = 'waiting', owner = NULL, lease_until = NULL, run_at = ?, error = ?, tries = ?"
    " WHERE id = ? AND tries = ? AND status = 'running'"
)
_END: Final = (
    "UPDATE maydan_jobs SET status = ?, owner = NULL, lease_until = NULL, finished_at = ?, error = ?"
    " WHERE id = ? AND tries = ? AND status = 'running'"
)


class Leases:
    """One worker's way to its jobs; each of its statements is refused when another worker has taken the job over."""

    def __init__(self, store: Store, clock: Clock, settings: JobsSettings) -> None:
        """Take from this store, as a worker of its own."""
        self._store = store
        self._clock = clock
        self._settings = settings
        self._owner = ids.new_id()

    async def due(self, kinds: Sequence[str], limit: int) -> list[Job]:
        """Return jobs of these kinds that nobody does and that are due, and those whose worker has died."""
        if not kinds or limit <= 0:
            return []
        now = self._clock.now()
        # A lease that ends later than any can was given before the clock was put back.
        longest = now + timedelta(seconds=2 * self._settings.lease_s)
        rows = await self._store.fetch_all(
            f"SELECT {COLUMNS} FROM maydan_jobs WHERE ((status = 'waiting' AND run_at <= ?)"
            " OR (status = 'running' AND (lease_until < ? OR lease_until > ?)))"
            f" AND kind IN ({','.join('?' * len(kinds))}) ORDER BY run_at, id LIMIT ?",
            now, now, longest, *kinds, limit,
        )  # fmt: skip
        return [job_of(row) for row in rows]

    async def take(self, job: Job) -> Job | None:
        """Take a job that is due, and return it as it is then; ``None`` where another worker was faster."""
        args = (self._owner, self._lease_end(), job.id, job.tries, job.status.value)
        if not await self._try(_TAKE, args):
            return None
        taken = structs.replace(job, status=JobStatus.RUNNING, tries=job.tries + 1)
        if job.tries < job.max_tries:
            return taken
        await self.end(taken, JobStatus.FAILED, job.error or _DIED)
        return None

    async def renew(self, job: Job) -> bool:
        """Keep a job for longer; ``False`` when it is ours no more."""
        return await self._try(_RENEW, (self._lease_end(), job.id, job.tries))

    async def fail(self, job: Job, error: str) -> None:
        """Note that a try failed: it is tried again after a pause, or stays failed."""
        if job.tries >= job.max_tries:
            await self.end(job, JobStatus.FAILED, error)
            return
        pause_s = self._pause_s(job.tries) * random.uniform(2 - _SPREAD, _SPREAD)  # noqa: S311 - spreads tries, hides nothing
        at = self._clock.now() + timedelta(seconds=pause_s)
        await self._try(_AGAIN, (at, error[:_LONGEST_ERROR], job.tries, job.id, job.tries))

    async def hurry(self) -> None:
        """Have tried at once what was put off, after a failed try, before the clock was put back."""
        now = self._clock.now()
        tries = range(1, _TRIES_KNOWN + 1)
        longest = [now + timedelta(seconds=_SPREAD * self._pause_s(each)) for each in tries]
        late = " OR ".join(f"(tries {'>=' if each == _TRIES_KNOWN else '='} {each} AND run_at > ?)" for each in tries)
        sql = f"UPDATE maydan_jobs SET run_at = ? WHERE status = 'waiting' AND tries > 0 AND ({late})"
        await self._store.commit([Statement(sql, (now, *longest))])

    def _pause_s(self, tries: int) -> float:
        return min(self._settings.first_pause_s * 4.0 ** (tries - 1), self._settings.longest_pause_s)

    async def release(self, job: Job) -> None:
        """Give a job back that was not carried out; the try does not count."""
        await self._try(_AGAIN, (job.run_at, job.error, job.tries - 1, job.id, job.tries))

    async def end(self, job: Job, status: JobStatus, error: str | None) -> None:
        """Finish a job in some other way than by its ``done`` statement."""
        reason = None if error is None else error[:_LONGEST_ERROR]
        await self._try(_END, (status.value, self._clock.now(), reason, job.id, job.tries))

    def _lease_end(self) -> object:
        return self._clock.now() + timedelta(seconds=self._settings.lease_s)

    async def _try(self, sql: str, args: tuple[object, ...]) -> bool:
        return await committed(self._store, [Statement(sql, args, expect=1)])
