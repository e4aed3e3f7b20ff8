"""Checks the options of one field: which its kind takes, what each may be, which exclude each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import structs

from maydan.content.fields import MOST_ITEMS, TEXT_KINDS, read_value
from maydan.content.kinds import RULES
from maydan.content.problems import Problems, child
from maydan.content.scalars import comparable
from maydan.content.text import LONGEST_RICHTEXT, compile_pattern, has_control
from maydan.content.types import Field, Kind, OnDelete

if TYPE_CHECKING:
    from collections.abc import Collection

MOST_ENUM_VALUES: Final = 1000
LONGEST_ENUM_VALUE: Final = 200
"""In characters."""

_DEFAULTS: Final[dict[str, Any]] = {
    "required": False, "unique": False, "localized": False, "indexed": False, "searchable": False, "private": False,
    "many": False, "default": None, "min": None, "max": None, "min_length": None, "max_length": None, "pattern": None,
    "values": (), "to": (), "of": (), "on_delete": OnDelete.RESTRICT,
}  # fmt: skip
_NOT_INSIDE: Final = ("unique", "localized", "indexed", "private")
"""Options of a whole field, which the members of a component have from it."""
_EXCLUDE: Final = (("unique", "many"), ("unique", "default"), ("indexed", "many"))


def check_options(
    field: Field, pointer: str, problems: Problems, *, inner: bool, known_types: Collection[str] | None
) -> Field:
    """Check one field's options and return them in normal form; components' members are checked elsewhere."""
    before = len(problems.found)
    _check_kind(field, pointer, problems, inner=inner)
    for one, other in _EXCLUDE:
        if _is_set(field, one) and _is_set(field, other):
            problems.add(child(pointer, one), "option_conflict", other=other)
    _check_lengths(field, pointer, problems)
    _check_pattern(field, pointer, problems)
    if field.kind is Kind.ENUM:
        _check_values(field, pointer, problems)
    if field.kind is Kind.RELATION:
        _check_types(field, pointer, problems, known_types)
    field = _with_bounds(field, pointer, problems)
    if field.default is not None and len(problems.found) == before:
        default = read_value(field, field.default, child(pointer, "default"), problems)
        field = structs.replace(field, default=default)
    return field


def _is_set(field: Field, option: str) -> bool:
    return getattr(field, option) != _DEFAULTS[option]


def _check_kind(field: Field, pointer: str, problems: Problems, *, inner: bool) -> None:
    allowed = RULES[field.kind].options
    if inner and field.kind is Kind.SECRET:
        problems.add(child(pointer, "kind"), "forbidden_here")
    for option in _DEFAULTS:
        if not _is_set(field, option):
            continue
        if option not in allowed:
            problems.add(child(pointer, option), "option_not_for_kind", kind=field.kind.value)
        elif inner and option in _NOT_INSIDE:
            problems.add(child(pointer, option), "forbidden_here")


def _check_lengths(field: Field, pointer: str, problems: Problems) -> None:
    most = LONGEST_RICHTEXT if field.kind in TEXT_KINDS else MOST_ITEMS
    for option, least in (("min_length", 0), ("max_length", 1)):
        length: int | None = getattr(field, option)
        if length is not None and length < least:
            problems.add(child(pointer, option), "too_small", min=least)
        if length is not None and length > most:
            problems.add(child(pointer, option), "too_large", max=most)
    if field.min_length is not None and field.max_length is not None and field.min_length > field.max_length:
        problems.add(child(pointer, "min_length"), "too_large", max=field.max_length)
    counts_items = field.kind not in TEXT_KINDS and field.kind is not Kind.BLOCKS
    if counts_items and not field.many:
        for option in ("min_length", "max_length"):
            if _is_set(field, option) and option in RULES[field.kind].options:
                problems.add(child(pointer, option), "option_conflict", other="many: false")


def _check_pattern(field: Field, pointer: str, problems: Problems) -> None:
    if field.pattern is None:
        return
    try:
        compile_pattern(field.pattern)
    except ValueError as error:
        problems.add(child(pointer, "pattern"), "bad_pattern", reason=error)


def _check_values(field: Field, pointer: str, problems: Problems) -> None:
    place = child(pointer, "values")
    if not field.values:
        problems.add(place, "too_few", min=1)
    if len(field.values) > MOST_ENUM_VALUES:
        problems.add(place, "too_many", max=MOST_ENUM_VALUES)
        return
    seen: set[str] = set()
    for index, value in enumerate(field.values):
        if not value or len(value) > LONGEST_ENUM_VALUE:
            problems.add(child(place, index), "too_long" if value else "too_short", max=LONGEST_ENUM_VALUE, min=1)
        elif has_control(value):
            problems.add(child(place, index), "control_character")
        elif value in seen:
            problems.add(child(place, index), "duplicate")
        seen.add(value)


def _check_types(field: Field, pointer: str, problems: Problems, known_types: Collection[str] | None) -> None:
    from maydan.content.normal import TYPE_NAME

    place = child(pointer, "to")
    if not field.to:
        problems.add(place, "too_few", min=1)
    for index, name in enumerate(field.to):
        if TYPE_NAME.fullmatch(name) is None or (known_types is not None and name not in known_types):
            problems.add(child(place, index), "unknown_type")
        elif name in field.to[:index]:
            problems.add(child(place, index), "duplicate")


def _with_bounds(field: Field, pointer: str, problems: Problems) -> Field:
    """Return the field with ``min`` and ``max`` as values of its kind."""
    if field.min is None and field.max is None:
        return field
    if not {"min", "max"} <= RULES[field.kind].options:
        return field
    kind = Kind.INTEGER if field.kind is Kind.MONEY else field.kind
    plain = Field(name=field.name, kind=kind)
    found = len(problems.found)
    bounds = {
        option: None if value is None else read_value(plain, value, child(pointer, option), problems)
        for option, value in (("min", field.min), ("max", field.max))
    }
    low, high = bounds["min"], bounds["max"]
    if low is not None and high is not None and comparable(kind, low) > comparable(kind, high):
        problems.add(child(pointer, "min"), "too_large", max=high)
    return structs.replace(field, **bounds) if len(problems.found) == found else field
