"""Edit locks: one account alone may change an entry for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from maydan.access.actions import Action
from maydan.clock import to_text
from maydan.errors import Forbidden, NotFound, Unauthenticated
from maydan.operations.entries.holding import counts, require_unlocked
from maydan.operations.entries.loading import load
from maydan.operations.entries.storing import Outrun, until_stored
from maydan.operations.locking import may_know_holder, writer_of
from maydan.storage.locks import find_locks, release, take
from maydan.storage.ports import GuardFailed

if TYPE_CHECKING:
    from maydan.operations.scopes import Scope
    from maydan.storage.entries import EntryRow
    from maydan.storage.locks import Lock, Writer

DEFAULT_S: Final = 900
"""How long a lock lasts unless it is renewed."""


class Holder(Struct, frozen=True, kw_only=True):
    """The account that holds a lock."""

    id: str
    name: str


class LockView(Struct, frozen=True, kw_only=True):
    """A lock as somebody who may change the entry sees it."""

    entry: str
    holder: Holder | None
    """``null`` for whoever may not read drafts, unless it is the caller."""
    is_yours: bool
    taken_at: str
    expires_at: str


async def lock(scope: Scope, id_or_slug: str, *, duration_s: int = DEFAULT_S, take_over: bool = False) -> LockView:
    """Take the lock of an entry, or renew one's own.

    Args:
        scope: Who locks, before the entry's type.
        id_or_slug: Its id, or its newest slug.
        duration_s: How long from now.
        take_over: Take it from somebody else; for who may ``manage:space``.

    Raises:
        NotFound, Unauthenticated, Forbidden: The caller may not update the entry, or not take its lock over.
        Conflict: Somebody else holds it (``locked``).
    """

    async def attempt(_number: int) -> LockView:
        entry, writer = await _editable(scope, id_or_slug)
        if take_over and not scope.manages_space:
            raise Forbidden("Only who may manage the space takes over a lock.")
        expires_at = writer.at + timedelta(seconds=duration_s)
        batch = take(scope.space.key, entry.id, writer, expires_at, by_force=take_over)
        try:
            await scope.core.store.commit(batch)
        except GuardFailed as error:
            await require_unlocked(scope, [entry.id])
            raise Outrun from error
        taken = await _find(scope, entry, writer)
        if taken is None:
            raise Outrun
        return _view(scope, taken, writer)

    return await until_stored(attempt)


async def get_lock(scope: Scope, id_or_slug: str) -> LockView:
    """Return the lock of an entry that the caller may update.

    Raises:
        NotFound: Also where nobody holds it, or somebody who may not update the entry any more.
        Unauthenticated, Forbidden: The caller may not update the entry.
    """
    entry, writer = await _editable(scope, id_or_slug)
    found = await _find(scope, entry, writer)
    if found is None or not (found.holder_id == writer.holder or await counts(scope, found)):
        raise NotFound
    return _view(scope, found, writer)


async def unlock(scope: Scope, id_or_slug: str) -> None:
    """Free an entry; nothing happens where nobody holds it.

    Raises:
        NotFound, Unauthenticated: The caller may not update the entry.
        Forbidden: Somebody else holds it who may update the entry, and the caller may not manage the space.
    """
    entry, writer = await _editable(scope, id_or_slug)
    found = await _find(scope, entry, writer)
    if found is None:
        return
    if found.holder_id != writer.holder and not scope.manages_space and await counts(scope, found):
        raise Forbidden("Only its holder, and who may manage the space, frees a lock.")
    # Somebody may have taken it since: only that which was looked at is let go.
    await scope.core.store.commit([release(scope.space.key, entry.id, holder_id=found.holder_id)])


async def _editable(scope: Scope, id_or_slug: str) -> tuple[EntryRow, Writer]:
    entry = await load(scope, Action.UPDATE, id_or_slug)
    writer = writer_of(scope)
    if writer is None or writer.account_id is None:
        raise Unauthenticated("A lock belongs to an account; log in first.")
    return entry, writer


async def _find(scope: Scope, entry: EntryRow, writer: Writer) -> Lock | None:
    store = scope.core.store
    found = await find_locks(store, store, scope.space.key, [entry.id], at=writer.at)
    return found[0] if found else None


def _view(scope: Scope, found: Lock, writer: Writer) -> LockView:
    own = found.holder_id == writer.holder
    shown = own or may_know_holder(scope)
    return LockView(
        entry=found.entry_id,
        holder=Holder(id=found.holder_id, name=found.holder_name) if shown else None,
        is_yours=own,
        taken_at=to_text(found.taken_at),
        expires_at=to_text(found.expires_at),
    )
