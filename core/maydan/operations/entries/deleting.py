"""Delete an entry to the trash or for good, with what follows for the entries that link to it, all at once or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from maydan.access.actions import Action
from maydan.errors import Conflict, NotFound
from maydan.operations.entries.consequences import Consequences, beside_of, consequences, unlinked
from maydan.operations.entries.holding import require_unlocked
from maydan.operations.entries.input import changed_names
from maydan.operations.entries.loading import find_any, load
from maydan.operations.entries.references import Reference, visible_references
from maydan.operations.entries.storing import Veto, outrun_by, until_stored
from maydan.operations.entries.views import state_for_hooks
from maydan.operations.locking import writer_of
from maydan.operations.plans import cancel_statement
from maydan.operations.publication import status
from maydan.operations.rendering import document_keys
from maydan.operations.writing import Change, batch_of, event_of
from maydan.storage import documents, entries
from maydan.storage.entries import Changes, changed
from maydan.storage.locks import release
from maydan.storage.ports import Duplicate, GuardFailed, Statement
from maydan.storage.registry import type_guard

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from maydan.operations.entries.loading import Precondition
    from maydan.operations.scopes import Scope
    from maydan.storage.entries import EntryRow
    from maydan.storage.ports import Transaction
    from maydan.storage.references import LinkRow

_FORGET_COMMENTS: Final = (
    "DELETE FROM maydan_imports WHERE space_key = ? AND target_id IN"
    " (SELECT id FROM maydan_comments WHERE space_key = ? AND entry_id = ?)"
)
"""What importers remember of an entry's comments; before those go."""


class Affected(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An entry that a deletion would concern."""

    type: str
    id: str
    field: str | None = None
    """The field that links to what is deleted; absent for the entry that the deletion is about."""


class Plan(Struct, frozen=True, kw_only=True):
    """What a deletion would do, as far as it follows from links that the caller may read."""

    deletes: list[Affected]
    """What would go to the trash, the entry itself first."""
    nullifies: list[Affected]
    """What would lose its link."""
    refused_by: list[Affected]
    """What is in the way; while there is anything, the deletion is refused."""


async def plan_delete(scope: Scope, id_or_slug: str, *, precondition: Precondition, nullify: bool = False) -> Plan:
    """Return what :func:`delete` would do now; raises as that, but for the 409 that the plan is there to explain."""

    async def attempt(_number: int) -> Plan:
        entry = await load(scope, Action.DELETE, id_or_slug)
        precondition(entry.version)
        found = await consequences(scope, entry, nullify=nullify, lock=False, as_seen=True)
        itself = Affected(type=scope.type.name, id=entry.id)
        return Plan(
            deletes=[itself, *await _seen(scope, found.causes)],
            nullifies=await _seen(scope, found.nullifies),
            refused_by=await _seen(scope, found.refused_by),
        )

    return await until_stored(attempt)


async def _seen(scope: Scope, rows: Sequence[LinkRow]) -> list[Affected]:
    visible = await visible_references(scope, rows)
    keys = dict.fromkeys((row.source_id, row.field_id) for row in rows)
    return [_affected(visible[key]) for key in keys if key in visible]


def _affected(reference: Reference) -> Affected:
    return Affected(type=reference.type, id=reference.id, field=reference.field)


async def delete(scope: Scope, id_or_slug: str, *, precondition: Precondition, nullify: bool = False) -> str:
    """Move an entry to the trash: no reader gets it, its slugs are free, and it can be brought back.

    What links to it follows the rule of its relation (``on_delete``), all in one transaction: nothing, or everything.

    Args:
        scope: Who deletes, before the entry's type.
        id_or_slug: Its id, or its newest slug.
        precondition: Called with the newest version before anything is judged.
        nullify: Take out the links that would be in the way, from entries that the caller may update.
    Returns:
        Its id.
    Raises:
        NotFound, Unauthenticated, Forbidden, Stale, HookRefused: In this order; nothing is changed.
        Conflict: Other entries link to it and do not let it go, or somebody else has locked one that would change.
    """

    async def attempt(_number: int) -> str:
        before = await load(scope, Action.DELETE, id_or_slug)
        precondition(before.version)
        await _store(scope, before, nullify=nullify, purge=False)
        return before.id

    return await until_stored(attempt)


async def purge(
    scope: Scope,
    id_or_slug: str,
    *,
    precondition: Precondition,
    nullify: bool = False,
    trashed_before: datetime | None = None,
) -> None:
    """Remove an entry with all of its versions, for good; in the trash or not.

    What is deleted with it goes to the trash. Raises as :func:`delete`.

    Args:
        scope: Who removes it, before the entry's type.
        id_or_slug: Its id, or its newest slug.
        precondition: Called with the newest version before anything is judged.
        nullify: As for :func:`delete`.
        trashed_before: Only if it has been in the trash since before this moment; ``None`` is whatever it is.
    """

    async def attempt(_number: int) -> None:
        found = await find_any(scope, id_or_slug)
        trashed = found is not None and found.trashed_at is not None
        before = await load(scope, Action.DELETE, id_or_slug, trashed=trashed)
        if trashed_before and not (before.trashed_at and before.trashed_at < trashed_before):
            raise NotFound
        precondition(before.version)
        await _store(scope, before, nullify=nullify, purge=True)

    await until_stored(attempt)


async def _store(scope: Scope, entry: EntryRow, *, nullify: bool, purge: bool) -> None:
    """Work out what follows with the entry held, ask the plugins, and store all of it."""

    async def work(transaction: Transaction) -> None:
        found = Consequences(deletes={entry.id: entry})
        if entry.trashed_at is None:
            found = await consequences(scope, entry, nullify=nullify, lock=True)
        if found.refused_by:
            raise await _refusal(scope, found)
        await require_unlocked(scope, [*found.deletes, *(row.source_id for row in found.nullifies)])
        if seen := scope.targets.guards(scope.space.key):
            await transaction.apply([type_guard(scope.space, scope.type), *seen])
        for gone in found.deletes.values():
            await _delete_one(scope, transaction, gone, cause=entry, purge=purge and gone is entry)
        for source_id in dict.fromkeys(row.source_id for row in found.nullifies):
            rows = [row for row in found.nullifies if row.source_id == source_id]
            await _nullify_one(scope, transaction, found.sources[source_id], rows, cause=entry)

    try:
        await scope.core.store.retrying(work)
    except (GuardFailed, Duplicate) as error:
        raise outrun_by(error) from error
    finally:
        scope.targets.forget()


async def _refusal(scope: Scope, found: Consequences) -> Conflict:
    return Conflict(
        "Other entries link to this one and do not let it go; take the links out, or delete with on_reference=nullify"
        " where nothing that links to it requires it.",
        code="referenced",
        refused_by=await _seen(scope, found.refused_by),
    )


async def _delete_one(
    scope: Scope, transaction: Transaction, before: EntryRow, *, cause: EntryRow, purge: bool
) -> None:
    scope = beside_of(scope, before.type_key)
    now = scope.core.clock.now()
    after = before
    facts: dict[str, Any] = {} if before is cause else {"cause": cause.id}
    if purge:
        facts["purged"] = True
    else:
        after = changed(before, Changes(published=None, trashed_at=now), at=now, by=scope.caller.actor.id)
    made = Change(
        space=scope.space, type=scope.type, before=before, after=after, event="entry.deleted", at=now, facts=facts
    )
    veto = _delete_veto(scope, before)
    if veto is not None:
        await veto()
    rows = _purged(scope, made) if purge else batch_of(made, scope.caller, writer_of(scope))
    guard, unlock = type_guard(scope.space, scope.type), release(scope.space.key, before.id)
    await transaction.apply([guard, *rows, unlock, cancel_statement(scope.space.key, before.id)])


def _purged(scope: Scope, made: Change) -> list[Statement]:
    entry, keys = made.after, document_keys(scope.type, scope.space, made.after)
    where = (scope.space.key, entry.id)
    return [
        *entries.purge(entry, writer=writer_of(scope)),
        Statement("DELETE FROM maydan_imports WHERE space_key = ? AND target_id = ?", where),
        Statement(_FORGET_COMMENTS, (scope.space.key, *where)),
        *documents.drop(scope.type, scope.space.key, entry.id, keys),
        Statement("DELETE FROM maydan_comments WHERE space_key = ? AND entry_id = ?", where),
        event_of(made, scope.caller),
    ]


async def _nullify_one(
    scope: Scope, transaction: Transaction, before: EntryRow, rows: list[LinkRow], *, cause: EntryRow
) -> None:
    scope = beside_of(scope, before.type_key)
    now = scope.core.clock.now()
    after = unlinked(scope, before, rows, at=now)
    names = changed_names(scope.type, before.body, after.body)
    facts = {"fields": names, "cause": cause.id, "published": after.published != before.published}
    made = Change(
        space=scope.space, type=scope.type, before=before, after=after, event="entry.updated", at=now, facts=facts,
        conditional=scope.reads_conditionally,
    )  # fmt: skip
    hooks = scope.core.hooks
    if hooks.listens("check_entry_update", scope.space):
        old = state_for_hooks(scope.type, scope.space, before, status(scope.type, before))
        new = state_for_hooks(scope.type, scope.space, after, status(scope.type, after))
        await hooks.check_entry_update(scope.space, old, new, scope.caller.actor)
    await transaction.apply([type_guard(scope.space, scope.type), *batch_of(made, scope.caller, writer_of(scope))])


def _delete_veto(scope: Scope, before: EntryRow) -> Veto | None:
    hooks = scope.core.hooks
    if not hooks.listens("check_entry_delete", scope.space):
        return None
    state = state_for_hooks(scope.type, scope.space, before, status(scope.type, before))
    return lambda: hooks.check_entry_delete(scope.space, state, scope.caller.actor)
