"""Change an entry: merge a patch into it, or replace it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maydan.access.actions import Action
from maydan.content.stored import slugs_of
from maydan.content.values import read_input, says_maps, strip_system
from maydan.errors import InvalidInput
from maydan.operations.entries.completeness import require_complete
from maydan.operations.entries.foreseeing import foresee_entries
from maydan.operations.entries.input import (
    changed_names,
    hidden_fields,
    require_targets,
    require_writable,
    transformed,
    with_slugs,
)
from maydan.operations.entries.loading import load
from maydan.operations.entries.locales import require_locale
from maydan.operations.entries.storing import require_free_names, store, until_stored
from maydan.operations.entries.views import newest_document, other_documents, state_for_hooks, view_after_write
from maydan.operations.publication import status
from maydan.operations.writing import Change
from maydan.storage.entries import Changes, changed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.operations.entries.loading import Precondition
    from maydan.operations.entries.storing import Seal, Veto
    from maydan.operations.entries.views import EntryView
    from maydan.operations.scopes import Scope
    from maydan.storage.entries import EntryRow
    from maydan.storage.ports import Statement


async def change(
    scope: Scope,
    id_or_slug: str,
    data: dict[str, Any],
    *,
    replace: bool,
    precondition: Precondition,
    locale: str | None = None,
    seal: Seal | None = None,
    more: Sequence[Statement] = (),
) -> EntryView:
    """Store a new version of an entry's draft; what readers get stays until the next publish.

    Args:
        scope: Who changes it, where, of which type.
        id_or_slug: Its id, or its newest slug.
        data: A JSON Merge Patch (RFC 7396), or with ``replace`` the whole entry.
        replace: Whether what is absent is cleared.
        precondition: Called with the newest version before anything is judged.
        locale: The locale of plain values for localised fields; ``None`` is the default locale.
        seal: What to store with it for the caller.
        more: Further statements of the same transaction.

    Raises:
        NotFound, Unauthenticated, Forbidden, FieldForbidden, PreconditionRequired, Stale, InvalidInput,
        UniqueViolation, HookRefused: In this order; nothing is stored.
    """
    locale = require_locale(scope.space, locale)

    async def attempt(number: int) -> EntryView:
        before = await load(scope, Action.UPDATE, id_or_slug)
        precondition(before.version)
        after = await _next(scope, before, data, replace=replace, locale=locale, optimistic=number == 0)
        view = view_after_write(scope, after, locale)
        made = _change(scope, before, after)
        if number:
            named = slugs_of(after.body) if "slug" in data else slugs_of(before.body)
            await require_free_names(scope, made, given=named)
        if after is not before or seal or more:
            await store(scope, made, view, veto=update_veto(scope, made), seal=seal, more=more)
        return view

    return await until_stored(attempt)


async def _next(
    scope: Scope, before: EntryRow, data: dict[str, Any], *, replace: bool, locale: str | None, optimistic: bool
) -> EntryRow:
    """Return the entry after the change; the same one where the input changes nothing."""
    space = scope.space
    data = await transformed(scope, data)
    decision = scope.decide(Action.UPDATE)
    old_document: dict[str, Any] = {}
    if replace or not decision.unconditional:
        old_document = newest_document(scope.type, space, before, locale or space.default_locale)
    maps = says_maps(data) if replace else None
    if replace:
        data = _without_system(scope, before, data, old_document)
    hidden = hidden_fields(scope, decision)
    writable = decision.fields if decision.unconditional else decision.fields_for(old_document)
    if not replace:
        require_writable(scope, data, writable, hidden)
    stored = read_input(
        scope.type, space, data, base=before.body, locale=locale, replace=replace, hidden=hidden, maps=maps
    )
    stored = await with_slugs(scope, before.id, stored, optimistic=optimistic)
    if replace:
        require_writable(scope, changed_names(scope.type, before.body, stored), writable, hidden)
    if stored == before.body:
        return before
    if not scope.type.drafts:
        require_complete(scope, stored, (space.default_locale,))
    await require_targets(scope, stored, before.body)
    after = changed(before, Changes(body=stored), at=scope.core.clock.now(), by=scope.caller.actor.id)
    await foresee_entries(scope, after)
    require_allowed(scope, old_document, after, changed_names(scope.type, before.body, stored), locale)
    return after


def _without_system(
    scope: Scope, before: EntryRow, data: dict[str, Any], old_document: dict[str, Any]
) -> dict[str, Any]:
    """Return a whole entry without its system fields, which must be unchanged from some way in which it is read."""
    try:
        return strip_system(data, old_document)
    except InvalidInput:
        others = other_documents(scope.type, scope.space, before, old_document["locale"])
        return strip_system(data, old_document, *others)


def require_allowed(
    scope: Scope, old_document: dict[str, Any], after: EntryRow, names: list[str], locale: str | None
) -> None:
    """Judge the row as it would become, where policies have conditions."""
    decision = scope.decide(Action.UPDATE)
    if decision.unconditional:
        return
    document = newest_document(scope.type, scope.space, after, locale or scope.space.default_locale)
    if not decision.permits_change(old_document, document):
        scope.refuse(Action.UPDATE)
    require_writable(scope, names, decision.writable(old_document, document), frozenset())


def _change(scope: Scope, before: EntryRow, after: EntryRow) -> Change:
    return Change(
        space=scope.space,
        type=scope.type,
        before=before,
        after=after,
        event="entry.updated",
        at=after.updated_at,
        facts={"fields": changed_names(scope.type, before.body, after.body)},
        conditional=scope.reads_conditionally,
    )


def update_veto(scope: Scope, made: Change) -> Veto | None:
    """Return what asks the plugins whether an entry may become another; ``None`` where nobody listens."""
    hooks, before = scope.core.hooks, made.before
    if before is None or before is made.after or not hooks.listens("check_entry_update", scope.space):
        return None
    now = status(scope.type, before)
    old = state_for_hooks(scope.type, scope.space, before, now)
    new = state_for_hooks(scope.type, scope.space, made.after, now)
    return lambda: hooks.check_entry_update(scope.space, old, new, scope.caller.actor)
