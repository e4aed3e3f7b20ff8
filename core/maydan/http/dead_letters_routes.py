"""The dead letters of a space over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from maydan.http.answers import Answer
from maydan.http.paging import check_page
from maydan.http.routing import PageQuery, Route, route
from maydan.operations import dead_letters
from maydan.operations.dead_letters import DeadLetterPage, DeadLetterView

if TYPE_CHECKING:
    from maydan.http.call import Call

_LIST: Final = "/api/spaces/{space}/dead-letters"
_TAGS: Final = ("events",)


@route(
    "GET", _LIST, permission="manage:webhooks", query=PageQuery, answer=DeadLetterPage, errors=(404,), tags=_TAGS
)  # fmt: skip
async def list_dead_letters(call: Call) -> Answer:
    """List the events that a webhook or a plugin could not take, the newest first, with the last error."""
    query: PageQuery = call.query
    check_page(query)
    page = await dead_letters.list_dead_letters(
        call.core, call.caller, call.space, limit=query.limit, cursor=query.cursor, offset=query.offset or 0,
        count=query.count is not None,
    )  # fmt: skip
    return Answer.page(page.items, next=page.next, total=page.total)


@route(
    "POST", _LIST + "/{letter}/retry", permission="manage:webhooks", answer=DeadLetterView, errors=(404, 409),
    tags=_TAGS,
)  # fmt: skip
async def retry_dead_letter(call: Call) -> Answer:
    """Have an event handed over again; should that fail as often as before, it becomes a dead letter once more."""
    view = await dead_letters.retry_dead_letter(call.core, call.caller, call.space, call.path["letter"])
    return Answer.json(view, tag="")


ROUTES: Final[tuple[Route, ...]] = (list_dead_letters, retry_dead_letter)
