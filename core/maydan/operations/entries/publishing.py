"""Publish and unpublish an entry, per locale, now or at a later moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maydan.access.actions import Action
from maydan.content.render import content_locales
from maydan.errors import Conflict, InputError, InvalidInput
from maydan.operations import publication
from maydan.operations.entries.completeness import require_complete
from maydan.operations.entries.holding import require_unlocked
from maydan.operations.entries.loading import load
from maydan.operations.entries.locales import require_shown
from maydan.operations.entries.storing import Outrun, store, until_stored
from maydan.operations.entries.views import state_for_hooks, view_after_write
from maydan.operations.plans import (
    held_statement,
    published_statements,
    schedule_statements,
    unpublished_statements,
)
from maydan.operations.writing import Change
from maydan.storage.entries import Changes, changed
from maydan.storage.ports import GuardFailed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from maydan.operations.entries.storing import Seal, Veto
    from maydan.operations.entries.views import EntryView
    from maydan.operations.scopes import Scope
    from maydan.storage.entries import EntryRow, Publication
    from maydan.storage.ports import Statement


async def publish(
    scope: Scope,
    id_or_slug: str,
    *,
    locales: Sequence[str] | None = None,
    at: datetime | None = None,
    published_at: datetime | None = None,
    locale: str | None = None,
    seal: Seal | None = None,
    more: Sequence[Statement] = (),
) -> EntryView:
    """Let readers get the newest version, in the locales, which are then planned to be published no more.

    Args:
        scope: Who publishes, where, of which type.
        id_or_slug: Its id, or its newest slug.
        locales: ``None`` is every locale in which it has content.
        at: Aware; a later moment schedules, an earlier one is now.
        published_at: The moment that readers are shown, for importers; ``None`` is now.
        locale: In which to answer.
        seal: What to store with it for the caller.
        more: Further statements of the same transaction.

    Raises:
        NotFound, Unauthenticated, Forbidden: As for every verb.
        InvalidInput: A required field has no value, or a locale is not the space's; nothing is published.
        Conflict: The type has no drafts.
        HookRefused: A plugin said no.
        BadParameter: The space has not got the locale to answer in.
    """
    locale = require_shown(scope.space, locale)

    async def attempt(_number: int) -> EntryView:
        before = await load(scope, Action.PUBLISH, id_or_slug)
        wanted = _locales(scope, before, locales)
        shown = tuple(before.published.locales) if before.published else ()
        require_complete(scope, before.body, wanted, shown=shown)
        _require_drafts(scope)
        now = scope.core.clock.now()
        if at is not None and at > now:
            return await _schedule(scope, before, "publish", wanted, at, seal=seal, locale=locale, more=more)
        made_public = publication.publish(scope.type, before, wanted, at=published_at or now)
        made = _change(scope, before, made_public, "entry.published", wanted, now)
        view = view_after_write(scope, made.after, locale)
        # What carries a plan out brings the end of its job, and leaves a plan that was made meanwhile.
        beside = more or await published_statements(scope, before, wanted)
        veto = _veto(scope, before, "check_entry_publish", wanted)
        await store(scope, made, view, veto=veto, seal=seal, more=beside)
        return view

    return await until_stored(attempt)


async def unpublish(
    scope: Scope,
    id_or_slug: str,
    *,
    locales: Sequence[str] | None = None,
    at: datetime | None = None,
    locale: str | None = None,
    seal: Seal | None = None,
    more: Sequence[Statement] = (),
) -> EntryView:
    """Take an entry from its readers, in the locales; ``None`` is all of them. Raises as :func:`publish`.

    Where no locale of the space is left, those that the space has dropped do not count: they would come back with it.
    Where readers got nothing in them, nothing happened but that plans for these locales have ended.
    """
    locale = require_shown(scope.space, locale)

    async def attempt(_number: int) -> EntryView:
        before = await load(scope, Action.PUBLISH, id_or_slug)
        wanted = _locales(scope, before, locales if locales is not None else scope.space.locales)
        _require_drafts(scope)
        now = scope.core.clock.now()
        if at is not None and at > now:
            return await _schedule(scope, before, "unpublish", wanted, at, seal=seal, locale=locale)
        left = _left(scope, before.published, wanted) if before.published else None
        beside = more or await unpublished_statements(scope, before, locales and wanted)
        if before.published is None or left == before.published:
            return await _commit(scope, before, beside, seal=seal, locale=locale)
        taken = tuple(one for one in wanted if one in before.published.locales) or tuple(before.published.locales)
        made = _change(scope, before, left, "entry.unpublished", taken, now)
        view = view_after_write(scope, made.after, locale)
        veto = _veto(scope, before, "check_entry_unpublish", taken)
        await store(scope, made, view, veto=veto, seal=seal, more=beside)
        return view

    return await until_stored(attempt)


def _locales(scope: Scope, entry: EntryRow, locales: Sequence[str] | None) -> tuple[str, ...]:
    if locales is None:
        return content_locales(scope.type, scope.space, entry.body)
    errors = tuple(
        InputError(f"/locales/{index}", "unknown_locale", f"The space has {', '.join(scope.space.locales)}.")
        for index, locale in enumerate(locales)
        if locale not in scope.space.locales
    )
    if errors or not locales:
        errors = errors or (InputError("/locales", "too_few", "Name at least one locale, or leave it out."),)
        raise InvalidInput(f"{errors[0].pointer}: {errors[0].message}", errors=errors)
    return tuple(dict.fromkeys(locales))


def _left(scope: Scope, shown: Publication, locales: Sequence[str]) -> Publication | None:
    left = publication.unpublish(scope.type, shown, locales)
    return left if left and any(locale in left.locales for locale in scope.space.locales) else None


def _require_drafts(scope: Scope) -> None:
    if not scope.type.drafts:
        raise Conflict(f"{scope.type.name} has no drafts: its entries are readable as soon as they are stored.")


def _change(
    scope: Scope,
    before: EntryRow,
    shown: Publication | None,
    event: str,
    locales: Sequence[str],
    at: datetime,
) -> Change:
    after = changed(before, Changes(published=shown), at=at, by=scope.caller.actor.id)
    facts = {"locales": list(locales)}
    return Change(
        space=scope.space,
        type=scope.type,
        before=before,
        after=after,
        event=event,
        at=at,
        facts=facts,
        conditional=scope.reads_conditionally,
    )


async def _schedule(
    scope: Scope,
    entry: EntryRow,
    kind: str,
    locales: Sequence[str],
    at: datetime,
    *,
    locale: str | None,
    seal: Seal | None,
    more: Sequence[Statement] = (),
) -> EntryView:
    """Store that it is to happen later, instead of an earlier plan of the same kind."""
    planned = schedule_statements(scope, entry, kind, locales, at)
    return await _commit(scope, entry, [*planned, *more], seal=seal, locale=locale)


async def _commit(
    scope: Scope, entry: EntryRow, statements: Sequence[Statement], *, seal: Seal | None, locale: str | None
) -> EntryView:
    """Store what is beside an entry, and leave the entry as it is."""
    view = view_after_write(scope, entry, locale)
    try:
        held = held_statement(scope, entry)
        await scope.core.store.commit([held, *statements, *(seal(view) if seal else ())])
    except GuardFailed as error:
        await require_unlocked(scope, [entry.id])
        raise Outrun from error
    return view


def _veto(scope: Scope, before: EntryRow, hook: str, locales: tuple[str, ...]) -> Veto | None:
    hooks = scope.core.hooks
    if not hooks.listens(hook, scope.space):
        return None
    state = state_for_hooks(scope.type, scope.space, before, publication.status(scope.type, before))
    check = hooks.check_entry_publish if hook == "check_entry_publish" else hooks.check_entry_unpublish
    return lambda: check(scope.space, state, locales, scope.caller.actor)
