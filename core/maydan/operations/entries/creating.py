"""Create an entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maydan.access.actions import Action
from maydan.content.stored import slugs_of
from maydan.content.values import read_input
from maydan.ids import new_id
from maydan.operations.entries.completeness import require_complete
from maydan.operations.entries.foreseeing import foresee_entries
from maydan.operations.entries.input import hidden_fields, require_targets, require_writable, transformed, with_slugs
from maydan.operations.entries.locales import require_locale
from maydan.operations.entries.storing import require_free_names, store, until_stored
from maydan.operations.entries.views import newest_document, state_for_hooks, view_after_write
from maydan.operations.timers import timer_statements
from maydan.operations.writing import Change
from maydan.storage.entries import EntryRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.operations.entries.storing import Seal, Veto
    from maydan.operations.entries.views import EntryView
    from maydan.operations.scopes import Scope
    from maydan.storage.ports import Statement


async def create(
    scope: Scope,
    data: dict[str, Any],
    *,
    locale: str | None = None,
    seal: Seal | None = None,
    more: Sequence[Statement] = (),
    entry_id: str | None = None,
) -> EntryView:
    """Store a new entry, as a draft where its type has drafts.

    Args:
        scope: Who creates it, where, of which type.
        data: The input by field name.
        locale: The locale of plain values for localised fields; ``None`` is the default locale.
        seal: What to store with it for the caller.
        more: Further statements of the same transaction.
        entry_id: An id made before; only for importers.

    Raises:
        NotFound: The caller does not see the type.
        Unauthenticated: Nobody is logged in, and nobody may.
        Forbidden: The caller may not create here, or not with these values.
        InvalidInput: With every place that is not acceptable.
        UniqueViolation: Another entry has the slug or a unique value.
        HookRefused: A plugin said no.
    """
    scope.require(Action.CREATE)
    locale = require_locale(scope.space, locale)
    data = await transformed(scope, data)
    stored = _read(scope, data, locale)
    await require_targets(scope, stored, {})
    identity = entry_id or new_id()

    async def attempt(number: int) -> EntryView:
        slugged = await with_slugs(scope, identity, stored, optimistic=number == 0)
        change = _change(scope, identity, slugged)
        await foresee_entries(scope, change.after)
        _require_allowed(scope, data, change.after)
        if number:
            await require_targets(scope, stored, {})
            await require_free_names(scope, change, given=slugs_of(stored))
        view = view_after_write(scope, change.after, locale)
        planned = timer_statements(scope.type, change.after)
        await store(scope, change, view, veto=_veto(scope, change), seal=seal, more=[*planned, *more])
        return view

    return await until_stored(attempt)


def _read(scope: Scope, data: dict[str, Any], locale: str | None) -> dict[str, Any]:
    """Read the input strictly, without telling of fields that the caller knows nothing of."""
    decision = scope.decide(Action.CREATE)
    hidden = hidden_fields(scope, decision)
    ever = frozenset[str]().union(*(grant.fields for grant in decision.grants))
    require_writable(scope, data, ever, hidden)
    stored = read_input(scope.type, scope.space, data, base=None, locale=locale, replace=False, hidden=hidden)
    if not scope.type.drafts:
        require_complete(scope, stored, (scope.space.default_locale,))
    return stored


def _change(scope: Scope, identity: str, stored: dict[str, Any]) -> Change:
    now = scope.core.clock.now()
    author = scope.caller.actor.id
    after = EntryRow(
        id=identity,
        space_key=scope.space.key,
        type_key=scope.type.key,
        version=1,
        revision=1,
        body=stored,
        published=None,
        state=None if scope.type.workflow is None else scope.type.workflow.initial,
        state_at=None if scope.type.workflow is None else now,
        created_at=now,
        created_by=author,
        updated_at=now,
        updated_by=author,
    )
    return Change(space=scope.space, type=scope.type, before=None, after=after, event="entry.created", at=now)


def _require_allowed(scope: Scope, data: dict[str, Any], after: EntryRow) -> None:
    """Judge the row that would be written, where policies have conditions."""
    decision = scope.decide(Action.CREATE)
    if decision.unconditional:
        return
    document = newest_document(scope.type, scope.space, after, scope.space.default_locale)
    if not decision.permits(document):
        scope.refuse(Action.CREATE)
    require_writable(scope, data, decision.writable(None, document), frozenset())


def _veto(scope: Scope, change: Change) -> Veto | None:
    hooks = scope.core.hooks
    if not hooks.listens("check_entry_create", scope.space):
        return None
    state = state_for_hooks(scope.type, scope.space, change.after, "draft")
    return lambda: hooks.check_entry_create(scope.space, state, scope.caller.actor)
