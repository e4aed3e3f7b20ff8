"""Entries over HTTP: thin, everything is decided in ``operations.entries``."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import quote

from msgspec import Meta, Struct

from maydan.access.actions import Action
from maydan.content.query import READ_PARAMETERS, parse_parameters
from maydan.errors import BadParameter, InputError
from maydan.http.answers import Answer, Cache
from maydan.http.entries_bodies import body_of, body_to_put
from maydan.http.entries_schemas import ENTRY, ENTRY_PAGE, LINKING, LISTING, READING
from maydan.http.linking import SHARE_PASSWORD, linked_scope
from maydan.http.routing import BY_OPERATION, AnyQuery, NoQuery, Route, route
from maydan.http.scoping import scope
from maydan.operations import entries
from maydan.operations.entries.statuses import LocaleStatus, statuses_of
from maydan.operations.previews import open_preview

if TYPE_CHECKING:
    from maydan.content.query import Query
    from maydan.http.call import Call
    from maydan.operations.entries import EntryView

_LIST: Final = "/api/spaces/{space}/content/{type}"
_ONE: Final = _LIST + "/{entry}"


class WriteQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of what writes an entry."""

    locale: str | None = None
    """The locale of plain values for localised fields; the default locale when absent."""


class PatchQuery(WriteQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of a patch."""

    share: str | None = None
    """The token of a link whose rights are `edit`."""


class EntryQuery(Struct, frozen=True, kw_only=True):
    """The query of reading one entry."""

    reading: entries.Reading
    preview: str | None = None
    share: str | None = None


class DeleteQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of a deletion."""

    purge: bool = False
    """Remove the entry for good, with its versions, instead of moving it to the trash."""
    plan: bool = False
    """Change nothing; answer what the deletion would do."""
    on_reference: Literal["nullify"] | None = None
    """``nullify``: take out the links that would be in the way, where the caller may update what holds them."""


class PublishInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to publish or unpublish."""

    locales: tuple[str, ...] | None = None
    """Every locale in which the entry has content when absent."""
    at: Annotated[datetime, Meta(extra_json_schema={"format": "date-time"})] | None = None
    """RFC 3339; a later moment schedules."""


class StatusAnswer(Struct, frozen=True, kw_only=True):
    """The status of an entry in each locale of the space."""

    items: tuple[LocaleStatus, ...]


_PLAIN: Final = EntryQuery(reading=entries.AS_PUBLISHED)
_LINKS: Final = ("preview", "share")


def _parse_reading(pairs: list[tuple[str, str]]) -> EntryQuery:
    if not pairs:
        return _PLAIN
    links = [pair for pair in pairs if pair[0] in _LINKS]
    if len(links) > 1:
        raise _contradiction(links[1][0], "cannot stand beside another preview or share")
    rest = [pair for pair in pairs if pair[0] not in _LINKS]
    named = {name for name, _ in rest}
    query = parse_parameters(rest, allowed=READ_PARAMETERS)
    # A link leads to the newest version unless it is asked for what readers get; a preview leads to nothing else.
    draft = query.perspective == "draft" or (bool(links) and "perspective" not in named)
    if links and links[0][0] == "preview" and not draft:
        raise _contradiction("perspective", "must be draft, or absent, with a preview")
    reading = _reading_of(query, draft=draft, by_link=bool(links))
    return EntryQuery(reading=reading, **dict(links))


def _contradiction(name: str, about: str) -> BadParameter:
    return BadParameter(f"{name} {about}.", errors=(InputError(name, "contradiction", about),))


def _reading_of(query: Query, *, draft: bool, by_link: bool) -> entries.Reading:
    return entries.Reading(
        by_link=by_link,
        draft=draft,
        locale=query.locale,
        fallback=query.fallback,
        fields=query.fields,
        include=query.include,
        portions=query.portions,
    )


@route(
    "GET", _LIST, permission=BY_OPERATION, query=AnyQuery, parse=parse_parameters, answer=ENTRY_PAGE,
    parameters=LISTING, errors=(400, 401, 403, 404), tags=("entries",),
)  # fmt: skip
async def list_entries(call: Call) -> Answer:
    """List entries of a content type.

    ``filter[field][op]=value``, ``sort``, ``fields``, ``limit``, ``cursor`` or ``offset``, ``count=exact``.
    """
    page = await entries.list_entries(await scope(call), call.query)
    shown = _reading(page.locale, draft=page.draft)
    return Answer.page(page.items, next=page.next, total=page.total, tags=page.tags, **shown)


@route(
    "POST", _LIST, permission=BY_OPERATION, body=dict, query=WriteQuery, answer=ENTRY, status=201,
    errors=(401, 403, 404, 409, 422, 503), tags=("entries",),
)  # fmt: skip
async def create_entry(call: Call) -> Answer:
    """Create an entry, as a draft where the type has drafts."""
    seal = call.seal(partial(_created, call))
    scoped = await scope(call)
    scoped.require(Action.CREATE)  # before what is wrong with the body
    view = await entries.create(scoped, call.body(), locale=call.query.locale, seal=seal.statements)
    return seal.answer(view)


@route(
    "GET", _ONE, permission=BY_OPERATION, query=AnyQuery, parse=_parse_reading, answer=ENTRY,
    parameters=(*READING, *LINKING), headers=(SHARE_PASSWORD,), errors=(301, 400, 401, 404, 429), tags=("entries",),
)  # fmt: skip
async def get_entry(call: Call) -> Answer:
    """Get an entry by id or slug, by your rights or by those of a link to it."""
    query: EntryQuery = call.query
    if query.preview is not None:
        scoped, entry = await open_preview(await scope(call), call.path["entry"], query.preview)
    else:
        scoped, entry = await linked_scope(call)
    view = await entries.find(scoped, entry, query.reading)
    if view.slug is not None:
        return _moved(call, view.slug)
    return _answer(view, draft=query.reading.draft or query.reading.by_link)


@route(
    "PATCH", _ONE, permission=BY_OPERATION, body=dict, query=PatchQuery, answer=ENTRY, if_match=True,
    headers=(SHARE_PASSWORD,), errors=(401, 403, 404, 409, 412, 422, 428, 429, 503), tags=("entries",),
)  # fmt: skip
async def patch_entry(call: Call) -> Answer:
    """Change an entry by a JSON Merge Patch (RFC 7396); the draft alone changes until the next publish."""
    seal = call.seal(_draft_answer)
    scoped, entry = await linked_scope(call)
    view = await entries.change(
        scoped, entry, await body_of(call, scoped, entry, Action.UPDATE, dict[str, Any]), replace=False,
        precondition=call.require_version, locale=call.query.locale, seal=seal.statements,
    )  # fmt: skip
    return seal.answer(view)


@route(
    "PUT", _ONE, permission=BY_OPERATION, body=dict, query=WriteQuery, answer=ENTRY, if_match=True,
    errors=(201, 401, 403, 404, 409, 412, 422, 428, 503), tags=("entries",),
)  # fmt: skip
async def put_entry(call: Call) -> Answer:
    """Replace an entry; a slug that is not there creates one."""
    scoped, entry = await scope(call), call.path["entry"]
    view, is_new = await entries.put(
        scoped, entry, await body_to_put(call, scoped, entry), precondition=call.require_version,
        locale=call.query.locale, must_exist=call.header("if-match") is not None,
    )  # fmt: skip
    return _created(call, view) if is_new else _draft_answer(view)


@route(
    "DELETE", _ONE, permission=BY_OPERATION, query=DeleteQuery, answer=entries.Plan, status=204,
    errors=(200, 401, 403, 404, 409, 412, 503), tags=("entries",),
)  # fmt: skip
async def delete_entry(call: Call) -> Answer:
    """Move an entry to the trash, or remove it for good; with `plan` only say what that would do."""
    query: DeleteQuery = call.query
    scoped, entry = await scope(call), call.path["entry"]
    nullify = query.on_reference == "nullify"
    if query.plan:
        plan = await entries.plan_delete(scoped, entry, precondition=call.require_version, nullify=nullify)
        return Answer.json(plan, status=200, tag="")
    verb = entries.purge if query.purge else entries.delete
    await verb(scoped, entry, precondition=call.require_version, nullify=nullify)
    return Answer.empty()


@route(
    "POST", _ONE + "/publish", permission=BY_OPERATION, body=PublishInput, body_required=False, answer=ENTRY,
    query=WriteQuery, errors=(401, 403, 404, 409, 422, 503), tags=("entries",),
)  # fmt: skip
async def publish_entry(call: Call) -> Answer:
    """Let readers get the newest version, per locale, now or later."""
    return await _publish(call, entries.publish)


@route(
    "POST", _ONE + "/unpublish", permission=BY_OPERATION, body=PublishInput, body_required=False, answer=ENTRY,
    query=WriteQuery, errors=(401, 403, 404, 409, 422, 503), tags=("entries",),
)  # fmt: skip
async def unpublish_entry(call: Call) -> Answer:
    """Take an entry from its readers, per locale, now or later."""
    return await _publish(call, entries.unpublish)


@route(
    "POST", _ONE + "/restore", permission=BY_OPERATION, answer=ENTRY, query=WriteQuery,
    errors=(401, 403, 404, 409, 422, 503), tags=("entries",),
)  # fmt: skip
async def restore_entry(call: Call) -> Answer:
    """Bring an entry back from the trash, unpublished."""
    seal = call.seal(_draft_answer)
    view = await entries.restore(
        await scope(call), call.path["entry"], locale=call.query.locale,
        seal=seal.statements,
    )  # fmt: skip
    return seal.answer(view)


@route(
    "GET", _ONE + "/status", permission=BY_OPERATION, query=NoQuery, answer=StatusAnswer,
    errors=(401, 403, 404), tags=("entries",),
)  # fmt: skip
async def get_entry_status(call: Call) -> Answer:
    """Get the status of an entry in each locale, and what is planned for it."""
    found = await statuses_of(await scope(call), call.path["entry"])
    return Answer.json(StatusAnswer(items=found))


async def _publish(call: Call, verb: Any) -> Answer:
    scoped, entry = await scope(call), call.path["entry"]
    given = await body_of(call, scoped, entry, Action.PUBLISH, PublishInput)
    seal = call.seal(_draft_answer)
    view: EntryView = await verb(
        scoped, entry, locales=given.locales, at=given.at,
        locale=call.query.locale, seal=seal.statements,
    )  # fmt: skip
    return seal.answer(view)


def _answer(view: EntryView, *, draft: bool) -> Answer:
    prefix = str(view.version) if view.version else ""
    return Answer(body=view.body, tag_prefix=prefix, tags=view.tags, **_reading(view.locale, draft=draft))


def _reading(locale: str, *, draft: bool) -> dict[str, Any]:
    """Return how an answer may be kept, and its language; what only some may read is never kept."""
    language = "" if locale == "*" else locale
    return {"cache": Cache.PRIVATE if draft else Cache.PUBLIC, "language": language}


def _draft_answer(view: EntryView) -> Answer:
    return _answer(view, draft=True)


def _created(call: Call, view: EntryView) -> Answer:
    location = f"/api/spaces/{call.path['space']}/content/{call.path['type']}/{view.id}"
    return Answer.created(view.body, location, tag_prefix=str(view.version))


def _moved(call: Call, slug: str) -> Answer:
    base = call.url_path.rpartition("/")[0]
    query = f"?{call.query_string.decode('latin-1')}" if call.query_string else ""
    return Answer(status=301, location=f"{base}/{quote(slug)}{query}", tag="")


ROUTES: Final[tuple[Route, ...]] = (
    list_entries,
    create_entry,
    get_entry,
    patch_entry,
    put_entry,
    delete_entry,
    publish_entry,
    unpublish_entry,
    restore_entry,
    get_entry_status,
)
