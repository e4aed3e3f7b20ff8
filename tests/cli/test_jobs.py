"""``maydan jobs list``: what waits and what failed, without a server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from maydan.events.jobs import NewJob, job_statement
from maydan.storage import Statement, open_store
from maydan.storage.settings import DatabaseSettings

Run = Callable[..., Any]


def test_what_waits_and_what_failed_is_listed(run: Run, instance: Path) -> None:
    """The newest first; what is done only when it is asked for."""
    at = datetime(2026, 4, 1, tzinfo=UTC)
    waiting, failed, done = (NewJob(kind=kind, run_at=at) for kind in ("waits", "fails", "works"))

    async def store_jobs() -> None:
        store = open_store(DatabaseSettings(url=f"sqlite:///{instance / 'maydan.db'}"))
        await store.open()
        await store.commit([job_statement(job) for job in (waiting, failed, done)])
        for job, status in ((failed, "failed"), (done, "done")):
            sql = "UPDATE maydan_jobs SET status = ?, error = 'no', tries = 5 WHERE id = ?"
            await store.commit([Statement(sql, (status, job.id))])
        await store.close()

    asyncio.run(store_jobs())
    assert [job["kind"] for job in json.loads(run("jobs", "list", "--json").out)] == ["fails", "waits"]
    assert (
        run("jobs", "list", "--status", "failed").out == "2026-04-01T00:00:00.000000Z  failed  5/5  fails  -  -  no\n"
    )
    assert [job["kind"] for job in json.loads(run("jobs", "list", "--status", "done", "--json").out)] == ["works"]
    outcome = run("jobs", "list", "--space", "nowhere")
    assert (outcome.code, outcome.err) == (1, "maydan: there is no space called nowhere\n")
