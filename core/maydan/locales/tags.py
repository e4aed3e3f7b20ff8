"""Language tags (BCP 47, RFC 5646) and what fits a reader's languages best (RFC 4647)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LONGEST_TAG: Final = 64
"""In characters; far beyond what CLDR knows, and short enough for a key."""

_TAG: Final = re.compile(
    r"""
    (?P<language>[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})
    (?:-(?P<script>[a-z]{4}))?
    (?:-(?P<region>[a-z]{2}|[0-9]{3}))?
    (?P<variants>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*)
    (?P<extensions>(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*)
    (?:-x(?:-[a-z0-9]{1,8})+)?
    """,
    re.VERBOSE,
)
"""The production ``langtag`` in lower case; ``x-…`` alone and the grandfathered tags name no language that we know."""


def canonical_locale(text: str) -> str | None:
    """Return a language tag in its canonical case (``zh-Hant-TW``), or ``None`` where it is not well-formed.

    Whether its subtags are registered is not looked at: new languages need no new release.
    """
    lowered = text.lower()
    match = _TAG.fullmatch(lowered) if len(text) <= LONGEST_TAG and text.isascii() else None
    if match is None or _repeats(match["variants"].split("-")) or _repeats(_singletons(match["extensions"])):
        return None
    tag = lowered
    for name, form in (("script", str.title), ("region", str.upper)):
        if match[name] is not None:
            start, end = match.span(name)
            tag = tag[:start] + form(match[name]) + tag[end:]
    return tag


def _repeats(subtags: list[str]) -> bool:
    return len(set(subtags)) != len(subtags)


def _singletons(extensions: str) -> list[str]:
    return [subtag for subtag in extensions.split("-") if len(subtag) == 1]


def negotiate(languages: Iterable[str], locales: Sequence[str]) -> str | None:
    """Return the locale that a reader gets, by lookup (RFC 4647, section 3.4).

    For each language range in turn: the tag itself, then the tag without its last subtags, then the first locale that
    is a kind of it (``en`` gets ``en-GB`` where there is no ``en``).

    Args:
        languages: Ranges of ``Accept-Language``, best first.
        locales: What there is, in canonical case.
    Returns:
        One of ``locales``; ``None`` where nothing fits or everything does (``*``), so the default is due.
    """
    there = {locale.lower(): locale for locale in locales}
    for wanted in languages:
        if wanted == "*":
            return None
        found = _look_up(wanted.lower(), there)
        if found is not None:
            return found
    return None


def _look_up(wanted: str, there: dict[str, str]) -> str | None:
    step = wanted
    while step:
        if step in there:
            return there[step]
        step = step.rpartition("-")[0]
        if len(step) > 1 and step[-2] == "-":  # a single letter never ends a range (RFC 4647, section 3.4)
            step = step[:-2]
    return next((locale for tag, locale in there.items() if tag.startswith(f"{wanted}-")), None)
