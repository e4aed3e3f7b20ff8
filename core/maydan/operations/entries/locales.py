"""In which locale an entry is read or written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maydan.content.checking import find_locale, known_locale
from maydan.locales import negotiate
from maydan.operations.entries.views import MAPS

if TYPE_CHECKING:
    from maydan.content.spaces import Space
    from maydan.operations.core import Caller


def require_locale(space: Space, locale: str | None) -> str | None:
    """Return the locale of the space that is meant, in whatever case it is written; refuse one that it has not.

    Raises:
        BadParameter: Naming those that it has.
    """
    return None if locale is None else known_locale(space, locale)


def require_shown(space: Space, locale: str | None) -> str | None:
    """Return the locale to answer in as :func:`require_locale` does; ``*`` is all of them.

    Raises:
        BadParameter: Naming those that it has.
    """
    return locale if locale == MAPS else require_locale(space, locale)


def reading_locale(space: Space, caller: Caller, locale: str | None) -> str:
    """Return the locale to read in: the one asked for, else by ``Accept-Language``, else the default.

    Raises:
        BadParameter: The space has not got it.
    """
    if locale is None:
        if not caller.languages:
            return space.default_locale
        return negotiate(caller.languages, space.locales) or space.default_locale
    return find_locale(space, locale)
