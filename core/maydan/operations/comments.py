"""The verbs of comments: write, read, change, moderate, delete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from maydan.access.actions import Action
from maydan.clock import from_text, to_text
from maydan.content.cursors import decode_cursor, encode_cursor
from maydan.content.text import has_control
from maydan.engagement import comments
from maydan.engagement.comments import MAX_TEXT, Comment, CommentStatus
from maydan.errors import Forbidden, InputError, InvalidInput, NotFound, Stale, Unauthenticated
from maydan.ids import is_id, new_id
from maydan.operations.entries.loading import find_any
from maydan.operations.entries.reading import Reading, find_in
from maydan.operations.entries.views import state_for_hooks
from maydan.operations.publication import status
from maydan.operations.scopes import scope_of
from maydan.plugins.views import CommentState
from maydan.storage.log import Event, event_statement
from maydan.storage.ports import GuardFailed, Statement

if TYPE_CHECKING:
    from datetime import datetime

    from maydan.content.spaces import Space
    from maydan.operations.core import Caller, Core
    from maydan.operations.scopes import Scope
    from maydan.storage.entries import EntryRow

ENGAGEMENT = "comments"
"""What a type declares so that its entries can be commented on."""
Seal = Callable[["CommentView"], Sequence[Statement]]
Precondition = Callable[[Comment], None]


class CommentView(Struct, frozen=True, kw_only=True):
    """A comment as a reader gets it."""

    id: str
    entry: str
    parent: str | None
    kind: str
    status: str
    text: str
    author: dict[str, str | None]
    """``id`` and ``name``; for moderators ``email`` and ``url`` too."""
    version: int
    created_at: str
    updated_at: str


class CommentPage(Struct, frozen=True, kw_only=True):
    """One page of comments, oldest first."""

    items: list[CommentView]
    next: str | None
    total: int | None


async def create_comment(
    core: Core,
    caller: Caller,
    space: Space,
    type_name: str,
    id_or_slug: str,
    *,
    read_input: Callable[[], tuple[str, str | None]],
    seal: Seal | None = None,
) -> CommentView:
    """Write a comment on an entry; what nobody who is logged in wrote waits for a moderator.

    Args:
        core: The services.
        caller: Who writes.
        space: Where.
        type_name: The entry's content type.
        id_or_slug: The entry.
        read_input: Gives the text and the comment that it answers; called once the caller is known to be allowed.
        seal: What to store with it for the caller.

    Raises:
        NotFound: No such entry for this caller, or its type takes no comments.
        Unauthenticated, Forbidden: The caller may not comment.
        InvalidInput: The text or the parent is not acceptable.
        HookRefused: A plugin said no.
    """
    scope, entry = await _place(core, caller, space, type_name, id_or_slug)
    scope.require(Action.COMMENT)
    text, parent = read_input()
    await _check(core, space, entry, text, parent)
    anonymous = caller.actor.kind == "anonymous"
    now = core.clock.now()
    made = Comment(
        id=new_id(),
        space_key=space.key,
        type_key=scope.type.key,
        entry_id=entry.id,
        parent_id=parent,
        kind="comment",
        status=CommentStatus.WAITING if anonymous else CommentStatus.APPROVED,
        text=text,
        author_id=caller.actor.id,
        author_name=caller.actor.name,
        author_email="",
        author_url="",
        version=1,
        created_at=now,
        updated_at=now,
    )
    view = view_of(made, moderator=may_moderate(scope))
    await store_comment(scope, entry, made, seal(view) if seal else ())
    return view


async def store_comment(scope: Scope, entry: EntryRow, made: Comment, more: Sequence[Statement] = ()) -> None:
    """Store a new comment with its event, after the hooks agreed."""
    core, hooks = scope.core, scope.core.hooks
    batch = [comments.insert(made), event_of(core, scope.caller, scope.space, made, "comment.created"), *more]
    if not hooks.listens("check_comment_create", scope.space):
        await core.store.commit(batch)
        return
    shown = _state(scope, made)
    state = state_for_hooks(scope.type, scope.space, entry, status(scope.type, entry))
    async with core.store.write_transaction() as transaction:
        await hooks.check_comment_create(scope.space, shown, state, scope.caller.actor)
        await transaction.apply(batch)


async def list_comments(
    core: Core,
    caller: Caller,
    space: Space,
    type_name: str,
    id_or_slug: str,
    *,
    wanted: CommentStatus | None,
    limit: int,
    cursor: str | None,
    offset: int,
    count: bool,
) -> CommentPage:
    """Return comments of an entry that the caller may read; who may not moderate gets the approved ones.

    Raises:
        NotFound: No such entry for this caller, or its type takes no comments.
        Forbidden: Another status is asked for, and the caller may not moderate.
    """
    scope, entry = await _place(core, caller, space, type_name, id_or_slug)
    moderator = may_moderate(scope)
    if wanted not in (None, CommentStatus.APPROVED) and not moderator:
        _refuse_moderation(caller)
    statuses = (wanted,) if wanted else tuple(CommentStatus) if moderator else (CommentStatus.APPROVED,)
    fingerprint = f"comments:{space.key}:{entry.id}:{','.join(statuses)}".encode()
    after = _after(core, fingerprint, cursor)
    found = await comments.list_comments(
        core.store, space.key, entry.id, statuses, after=after, limit=limit + 1, offset=offset
    )
    shown = found[:limit]
    last = (to_text(shown[-1].created_at), shown[-1].id) if len(found) > limit else None
    return CommentPage(
        items=[view_of(comment, moderator=moderator) for comment in shown],
        next=encode_cursor(core.secret, fingerprint, last) if last else None,
        total=await comments.count_comments(core.store, space.key, entry.id, statuses) if count else None,
    )


async def change_comment(
    core: Core, caller: Caller, space: Space, place: tuple[str, str, str], read_text: Callable[[], str], *,
    precondition: Precondition,
) -> CommentView:  # fmt: skip
    """Change the text of one's own comment, or of any as a moderator.

    Args:
        core: The services.
        caller: Who changes it.
        space: Where.
        place: Content type, entry and comment, as in the path.
        read_text: Gives the new text; called after the precondition.
        precondition: Called with the comment as it is.

    Raises:
        NotFound, Unauthenticated, Forbidden, PreconditionRequired, Stale, InvalidInput: In this order.
    """
    scope, before = await _found(core, caller, space, place)
    _require_own(scope, before)
    precondition(before)
    text = read_text()
    _check_text(text)
    after = structs.replace(before, text=text, version=before.version + 1, updated_at=core.clock.now())
    return await _replace(scope, after, "comment.updated")


async def moderate_comment(
    core: Core, caller: Caller, space: Space, place: tuple[str, str, str], status: CommentStatus
) -> CommentView:
    """Approve or reject a comment, or mark it as spam; who may update entries of the type moderates them."""
    scope, before = await _found(core, caller, space, place)
    if not may_moderate(scope):
        _refuse_moderation(caller)
    after = structs.replace(before, status=status, version=before.version + 1, updated_at=core.clock.now())
    return await _replace(scope, after, f"comment.{status.value}")


async def delete_comment(
    core: Core, caller: Caller, space: Space, place: tuple[str, str, str], *, precondition: Precondition
) -> None:
    """Delete one's own comment, or any as a moderator; answers to it move up to what it answered."""
    scope, before = await _found(core, caller, space, place)
    _require_own(scope, before)
    precondition(before)
    try:
        await core.store.commit([*comments.delete(before), event_of(core, caller, space, before, "comment.deleted")])
    except GuardFailed as error:
        raise Stale from error


def may_moderate(scope: Scope) -> bool:
    """Tell whether the caller moderates comments on entries of the type."""
    return scope.caller.actor.kind != "anonymous" and not scope.decide(Action.UPDATE).denied


def view_of(comment: Comment, *, moderator: bool) -> CommentView:
    """Return a comment as a reader, or a moderator, gets it."""
    author: dict[str, str | None] = {"id": comment.author_id, "name": comment.author_name}
    if moderator:
        author |= {"email": comment.author_email, "url": comment.author_url}
    return CommentView(
        id=comment.id,
        entry=comment.entry_id,
        parent=comment.parent_id,
        kind=comment.kind,
        status=comment.status,
        text=comment.text,
        author=author,
        version=comment.version,
        created_at=to_text(comment.created_at),
        updated_at=to_text(comment.updated_at),
    )


def event_of(core: Core, caller: Caller, space: Space, comment: Comment, kind: str) -> Statement:
    """Return the statement that notes what happened to a comment in the log."""
    return event_statement(
        Event(
            type=kind,
            space_key=space.key,
            subject_type="comment",
            subject_id=comment.id,
            version=comment.version,
            actor_id=caller.actor.id,
            at=core.clock.now(),
            request_id=caller.request_id,
            data={"entry": comment.entry_id, "status": comment.status},
        )
    )


async def _place(core: Core, caller: Caller, space: Space, type_name: str, id_or_slug: str) -> tuple[Scope, EntryRow]:
    """Return the entry, which the caller must be able to read and whose type must take comments."""
    scope = await scope_of(core, caller, space, type_name)
    if ENGAGEMENT not in scope.type.engagement:
        raise NotFound
    try:
        view = await find_in(scope, id_or_slug, Reading())
    except NotFound:
        view = await find_in(scope, id_or_slug, Reading(draft=True))
    entry = await find_any(scope, view.id)
    if entry is None or entry.trashed_at:
        raise NotFound
    return scope, entry


async def _found(core: Core, caller: Caller, space: Space, place: tuple[str, str, str]) -> tuple[Scope, Comment]:
    type_name, id_or_slug, comment_id = place
    scope, entry = await _place(core, caller, space, type_name, id_or_slug)
    comment = await comments.find_comment(core.store, space.key, comment_id) if is_id(comment_id) else None
    if comment is None or comment.entry_id != entry.id:
        raise NotFound
    own = caller.actor.id is not None and comment.author_id == caller.actor.id
    if comment.status is not CommentStatus.APPROVED and not own and not may_moderate(scope):
        raise NotFound
    return scope, comment


def _require_own(scope: Scope, comment: Comment) -> None:
    actor = scope.caller.actor
    if actor.kind == "anonymous":
        raise Unauthenticated("Log in first.")
    if comment.author_id != actor.id and not may_moderate(scope):
        raise Forbidden("Only its author and moderators may change a comment.")


def _refuse_moderation(caller: Caller) -> None:
    if caller.actor.kind == "anonymous":
        raise Unauthenticated("Log in as somebody who may update entries of this type.")
    raise Forbidden("Only who may update entries of this type moderates their comments.")


async def _check(core: Core, space: Space, entry: EntryRow, text: str, parent: str | None) -> None:
    _check_text(text)
    if parent is None:
        return
    answered = await comments.find_comment(core.store, space.key, parent) if is_id(parent) else None
    if answered is None or answered.entry_id != entry.id or answered.status is not CommentStatus.APPROVED:
        message = "There is no such comment on this entry to answer."
        raise InvalidInput(message, errors=(InputError("/parent", "unknown_comment", message),))


def _check_text(text: str) -> None:
    code, message = "", ""
    if not text.strip():
        code, message = "too_short", "must not be empty"
    elif len(text) > MAX_TEXT:
        code, message = "too_long", f"must have at most {MAX_TEXT} characters"
    elif has_control(text, lines=True):
        code, message = "control_character", "must not contain control characters"
    if code:
        raise InvalidInput(f"/text {message}.", errors=(InputError("/text", code, message),))


async def _replace(scope: Scope, after: Comment, kind: str) -> CommentView:
    core = scope.core
    try:
        await core.store.commit([comments.update(after), event_of(core, scope.caller, scope.space, after, kind)])
    except GuardFailed as error:
        raise Stale from error
    return view_of(after, moderator=may_moderate(scope))


def _after(core: Core, fingerprint: bytes, cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    values: list[Any] = decode_cursor(core.secret, fingerprint, cursor)
    return from_text(values[0]), values[1]


def _state(scope: Scope, made: Comment) -> CommentState:
    return CommentState(
        id=made.id,
        entry=made.entry_id,
        type=scope.type.name,
        space=scope.space.name,
        text=made.text,
        parent=made.parent_id,
        status=made.status,
        author_name=made.author_name,
    )
