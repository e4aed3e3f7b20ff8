"""Versions of entries, and where an entry is used, over HTTP."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from maydan.errors import NotFound
from maydan.http.answers import Answer, Cache
from maydan.http.entries_routes import WriteQuery
from maydan.http.entries_schemas import ENTRY
from maydan.http.paging import check_page
from maydan.http.routing import BY_OPERATION, NoQuery, PageQuery, Route, route
from maydan.http.scoping import scope
from maydan.operations import entries

if TYPE_CHECKING:
    from maydan.http.call import Call
    from maydan.operations.entries import EntryView

_ENTRY: Final = "/api/spaces/{space}/content/{type}/{entry}"
_LIST: Final = _ENTRY + "/versions"
_ONE: Final = _LIST + "/{version}"
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,17}")

_PATCH: Final[dict[str, Any]] = {
    "type": "array",
    "description": "JSON Patch (RFC 6902) over the stored form: `/title/en`, `/price/amount`.",
    "items": {
        "type": "object",
        "required": ["op", "path"],
        "properties": {"op": {"enum": ["add", "remove", "replace"]}, "path": {"type": "string"}, "value": {}},
    },
}


@route(
    "GET", _LIST, permission=BY_OPERATION, query=PageQuery, answer=entries.VersionPage, errors=(400, 401, 403, 404),
    tags=("versions",),
)  # fmt: skip
async def list_versions(call: Call) -> Answer:
    """List the versions of an entry, newest first; publishing adds none."""
    query: PageQuery = call.query
    check_page(query)
    page = await entries.list_versions(
        await scope(call), call.path["entry"], limit=query.limit, cursor=query.cursor, offset=query.offset or 0,
        count=query.count is not None,
    )  # fmt: skip
    return Answer.page(page.items, next=page.next, total=page.total)


@route(
    "GET", _ONE, permission=BY_OPERATION, query=WriteQuery, answer=ENTRY, errors=(400, 401, 403, 404),
    tags=("versions",),
)  # fmt: skip
async def get_version(call: Call) -> Answer:
    """Get an entry as it was in a version, in a locale or with `locale=*` in all."""
    view = await entries.find_version(
        await scope(call), call.path["entry"], _number(call, "version"), locale=call.query.locale
    )
    return _entry(view, tag_prefix="")


@route(
    "GET", _ONE + "/diff/{other}", permission=BY_OPERATION, query=NoQuery, answer=_PATCH, errors=(401, 403, 404),
    tags=("versions",),
)  # fmt: skip
async def compare_versions(call: Call) -> Answer:
    """Get what changed from one version to another, as a JSON Patch."""
    first, second = _number(call, "version"), _number(call, "other")
    return Answer.json(await entries.compare_versions(await scope(call), call.path["entry"], first, second))


@route(
    "POST", _ONE + "/restore", permission=BY_OPERATION, query=WriteQuery, answer=ENTRY,
    errors=(401, 403, 404, 409, 422, 503), tags=("versions",),
)  # fmt: skip
async def restore_version(call: Call) -> Answer:
    """Make a new version that says what an earlier one said; readers get it with the next publish."""
    seal = call.seal(_entry)
    view = await entries.restore_version(
        await scope(call), call.path["entry"], _number(call, "version"), locale=call.query.locale,
        seal=seal.statements,
    )  # fmt: skip
    return seal.answer(view)


@route(
    "GET", _ENTRY + "/references", permission=BY_OPERATION, query=PageQuery, answer=entries.ReferencePage,
    errors=(400, 404), tags=("entries",),
)  # fmt: skip
async def list_references(call: Call) -> Answer:
    """List the entries that link to an entry, and in which field, as far as you may read them."""
    query: PageQuery = call.query
    check_page(query)
    page = await entries.list_references(
        await scope(call), call.path["entry"], limit=query.limit, cursor=query.cursor, offset=query.offset or 0,
        count=query.count is not None,
    )  # fmt: skip
    return Answer.page(page.items, next=page.next, total=page.total)


def _number(call: Call, name: str) -> int:
    """Return the number of a version in the path; what is not one names no version."""
    if not _NUMBER.fullmatch(call.path[name]):
        raise NotFound
    return int(call.path[name])


def _entry(view: EntryView, tag_prefix: str | None = None) -> Answer:
    language = "" if view.locale == "*" else view.locale
    prefix = str(view.version) if tag_prefix is None else tag_prefix
    return Answer(body=view.body, cache=Cache.PRIVATE, language=language, tag_prefix=prefix)


ROUTES: Final[tuple[Route, ...]] = (
    list_versions,
    get_version,
    compare_versions,
    restore_version,
    list_references,
)
