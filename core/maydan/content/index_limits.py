"""How long texts may be that an index holds: on PostgreSQL a row of one has 2,704 bytes at most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import structs

from maydan.content.per_type import PerType
from maydan.content.problems import child
from maydan.content.stored import SLUG
from maydan.content.types import ContentType, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.content.problems import Problems
    from maydan.content.types import Field

LARGEST_INDEXED_BYTES: Final = 2048
"""Of the texts in one row of an index, as UTF-8; the places, numbers and ids beside them need the rest."""

_LONG: Final = frozenset({Kind.STRING, Kind.TEXT, Kind.ENUM, Kind.EMAIL, Kind.URL})
"""Kinds whose values may be long; they share an index in equal parts, and so does the slug."""


def _by_name(type: ContentType) -> dict[str, tuple[int, str]]:
    found = {
        field.name: (LARGEST_INDEXED_BYTES, f"/fields/{number}/indexed")
        for number, field in enumerate(type.fields)
        if field.indexed and field.kind in _LONG
    }
    for number, keys in enumerate(type.indexes):
        names = _long_names(type, keys)
        for name in names:
            part = (LARGEST_INDEXED_BYTES // len(names), f"/indexes/{number}")
            found[name] = min(found.get(name, part), part, key=lambda one: one[0])
    return found


def _long_names(type: ContentType, keys: Sequence[str]) -> list[str]:
    kinds = {field.name: field.kind for field in type.fields} | {SLUG: Kind.STRING}
    names = (key.removeprefix("-") for key in keys)
    return [name for name in names if kinds.get(name) in _LONG]


def _by_id(type: ContentType) -> dict[str, int]:
    limits = _by_name(type)
    return {field.id: limits[field.name][0] for field in type.fields if field.name in limits}


most_bytes: Final = PerType(_by_id)
"""Gives, by the ids of the fields, how many bytes a text may have that is in an index."""


def place_of_index(type: ContentType, name: str) -> str:
    """Return the pointer to the index that limits a field."""
    return _by_name(type)[name][1]


def fits(value: object, most: int) -> bool:
    """Tell whether an index holds a value."""
    return not isinstance(value, str) or len(value) * 4 <= most or len(value.encode()) <= most


def bounded(type: ContentType, field: Field) -> Field:
    """Return the field with no more characters than an index holds bytes."""
    most = most_bytes(type).get(field.id)
    if most is None or field.kind is Kind.ENUM or (field.max_length or most + 1) <= most:
        return field
    return structs.replace(field, max_length=most)


def check_defaults(type: ContentType, problems: Problems) -> None:
    """Refuse defaults that are too long for an index."""
    limits = _by_name(type)
    for index, field in enumerate(type.fields):
        if field.name in limits and not fits(field.default, most := limits[field.name][0]):
            problems.add(child(child("/fields", index), "default"), "too_long_for_index", max=most)
