"""What an entry points at, and what of it must be unique."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from maydan.content.fields import BLOCK_NAME, block_fields, inner_fields, is_list
from maydan.content.per_type import PerType
from maydan.content.problems import child
from maydan.content.types import ContentType, Field, Kind
from maydan.locales.normalizing import normalized

if TYPE_CHECKING:
    from maydan.content.stored import Stored


class Link(Struct, frozen=True):
    """One relation of an entry to another."""

    field_id: str
    """Id of the relation field; of one inside a component, the ids of both: ``opening.host``."""
    position: int
    """Counts the links of that field in the entry, from 0."""
    target_id: str
    to: tuple[str, ...]
    """Names of the types that the target may have."""
    pointer: str
    """Where the id stands in the input, for a refusal."""


def _linking(type: ContentType) -> tuple[Field, ...]:
    return tuple(field for field in type.fields if _points(field))


def _points(field: Field) -> bool:
    """Tell whether there can be a relation in the field."""
    inner = (*inner_fields(field), *(one for fields in block_fields(field).values() for one in fields))
    return field.kind is Kind.RELATION or any(_points(one) for one in inner)


_linking_fields: Final = PerType(_linking)


def links(type: ContentType, stored: Stored) -> list[Link]:
    """Return every link of an entry, those inside of components and blocks too, in the order of the fields."""
    found: list[Link] = []
    counts: dict[str, int] = {}
    for field in _linking_fields(type):
        value = stored.get(field.id)
        if value is None:
            continue
        places: list[tuple[str, Any]] = [(child("", field.name), value)]
        if field.localized:
            places = [(child(child("", field.name), locale), one) for locale, one in value.items()]
        for pointer, one in places:
            for field_id, target, to, place in _walk(field, field.id, one, pointer):
                position = counts.get(field_id, 0)
                counts[field_id] = position + 1
                found.append(Link(field_id, position, target, to, place))
    return found


def _walk(field: Field, field_id: str, value: Any, pointer: str) -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    """Yield the field id, target, allowed types and pointer of each link in a stored value."""
    if is_list(field):
        for index, item in enumerate(value):
            yield from _walk_one(field, field_id, item, child(pointer, index))
    else:
        yield from _walk_one(field, field_id, value, pointer)


def _walk_one(field: Field, field_id: str, value: Any, pointer: str) -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    if field.kind is Kind.RELATION:
        yield field_id, value, field.to, pointer
        return
    if field.kind is Kind.COMPONENT:
        inner, prefix = inner_fields(field), field_id
    else:
        block = value[BLOCK_NAME]
        inner, prefix = block_fields(field).get(block, ()), f"{field_id}.{block}"
    for one in inner:
        if one.id in value and _points(one):
            yield from _walk(one, f"{prefix}.{one.id}", value[one.id], child(pointer, one.name))


def _unique(type: ContentType) -> tuple[Field, ...]:
    return tuple(field for field in type.fields if field.unique)


_unique_fields: Final = PerType(_unique)


def unique_values(type: ContentType, stored: Stored) -> list[tuple[str, str, str]]:
    """Return ``(field id, locale or "", canonical value)`` for everything that no other entry of the type may have.

    E-mail addresses are the same after NFKC and case folding, other text after NFC.
    """
    found: list[tuple[str, str, str]] = []
    for field in _unique_fields(type):
        value = stored.get(field.id)
        if value is None:
            continue
        values: dict[str, Any] = value if field.localized else {"": value}
        found += [(field.id, locale, _canonical(field, one)) for locale, one in values.items()]
    return found


def _canonical(field: Field, value: object) -> str:
    if field.kind is Kind.EMAIL:
        return normalized("NFKC", normalized("NFKC", str(value)).casefold())
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return normalized("NFC", str(value))
