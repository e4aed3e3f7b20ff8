"""Changes of a type by which its fields take less than before: which they are, and what of an entry would not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, structs

from maydan.content.fields import MOST_ITEMS, TEXT_KINDS, block_fields, inner_fields, read_value
from maydan.content.links import links
from maydan.content.naming import named_value
from maydan.content.problems import Problems, child
from maydan.content.required import check_required
from maydan.content.scalars import comparable
from maydan.content.stored import locales_of
from maydan.content.text import LONGEST_RICHTEXT, LONGEST_TEXT
from maydan.content.types import ContentType, Field, Kind
from maydan.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from maydan.content.links import Link
    from maydan.content.spaces import Space
    from maydan.content.stored import Stored

_RULES: Final = {
    "too_long": "max_length",
    "too_many": "max_length",
    "too_short": "min_length",
    "too_few": "min_length",
    "too_large": "max",
    "too_small": "min",
    "pattern_mismatch": "pattern",
    "invalid_choice": "values",
}
"""The option of a field behind each code."""
_BOUNDS: Final = ("min", "max", "min_length", "max_length", "pattern")


class Narrowing(Struct, frozen=True):
    """A field that takes less than before."""

    index: int
    """Among the fields of the type as it will be."""
    only: ContentType
    """The type as it will be, with this field alone."""
    requires: bool
    """The field, or a member of it, is required and was not."""
    refuses: bool
    """Values may not be allowed any more."""
    unlinks: bool
    """A relation may not point any more at what it could."""

    @property
    def field(self) -> Field:
        """The field as it will be."""
        return self.only.fields[0]

    @property
    def pointer(self) -> str:
        """Where the field stands in the type."""
        return child("/fields", self.index)


def list_narrowings(before: ContentType, after: ContentType) -> list[Narrowing]:
    """Return the fields that take less than before, or that are new and required, in their order."""
    by_id = {field.id: field for field in before.fields}
    found: list[Narrowing] = []
    for index, field in enumerate(after.fields):
        old = by_id.get(field.id)
        requires, refuses, unlinks = (
            _is_so(old, field, rule) for rule in (_requires_more, _refuses_more, _links_to_less)
        )
        if requires or refuses or unlinks:
            only = structs.replace(after, fields=(field,))
            found.append(Narrowing(index, only, requires, refuses, unlinks))
    return found


def _is_so(old: Field | None, field: Field, rule: Callable[[Field | None, Field], bool]) -> bool:
    """Tell whether a rule holds for a field or for one of its members; ``old`` is ``None`` where it is new."""
    return rule(old, field) or (old is not None and any(_is_so(*pair, rule) for pair in _members(old, field)))


def _members(old: Field, field: Field) -> Iterator[tuple[Field | None, Field]]:
    before = {one.id: one for one in inner_fields(old)}
    yield from ((before.get(one.id), one) for one in inner_fields(field))
    blocks = block_fields(old)
    for name, fields in block_fields(field).items():
        if name in blocks:
            before = {one.id: one for one in blocks[name]}
            yield from ((before.get(one.id), one) for one in fields)


def _requires_more(old: Field | None, field: Field) -> bool:
    return field.required and (old is None or not old.required)


def _links_to_less(old: Field | None, field: Field) -> bool:
    return old is not None and not set(old.to) <= set(field.to)


def _refuses_more(old: Field | None, field: Field) -> bool:
    if old is None:
        return False
    if old.kind is not field.kind:
        return any(getattr(field, bound) is not None for bound in _BOUNDS)
    return (
        _is_tighter(field.min, old.min, lambda new, was: comparable(field.kind, new) > comparable(field.kind, was))
        or _is_tighter(field.max, old.max, lambda new, was: comparable(field.kind, new) < comparable(field.kind, was))
        or (field.min_length or 0) > (old.min_length or 0)
        or _longest(field) < _longest(old)
        or field.pattern not in (None, old.pattern)
        or not set(old.values) <= set(field.values)
    )


def _is_tighter(new: Any, old: Any, excludes: Callable[[Any, Any], bool]) -> bool:
    return new is not None and (old is None or excludes(new, old))


def _longest(field: Field) -> int:
    if field.kind not in TEXT_KINDS:
        return field.max_length or MOST_ITEMS
    return field.max_length or (LONGEST_RICHTEXT if field.kind is Kind.RICHTEXT else LONGEST_TEXT)


def refused_rules(narrowing: Narrowing, stored: Stored) -> set[str]:
    """Return pointers to the options, such as ``/fields/3/max_length``, that refuse what a stored form holds."""
    value = stored.get(narrowing.field.id)
    if value is None or not narrowing.refuses:
        return set()
    problems = Problems()
    named = named_value(narrowing.field, value)
    for one in locales_of(named).values() if narrowing.field.localized else (named,):
        read_value(narrowing.field, one, "", problems)
    own = narrowing.field.of == ()
    return {
        child(narrowing.pointer, _RULES[error.code] if own and error.code in _RULES else "of" if not own else "kind")
        for error in problems.found
    }


def lacks(narrowing: Narrowing, space: Space, stored: Stored, locales: Iterable[str]) -> bool:
    """Tell whether what readers get in the locales lacks what is now required."""
    if not narrowing.requires:
        return False
    shown = tuple(locales)
    try:
        check_required(narrowing.only, space, stored, shown, shown=shown)
    except InvalidInput:
        return True
    return False


def narrowed_links(narrowing: Narrowing, stored: Stored) -> list[Link]:
    """Return the links in a field that may point at less than before."""
    return links(narrowing.only, stored) if narrowing.unlinks else []


def leads_elsewhere(found: Iterable[Link], types: Mapping[str, str]) -> bool:
    """Tell whether a link points at an entry of a type that it may not point at; ``types`` are by id of the entry."""
    return any(link.target_id in types and types[link.target_id] not in link.to for link in found)
