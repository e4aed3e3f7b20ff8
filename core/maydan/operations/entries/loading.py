"""Find the entry that a verb is about, and refuse callers without telling them more than they may know."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from maydan.access.actions import Action
from maydan.errors import NotFound
from maydan.ids import is_id
from maydan.locales.normalizing import normalized
from maydan.operations.entries.foreseeing import foresee_entries
from maydan.operations.entries.views import full_document, newest_document, reading_action
from maydan.operations.rendering import document_rows
from maydan.storage.documents import PUBLISHED
from maydan.storage.entries import EntryRow, find_entry
from maydan.storage.names import find_slugs

if TYPE_CHECKING:
    from maydan.access.decisions import Decision
    from maydan.operations.scopes import Scope
    from maydan.storage.names import SlugHit

_SLUG: Final = "slug"
Precondition = Callable[[int], None]
"""Holds ``If-Match`` against the newest version; raises ``PreconditionRequired`` or ``Stale``."""


async def load(scope: Scope, action: str, id_or_slug: str, *, trashed: bool = False) -> EntryRow:
    """Return the entry, if the caller may take the action on it.

    Args:
        scope: Who asks about which type.
        action: What they want to do.
        id_or_slug: Its id, or its newest slug in any locale.
        trashed: Whether it must lie in the trash, or must not.

    Raises:
        Unauthenticated: Nobody is logged in, and nobody may.
        NotFound: It does not exist, or the caller may not see it.
        Forbidden: The caller may see it, but not do this.
    """
    if scope.caller.actor.kind == "anonymous" and scope.decide(action).denied:
        scope.refuse(action)
    entry = await find_any(scope, id_or_slug)
    if entry is None or (entry.trashed_at is not None) != trashed:
        raise NotFound
    if not _visible(scope, entry):
        raise NotFound
    if not permits(scope, scope.decide(action), entry):
        scope.refuse(action)
    return entry


async def load_visible(scope: Scope, id_or_slug: str) -> EntryRow:
    """Return an entry that the caller may read, as readers get it or as a draft.

    Raises:
        NotFound: It does not exist, lies in the trash, or the caller may not see it.
    """
    entry = await find_any(scope, id_or_slug)
    if entry is None or entry.trashed_at is not None or not _visible(scope, entry):
        raise NotFound
    return entry


def permits(scope: Scope, decision: Decision, entry: EntryRow) -> bool:
    """Tell whether a decision holds for an entry as it is; the document is made only where a condition asks for it."""
    if decision.denied or decision.row is None:
        return not decision.denied
    return decision.permits(newest_document(scope.type, scope.space, entry, scope.space.default_locale))


async def find_any(scope: Scope, id_or_slug: str) -> EntryRow | None:
    """Return the entry with that id, whoever asks, or with that slug, where the caller may read the slug.

    An entry that is found by what may not be read would tell it to whoever guesses.
    """
    where = (scope.core.store, scope.space.key, scope.type.key)
    if is_id(id_or_slug):
        entry = await find_entry(*where, id_or_slug)
        if entry is not None:
            await foresee_entries(scope, entry)
        return entry
    for hit in await find_slugs(*where, normalized("NFC", id_or_slug), scope.space.locales):
        entry = await find_entry(*where, hit.entry_id) if hit.in_draft or hit.in_published else None
        if entry is not None:
            await foresee_entries(scope, entry)
            if _knows_slug(scope, entry, hit):
                return entry
    return None


def _knows_slug(scope: Scope, entry: EntryRow, hit: SlugHit) -> bool:
    """Tell whether the caller may read the slug by which an entry was found, as a draft or as readers get it."""
    drafts = scope.decide(reading_action(scope.type))
    if hit.in_draft and _SLUG in drafts.fields:
        return True
    if hit.in_draft and _SLUG in drafts.fields_for(newest_document(scope.type, scope.space, entry, hit.locale)):
        return True
    reading = scope.decide(Action.READ)
    if not hit.in_published or entry.published is None or reading.denied:
        return False
    rows = document_rows(scope.type, scope.space, entry)
    return any(
        _SLUG in reading.fields_for(full_document(row))
        for row in rows
        if row.perspective == PUBLISHED and row.locale == hit.locale
    )


def _visible(scope: Scope, entry: EntryRow) -> bool:
    """Tell whether the caller may read the entry, as a draft or as readers get it."""
    if permits(scope, scope.decide(reading_action(scope.type)), entry):
        return True
    reading = scope.decide(Action.READ)
    if entry.published is None or reading.denied:
        return False
    rows = document_rows(scope.type, scope.space, entry)
    return any(reading.permits(full_document(row)) for row in rows if row.perspective == PUBLISHED)
