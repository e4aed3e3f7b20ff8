"""Delete an entry to the trash, bring it back, or remove it for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maydan.access.actions import Action
from maydan.operations.entries.loading import find_any, load
from maydan.operations.entries.storing import Outrun, require_free_names, store, until_stored
from maydan.operations.entries.views import state_for_hooks, view_after_write
from maydan.operations.plans import cancel_statement
from maydan.operations.publication import status
from maydan.operations.rendering import document_keys
from maydan.operations.writing import Change, event_of
from maydan.storage import documents, entries
from maydan.storage.entries import Changes, changed
from maydan.storage.ports import GuardFailed

if TYPE_CHECKING:
    from maydan.operations.entries.loading import Precondition
    from maydan.operations.entries.storing import Seal, Veto
    from maydan.operations.entries.views import EntryView
    from maydan.operations.scopes import Scope
    from maydan.storage.entries import EntryRow


async def delete(
    scope: Scope,
    id_or_slug: str,
    *,
    precondition: Precondition,
) -> None:
    """Move an entry to the trash: no reader gets it, its slugs are free, and it can be brought back.

    Raises:
        NotFound, Unauthenticated, Forbidden, Stale, HookRefused: In this order; nothing is changed.
    """

    async def attempt(_number: int) -> None:
        before = await load(scope, Action.DELETE, id_or_slug)
        precondition(before.version)
        now = scope.core.clock.now()
        after = changed(before, Changes(published=None, trashed_at=now), at=now, by=scope.caller.actor.id)
        made = _change(scope, before, after, "entry.deleted")
        view = view_after_write(scope, after, None)
        more = [cancel_statement(scope.space.key, before.id)]
        await store(scope, made, view, veto=_veto(scope, before), seal=None, more=more)

    await until_stored(attempt)


async def restore(
    scope: Scope,
    entry_id: str,
    *,
    locale: str | None = None,
    seal: Seal | None = None,
) -> EntryView:
    """Bring an entry back from the trash, unpublished.

    Raises:
        NotFound, Unauthenticated, Forbidden: As for every verb.
        UniqueViolation: Another entry has taken its slug or one of its unique values.
    """

    async def attempt(number: int) -> EntryView:
        before = await load(scope, Action.DELETE, entry_id, trashed=True)
        after = changed(before, Changes(trashed_at=None), at=scope.core.clock.now(), by=scope.caller.actor.id)
        made = _change(scope, before, after, "entry.restored")
        if number:
            await require_free_names(scope, made)
        view = view_after_write(scope, after, locale)
        await store(scope, made, view, veto=None, seal=seal)
        return view

    return await until_stored(attempt)


async def purge(
    scope: Scope,
    id_or_slug: str,
    *,
    precondition: Precondition,
) -> None:
    """Remove an entry with all of its versions, for good; in the trash or not. Raises as :func:`delete`."""

    async def attempt(_number: int) -> None:
        found = await find_any(scope, id_or_slug)
        trashed = found is not None and found.trashed_at is not None
        before = await load(scope, Action.DELETE, id_or_slug, trashed=trashed)
        precondition(before.version)
        batch = [
            *entries.purge(before),
            *documents.drop(scope.type, scope.space.key, before.id, document_keys(scope.type, scope.space, before)),
            cancel_statement(scope.space.key, before.id),
            event_of(_change(scope, before, before, "entry.deleted", purged=True), scope.caller),
        ]
        veto = _veto(scope, before)
        try:
            async with scope.core.store.write_transaction() as transaction:
                if veto is not None:
                    await veto()
                await transaction.apply(batch)
        except GuardFailed as error:
            raise Outrun from error

    await until_stored(attempt)


def _change(scope: Scope, before: EntryRow, after: EntryRow, event: str, *, purged: bool = False) -> Change:
    return Change(
        space=scope.space,
        type=scope.type,
        before=before,
        after=after,
        event=event,
        at=scope.core.clock.now(),
        facts={"purged": True} if purged else {},
    )


def _veto(scope: Scope, before: EntryRow) -> Veto | None:
    hooks = scope.core.hooks
    if not hooks.listens("check_entry_delete", scope.space):
        return None
    state = state_for_hooks(scope.type, scope.space, before, status(scope.type, before))
    return lambda: hooks.check_entry_delete(scope.space, state, scope.caller.actor)
