"""Slugs: the part of an address that people read, in any script."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from maydan.ids import is_id
from maydan.locales.normalizing import normalized

if TYPE_CHECKING:
    from regex import Pattern

LONGEST_SLUG: Final = 100
"""In characters."""
_NOT_ASCII_WORDS: Final = re.compile(r"[^a-z0-9]+")
"""What the patterns below come to where every character is ASCII, at a tenth of the cost."""


@cache
def _patterns() -> tuple[Pattern[str], Pattern[str], Pattern[str]]:
    r"""Compile: what is not of a slug, a grapheme, a whole slug (``\w`` of ``re`` would cut Arabic at vowel signs)."""
    import regex

    letter = r"[\p{L}\p{M}\p{N}]"
    return (
        regex.compile(r"[^\p{L}\p{M}\p{N}]+"),
        regex.compile(r"\X"),
        regex.compile(rf"(?=[\p{{L}}\p{{N}}]){letter}+(?:-{letter}+)*"),
    )


def _cut(text: str, limit: int) -> str:
    """Shorten to at most ``limit`` characters without splitting a grapheme or leaving a hyphen at the end."""
    if len(text) <= limit:
        return text
    end = 0
    for grapheme in _patterns()[1].finditer(text):
        if grapheme.end() > limit:
            break
        end = grapheme.end()
    return text[:end].rstrip("-")


def slugify(text: str) -> str:
    """Make a slug of any text; doing it twice changes nothing.

    Letters, their marks and digits of every script stay; everything else becomes one hyphen.

    Returns:
        At most 100 characters; ``""`` where nothing is left (only emoji, for example), or where the text looks like
        an id: the caller then takes the entry's id.
    """
    if text.isascii():
        slug = _cut(_NOT_ASCII_WORDS.sub("-", text.lower()).strip("-"), LONGEST_SLUG)
        return "" if is_id(slug) else slug
    other, _, _ = _patterns()
    lowered = normalized("NFC", normalized("NFC", text).lower())
    slug = _cut(other.sub("-", lowered).strip("-"), LONGEST_SLUG)
    return slug if is_slug(slug) else ""


def is_slug(text: str) -> bool:
    """Tell whether a text may be a slug as it stands.

    It is in lower case and NFC, of letters, marks and digits with single hyphens between them, at most 100 characters,
    and does not look like an id, because one address takes either.
    """
    return (
        0 < len(text) <= LONGEST_SLUG
        and _patterns()[2].fullmatch(text) is not None
        and normalized("NFC", text.lower()) == text
        and not is_id(text)
    )


def with_number(slug: str, number: int) -> str:
    """Return ``slug-2`` and so on for a slug that is taken, never longer than a slug may be."""
    ending = f"-{number}"
    return _cut(slug, LONGEST_SLUG - len(ending)) + ending
