"""The status of an entry in each locale, and what is planned for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from maydan.access.actions import Action
from maydan.clock import to_text
from maydan.errors import NotFound
from maydan.operations.entries.loading import find_any
from maydan.operations.entries.views import newest_document, reading_action
from maydan.operations.publication import locale_status

if TYPE_CHECKING:
    from maydan.operations.scopes import Scope


class LocaleStatus(Struct, frozen=True, kw_only=True):
    """How one locale of an entry stands."""

    locale: str
    status: str
    """``draft``, ``published``, ``changed`` or ``trashed``."""
    published_version: int | None
    published_at: str | None
    publish_at: str | None
    """When it is planned to be published."""
    unpublish_at: str | None


async def statuses_of(scope: Scope, id_or_slug: str) -> tuple[LocaleStatus, ...]:
    """Return the status in every locale of the space; for who may read drafts, and so may see what is in the trash.

    Raises:
        Unauthenticated, Forbidden, NotFound: The caller may not read drafts here, or there is no such entry.
    """
    space, store = scope.space, scope.core.store
    decision = scope.require(reading_action(scope.type) if scope.type.drafts else Action.READ)
    entry = await find_any(scope, id_or_slug)
    if entry is not None and entry.trashed_at is not None:
        decision = scope.decide(Action.READ_DRAFT)
    if entry is None or not decision.permits(newest_document(scope.type, space, entry, space.default_locale)):
        raise NotFound
    rows = await store.fetch_all(
        "SELECT kind, payload, run_at FROM maydan_jobs WHERE space_key = ? AND subject_id = ?"
        " AND kind IN ('publish', 'unpublish') AND status IN ('waiting', 'running')",
        space.key,
        entry.id,
    )
    plans: dict[tuple[str, str], str] = {}
    for kind, payload, run_at in rows:
        facts: dict[str, Any] = msgspec.json.decode(payload)
        plans |= {(kind, locale): to_text(store.dialect.read_time(run_at)) for locale in facts["locales"]}
    shown = entry.published.locales if entry.published else {}
    return tuple(
        LocaleStatus(
            locale=locale,
            status=locale_status(scope.type, entry, locale),
            published_version=shown[locale].version if locale in shown else None,
            published_at=shown[locale].published_at if locale in shown else None,
            publish_at=plans.get(("publish", locale)),
            unpublish_at=plans.get(("unpublish", locale)),
        )
        for locale in space.locales
    )
