"""Putting targets in the place of their ids in a document's JSON text, which is neither decoded nor encoded again.

A key can be found in a text because ``"`` inside of a text of JSON is escaped: ``"author":`` is where a key ends, never
words that somebody wrote. What is left to know is whether it is the document's own key, or one of a component or of
free JSON in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
from msgspec import Raw, Struct

from maydan.content.fields import block_fields, inner_fields
from maydan.content.per_type import PerType
from maydan.content.types import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from maydan.content.types import ContentType, Field

_ITEM_CHARACTERS: Final = 39
"""An id with its quotes and the comma after it."""
_NULL: Final = "null"
_ABSENT: Final = (_NULL, "[]")

_members: Final = msgspec.json.Decoder(dict[str, Raw]).decode


class Unclear(Exception):
    """The text alone does not say which value is the relation's: the document has to be decoded."""


class Finder(Struct, frozen=True):
    """What finds one relation of a type in the texts of its documents."""

    name: str
    many: bool
    is_alone: bool
    """Whether nothing else in a document can have a member of this name."""

    @property
    def key(self) -> str:
        """How the member begins; names of fields need no escapes."""
        return f'"{self.name}":'


Place: TypeAlias = tuple[int, int, list[str], int]
"""Where the value of a relation begins and ends in a text, the ids that it holds, and which finder found it."""


class Cutter:
    """Finds relations of a type in the texts of its documents."""

    def __init__(self, finders: Sequence[Finder]) -> None:
        """Look for these; places tell them by their numbers in the order here."""
        self._parts = [(number, finder.key, finder) for number, finder in enumerate(finders)]
        self.signature = repr([(finder.name, finder.many, finder.is_alone) for finder in finders])
        """The same for all cutters that find the same."""

    def places(self, text: str) -> list[Place]:
        """Return where relations stand that lead anywhere, in the order of the text.

        Args:
            text: A document as this system encodes it: without blanks. It need not have all of the members.

        Raises:
            Unclear: The same stands in the text elsewhere too, or something that is no id stands there.
        """
        places: list[Place] = []
        for number, key, finder in self._parts:
            begin = text.rfind(key) if finder.is_alone else _own_key(text, finder.name, key)
            if begin < 0:
                continue
            begin += len(key)
            first = text[begin]
            if first == "n":
                continue
            if finder.many:
                end = text.find("]", begin) + 1
                if end == begin + 2:
                    continue
                ids = text[begin + 2 : end - 2].split('","')
                is_fine = first == "[" and end - begin == len(ids) * _ITEM_CHARACTERS + 1
            else:
                end = begin + _ITEM_CHARACTERS - 1
                ids = [text[begin + 1 : end - 1]]
                is_fine = first == '"' == text[end - 1 : end]
            if not is_fine:
                raise Unclear
            places.append((begin, end, ids, number))
        if len(places) > 1:
            places.sort()
        return places


class KnownPlaces:
    """Remembers the places in texts that come again and again, as those of a front page do; nobody may change them."""

    def __init__(self, most_characters: int = 1_000_000) -> None:
        """Keep places of so much text at most; what does not fit any more makes room by starting anew."""
        self._most = most_characters
        self._size = 0
        self._known: dict[tuple[str, str], list[Place]] = {}

    def find(self, cutter: Cutter, text: str) -> list[Place]:
        """Return what the cutter finds.

        Raises:
            Unclear: As by the cutter.
        """
        key = cutter.signature, text
        known = self._known.get(key)
        if known is None:
            known = cutter.places(text)
            self._size += len(text)
            if self._size > self._most:
                self._known.clear()
                self._size = len(text)
            self._known[key] = known
        return known


def _own_key(text: str, name: str, key: str) -> int:
    """Return where the document's own member begins, when its key and value stand in the text once."""
    value = bytes(_members(text).get(name, b"null")).decode()
    if value in _ABSENT:
        return -1
    member = key + value
    begin = text.find(member)
    if text.rfind(member) != begin:
        raise Unclear
    return begin


def is_alone(content_type: ContentType, field: Field, *, maps: bool) -> bool:
    """Tell whether nothing else in a document can have a member of a field's name.

    Args:
        content_type: The type.
        field: The relation.
        maps: Whether the documents hold every locale; locales are names of members then.
    """
    others = None if maps else _names_inside(content_type)
    return others is not None and field.name not in others


_NESTED: Final = {Kind.MONEY: ("amount", "currency", "decimal"), Kind.GEO: ("lat", "lng")}
_FLAT: Final = frozenset(Kind) - {*_NESTED, Kind.JSON, Kind.COMPONENT, Kind.BLOCKS}


def _find_names_inside(content_type: ContentType) -> frozenset[str] | None:
    """Return the names of members that stand deeper in documents of a type; ``None`` where they may be any."""
    names = set(_inside(content_type.fields))
    return None if None in names else frozenset(name for name in names if name is not None)


_names_inside: Final = PerType(_find_names_inside)


def _inside(fields: Iterable[Field]) -> Iterator[str | None]:
    """Give the names of members inside of fields; ``None`` stands for any name, as free JSON may have."""
    for field in fields:
        inner = (*inner_fields(field), *(one for fields in block_fields(field).values() for one in fields))
        yield from (one.name for one in inner)
        yield from _inside(inner)
        yield from _NESTED.get(field.kind, ())
        if not inner and field.kind not in _FLAT and field.kind not in _NESTED:
            yield None


def spliced(text: str, places: Iterable[Place], values: Sequence[Callable[[list[str]], str]]) -> str:
    """Return the text with other values in the place of what stands at places.

    Args:
        text: In which the places were found.
        places: In the order of the text.
        values: By the number of what found a place, what makes a value of its ids.
    """
    parts: list[str] = []
    rest = 0
    for begin, end, ids, number in places:
        parts += text[rest:begin], values[number](ids)
        rest = end
    parts.append(text[rest:])
    return "".join(parts)
