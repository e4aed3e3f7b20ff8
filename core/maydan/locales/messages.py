"""What we say to people, in their language.

Everybody raises English. The catalogues (``catalogues/<language>.po``, and those that plugins add) hold the English
text as message id, with places such as ``{max}`` where facts stand; a text is found by itself or, with its facts in
it, by the message that it was made from.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from maydan.locales.tags import negotiate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from importlib.resources.abc import Traversable

SOURCE_LANGUAGE: Final = "en"
_PLACE: Final = re.compile(r"\{(\w+)\}")
_MESSAGE: Final = "message"
"""The place in which another message stands, as in ``{place} {message}.``"""
_WORD: Final = "place"
"""The place in which one word stands: a pointer or a parameter."""
_LONGEST_TEXT: Final = 1000
"""Longer texts are given back as they are; no message of ours is, facts included."""


class _Template(Struct, frozen=True):
    """A message with places, as a pattern that finds what stands in them."""

    pattern: re.Pattern[str]
    translation: str


class _Catalogue(Struct, frozen=True):
    plain: dict[str, str]
    templates: tuple[_Template, ...]


_folders: list[Traversable] = [Path(__file__).with_name("catalogues")]


def add_catalogues(folder: Traversable) -> None:
    """Use the catalogues of a plugin too: files named ``<language>.po`` in a folder of its package.

    Texts that are there already keep their translation.
    """
    if folder not in _folders:
        _folders.append(folder)
        _languages.cache_clear()
        _catalogue.cache_clear()
        _translated.cache_clear()


def translate(text: str, languages: Sequence[str]) -> str:
    """Return a text in the best of the reader's languages that we have, or as it is.

    Args:
        text: In English, facts filled in, as it was raised.
        languages: Of ``Accept-Language``, best first.
    """
    language = message_language(languages)
    if language == SOURCE_LANGUAGE or not text or len(text) > _LONGEST_TEXT:
        return text
    return _translated(text, language)


def message_language(languages: Iterable[str]) -> str:
    """Return the language in which messages go to a reader, for ``Content-Language``."""
    wanted = tuple(languages)
    return negotiate(wanted, _languages()) or SOURCE_LANGUAGE if wanted else SOURCE_LANGUAGE


@lru_cache(maxsize=1)
def _languages() -> tuple[str, ...]:
    found = [entry.name.removesuffix(".po") for folder in _folders for entry in folder.iterdir()
             if entry.name.endswith(".po")]  # fmt: skip
    return (SOURCE_LANGUAGE, *sorted(set(found)))


@lru_cache(maxsize=2048)
def _translated(text: str, language: str) -> str:
    catalogue = _catalogue(language)
    plain = catalogue.plain.get(text)
    if plain is not None:
        return plain
    around = text
    for template in catalogue.templates:
        match = template.pattern.fullmatch(text)
        if match is None:
            continue
        facts = match.groupdict()
        inner = facts.get(_MESSAGE)
        if inner is not None:
            facts[_MESSAGE] = _translated(inner, language)
        found = template.translation.format(**facts)
        if inner is None or facts[_MESSAGE] != inner:
            return found
        around = found if around == text else around  # what stands inside may be known without its full stop, or with
    return around


@lru_cache(maxsize=32)
def _catalogue(language: str) -> _Catalogue:
    """Read a language's catalogues, once, when the first reader asks for it."""
    from babel.messages.pofile import read_po

    plain: dict[str, str] = {}
    for folder in reversed(_folders):
        source = folder / f"{language}.po"
        if source.is_file():
            with source.open("rb") as file:
                messages = list(read_po(file, locale=language))
            plain |= {str(one.id): str(one.string) for one in messages if one.id and one.string and not one.fuzzy}
    with_places = sorted((text for text in plain if _PLACE.search(text)), key=_fixed_length, reverse=True)
    templates = tuple(_Template(_pattern_of(text), plain[text]) for text in with_places)
    return _Catalogue(plain, templates)


def _fixed_length(text: str) -> int:
    """Return how much of a message is fixed: the most exact message is tried first."""
    return len(_PLACE.sub("", text))


def _pattern_of(text: str) -> re.Pattern[str]:
    parts = _PLACE.split(text)
    seen: set[str] = set()
    pattern = ""
    for index, part in enumerate(parts):
        if index % 2 == 0:
            pattern += re.escape(part)
        else:
            found = r"\S+" if part == _WORD else ".+"
            pattern += f"(?P={part})" if part in seen else f"(?P<{part}>{found})"
            seen.add(part)
    return re.compile(pattern, re.DOTALL)
