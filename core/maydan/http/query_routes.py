"""``POST …/query``: what a list is asked, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from maydan.content.query import parse_body
from maydan.errors import BadParameter
from maydan.http.answers import Answer
from maydan.http.entries_schemas import ENTRY_PAGE, QUERY
from maydan.http.query_places import in_body
from maydan.http.routing import BY_OPERATION, Route, route
from maydan.http.scoping import scope
from maydan.operations import entries

if TYPE_CHECKING:
    from maydan.http.call import Call


@route(
    "POST", "/api/spaces/{space}/content/{type}/query", permission=BY_OPERATION, body=dict, input_schema=QUERY,
    answer=ENTRY_PAGE, errors=(400, 401, 403, 404, 422), tags=("entries",),
)  # fmt: skip
async def query_entries(call: Call) -> Answer:
    """Query the entries of a content type, as the list's address does, in JSON."""
    scoped, body = await scope(call), call.body()
    try:
        page = await entries.list_entries(scoped, parse_body(body))
    except BadParameter as error:
        raise in_body(error, body) from None
    language = "" if page.locale == "*" else page.locale
    answer = Answer.page(page.items, next=page.next, total=page.total, language=language)
    return replace(answer, next_cursor=None)  # the next page is another body, so there is no address to link to


ROUTES: Final[tuple[Route, ...]] = (query_entries,)
