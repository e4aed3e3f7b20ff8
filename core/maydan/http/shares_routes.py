"""Shares and previews over HTTP: who makes them, and who ends them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta, Struct

from maydan.http.answers import Answer, created_secret
from maydan.http.routing import BY_OPERATION, Route, route
from maydan.http.scoping import scope
from maydan.operations import previews, shares
from maydan.operations.previews import NewPreviewView, PreviewView
from maydan.operations.shares import NewShareView, ShareInput, SharePage, ShareView

if TYPE_CHECKING:
    from maydan.http.call import Call

_ENTRY: Final = "/api/spaces/{space}/content/{type}/{entry}"
_SHARES: Final = _ENTRY + "/shares"
_PREVIEWS: Final = _ENTRY + "/previews"


class PreviewInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a preview is good."""

    ttl: Annotated[int, Meta(ge=1, le=2_592_000)] = previews.DEFAULT_S
    """Seconds from now."""


@route(
    "POST", _PREVIEWS, permission=BY_OPERATION, body=PreviewInput, body_required=False, answer=NewPreviewView,
    status=201, errors=(401, 403, 404, 422), secret_answer=True, tags=("entries",),
)  # fmt: skip
async def create_preview(call: Call) -> Answer:
    """Make a token with which anybody reads the draft of this entry, as `?preview=`, until it expires.

    It goes by your rights: when you may not read the draft any more, nobody may with it.
    """
    seal = call.seal(partial(_created_preview, call))
    made = await previews.create_preview(
        await scope(call), call.path["entry"], lambda: call.body(PreviewInput).ttl, seal=seal.statements
    )
    return seal.answer(made)


@route(
    "GET", _PREVIEWS + "/{preview}", permission=BY_OPERATION, answer=PreviewView, errors=(401, 403, 404),
    tags=("entries",),
)  # fmt: skip
async def get_preview(call: Call) -> PreviewView:
    """Show a preview that you have made, without its token."""
    return await previews.read_preview(await scope(call), call.path["entry"], call.path["preview"])


@route(
    "DELETE", _PREVIEWS + "/{preview}", permission=BY_OPERATION, status=204, errors=(401, 403, 404), tags=("entries",)
)
async def delete_preview(call: Call) -> Answer:
    """End a preview that you have made before its time."""
    await previews.end_preview(await scope(call), call.path["entry"], call.path["preview"])
    return Answer.empty()


@route("GET", _SHARES, permission=BY_OPERATION, answer=SharePage, errors=(401, 403, 404), tags=("entries",))
async def list_shares(call: Call) -> Answer:
    """List the shares of an entry that you may update."""
    page = await shares.list_shares(await scope(call), call.path["entry"])
    return Answer.page(page.items)


@route(
    "POST", _SHARES, permission=BY_OPERATION, body=ShareInput, answer=NewShareView, status=201,
    errors=(401, 403, 404, 409, 422, 503), secret_answer=True, tags=("entries",),
)  # fmt: skip
async def create_share(call: Call) -> Answer:
    """Let an account, a role or whoever has a link `view`, `comment` on or `edit` this entry, by your rights."""
    seal = call.seal(partial(_created_share, call))
    made = await shares.create_share(
        await scope(call), call.path["entry"], lambda: call.body(ShareInput), seal=seal.statements
    )
    return seal.answer(made)


@route(
    "GET", _SHARES + "/{share}", permission=BY_OPERATION, answer=ShareView, errors=(401, 403, 404), tags=("entries",)
)
async def get_share(call: Call) -> ShareView:
    """Show a share of an entry that you may update, without the token of a link."""
    return await shares.read_share(await scope(call), call.path["entry"], call.path["share"])


@route("DELETE", _SHARES + "/{share}", permission=BY_OPERATION, status=204, errors=(401, 403, 404), tags=("entries",))
async def delete_share(call: Call) -> Answer:
    """End a share that you have made, or any as who may manage members; the next request is refused."""
    await shares.end_share(await scope(call), call.path["entry"], call.path["share"])
    return Answer.empty()


def _created_preview(call: Call, view: NewPreviewView) -> Answer:
    return created_secret(view, f"{call.url_path}/{view.id}", shown=_without_token(view, PreviewView))


def _created_share(call: Call, view: NewShareView) -> Answer:
    return created_secret(view, f"{call.url_path}/{view.id}", shown=_without_token(view, ShareView))


def _without_token(view: Struct, shown: type[Struct]) -> Struct:
    return shown(**{name: getattr(view, name) for name in shown.__struct_fields__})


ROUTES: Final[tuple[Route, ...]] = (
    create_preview,
    get_preview,
    delete_preview,
    list_shares,
    create_share,
    get_share,
    delete_share,
)
