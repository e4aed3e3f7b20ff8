"""Shares: let an account, a role or whoever has a link see, comment on or edit one entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from maydan.access.actions import Action
from maydan.access.actors import token_of
from maydan.access.policies import Role
from maydan.access.shared_rights import SHARED_ACTIONS, SharedRight
from maydan.accounts.administration import role_guard
from maydan.accounts.attempts import Attempt, Limit, network_key
from maydan.accounts.tokens import TokenKind, hash_token, kind_of, new_token
from maydan.clock import to_text
from maydan.errors import Conflict, Forbidden, InputError, InvalidInput, NotFound, Unauthenticated
from maydan.ids import is_id, new_id
from maydan.operations.entries.foreseeing import foresee_entries
from maydan.operations.entries.loading import find_any, load, permits
from maydan.operations.entries.views import reading_action
from maydan.operations.shared_rights import SCOPE
from maydan.operations.snapshots import brought_roles
from maydan.storage.acting import change_statement
from maydan.storage.entries import existing_targets
from maydan.storage.ports import GuardFailed, Statement
from maydan.storage.references import lock_rows
from maydan.storage.registry import find_space
from maydan.storage.revisions import bump
from maydan.storage.shares import (
    Rights,
    Share,
    count_named,
    delete_share,
    find_by_token,
    insert_share,
    list_of_entry,
)

if TYPE_CHECKING:
    from maydan.operations.scopes import Scope
    from maydan.storage.entries import EntryRow
    from maydan.storage.ports import Transaction

MOST_OF_ENTRY: Final = 100
"""Shares of one entry."""
MOST_NAMED: Final = 5_000
"""Shares of one space with accounts and roles: they are part of what every list of theirs is asked with."""
SHORTEST_PASSWORD: Final = 4
LONGEST_PASSWORD: Final = 256
_TRIES: Final = Limit(scope="share:password", count=10, window_s=300)
"""Wrong passwords for one link, from everywhere, as for one account."""
_FROM: Final = Limit(scope="share:address", count=30, window_s=300)
"""Wrong passwords for links from one address."""
_UNSHARED_ROLES: Final = frozenset({Role.ANONYMOUS.value, Role.ADMINISTRATOR.value})
_UNKNOWN_ROLE: Final = InputError("/role", "unknown_role", "The space has no such role to share with.")


class ShareInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is let do what; exactly one of ``user``, ``role`` and ``link``."""

    rights: Rights
    user: str | None = None
    """The id of an account."""
    role: str | None = None
    """The name of a role of the space."""
    link: bool = False
    """Whoever has the token that is answered."""
    expires_at: datetime | None = None
    """Absent: until it is ended."""
    password: str | None = None
    """Of a link: asked for in the header ``Share-Password``."""


class ShareView(Struct, frozen=True, kw_only=True):
    """A share as those see it who may make them."""

    id: str
    entry: str
    user: str | None
    role: str | None
    link: bool
    rights: Rights
    has_password: bool
    created_at: str
    created_by: str
    """By whose rights it goes: never more than they have at the moment."""
    expires_at: str | None


class NewShareView(ShareView, frozen=True, kw_only=True):
    """A share that was just made."""

    token: str | None
    """Of a link, shown this once; ``null`` for others."""


class SharePage(Struct, frozen=True, kw_only=True):
    """The shares of an entry, the newest first; never more than 100, so there is no next page."""

    items: list[ShareView]
    next: None = None


Seal = Callable[[NewShareView], Sequence[Statement]]


async def create_share(
    scope: Scope, id_or_slug: str, read_input: Callable[[], ShareInput], *, seal: Seal | None = None
) -> NewShareView:
    """Let others do something with an entry, for as long as the caller may do it themselves.

    Args:
        scope: Who shares, before the entry's type.
        id_or_slug: The entry.
        read_input: Gives what is shared; called once the caller is known to be allowed.
        seal: What to store with it for the caller.

    Raises:
        NotFound, Unauthenticated, Forbidden: The caller may not update the entry, or shares what they do not hold.
        InvalidInput: There is no such account or role, or the share would be over already.
        Conflict: There are too many shares (``too_many_shares``).
    """
    entry = await _sharable(scope, id_or_slug)
    given, now = read_input(), scope.core.clock.now()
    _require_held(scope, entry, given.rights)
    await _check(scope, given)
    token = new_token(TokenKind.SHARE) if given.link else None
    password = None if given.password is None else await scope.core.accounts.passwords.hash(given.password)
    actor = scope.caller.actor
    assert actor.id is not None
    share = Share(
        id=new_id(), space_key=scope.space.key, type_key=scope.type.key, entry_id=entry.id,
        kind="link" if given.link else "user" if given.user is not None else "role", target=given.user or given.role,
        rights=given.rights, password=password, maker_id=actor.id, maker_scope=actor.scope,
        maker_token=token_of(actor), created_at=now, expires_at=given.expires_at,
    )  # fmt: skip
    view = _new_view(share, token)
    made = [
        insert_share(share, token_hash=None if token is None else hash_token(token)),
        *_noted(scope, share, "created"),
    ]
    batch = [*made, *(seal(view) if seal else ())]

    async def work(transaction: Transaction) -> None:
        await _require_room(scope, transaction, share)
        await _hold_role(scope, transaction, given)
        await transaction.apply(batch)

    await scope.core.store.retrying(work)
    return view


async def list_shares(scope: Scope, id_or_slug: str) -> SharePage:
    """Return the shares of an entry to whoever may make some, those that are over too.

    Raises:
        NotFound, Unauthenticated, Forbidden: The caller may not update the entry by their own rights.
    """
    entry = await _sharable(scope, id_or_slug)
    store = scope.core.store
    return SharePage(items=[_view(share) for share in await list_of_entry(store, store, scope.space.key, entry.id)])


async def read_share(scope: Scope, id_or_slug: str, share_id: str) -> ShareView:
    """Return one share of an entry to whoever may make some, also when it is over.

    Raises:
        NotFound: Also where the entry has no such share.
        Unauthenticated, Forbidden: The caller may not update the entry by their own rights.
    """
    return _view(await _find(scope, await _sharable(scope, id_or_slug), share_id))


async def end_share(scope: Scope, id_or_slug: str, share_id: str) -> None:
    """End a share, from the next request on; for its maker, and for who manages members.

    Raises:
        NotFound: Also where the entry has no such share.
        Unauthenticated, Forbidden: The caller may not.
    """
    share = await _find(scope, await _sharable(scope, id_or_slug), share_id)
    if share.maker_id != scope.caller.actor.id and not scope.manages_members:
        raise Forbidden("Only whoever made a share, and who manages members, ends it.")
    try:
        await scope.core.store.commit([delete_share(scope.space.key, share.id), *_noted(scope, share, "deleted")])
    except GuardFailed:
        raise NotFound from None


async def _find(scope: Scope, entry: EntryRow, share_id: str) -> Share:
    store = scope.core.store
    for share in await list_of_entry(store, store, scope.space.key, entry.id):
        if share.id == share_id:
            return share
    raise NotFound


async def open_link(
    scope: Scope, id_or_slug: str, token: str, *, password: str | None, address: str
) -> tuple[Scope, str]:
    """Return the caller with what a link lets them do, and the id of its entry.

    Args:
        scope: Who has the link, before the type in the path.
        id_or_slug: The entry in the path, which must be that of the link.
        token: Of the link.
        password: As it was given; ``None`` where it was not.
        address: From where, for counting wrong passwords.

    Raises:
        NotFound: The link is none, is over, leads to something else, or whoever made it may not do that any more.
        Unauthenticated: Its password is missing or wrong (``share_password``).
        TooManyRequests: Too many wrong ones.
    """
    core, share = scope.core, None
    if kind_of(token) is TokenKind.SHARE:
        share = await find_by_token(core.store, scope.space.key, hash_token(token))
    if share is None or share.type_key != scope.type.key or _is_over(share, core.clock.now()):
        raise NotFound
    maker = await core.authenticator.of_account(share.maker_id, share.maker_scope, token_id=share.maker_token)
    if maker is None:
        raise NotFound
    link = SharedRight(maker=maker, actions=SHARED_ACTIONS[share.rights], ids=(share.entry_id,), by_link=True)
    linked = scope.through(link)
    entry = await find_any(linked, id_or_slug)
    if entry is None or entry.trashed_at is not None or entry.id != share.entry_id:
        raise NotFound
    await foresee_entries(linked, entry)
    if not permits(linked, linked.decide_shared(link, reading_action(scope.type)), entry):
        raise NotFound
    if share.password is not None:
        await _check_password(scope, share, password, address)
    return linked, entry.id


async def _check_password(scope: Scope, share: Share, password: str | None, address: str) -> None:
    if password is None:
        raise Unauthenticated("This link needs its password, in the header Share-Password.", code="share_password")
    accounts = scope.core.accounts
    for_share, for_address = Attempt(limit=_TRIES, key=share.id), Attempt(limit=_FROM, key=network_key(address))
    # Counted before it is tried, so that many at once cannot all slip through.
    async with accounts.attempts.judging(for_address, for_share):
        if not await accounts.passwords.verify(password[: LONGEST_PASSWORD + 1], share.password):
            raise Unauthenticated("This is not the password of the link.", code="share_password")
        await accounts.attempts.forgive(returned=(for_address, for_share))


async def _sharable(scope: Scope, id_or_slug: str) -> EntryRow:
    """Return an entry that the caller may update by their own rights: nobody passes on what was shared with them."""
    entry = await load(scope, Action.UPDATE, id_or_slug)
    if scope.caller.actor.id is None:
        raise Unauthenticated("A share goes by the rights of an account; log in first.")
    if not permits(scope, scope.own(Action.UPDATE), entry):
        scope.refuse(Action.UPDATE)
    return entry


def _require_held(scope: Scope, entry: EntryRow, rights: Rights) -> None:
    needed = [reading_action(scope.type)]
    if rights != "view" and "comments" in scope.type.engagement:
        needed.append(Action.COMMENT)
    for action in needed:
        if not permits(scope, scope.own(action), entry):
            raise Forbidden(f"You cannot share what you do not hold: {action} on this entry.")


async def _check(scope: Scope, given: ShareInput) -> None:
    problems: list[InputError] = []
    if [given.user is not None, given.role is not None, given.link].count(True) != 1:
        problems.append(InputError("", "contradiction", "Give exactly one of user, role and link (true)."))
    if given.user is not None and not await _is_account(scope, given.user):
        problems.append(InputError("/user", "unknown_account", "There is no such account."))
    if given.role is not None and (given.role not in scope.role_names or given.role in _UNSHARED_ROLES):
        problems.append(_UNKNOWN_ROLE)
    if given.expires_at is not None:
        if given.expires_at.tzinfo is None:
            problems.append(InputError("/expires_at", "invalid_datetime", "must have an offset, such as Z"))
        elif given.expires_at <= scope.core.clock.now():
            problems.append(InputError("/expires_at", "in_the_past", "must lie in the future"))
    if given.password is not None:
        problems += _password_problems(given)
    if problems:
        raise _refusal(problems)


def _refusal(problems: Sequence[InputError]) -> InvalidInput:
    first = problems[0]
    return InvalidInput(f"{first.pointer} {first.message}".strip(), errors=tuple(problems))


def _password_problems(given: ShareInput) -> list[InputError]:
    if not given.link:
        return [InputError("/password", "contradiction", "Only a link has a password.")]
    length = len(given.password or "")
    if SHORTEST_PASSWORD <= length <= LONGEST_PASSWORD and (given.password or "").isprintable():
        return []
    about = f"must be {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} printable characters"
    return [InputError("/password", "bad_password", about)]


async def _is_account(scope: Scope, account_id: str) -> bool:
    return is_id(account_id) and await scope.core.accounts.people.find(account_id) is not None


async def _require_room(scope: Scope, transaction: Transaction, share: Share) -> None:
    """Refuse one share too many, and one of an entry that is gone; who makes or deletes one at this moment waits."""
    is_named, space_key, ids = share.kind != "link", share.space_key, (share.entry_id,)
    if is_named:
        await find_space(transaction, scope.space.name, lock=True)
    await lock_rows(transaction, space_key, ids)
    if not await existing_targets(transaction, space_key, ids):
        raise NotFound
    held = await list_of_entry(transaction, scope.core.store, space_key, share.entry_id)
    if len(held) >= MOST_OF_ENTRY or (
        is_named and await count_named(transaction, space_key, at=share.created_at) >= MOST_NAMED
    ):
        raise Conflict("There are too many shares; end some that are not needed any more.", code="too_many_shares")


async def _hold_role(scope: Scope, transaction: Transaction, given: ShareInput) -> None:
    roles = () if given.role is None else (given.role,)
    brought = brought_roles(scope.core.host, scope.space)
    try:
        await transaction.apply(role_guard(scope.space.key, roles, brought=brought))
    except GuardFailed as error:
        raise _refusal([_UNKNOWN_ROLE]) from error


def _noted(scope: Scope, share: Share, what: str) -> list[Statement]:
    data = {"entry": share.entry_id, "type": scope.type.name, "kind": share.kind, "rights": share.rights}
    noted = change_statement(
        f"share.{what}", ("share", share.id), at=scope.core.clock.now(), space_key=share.space_key,
        data=data if share.target is None else {**data, "target": share.target},
    )  # fmt: skip
    return [noted] if share.kind == "link" else [noted, bump(SCOPE)]


def _is_over(share: Share, now: datetime) -> bool:
    return share.expires_at is not None and share.expires_at <= now


def _view(share: Share) -> ShareView:
    return ShareView(**_members(share))


def _new_view(share: Share, token: str | None) -> NewShareView:
    return NewShareView(**_members(share), token=token)


def _members(share: Share) -> dict[str, Any]:
    return {
        "id": share.id,
        "entry": share.entry_id,
        "user": share.target if share.kind == "user" else None,
        "role": share.target if share.kind == "role" else None,
        "link": share.kind == "link",
        "rights": share.rights,
        "has_password": share.password is not None,
        "created_at": to_text(share.created_at),
        "created_by": share.maker_id,
        "expires_at": None if share.expires_at is None else to_text(share.expires_at),
    }
