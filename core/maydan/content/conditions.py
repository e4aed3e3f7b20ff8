"""Conditions: the tree that filters, policies and search share, and how it is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias, Union, cast

from msgspec import Struct

from maydan.content.types import ContentType, Kind
from maydan.errors import BadParameter, InputError

OPERATORS: Final = (
    "eq", "ne", "lt", "lte", "gt", "gte", "in", "nin", "contains", "icontains", "startswith", "exists",
)  # fmt: skip
"""``ne``, ``nin`` and ``not`` match absent values, no other does (but for ``exists`` with ``false``)."""
NEGATIVE: Final = frozenset({"ne", "nin"})
LIST_OPERATORS: Final = frozenset({"in", "nin"})
TEXT_OPERATORS: Final = frozenset({"contains", "icontains", "startswith"})
ORDER_OPERATORS: Final = frozenset({"lt", "lte", "gt", "gte"})
CONNECTIVES: Final = ("and", "or", "not")
"""No field has one of these names."""

MOST_CONDITIONS: Final = 200
MOST_VALUES: Final = 200
"""In one ``in`` or ``nin``."""
DEEPEST_FILTER: Final = 16
"""Groups inside of groups."""
LONGEST_PATH: Final = 8
"""Names in a dotted path."""
MOST_RELATIONS: Final = 4
"""Relations that one path goes through."""


class Target(Struct, frozen=True):
    """What a path leads to in a document; checking finds it out, once, for every back end."""

    kind: Kind
    private: bool = False
    """It stands in the private part of the document."""
    many: tuple[bool, ...] = ()
    """For each step of the path, whether a list stands there: one matching item is enough."""
    system: bool = False
    steps: int = 0
    """How many names of the path lead to a relation that the others go through; 0 where they go through none."""
    hops: tuple[Hop, ...] = ()
    """What the other names mean in each type that the relation may lead to; of these ``kind`` is the kind."""


class Hop(Struct, frozen=True):
    """The entries of one type, as far as a path through a relation is about them."""

    type: str
    type_key: int
    target: Target
    """What the rest of the path leads to in their documents."""
    condition: Condition | None = None
    """Those that count: what the caller may read, and where they may read what the path names."""
    content_type: ContentType | None = None
    """The type itself, in a policy's condition; those of a query are found by whoever asks."""
    draft: bool | None = None
    """Whether the newest versions count, or what is published; ``None``: as they are looked at. A policy's condition
    says so itself, and means the same whatever perspective somebody reads under."""


class Compare(Struct, frozen=True, tag=True):
    """One comparison of what stands at a path."""

    path: tuple[str, ...]
    """Names: ``("title",)``, ``("price", "amount")``, ``("author", "name")``."""
    op: str
    value: Any
    """Of the kind of the field; a tuple for ``in`` and ``nin``, a boolean for ``exists``."""
    target: Target | None = None
    """``None`` until it is checked against a type."""


class Not(Struct, frozen=True, tag=True):
    """What the condition does not match."""

    condition: Condition


class And(Struct, frozen=True, tag=True):
    """What every condition matches; without any, everything."""

    conditions: tuple[Condition, ...]


class Or(Struct, frozen=True, tag=True):
    """What some condition matches; without any, nothing."""

    conditions: tuple[Condition, ...]


Condition: TypeAlias = Union[Compare, Not, And, Or]  # noqa: UP007 - the classes above name it before it exists


def compares(condition: Condition) -> Iterator[Compare]:
    """Yield the comparisons of a tree, in the order in which they are written."""
    if isinstance(condition, Compare):
        yield condition
    elif isinstance(condition, Not):
        yield from compares(condition.condition)
    else:
        for part in condition.conditions:
            yield from compares(part)


def refuse(name: str, code: str, message: str) -> BadParameter:
    """Return the error for one part of a query."""
    return BadParameter(f"{name} {message}.", errors=(InputError(name, code, message),))


def read_condition(written: dict[str, Any], *, name: str = "filter") -> Condition | None:
    """Read a condition as queries and policies write it.

    ``{"rating": {"gte": 3}, "not": {"author": {"name": {"eq": "Ann"}}}, "or": [{…}, {…}]}``; members of an object must
    all hold. Nested objects and dotted paths are the same.

    Args:
        written: The decoded JSON.
        name: How a refusal names it.
    Returns:
        ``None`` for ``{}``, which is no condition.
    Raises:
        BadParameter: It is no condition, or exceeds a limit.
    """
    reader = _Reader(name)
    condition = reader.group(written, (name,), 0)
    return None if condition == EVERYTHING else condition


def write_condition(condition: Condition | None) -> dict[str, Any]:
    """Write a condition as :func:`read_condition` reads it."""
    if condition is None:
        return {}
    if isinstance(condition, Compare):
        value = condition.value
        listed = list(cast("tuple[object, ...]", value)) if isinstance(value, tuple) else value
        return {".".join(condition.path): {condition.op: listed}}
    if isinstance(condition, Not):
        return {"not": write_condition(condition.condition)}
    return {"and" if isinstance(condition, And) else "or": [write_condition(part) for part in condition.conditions]}


class _Reader:
    """Reads one condition and counts what is in it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0

    def refuse(self, place: tuple[str, ...], code: str, message: str) -> BadParameter:
        named = place[0] + "".join(f"[{step}]" for step in place[1:])
        return refuse(named, code, message)

    def group(self, written: object, place: tuple[str, ...], depth: int) -> Condition:
        if not isinstance(written, dict):
            raise self.refuse(place, "not_an_object", "must be an object of conditions")
        if depth > DEEPEST_FILTER:
            raise refuse(self.name, "too_deep", f"nests more than {DEEPEST_FILTER} groups")
        members = cast("dict[str, object]", written)
        parts = [self._member(key, value, (*place, key), depth) for key, value in members.items()]
        return _all(parts)

    def _member(self, key: str, value: object, place: tuple[str, ...], depth: int) -> Condition:
        if key == "not":
            return _negated(self.group(value, place, depth + 1))
        if key not in CONNECTIVES:
            return self._path(tuple(key.split(".")), value, place)
        if not isinstance(value, list) or not value:
            raise self.refuse(place, "not_a_list", "must be a list of conditions")
        listed = cast("list[object]", value)
        parts = [self.group(item, (*place, str(index)), depth + 1) for index, item in enumerate(listed)]
        return _all(parts) if key == "and" else _any(parts)

    def _path(self, path: tuple[str, ...], value: object, place: tuple[str, ...]) -> Condition:
        if len(path) > LONGEST_PATH or not all(path):
            raise self.refuse(place, "bad_path", f"must be a path of at most {LONGEST_PATH} names")
        if not isinstance(value, dict) or not value:
            raise self.refuse(place, "no_operator", f"needs an operator: {', '.join(OPERATORS)}")
        members = cast("dict[str, object]", value)
        parts: list[Condition] = []
        for key, inner in members.items():
            if isinstance(inner, dict):
                parts.append(self._path((*path, *key.split(".")), cast("object", inner), (*place, key)))
            else:
                parts.append(self._compare(path, key, inner, (*place, key)))
        return _all(parts)

    def _compare(self, path: tuple[str, ...], op: str, value: object, place: tuple[str, ...]) -> Compare:
        if op not in OPERATORS:
            raise self.refuse(place, "unknown_operator", f"must be an operator: {', '.join(OPERATORS)}")
        self.count += 1
        if self.count > MOST_CONDITIONS:
            raise refuse(self.name, "too_many", f"has more than {MOST_CONDITIONS} conditions")
        if value is None:
            raise self.refuse(place, "null", "must not be null; use exists")
        if not isinstance(value, list):
            # In an address ``in`` takes one text with commas.
            if op in LIST_OPERATORS and isinstance(value, str) and value.count(",") >= MOST_VALUES:
                raise self.refuse(place, "too_many", f"has more than {MOST_VALUES} values")
            return Compare(path, op, value)
        listed = tuple(cast("list[object]", value))
        if op not in LIST_OPERATORS:
            raise self.refuse(place, "not_a_value", "takes one value")
        if len(listed) > MOST_VALUES:
            raise self.refuse(place, "too_many", f"has more than {MOST_VALUES} values")
        return Compare(path, op, listed)


EVERYTHING: Final = And(())
NOTHING: Final = Or(())
"""The only groups without members that reading makes, and only as a whole condition: never inside of another."""


def _all(parts: list[Condition]) -> Condition:
    if NOTHING in parts:
        return NOTHING
    kept = tuple(part for part in parts if part != EVERYTHING)
    return kept[0] if len(kept) == 1 else And(kept)


def _any(parts: list[Condition]) -> Condition:
    if EVERYTHING in parts:
        return EVERYTHING
    kept = tuple(part for part in parts if part != NOTHING)
    return kept[0] if len(kept) == 1 else Or(kept)


def _negated(part: Condition) -> Condition:
    if part == EVERYTHING:
        return NOTHING
    return EVERYTHING if part == NOTHING else Not(part)
