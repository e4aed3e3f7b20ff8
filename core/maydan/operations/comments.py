"""The verbs of comments: write, read, change, moderate, delete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import structs

from maydan.access.actions import Action
from maydan.clock import from_text, to_text
from maydan.content.cursors import decode_cursor, encode_cursor
from maydan.content.text import has_control
from maydan.engagement import comments
from maydan.engagement.comments import MAX_TEXT, Comment, CommentStatus
from maydan.errors import Forbidden, InputError, InvalidInput, NotFound, Unauthenticated
from maydan.ids import is_id, new_id
from maydan.operations.comment_views import CommentPage, CommentView, state_of, view_of
from maydan.operations.entries.foreseeing import foresee_entries
from maydan.operations.entries.loading import find_any, permits
from maydan.operations.entries.reading import Reading, find
from maydan.operations.entries.storing import Outrun, until_stored
from maydan.operations.entries.views import state_for_hooks
from maydan.operations.publication import status
from maydan.operations.writing import reason_of
from maydan.storage.log import Event, event_statement
from maydan.storage.ports import GuardFailed, Statement
from maydan.storage.references import revision_guard, target_guard

if TYPE_CHECKING:
    from datetime import datetime

    from maydan.access.decisions import Decision
    from maydan.operations.core import Core
    from maydan.operations.scopes import Scope
    from maydan.storage.entries import EntryRow
    from maydan.storage.ports import Transaction

ENGAGEMENT = "comments"
"""What a type declares so that its entries can be commented on."""
Seal = Callable[["CommentView"], Sequence[Statement]]
Precondition = Callable[[Comment], None]
Place = tuple[str, str]
"""Id or slug of the entry, and id of the comment, as in the path."""


async def create_comment(
    scope: Scope,
    id_or_slug: str,
    *,
    read_input: Callable[[], tuple[str, str | None]],
    seal: Seal | None = None,
) -> CommentView:
    """Write a comment on an entry; what nobody who is logged in wrote waits for a moderator.

    Args:
        scope: Who writes, where, on entries of which type.
        id_or_slug: The entry.
        read_input: Gives the text and the comment that it answers; called once the caller is known to be allowed.
        seal: What to store with it for the caller.

    Raises:
        NotFound: No such entry for this caller, or its type takes no comments.
        Unauthenticated, Forbidden: The caller may not comment.
        InvalidInput: The text or the parent is not acceptable.
        HookRefused: A plugin said no.
    """

    async def attempt(_number: int) -> CommentView:
        entry = await _place(scope, id_or_slug)
        decision = scope.require(Action.COMMENT)
        await foresee_entries(scope, entry)
        if not permits(scope, decision, entry):
            scope.refuse(Action.COMMENT)
        text, parent = read_input()
        await _check(scope, entry, text, parent)
        made = _new_comment(scope, entry, text, parent)
        view = view_of(made, moderator=may_moderate(scope, entry))
        held = [*_held(scope, entry, decision), *comments.parent_guard(scope.space.key, parent)]
        try:
            await store_comment(scope, entry, made, [*held, *(seal(view) if seal else ())])
        except GuardFailed as error:
            raise Outrun from error
        finally:
            scope.targets.forget()
        return view

    return await until_stored(attempt)


def _held(scope: Scope, entry: EntryRow, decision: Decision) -> list[Statement]:
    """Hold on to the entry; also to what it holds and what its relations lead to, as far as that gave the right."""
    if decision.unconditional:
        return target_guard(scope.space.key, [entry.id])
    return [*revision_guard(scope.space.key, {entry.id: entry.revision}), *scope.targets.guards(scope.space.key)]


def _new_comment(scope: Scope, entry: EntryRow, text: str, parent: str | None) -> Comment:
    actor, now = scope.caller.actor, scope.core.clock.now()
    return Comment(
        id=new_id(),
        space_key=scope.space.key,
        type_key=scope.type.key,
        entry_id=entry.id,
        parent_id=parent,
        kind="comment",
        status=CommentStatus.WAITING if actor.kind == "anonymous" else CommentStatus.APPROVED,
        text=text,
        author_id=actor.id,
        author_name=actor.name,
        author_email="",
        author_url="",
        version=1,
        created_at=now,
        updated_at=now,
    )


async def store_comment(scope: Scope, entry: EntryRow, made: Comment, more: Sequence[Statement] = ()) -> None:
    """Store a new comment with its event, after the hooks agreed."""
    core, hooks = scope.core, scope.core.hooks
    batch = [comments.insert(made), event_of(scope, made, "comment.created"), *more]
    batch.sort(key=lambda statement: statement.expect is None)
    if not hooks.listens("check_comment_create", scope.space):
        await core.store.commit(batch)
        return
    shown = state_of(scope, made)
    state = state_for_hooks(scope.type, scope.space, entry, status(scope.type, entry))
    async with core.store.write_transaction() as transaction:
        await hooks.check_comment_create(scope.space, shown, state, scope.caller.actor)
        await transaction.apply(batch)


async def list_comments(
    scope: Scope,
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
    core, space = scope.core, scope.space
    entry = await _place(scope, id_or_slug)
    moderator = may_moderate(scope, entry)
    if wanted not in (None, CommentStatus.APPROVED) and not moderator:
        _refuse_moderation(scope)
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


async def read_comment(scope: Scope, place: Place) -> CommentView:
    """Return one comment: an approved one, one's own, or any to a moderator.

    Raises:
        NotFound: No such entry or comment for this caller.
    """
    entry, comment = await _found(scope, place)
    return view_of(comment, moderator=may_moderate(scope, entry))


async def change_comment(
    scope: Scope, place: Place, read_text: Callable[[], str], *, precondition: Precondition
) -> CommentView:
    """Change the text of one's own comment, or of any as a moderator.

    Args:
        scope: Who changes it, where, on an entry of which type.
        place: The entry and the comment.
        read_text: Gives the new text; called after the precondition.
        precondition: Called with the comment as it is.

    Raises:
        NotFound, Unauthenticated, Forbidden, PreconditionRequired, Stale, InvalidInput: In this order.
    """

    async def attempt(_number: int) -> CommentView:
        entry, before = await _found(scope, place)
        held = _require_own(scope, entry, before)
        precondition(before)
        text = read_text()
        _check_text(text)
        after = structs.replace(before, text=text, version=before.version + 1, updated_at=scope.core.clock.now())
        noted = event_of(scope, after, "comment.updated", was=before.status)
        view = view_of(after, moderator=may_moderate(scope, entry))
        await _store(scope, [*held, comments.update(after), noted])
        return view

    return await until_stored(attempt)


async def moderate_comment(scope: Scope, place: Place, status: CommentStatus) -> CommentView:
    """Approve or reject a comment, or mark it as spam; who may update the entry moderates its comments."""

    async def attempt(_number: int) -> CommentView:
        entry, before = await _found(scope, place)
        if not may_moderate(scope, entry):
            _refuse_moderation(scope)
        held = _held(scope, entry, scope.own(Action.UPDATE))
        after = structs.replace(before, status=status, version=before.version + 1, updated_at=scope.core.clock.now())
        noted = event_of(scope, after, f"comment.{status.value}", was=before.status)
        await _store(scope, [*held, comments.update(after), noted])
        return view_of(after, moderator=True)

    return await until_stored(attempt)


async def delete_comment(scope: Scope, place: Place, *, precondition: Precondition) -> None:
    """Delete one's own comment, or any as a moderator; answers to it move up to what it answered."""

    async def attempt(_number: int) -> None:
        entry, before = await _found(scope, place)
        held = _require_own(scope, entry, before)
        precondition(before)
        parent = comments.parent_guard(scope.space.key, before.parent_id)
        noted = event_of(scope, before, "comment.deleted", was=before.status)
        gone = [*held, *parent, comments.delete(before)]
        await _store(scope, gone, [comments.move_answers_up(before), noted])

    await until_stored(attempt)


def may_moderate(scope: Scope, entry: EntryRow) -> bool:
    """Tell whether the caller moderates the comments on an entry, which was foreseen: who may update it does."""
    return scope.caller.actor.kind != "anonymous" and permits(scope, scope.own(Action.UPDATE), entry)


def event_of(scope: Scope, comment: Comment, kind: str, *, was: CommentStatus | None = None) -> Statement:
    """Return the statement that notes what happened to a comment in the log; ``was`` is how it stood before."""
    return event_statement(
        Event(
            type=kind,
            space_key=comment.space_key,
            subject_type="comment",
            subject_id=comment.id,
            version=comment.version,
            actor_id=scope.caller.actor.id,
            at=scope.core.clock.now(),
            request_id=scope.caller.request_id,
            data={
                "entry": comment.entry_id,
                "type": scope.type.name,
                "status": comment.status,
                **({"was": was} if was else {}),
                **reason_of(scope.caller),
            },
        )
    )


async def _place(scope: Scope, id_or_slug: str) -> EntryRow:
    """Return the entry, which the caller must be able to read and whose type must take comments."""
    if ENGAGEMENT not in scope.type.engagement:
        raise NotFound
    try:
        view = await find(scope, id_or_slug, Reading())
    except NotFound:
        view = await find(scope, id_or_slug, Reading(draft=True))
    entry = await find_any(scope, view.id)
    if entry is None or entry.trashed_at:
        raise NotFound
    return entry


async def _found(scope: Scope, place: Place) -> tuple[EntryRow, Comment]:
    id_or_slug, comment_id = place
    entry = await _place(scope, id_or_slug)
    comment = None
    if is_id(comment_id):
        comment = await comments.find_comment(scope.core.store, scope.space.key, comment_id)
    if comment is None or comment.entry_id != entry.id:
        raise NotFound
    actor_id = scope.caller.actor.id
    own = actor_id is not None and comment.author_id == actor_id
    if comment.status is not CommentStatus.APPROVED and not own and not may_moderate(scope, entry):
        raise NotFound
    return entry, comment


def _require_own(scope: Scope, entry: EntryRow, comment: Comment) -> list[Statement]:
    """Refuse who may not change a comment; returns what its change must hold on to."""
    actor = scope.caller.actor
    if actor.kind == "anonymous":
        raise Unauthenticated("Log in first.")
    # A token that only reads changes nothing, and who may not comment any more rewrites nothing.
    commenting = scope.decide(Action.COMMENT)
    if comment.author_id == actor.id and permits(scope, commenting, entry):
        return _held(scope, entry, commenting)
    if not may_moderate(scope, entry):
        raise Forbidden("Only its author, while they may comment, and moderators may change a comment.")
    return _held(scope, entry, scope.own(Action.UPDATE))


def _refuse_moderation(scope: Scope) -> None:
    if scope.caller.actor.kind == "anonymous":
        raise Unauthenticated("Log in as somebody who may update this entry.")
    raise Forbidden("Only who may update this entry moderates its comments.")


async def _check(scope: Scope, entry: EntryRow, text: str, parent: str | None) -> None:
    _check_text(text)
    if parent is None:
        return
    answered = None
    if is_id(parent):
        answered = await comments.find_comment(scope.core.store, scope.space.key, parent)
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


async def _store(scope: Scope, *batches: Sequence[Statement]) -> None:
    """Store all or nothing; each batch sees what others stored for which those before it waited."""

    async def work(transaction: Transaction) -> None:
        for batch in batches:
            await transaction.apply(batch)

    try:
        await scope.core.store.retrying(work)
    except GuardFailed as error:
        raise Outrun from error
    finally:
        scope.targets.forget()


def _after(core: Core, fingerprint: bytes, cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    values: list[Any] = decode_cursor(core.secret, fingerprint, cursor)
    return from_text(values[0]), values[1]
