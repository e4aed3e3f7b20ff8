"""Bring an entry back from the trash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maydan.access.actions import Action
from maydan.operations.entries.completeness import require_complete
from maydan.operations.entries.input import with_free_slugs
from maydan.operations.entries.loading import load
from maydan.operations.entries.locales import require_shown
from maydan.operations.entries.storing import require_free_names, store, until_stored
from maydan.operations.entries.views import view_after_write
from maydan.operations.timers import timer_statements
from maydan.operations.writing import Change
from maydan.storage.entries import Changes, changed

if TYPE_CHECKING:
    from maydan.operations.entries.storing import Seal
    from maydan.operations.entries.views import EntryView
    from maydan.operations.scopes import Scope


async def restore(
    scope: Scope,
    entry_id: str,
    *,
    locale: str | None = None,
    seal: Seal | None = None,
) -> EntryView:
    """Bring an entry back from the trash, unpublished; with a number after a slug that another entry has taken.

    Raises:
        NotFound, Unauthenticated, Forbidden: As for every verb.
        InvalidInput: A required field has no value, and the type has no drafts: readers would get it at once.
        UniqueViolation: Another entry has taken one of its unique values.
        BadParameter: The space has not got the locale.
    """
    locale = require_shown(scope.space, locale)

    async def attempt(number: int) -> EntryView:
        before = await load(scope, Action.DELETE, entry_id, trashed=True)
        changes = Changes(trashed_at=None)
        body = await with_free_slugs(scope, before.id, before.body) if number else before.body
        if body is not before.body:
            changes = Changes(trashed_at=None, body=body)
        after = changed(before, changes, at=scope.core.clock.now(), by=scope.caller.actor.id)
        made = Change(
            space=scope.space, type=scope.type, before=before, after=after, event="entry.restored",
            at=scope.core.clock.now(),
        )  # fmt: skip
        if not scope.type.drafts:
            require_complete(scope, body, (scope.space.default_locale,))
        if number:
            await require_free_names(scope, made, given={})
        view = view_after_write(scope, after, locale)
        await store(scope, made, view, veto=None, seal=seal, more=timer_statements(scope.type, after))
        return view

    return await until_stored(attempt)
