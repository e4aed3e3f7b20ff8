"""Bring a version of an entry back, as a new version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maydan.access.actions import Action
from maydan.content.links import links
from maydan.content.naming import as_input
from maydan.content.unlinking import without_links
from maydan.content.values import read_input
from maydan.operations.entries.changing import require_allowed, update_veto
from maydan.operations.entries.completeness import require_complete
from maydan.operations.entries.foreseeing import foresee_entries
from maydan.operations.entries.input import changed_names, hidden_fields, require_writable, transformed, with_slugs
from maydan.operations.entries.loading import load, permits
from maydan.operations.entries.locales import require_locale
from maydan.operations.entries.storing import require_free_names, store, until_stored
from maydan.operations.entries.versions import version_of
from maydan.operations.entries.views import newest_document, view_after_write
from maydan.operations.writing import Change
from maydan.storage.entries import Changes, changed, existing_targets

if TYPE_CHECKING:
    from maydan.operations.entries.storing import Seal
    from maydan.operations.entries.views import EntryView
    from maydan.operations.scopes import Scope
    from maydan.storage.entries import EntryRow


async def restore_version(
    scope: Scope, id_or_slug: str, number: int, *, locale: str | None = None, seal: Seal | None = None
) -> EntryView:
    """Store a new version of the draft that says what an earlier one said; what readers get stays.

    It is written as a whole entry that a client sends: the plugins see it, and every value must still be acceptable.
    Kept as they are: the slug, secret fields, and fields that the caller may neither read nor write. Links to entries
    that are not there any more, or lie in the trash, are left out.

    Raises:
        NotFound, Unauthenticated: As for every verb; also where there is no such version.
        Forbidden: The caller may not read the entry's drafts, or may not update it.
        FieldForbidden: A field would change that the caller may not write.
        InvalidInput: A value of that version is not acceptable any more.
        UniqueViolation: Another entry has one of its unique values by now.
        HookRefused: A plugin said no.
    """
    locale = require_locale(scope.space, locale)

    async def attempt(tries: int) -> EntryView:
        before = await load(scope, Action.READ_DRAFT, id_or_slug)
        if not permits(scope, scope.decide(Action.UPDATE), before):
            scope.refuse(Action.UPDATE)
        past = await version_of(scope, before, number)
        after = await _restored(scope, before, past, is_first=tries == 0)
        made = _change(scope, before, after, number)
        if tries:
            await require_free_names(scope, made)
        view = view_after_write(scope, after, locale)
        await store(scope, made, view, veto=update_veto(scope, made), seal=seal)
        return view

    return await until_stored(attempt)


async def _restored(scope: Scope, before: EntryRow, past: EntryRow, *, is_first: bool) -> EntryRow:
    content_type, space = scope.type, scope.space
    decision = scope.decide(Action.UPDATE)
    hidden = hidden_fields(scope, decision)
    data = await transformed(scope, _visible_input(scope, await _with_live_links(scope, past.body), hidden))
    stored = read_input(content_type, space, data, base=before.body, locale=None, replace=True, hidden=hidden)
    stored = await with_slugs(scope, before.id, stored, optimistic=is_first)
    names = changed_names(content_type, before.body, stored)
    document: dict[str, Any] = {}
    if not decision.unconditional:
        document = newest_document(content_type, space, before, space.default_locale)
    writable = decision.fields if decision.unconditional else decision.fields_for(document)
    require_writable(scope, names, writable, hidden)
    if not content_type.drafts:
        require_complete(scope, stored, (space.default_locale,))
    after = changed(before, Changes(body=stored), at=scope.core.clock.now(), by=scope.caller.actor.id)
    await foresee_entries(scope, after)
    require_allowed(scope, document, after, names, None)
    return after


def _visible_input(scope: Scope, stored: dict[str, Any], hidden: frozenset[str]) -> dict[str, Any]:
    data = as_input(scope.type, scope.space, stored)
    return {name: value for name, value in data.items() if name not in hidden}


async def _with_live_links(scope: Scope, stored: dict[str, Any]) -> dict[str, Any]:
    """Return a stored form without links to what is gone, or is not of a type that the field takes any more."""
    found = links(scope.type, stored)
    if not found:
        return stored
    targets = await existing_targets(scope.core.store, scope.space.key, sorted({link.target_id for link in found}))
    names = {key: one.name for key in targets.values() if (one := scope.core.registry.type_by_key(key))}
    live = {
        (link.field_id, link.target_id)
        for link in found
        if link.target_id in targets and names.get(targets[link.target_id]) in link.to
    }
    return without_links(scope.type, stored, lambda field_id, target: (field_id, target) not in live)


def _change(scope: Scope, before: EntryRow, after: EntryRow, number: int) -> Change:
    return Change(
        space=scope.space,
        type=scope.type,
        before=before,
        after=after,
        event="entry.updated",
        at=after.updated_at,
        facts={"fields": changed_names(scope.type, before.body, after.body), "restored": number},
        conditional=scope.reads_conditionally,
    )
