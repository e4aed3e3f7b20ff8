"""The normal form of content types: whatever comes from code or over HTTP goes through :func:`check_type`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import structs

from maydan.content.conditions import CONNECTIVES
from maydan.content.field_ids import FieldIds
from maydan.content.fields import BLOCK_NAME, block_fields, inner_fields, is_list
from maydan.content.index_limits import check_defaults
from maydan.content.kinds import AUTHORS, RULES, SYSTEM_KINDS
from maydan.content.options import check_options
from maydan.content.problems import Problems, child
from maydan.content.stored import SLUG, TAGS
from maydan.content.text import has_control
from maydan.content.types import SYSTEM_FIELDS, ContentType, Field, Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_NAME_TEXT: Final = "[a-z][a-z0-9_]{0,62}"
NAME: Final = re.compile(_NAME_TEXT)
"""Of a field, of a block, and of a run-time type."""
TYPE_NAME: Final = re.compile(rf"{_NAME_TEXT}(?:\.{_NAME_TEXT})?")
MOST_FIELDS: Final = 500
"""Of a type, the members of its components and blocks counted too."""
DEEPEST_COMPONENT: Final = 4
MOST_INDEXES: Final = 20
MOST_INDEX_KEYS: Final = 5
LONGEST_TITLE: Final = 200
"""In characters."""
ENGAGEMENT: Final = ("comments",)
"""What a type may declare today."""


def check_type(
    candidate: ContentType,
    *,
    known_types: Collection[str] | None = None,
    previous: ContentType | None,
    rename: Mapping[str, str] | None = None,
    keeps_ids: bool = False,
) -> ContentType:
    """Check a content type and return its normal form, with the ids of its fields.

    A field keeps its id while its values keep their meaning, so that entries are not touched; one that is new, or of
    another kind or shape than before, gets an id that was never used, and so starts empty.

    Args:
        candidate: What is wanted; ``key``, ``version`` and ``retired_ids`` are taken from ``previous``.
        known_types: What relations may point at beside the type itself; ``None`` allows what comes later.
        previous: The type as it is.
        rename: From old field names to new ones; ``candidate`` has the new ones.
        keeps_ids: Whether fields are known by the ids that they say, as in what ``maydan schema dump`` writes. Else
            nobody gives a field another id than it has.
    Raises:
        InvalidInput: With every problem and its pointer, such as ``/fields/3/max_length``.
    """
    known = None if known_types is None else {*known_types, candidate.name}
    problems = Problems()
    _check_head(candidate, previous, problems)
    names = rename or {}
    _check_rename(candidate, previous, names, problems)
    fields = _Fields(problems, known).check(candidate.fields, "/fields", depth=0)
    checked = structs.replace(candidate, fields=fields)
    _check_slug_source(checked, problems)
    _check_indexes(checked, problems)
    check_defaults(checked, problems)
    if keeps_ids:
        _check_repeated_ids(candidate.fields, "/fields", problems)
    problems.raise_if_any()
    ids = FieldIds(previous.retired_ids if previous else candidate.retired_ids, names, keeps_ids=keeps_ids)
    fields = ids.assign(fields, previous.fields if previous else (), reserved=(SLUG, TAGS))
    if not keeps_ids:
        _check_ids(candidate.fields, fields, "/fields", problems)
    problems.raise_if_any()
    return structs.replace(
        candidate,
        title=candidate.title or candidate.name.rpartition(".")[2].replace("_", " ").capitalize(),
        fields=fields,
        indexes=tuple(dict.fromkeys(candidate.indexes)),
        key=previous.key if previous else candidate.key,
        version=previous.version if previous else candidate.version,
        retired_ids=tuple(sorted(ids.retired)),
    )


def _check_head(candidate: ContentType, previous: ContentType | None, problems: Problems) -> None:
    if TYPE_NAME.fullmatch(candidate.name) is None:
        problems.add("/name", "bad_name", pattern=NAME.pattern)
    elif previous is not None and previous.name != candidate.name:
        problems.add("/name", "read_only")
    if len(candidate.title) > LONGEST_TITLE:
        problems.add("/title", "too_long", max=LONGEST_TITLE)
    elif has_control(candidate.title):
        problems.add("/title", "control_character")
    for index, name in enumerate(candidate.engagement):
        if name not in ENGAGEMENT:
            problems.add(child("/engagement", index), "invalid_choice", values=", ".join(ENGAGEMENT))
        elif name in candidate.engagement[:index]:
            problems.add(child("/engagement", index), "duplicate")


def _check_rename(
    candidate: ContentType, previous: ContentType | None, rename: Mapping[str, str], problems: Problems
) -> None:
    for old, new in rename.items():
        there = previous is not None and previous.field(old) is not None
        if not there or candidate.field(new) is None or list(rename.values()).count(new) > 1:
            problems.add(child("/rename", old), "renamed_nothing")


class _Fields:
    """Checks the fields of one type, and counts them."""

    def __init__(self, problems: Problems, known_types: Collection[str] | None) -> None:
        self.problems = problems
        self.known_types = known_types
        self.count = 0

    def check(self, fields: tuple[Field, ...], pointer: str, *, depth: int, block: bool = False) -> tuple[Field, ...]:
        """Return the fields in normal form, as far as they are fine."""
        before = self.count
        self.count += len(fields)
        if before <= MOST_FIELDS < self.count:
            self.problems.add(pointer, "too_many", max=MOST_FIELDS)
        if self.count > MOST_FIELDS:
            return fields
        seen: set[str] = set()
        checked: list[Field] = []
        for index, field in enumerate(fields):
            place = child(pointer, index)
            self._check_name(field.name, child(place, "name"), seen, depth=depth, block=block)
            checked.append(self._check_field(field, place, depth))
        return tuple(checked)

    def _check_name(self, name: str, pointer: str, seen: set[str], *, depth: int, block: bool) -> None:
        reserved = (*SYSTEM_FIELDS, *CONNECTIVES) if depth == 0 else (BLOCK_NAME,) if block else ()
        if NAME.fullmatch(name) is None:
            self.problems.add(pointer, "bad_name", pattern=NAME.pattern)
        elif name in reserved:
            self.problems.add(pointer, "reserved_name")
        elif name in seen:
            self.problems.add(pointer, "duplicate")
        seen.add(name)

    def _check_field(self, field: Field, pointer: str, depth: int) -> Field:
        if field.id and NAME.fullmatch(field.id.rstrip("0123456789") or field.id) is None:
            self.problems.add(child(pointer, "id"), "bad_name", pattern=NAME.pattern)
        checked = check_options(field, pointer, self.problems, inner=depth > 0, known_types=self.known_types)
        if checked.kind in (Kind.COMPONENT, Kind.BLOCKS):
            return structs.replace(checked, of=self._check_inside(checked, child(pointer, "of"), depth + 1))
        return checked

    def _check_inside(self, field: Field, pointer: str, depth: int) -> tuple[Field, ...] | dict[str, tuple[Field, ...]]:
        blocks = field.kind is Kind.BLOCKS
        if not field.of:
            self.problems.add(pointer, "too_few", min=1)
        elif depth > DEEPEST_COMPONENT:
            self.problems.add(pointer, "too_deep", max=DEEPEST_COMPONENT)
        elif isinstance(field.of, dict) != blocks:
            self.problems.add(pointer, "not_an_object" if blocks else "not_a_list")
        elif field.localized and _holds_relation(field):
            self.problems.add(pointer, "option_conflict", other="localized (there is a relation inside)")
        elif isinstance(field.of, tuple):
            return self.check(field.of, pointer, depth=depth)
        else:
            return self._check_blocks(field.of, pointer, depth)
        return field.of

    def _check_blocks(self, of: dict[str, tuple[Field, ...]], pointer: str, depth: int) -> dict[str, tuple[Field, ...]]:
        for name in of:
            if NAME.fullmatch(name) is None:
                self.problems.add(child(pointer, name), "bad_name", pattern=NAME.pattern)
        return {name: self.check(fields, child(pointer, name), depth=depth, block=True) for name, fields in of.items()}


def _holds_relation(field: Field) -> bool:
    inner = (*inner_fields(field), *(one for fields in block_fields(field).values() for one in fields))
    return any(one.kind is Kind.RELATION or _holds_relation(one) for one in inner)


def _check_ids(given: tuple[Field, ...], fields: tuple[Field, ...], pointer: str, problems: Problems) -> None:
    """Refuse ids that are not the ones that fields have; types from code say their names, before they know better."""
    for index, (wished, field) in enumerate(zip(given, fields, strict=True)):
        place = child(pointer, index)
        if wished.id not in ("", field.name, field.id):
            problems.add(child(place, "id"), "read_only")
        _check_ids(inner_fields(wished), inner_fields(field), child(place, "of"), problems)
        for name, block in block_fields(wished).items():
            _check_ids(block, block_fields(field)[name], child(child(place, "of"), name), problems)


def _check_repeated_ids(fields: tuple[Field, ...], pointer: str, problems: Problems) -> None:
    ids = [field.id for field in fields]
    for index, field in enumerate(fields):
        place = child(pointer, index)
        if field.id and field.id in ids[:index]:
            problems.add(child(place, "id"), "duplicate")
        _check_repeated_ids(inner_fields(field), child(place, "of"), problems)
        for name, block in block_fields(field).items():
            _check_repeated_ids(block, child(child(place, "of"), name), problems)


def _check_slug_source(type: ContentType, problems: Problems) -> None:
    if type.slug_from is None:
        return
    field = type.field(type.slug_from)
    if field is None or field.kind not in (Kind.STRING, Kind.TEXT) or field.many or field.private:
        problems.add("/slug_from", "no_such_field", name=type.slug_from)


def _check_indexes(type: ContentType, problems: Problems) -> None:
    if len(type.indexes) > MOST_INDEXES:
        problems.add("/indexes", "too_many", max=MOST_INDEXES)
        return
    for number, keys in enumerate(type.indexes):
        place = child("/indexes", number)
        if not 1 <= len(keys) <= MOST_INDEX_KEYS:
            problems.add(place, "too_many" if keys else "too_few", max=MOST_INDEX_KEYS, min=1)
            continue
        names = [key.removeprefix("-") for key in keys]
        for index, name in enumerate(names):
            if name in names[:index]:
                problems.add(child(place, index), "duplicate")
            elif not _is_indexable(type, name):
                problems.add(child(place, index), "no_such_field", name=name)


def _is_indexable(type: ContentType, name: str) -> bool:
    if name in SYSTEM_KINDS:
        return name != TAGS and name not in AUTHORS
    field = type.field(name)
    if field is None or is_list(field):
        return False
    return RULES[field.kind].sorts or field.kind in (Kind.MONEY, Kind.RELATION, Kind.ASSET)
