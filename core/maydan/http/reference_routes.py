"""The OpenAPI documents, and the page that shows them; it needs nothing from elsewhere."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from maydan.access.bounded import BoundedCache
from maydan.http.answers import Answer, Cache
from maydan.http.openapi import build_document, offered_routes, sights_of, write_space_document
from maydan.http.routing import BY_OPERATION, Route, route

if TYPE_CHECKING:
    from maydan.access.snapshot import Snapshot
    from maydan.content.spaces import Space
    from maydan.events.kinds import EventType
    from maydan.http.call import Call
    from maydan.http.openapi.shapes import Json
    from maydan.http.openapi.sights import Sight

_DOCUMENT: Final[Json] = {"type": "object", "description": "An OpenAPI 3.1 document."}
_MAX_DOCUMENTS: Final = 64
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class ReferenceQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of the reference page."""

    space: str | None = None
    """Show the document of this space instead of that of the instance; read by the page's script."""


@route("GET", "/openapi.json", public=True, answer=_DOCUMENT, tags=("reference",))
async def get_openapi(call: Call) -> Answer:
    """Get the OpenAPI document of the instance: all routes, content types in general."""
    around = call.around
    if not around.document:
        around.document = msgspec.json.encode(
            build_document(around.routes, events=call.core.host.event_types().values())
        )
    return Answer(body=around.document, cache=Cache.PUBLIC)


@route("GET", "/api/spaces/{space}/openapi.json", permission=BY_OPERATION, answer=_DOCUMENT, tags=("reference",))
async def get_space_openapi(call: Call) -> Answer:
    """Get the OpenAPI document of a space: what you may do here, each content type with its own fields."""
    core, space = call.core, call.space
    snapshot = await core.snapshots.get(space)
    types = core.registry.types(space)
    key = (space.key, space.version, snapshot.effective_roles(call.actor), call.actor.scope)
    versions = tuple((each.key, each.version) for each in types)
    known = _documents.get(key)
    if known is None or known[0] is not snapshot or known[1] != versions:
        offered = offered_routes(call.around.routes, space, snapshot, call.actor)
        events = tuple(core.host.event_types(space).values())
        body = await asyncio.to_thread(_written, offered, space, sights_of(types, snapshot, call.actor), events)
        known = (snapshot, versions, body)
        _documents.put(key, known)
    return Answer(body=known[2], cache=Cache.PUBLIC)


def _written(offered: list[Route], space: Space, sights: dict[str, Sight], events: tuple[EventType, ...]) -> bytes:
    return msgspec.json.encode(write_space_document(offered, space, sights, events))


_documents: BoundedCache[Any, tuple[Snapshot, tuple[tuple[int, int], ...], bytes]] = BoundedCache(_MAX_DOCUMENTS)


@route(
    "GET", "/docs", public=True, query=ReferenceQuery, answer=bytes, answer_media_type="text/html",
    tags=("reference",),
)  # fmt: skip
async def get_reference(_call: Call) -> Answer:
    """Show the reference page."""
    return _asset("index.html", "text/html; charset=utf-8")


@route("GET", "/docs/reference.js", public=True, answer=bytes, answer_media_type="text/javascript", tags=("reference",))
async def get_reference_script(_call: Call) -> Answer:
    """Get the reference page's script."""
    return _asset("reference.js", "text/javascript; charset=utf-8")


@route("GET", "/docs/reference.css", public=True, answer=bytes, answer_media_type="text/css", tags=("reference",))
async def get_reference_style(_call: Call) -> Answer:
    """Get the reference page's style."""
    return _asset("reference.css", "text/css; charset=utf-8")


@lru_cache(maxsize=8)
def _asset(name: str, media_type: str) -> Answer:
    """Return a file of the page."""
    body = (files("maydan.http") / "reference" / name).read_bytes()
    return Answer(body=body, media_type=media_type, cache=Cache.PUBLIC, headers=(("content-security-policy", _POLICY),))


ROUTES: Final[tuple[Route, ...]] = (
    get_openapi,
    get_space_openapi,
    get_reference,
    get_reference_script,
    get_reference_style,
)
