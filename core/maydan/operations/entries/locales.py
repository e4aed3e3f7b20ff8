"""In which locale an entry is read or written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maydan.errors import BadParameter
from maydan.locales import negotiate
from maydan.operations.entries.views import MAPS

if TYPE_CHECKING:
    from maydan.content.spaces import Space
    from maydan.operations.core import Caller


def require_locale(space: Space, locale: str | None) -> None:
    """Refuse a locale that the space has not.

    Raises:
        BadParameter: Naming those that it has.
    """
    if locale is not None and locale not in space.locales:
        raise BadParameter(f"locale must be one of {', '.join(space.locales)}.", code="unknown_locale")


def require_shown(space: Space, locale: str | None) -> None:
    """Refuse to answer in a locale that the space has not; ``*`` is all of them.

    Raises:
        BadParameter: Naming those that it has.
    """
    if locale != MAPS:
        require_locale(space, locale)


def reading_locale(space: Space, caller: Caller, locale: str | None) -> str:
    """Return the locale to read in: the one asked for, else by ``Accept-Language``, else the default.

    Raises:
        BadParameter: The space has not got it.
    """
    if locale is None:
        if not caller.languages:
            return space.default_locale
        return negotiate(caller.languages, space.locales) or space.default_locale
    require_shown(space, locale)
    return locale
