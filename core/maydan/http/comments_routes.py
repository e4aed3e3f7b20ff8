"""Comments over HTTP, on entries of types that declare them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from maydan.engagement.comments import CommentStatus
from maydan.http.answers import Answer
from maydan.http.linking import SHARE_PASSWORD, linked_scope
from maydan.http.paging import check_page
from maydan.http.routing import BY_OPERATION, PageQuery, Route, route
from maydan.http.scoping import scope
from maydan.operations import comments
from maydan.operations.comment_views import CommentPage, CommentView

if TYPE_CHECKING:
    from collections.abc import Callable

    from maydan.engagement.comments import Comment
    from maydan.http.call import Call

_LIST: Final = "/api/spaces/{space}/content/{type}/{entry}/comments"
_ONE: Final = _LIST + "/{comment}"


class CommentInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one says to comment."""

    text: str
    """Plain text of at most 10,000 characters."""
    parent: str | None = None
    """The comment that it answers."""


class CommentPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one says to change a comment."""

    text: str


class CommentQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of a list of comments."""

    status: Literal["approved", "rejected", "spam", "waiting"] | None = None
    """Another one than ``approved`` is for moderators, who get all when it is absent."""
    share: str | None = None
    """The token of a link to the entry."""


class LinkQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of what one does by a link."""

    share: str | None = None
    """The token of a link to the entry, whose rights must be `comment` or `edit` for writing."""


@route(
    "GET", _LIST, permission=BY_OPERATION, query=CommentQuery, answer=CommentPage, errors=(401, 403, 404, 429),
    headers=(SHARE_PASSWORD,),
    tags=("comments",),
)  # fmt: skip
async def list_comments(call: Call) -> Answer:
    """List the comments on an entry, oldest first; an answer always follows what it answers."""
    query: CommentQuery = call.query
    check_page(query)
    scoped, entry = await linked_scope(call)
    page = await comments.list_comments(
        scoped, entry,
        wanted=CommentStatus(query.status) if query.status else None, limit=query.limit, cursor=query.cursor,
        offset=query.offset or 0, count=query.count is not None,
    )  # fmt: skip
    return Answer.page(page.items, next=page.next, total=page.total)


@route(
    "POST", _LIST, permission=BY_OPERATION, body=CommentInput, query=LinkQuery, answer=CommentView, status=201,
    headers=(SHARE_PASSWORD,), errors=(401, 403, 404, 409, 422, 429, 503), tags=("comments",),
)  # fmt: skip
async def create_comment(call: Call) -> Answer:
    """Comment on an entry; what somebody writes without logging in waits for a moderator."""
    seal = call.seal(partial(_created, call))
    scoped, entry = await linked_scope(call)
    view = await comments.create_comment(
        scoped, entry,
        read_input=lambda: _text_and_parent(call), seal=seal.statements,
    )  # fmt: skip
    return seal.answer(view)


@route(
    "GET", _ONE, permission=BY_OPERATION, query=LinkQuery, answer=CommentView, errors=(401, 403, 404, 429),
    headers=(SHARE_PASSWORD,), tags=("comments",),
)  # fmt: skip
async def get_comment(call: Call) -> Answer:
    """Show one comment on an entry, with the tag that changing it needs."""
    scoped, entry = await linked_scope(call)
    return _answer(await comments.read_comment(scoped, (entry, call.path["comment"])))


@route(
    "PATCH", _ONE, permission=BY_OPERATION, body=CommentPatch, answer=CommentView, if_match=True,
    errors=(401, 403, 404, 409, 412, 422, 428), tags=("comments",),
)  # fmt: skip
async def patch_comment(call: Call) -> Answer:
    """Change the text of your comment, or of any as a moderator."""
    view = await comments.change_comment(
        await scope(call), _place(call), lambda: call.body(CommentPatch).text,
        precondition=_matching(call),
    )  # fmt: skip
    return _answer(view)


@route("DELETE", _ONE, permission=BY_OPERATION, status=204, errors=(401, 403, 404, 409, 412), tags=("comments",))
async def delete_comment(call: Call) -> Answer:
    """Delete your comment, or any as a moderator; answers to it stay."""
    await comments.delete_comment(await scope(call), _place(call), precondition=_matching(call))
    return Answer.empty()


@route(
    "POST", _ONE + "/approve", permission=BY_OPERATION, answer=CommentView, errors=(401, 403, 404, 409, 412),
    tags=("comments",),
)  # fmt: skip
async def approve_comment(call: Call) -> Answer:
    """Let readers see a comment."""
    return await _moderate(call, CommentStatus.APPROVED)


@route(
    "POST", _ONE + "/reject", permission=BY_OPERATION, answer=CommentView, errors=(401, 403, 404, 409, 412),
    tags=("comments",),
)  # fmt: skip
async def reject_comment(call: Call) -> Answer:
    """Hide a comment from readers."""
    return await _moderate(call, CommentStatus.REJECTED)


@route(
    "POST", _ONE + "/spam", permission=BY_OPERATION, answer=CommentView, errors=(401, 403, 404, 409, 412),
    tags=("comments",),
)  # fmt: skip
async def mark_comment_as_spam(call: Call) -> Answer:
    """Hide a comment from readers as spam."""
    return await _moderate(call, CommentStatus.SPAM)


async def _moderate(call: Call, status: CommentStatus) -> Answer:
    return _answer(await comments.moderate_comment(await scope(call), _place(call), status))


def _text_and_parent(call: Call) -> tuple[str, str | None]:
    given = call.body(CommentInput)
    return given.text, given.parent


def _place(call: Call) -> tuple[str, str]:
    return call.path["entry"], call.path["comment"]


def _matching(call: Call) -> Callable[[Comment], None]:
    return lambda before: call.require_match(str(before.version))


def _answer(view: CommentView) -> Answer:
    return Answer.json(view, tag=str(view.version))


def _created(call: Call, view: CommentView) -> Answer:
    path = call.path
    location = f"/api/spaces/{path['space']}/content/{path['type']}/{view.entry}/comments/{view.id}"
    return Answer.created(view, location, tag=str(view.version))


ROUTES: Final[tuple[Route, ...]] = (
    list_comments,
    create_comment,
    get_comment,
    patch_comment,
    delete_comment,
    approve_comment,
    reject_comment,
    mark_comment_as_spam,
)
