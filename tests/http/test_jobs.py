"""Jobs over HTTP and on the command line: who manages a space sees what waits and what failed, and can do something."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from site_support import PERSON, Site, open_site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.events.jobs import Job, NewJob, job_statement
from maydan.events.jobs.measuring import list_backlogs
from maydan.http.jobs_meters import job_metrics
from maydan.storage import Statement

pytestmark = pytest.mark.anyio

JOBS = "/api/spaces/demo/jobs"


@pytest.fixture
async def site(sqlite_url: str) -> AsyncIterator[Site]:
    """A space with persons, and a kind of jobs that always fails."""
    async with open_site(sqlite_url) as opened:
        await opened.define(PERSON)
        opened.core.jobs.handler("fails", fail)
        yield opened


async def fail(job: Job, done: Statement) -> None:
    """Fail."""
    raise RuntimeError("no")


async def stored(site: Site, **parts: Any) -> str:
    """Store a job of the space; returns its id."""
    job = NewJob(**{"kind": "fails", "space_key": site.space.key, "run_at": site.clock.now(), "max_tries": 1, **parts})
    await site.core.store.commit([job_statement(job)])
    return job.id


async def ids(site: Site, query: str = "") -> list[str]:
    """The ids in a list."""
    answer = await site.get(f"{JOBS}{query}", headers=site.admin)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def test_jobs_are_listed_cancelled_and_tried_again(site: Site) -> None:
    """Each in the states in which that means something; 409 in the others."""
    entry = await site.entry({"name": "Ann"}, type="person", publish=False)
    later = await stored(site, run_at=site.clock.now() + timedelta(days=1), subject_id=entry["id"])
    failed = await stored(site)
    elsewhere = await stored(site, space_key=0)
    await site.core.jobs.run_due(["fails"])
    assert await ids(site) == [failed, later]
    assert await ids(site, "?status=failed") == [failed]
    assert await ids(site, f"?entry={entry['id']}") == [later]
    assert await ids(site, "?entry=nobody") == []
    assert await ids(site, "?kind=publish") == []
    page = (await site.get(f"{JOBS}?limit=1&count=exact", headers=site.admin)).json()
    assert (page["total"], len(page["items"])) == (2, 1)
    assert await ids(site, f"?limit=1&cursor={page['next']}") == [later]
    assert (await site.get(f"{JOBS}?kind=x&cursor={page['next']}", headers=site.admin)).status_code == 400
    shown = page["items"][0]
    assert (shown["status"], shown["tries"], shown["error"]) == ("failed", 1, "RuntimeError: no")
    refused = await site.post(f"{JOBS}/{later}/retry", headers=site.admin)
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_job_state")
    again = await site.post(f"{JOBS}/{failed}/retry", headers=site.admin)
    assert (again.status_code, again.json()["status"], again.json()["tries"]) == (200, "waiting", 0)
    assert await site.core.jobs.run_due(["fails"]) == 1
    for job in (later, failed):
        assert (await site.post(f"{JOBS}/{job}/cancel", headers=site.admin)).json()["status"] == "cancelled"
        assert (await site.post(f"{JOBS}/{job}/cancel", headers=site.admin)).status_code == 409
    for nothing in (elsewhere, entry["id"], "x"):
        assert (await site.post(f"{JOBS}/{nothing}/retry", headers=site.admin)).status_code == 404
    await site.delete(f"/api/spaces/demo/content/person/{entry['id']}", headers=site.admin)


async def test_jobs_are_for_who_manages_the_space(site: Site) -> None:
    """A manager may, an editor may not, and whoever is not logged in is asked to."""
    job = await stored(site)
    manager, editor = await site.account("m@example.org", "manager"), await site.account("e@example.org", "editor")
    assert (await site.get(JOBS, headers=manager)).status_code == 200
    assert (await site.get(JOBS, headers=editor)).status_code == 403
    assert (await site.post(f"{JOBS}/{job}/cancel", headers=editor)).status_code == 403
    assert (await site.get(JOBS)).status_code == 401
    assert (await site.get(f"{JOBS}?status=lost", headers=manager)).status_code == 400


async def test_metrics_tell_how_late_work_is(site: Site) -> None:
    """By kind, so that an alarm can name it."""
    await stored(site, run_at=site.clock.now() - timedelta(minutes=5))
    backlogs = await list_backlogs(site.core.store, site.clock.now())
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for metric in job_metrics(backlogs)
        for sample in metric.samples
    }
    assert samples["maydan_jobs", "fails", "waiting"] == 1
    assert 300 <= samples["maydan_jobs_late_seconds", "fails"] < 400
