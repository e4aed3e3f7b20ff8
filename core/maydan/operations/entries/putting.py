"""Put an entry: replace the one that is there, or create one under a slug that nobody has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from maydan.access.actions import Action
from maydan.errors import InputError, InvalidInput, NotFound, Stale
from maydan.ids import is_id
from maydan.locales.normalizing import normalized
from maydan.operations.entries.changing import change
from maydan.operations.entries.creating import create
from maydan.operations.entries.loading import find_any
from maydan.operations.entries.locales import require_locale

if TYPE_CHECKING:
    from maydan.operations.entries.loading import Precondition
    from maydan.operations.entries.views import EntryView
    from maydan.operations.scopes import Scope


async def put(
    scope: Scope,
    id_or_slug: str,
    data: dict[str, Any],
    *,
    precondition: Precondition,
    locale: str | None = None,
    must_exist: bool = False,
) -> tuple[EntryView, bool]:
    """Return the entry, and whether it was created.

    Ids are made by the system, so an id that is not there is 404; and so is a slug for whoever may not create.

    Args:
        scope: Who puts it, where, of which type.
        id_or_slug: Its id, or its newest slug.
        data: The whole entry.
        precondition: Called with the newest version before anything is judged.
        locale: The locale of plain values for localised fields; ``None`` is the default locale.
        must_exist: Whether the caller named a version, which what is not there has not.

    Raises:
        NotFound, Unauthenticated, Forbidden, PreconditionRequired, Stale, InvalidInput, UniqueViolation: As ``change``
            and ``create``.
    """
    locale = require_locale(scope.space, locale)
    try:
        view = await change(scope, id_or_slug, data, replace=True, precondition=precondition, locale=locale)
    except NotFound:
        if is_id(id_or_slug) or scope.decide(Action.CREATE).denied or await find_any(scope, id_or_slug):
            raise
    else:
        return view, False
    if must_exist:
        raise Stale("There is nothing to replace; leave If-Match out to create it.")
    made = await create(scope, _under(scope, id_or_slug, data, locale), locale=locale)
    return made, True


def _under(scope: Scope, slug: str, data: dict[str, Any], locale: str | None) -> dict[str, Any]:
    """Return a new entry with the slug in the path, which is that of the locale of plain values."""
    given = data.get("slug", slug)
    locale = locale or scope.space.default_locale
    named = cast("dict[str, object]", given).get(locale) if isinstance(given, dict) else given
    if not isinstance(named, str) or normalized("NFC", named) != normalized("NFC", slug):
        message = "/slug must be the slug in the path, or absent."
        raise InvalidInput(message, errors=(InputError("/slug", "contradiction", message),))
    return {**data, "slug": given}
