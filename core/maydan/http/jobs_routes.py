"""The jobs of a space over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from msgspec import Meta

from maydan.http.answers import Answer
from maydan.http.paging import check_page
from maydan.http.routing import PageQuery, Route, route
from maydan.operations import jobs
from maydan.operations.jobs import JobFilter, JobPage, JobView

if TYPE_CHECKING:
    from maydan.http.call import Call

_LIST: Final = "/api/spaces/{space}/jobs"
_ONE: Final = _LIST + "/{job}"


class JobQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of a list of jobs."""

    status: Literal["waiting", "running", "done", "failed", "cancelled"] | None = None
    kind: Annotated[str, Meta(max_length=128)] | None = None
    entry: Annotated[str, Meta(max_length=64)] | None = None
    """Only what is about this entry."""


@route("GET", _LIST, permission="manage:space", query=JobQuery, answer=JobPage, errors=(404,), tags=("jobs",))
async def list_jobs(call: Call) -> Answer:
    """List the jobs of a space, the newest first: what waits, what failed and why, what was done lately."""
    query: JobQuery = call.query
    check_page(query)
    page = await jobs.list_jobs(
        call.core, call.space, JobFilter(status=query.status, kind=query.kind, entry=query.entry),
        limit=query.limit, cursor=query.cursor, offset=query.offset or 0, count=query.count is not None,
    )  # fmt: skip
    return Answer.page(page.items, next=page.next, total=page.total)


@route("POST", _ONE + "/cancel", permission="manage:space", answer=JobView, errors=(404, 409), tags=("jobs",))
async def cancel_job(call: Call) -> Answer:
    """Have a job that waits or has failed never done."""
    return Answer.json(await jobs.cancel_job(call.core, call.space, call.path["job"]), tag="")


@route("POST", _ONE + "/retry", permission="manage:space", answer=JobView, errors=(404, 409), tags=("jobs",))
async def retry_job(call: Call) -> Answer:
    """Have a job that failed or was cancelled done now."""
    return Answer.json(await jobs.retry_job(call.core, call.space, call.path["job"]), tag="")


ROUTES: Final[tuple[Route, ...]] = (list_jobs, cancel_job, retry_job)
