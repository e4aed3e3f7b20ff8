"""Jobs: work that is done later, by whichever worker comes first, again when it fails, and visibly when it stays so.

Whoever writes something puts ``job_statement(NewJob(…))`` into the same batch; ``app`` gives every process one
``Jobs`` with a handler per kind. A handler gets the job and a ``done`` statement: stored together with the effect, the
two are one commit.
"""

from __future__ import annotations

from maydan.events.jobs.cron import next_tick
from maydan.events.jobs.records import (
    INSTANCE,
    Job,
    JobStatus,
    NewJob,
    cancel_statement,
    cancelled_statement,
    count_jobs,
    done_statement,
    find_job,
    forget_statement,
    job_statement,
    list_jobs,
    replaced_statement,
    retried_statement,
)
from maydan.events.jobs.registry import Handler, Handlers
from maydan.events.jobs.running import Jobs, Obsolete

__all__ = [
    "INSTANCE",
    "Handler",
    "Handlers",
    "Job",
    "JobStatus",
    "Jobs",
    "NewJob",
    "Obsolete",
    "cancel_statement",
    "cancelled_statement",
    "count_jobs",
    "done_statement",
    "find_job",
    "forget_statement",
    "job_statement",
    "list_jobs",
    "next_tick",
    "replaced_statement",
    "retried_statement",
]
