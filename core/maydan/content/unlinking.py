"""Taking relations out of an entry, where what they point at goes away; and what a relation field says about that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from maydan.content.fields import BLOCK_NAME, block_fields, inner_fields, is_list
from maydan.content.per_type import PerType
from maydan.content.stored import locales_of
from maydan.content.types import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maydan.content.stored import Stored
    from maydan.content.types import ContentType, Field

    Drops = Callable[[str, str], bool]


class Relation(Struct, frozen=True):
    """A relation field of a type, wherever it stands."""

    field: Field
    path: str
    """Its present name; of one inside a component the names of both: ``opening.host``."""

    @property
    def top(self) -> str:
        """The name of the field of the entry that holds it: what rights are about."""
        return self.path.partition(".")[0]


def _relations(type: ContentType) -> dict[str, Relation]:
    return {key: Relation(field, path) for key, path, field in _walk(type.fields, "", "")}


def _walk(fields: tuple[Field, ...], ids: str, names: str) -> Iterator[tuple[str, str, Field]]:
    for field in fields:
        key, path = f"{ids}{field.id}", f"{names}{field.name}"
        if field.kind is Kind.RELATION:
            yield key, path, field
        yield from _walk(inner_fields(field), f"{key}.", f"{path}.")
        for block, inner in block_fields(field).items():
            yield from _walk(inner, f"{key}.{block}.", f"{path}.{block}.")


relations_of: Final = PerType(_relations)
"""Gives a type's relation fields by the ids that ``maydan_links`` knows them by."""


def without_links(type: ContentType, stored: Stored, drops: Drops) -> Stored:
    """Return a stored form without some of its links; the same one where it has none of them.

    Args:
        type: In normal form.
        stored: Never changed.
        drops: Called with the field's id (as in ``Link.field_id``) and the target's; true takes the link out.
    """
    result = dict(stored)
    for field in type.fields:
        if field.id not in stored or not (field.kind is Kind.RELATION or field.of):
            continue
        value = stored[field.id]
        if field.localized:
            kept = {locale: _kept(field, field.id, one, drops) for locale, one in locales_of(value).items()}
            value = {locale: one for locale, one in kept.items() if one is not None} or None
        else:
            value = _kept(field, field.id, value, drops)
        if value is None:
            del result[field.id]
        else:
            result[field.id] = value
    return stored if result == stored else result


def _kept(field: Field, field_id: str, value: Any, drops: Drops) -> Any:
    if not is_list(field):
        return _kept_one(field, field_id, value, drops)
    items = [_kept_one(field, field_id, item, drops) for item in value]
    return [item for item in items if item is not None] or None


def _kept_one(field: Field, field_id: str, value: Any, drops: Drops) -> Any:
    if field.kind is Kind.RELATION:
        return None if drops(field_id, value) else value
    inner, prefix = inner_fields(field), field_id
    if field.kind is Kind.BLOCKS:
        inner, prefix = block_fields(field).get(value[BLOCK_NAME], ()), f"{field_id}.{value[BLOCK_NAME]}"
    result = dict(value)
    for one in inner:
        if one.id in value and (one.kind is Kind.RELATION or one.of):
            kept = _kept(one, f"{prefix}.{one.id}", value[one.id], drops)
            if kept is None:
                del result[one.id]
            else:
                result[one.id] = kept
    return result
