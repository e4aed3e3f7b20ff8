"""Spaces over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from maydan.http.answers import Answer
from maydan.http.conditions import require_tag, version_tags
from maydan.http.paging import page_of
from maydan.http.routing import BY_OPERATION, LOGGED_IN, PageQuery, Route, route
from maydan.http.types_routes import DropQuery
from maydan.operations import spaces
from maydan.operations.spaces import SpaceInput, SpacePatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from maydan.content.spaces import Space
    from maydan.http.call import Call


class SpaceView(Struct, frozen=True, kw_only=True):
    """A space as it is shown."""

    name: str
    title: str
    locales: tuple[str, ...]
    default_locale: str
    fallbacks: dict[str, tuple[str, ...]]
    timezone: str
    currency: str
    plugins: tuple[str, ...]
    version: int


class SpacePage(Struct, frozen=True, kw_only=True):
    """One page of spaces, by name."""

    items: list[SpaceView]
    next: str | None
    total: int | None = None


@route("GET", "/api/spaces", permission=LOGGED_IN, query=PageQuery, answer=SpacePage, tags=("spaces",))
async def list_spaces(call: Call) -> Answer:
    """List the spaces in which you have a role with which you see anything; administrators get all."""
    found = await spaces.list_spaces(call.core, call.caller)
    return page_of(call, [view_of(space) for space in found], key=lambda view: view.name)


@route(
    "POST", "/api/spaces", permission=BY_OPERATION, body=SpaceInput, answer=SpaceView, status=201,
    errors=(401, 403, 409, 422), tags=("spaces",),
)  # fmt: skip
async def create_space(call: Call) -> Answer:
    """Create a space; for administrators."""
    spaces.require_administrator(call.caller)
    made = await spaces.create_space(call.core, call.caller, call.body(SpaceInput))
    return Answer.created(view_of(made), f"/api/spaces/{made.name}", tag=_tags(made)[0])


@route("GET", "/api/spaces/{space}", permission=BY_OPERATION, answer=SpaceView, errors=(404,), tags=("spaces",))
async def get_space(call: Call) -> Answer:
    """Get a space; for whoever may read anything there."""
    return _answer(call.space)


@route(
    "PATCH", "/api/spaces/{space}", permission="manage:space", body=SpacePatch, query=DropQuery, answer=SpaceView,
    if_match=True, errors=(409,), tags=("spaces",),
)  # fmt: skip
async def patch_space(call: Call) -> Answer:
    """Change a space."""
    after = await spaces.change_space(
        call.core, call.caller, call.space, lambda: call.body(SpacePatch), precondition=_matching(call),
        allow_drop=call.query.allow_drop,
    )  # fmt: skip
    return _answer(after)


@route(
    "DELETE", "/api/spaces/{space}", permission=BY_OPERATION, status=204, errors=(401, 403, 404, 412),
    tags=("spaces",),
)  # fmt: skip
async def delete_space(call: Call) -> Answer:
    """Remove a space with everything in it, for good; for administrators and its owners."""
    await spaces.delete_space(call.core, call.caller, call.space, precondition=_matching(call))
    return Answer.empty()


def _matching(call: Call) -> Callable[[Space], None]:
    return lambda before: require_tag(call.header("if-match"), *_tags(before), required=call.route.if_match)


def _answer(space: Space) -> Answer:
    return Answer.json(view_of(space), tag=_tags(space)[0])


def _tags(space: Space) -> tuple[str, str]:
    return version_tags(space.version, view_of(space))


def view_of(space: Space) -> SpaceView:
    """Return what is shown of a space."""
    return SpaceView(
        name=space.name,
        title=space.title,
        locales=space.locales,
        default_locale=space.default_locale,
        fallbacks=space.fallbacks,
        timezone=space.timezone,
        currency=space.currency,
        plugins=space.plugins,
        version=space.version,
    )


ROUTES: Final[tuple[Route, ...]] = (list_spaces, create_space, get_space, patch_space, delete_space)
