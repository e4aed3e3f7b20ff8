"""``POST …/query``: what a list is asked, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from maydan.content.includes import MOST_OF_ONE
from maydan.content.query import parse_body
from maydan.http.answers import Answer
from maydan.http.entries_schemas import ENTRY_PAGE, LISTING
from maydan.http.routing import BY_OPERATION, Route, route
from maydan.http.scoping import scope
from maydan.operations import entries

if TYPE_CHECKING:
    from maydan.http.call import Call

_LISTS: Final = frozenset({"sort", "fields"})
_TEXTS: Final[dict[str, Any]] = {"type": "array", "items": {"type": "string"}}
_PORTION: Final[dict[str, Any]] = {
    "type": "object",
    "description": "Of a relation to many: so many of its targets, in an order.",
    "required": ["path"],
    "additionalProperties": False,
    "properties": {
        "path": {"type": "string"},
        "limit": {"type": "integer", "minimum": 1, "maximum": MOST_OF_ONE},
        "sort": _TEXTS,
    },
}
_FILTER: Final[dict[str, Any]] = {
    "type": "object",
    "description": 'Conditions such as `{"rating": {"gte": 3}}`, all of which must hold; `and`, `or` and `not` nest.',
}
QUERY: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "filter": _FILTER,
        **{
            parameter.name: {**_TEXTS, "description": parameter.description}
            if parameter.name in _LISTS
            else {**parameter.schema, "description": parameter.description}
            for parameter in LISTING
        },
        "include": {
            "type": "array",
            "items": {"anyOf": [{"type": "string"}, _PORTION]},
            "description": "Relations such as `author` or `related.author`: the targets, not their ids.",
        },
    },
}
"""The body, with the members that the address of a list takes as parameters."""


@route(
    "POST", "/api/spaces/{space}/content/{type}/query", permission=BY_OPERATION, body=dict, input_schema=QUERY,
    answer=ENTRY_PAGE, errors=(400, 401, 403, 404, 422), tags=("entries",),
)  # fmt: skip
async def query_entries(call: Call) -> Answer:
    """Query the entries of a content type, as the list's address does, in JSON."""
    page = await entries.list_entries(await scope(call), parse_body(call.body()))
    language = "" if page.locale == "*" else page.locale
    answer = Answer.page(page.items, next=page.next, total=page.total, language=language)
    return replace(answer, next_cursor=None)  # the next page is another body, so there is no address to link to


ROUTES: Final[tuple[Route, ...]] = (query_entries,)
