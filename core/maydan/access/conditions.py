"""Conditions of policies: reading them, binding them to an actor, combining them and judging one row by them.

They are the trees of queries (``content.query``). A variable stands as the text ``$actor.id``, ``$actor.roles`` or
``$now`` where a value is expected, and :func:`bind` puts the value there. ``None`` is "every row", :data:`NEVER` none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from maydan.access._tree import And, Compare, Condition, Not, Or
from maydan.clock import to_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from maydan.access.actors import Actor

NEVER: Final = Or(())
"""Matches no row; taken out wherever conditions are combined, so that no back end meets it inside a tree."""

ACTOR_ID: Final = "$actor.id"
ACTOR_ROLES: Final = "$actor.roles"
NOW: Final = "$now"

_NEGATIVE: Final = frozenset({"ne", "nin"})
"""Operators that match absent values, and so everything where a variable has no value."""


def any_of(parts: Iterable[Condition | None]) -> Condition | None:
    """Return what matches where one of the parts does."""
    kept: list[Condition] = []
    for part in parts:
        if part is None:
            return None
        if part != NEVER and part not in kept:
            kept.append(part)
    return kept[0] if len(kept) == 1 else Or(tuple(kept)) if kept else NEVER


def all_of(parts: Iterable[Condition | None]) -> Condition | None:
    """Return what matches where all of the parts do."""
    kept: list[Condition] = []
    for part in parts:
        if part == NEVER:
            return NEVER
        if part is not None and part not in kept:
            kept.append(part)
    return kept[0] if len(kept) == 1 else And(tuple(kept)) if kept else None


def negated(part: Condition | None) -> Condition | None:
    """Return what matches where the part does not."""
    if part is None:
        return NEVER
    if part == NEVER:
        return None
    return part.condition if isinstance(part, Not) else Not(part)


def compares(condition: Condition) -> list[Compare]:
    """Return the comparisons of a tree, in the order in which they are written."""
    if isinstance(condition, Compare):
        return [condition]
    if isinstance(condition, Not):
        return compares(condition.condition)
    return [found for part in condition.conditions for found in compares(part)]


def has_variables(condition: Condition | None) -> bool:
    """Tell whether the condition depends on who asks, or when."""
    return condition is not None and any(_names_variable(compare.value) for compare in compares(condition))


def bind(condition: Condition | None, actor: Actor, now: datetime, roles: frozenset[str]) -> Condition | None:
    """Put the actor and the moment in the place of ``$actor.id``, ``$actor.roles`` and ``$now``.

    Nobody has no id: a comparison with it matches no row, or with ``ne`` and ``nin`` every row.
    """
    return rewritten(condition, lambda compare: _bound(compare, actor, now, roles))


def rewritten(condition: Condition | None, change: Callable[[Compare], Condition | None]) -> Condition | None:
    """Return the tree with every comparison replaced, simplified where one became "every row" or "no row"."""
    if condition is None:
        return None
    if isinstance(condition, Compare):
        return change(condition)
    if isinstance(condition, Not):
        return negated(rewritten(condition.condition, change))
    parts = [rewritten(part, change) for part in condition.conditions]
    return all_of(parts) if isinstance(condition, And) else any_of(parts)


def _names_variable(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_names_variable(item) for item in value)  # pyright: ignore[reportUnknownVariableType]
    return value in (ACTOR_ID, ACTOR_ROLES, NOW)


def _bound(compare: Compare, actor: Actor, now: datetime, roles: frozenset[str]) -> Condition | None:
    if not _names_variable(compare.value):
        return compare
    values: dict[str, Any] = {ACTOR_ID: actor.id, ACTOR_ROLES: tuple(sorted(roles)), NOW: to_text(now)}
    if isinstance(compare.value, (list, tuple)):
        listed: list[Any] = []
        for item in compare.value:  # pyright: ignore[reportUnknownVariableType]
            value = values.get(item, item) if isinstance(item, str) else item
            listed.extend(value if isinstance(value, tuple) else () if value is None else (value,))
        return Compare(compare.path, compare.op, tuple(listed))
    value = values[compare.value]
    if value is None:
        return None if compare.op in _NEGATIVE else NEVER
    return Compare(compare.path, compare.op, value)


def matches(condition: Condition | None, row: Mapping[str, Any]) -> bool:
    """Judge one row, as SQL would: what is absent matches only ``ne``, ``nin``, ``not`` and ``exists: false``.

    Args:
        condition: A bound condition.
        row: Field and system field names to values, *all* of them and not only those that somebody may read.
    """
    if condition is None:
        return True
    if isinstance(condition, Compare):
        return _compare(condition, row)
    if isinstance(condition, Not):
        return not matches(condition.condition, row)
    if isinstance(condition, And):
        return all(matches(part, row) for part in condition.conditions)
    return any(matches(part, row) for part in condition.conditions)


def _compare(compare: Compare, row: Mapping[str, Any]) -> bool:
    found: Any = row
    for step in compare.path:
        found = found.get(step) if isinstance(found, dict) or found is row else None  # pyright: ignore[reportUnknownMemberType]
    values: list[Any] = found if isinstance(found, list) else [] if found is None else [found]
    if compare.op == "exists":
        return (found is not None) == compare.value
    if compare.op == "ne":
        return not any(_same(value, compare.value) for value in values)
    if compare.op == "nin":
        return not any(_same(value, one) for value in values for one in compare.value)
    test = _TESTS[compare.op]
    return any(test(value, compare.value) for value in values)


def _same(value: object, asked: object) -> bool:
    return isinstance(value, bool) == isinstance(asked, bool) and value is not None and value == asked


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def judge(value: Any, asked: Any) -> bool:
        if isinstance(value, bool) or isinstance(asked, bool):
            return False
        numbers = isinstance(value, (int, float)) and isinstance(asked, (int, float))
        return (numbers or (isinstance(value, str) and isinstance(asked, str))) and test(value, asked)

    return judge


def _texts(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return lambda value, asked: isinstance(value, str) and isinstance(asked, str) and test(value, asked)


_TESTS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "eq": _same,
    "in": lambda value, asked: any(_same(value, one) for one in asked),
    "lt": _ordered(lambda value, asked: value < asked),
    "lte": _ordered(lambda value, asked: value <= asked),
    "gt": _ordered(lambda value, asked: value > asked),
    "gte": _ordered(lambda value, asked: value >= asked),
    "contains": _texts(lambda value, asked: asked in value),
    "icontains": _texts(lambda value, asked: asked.casefold() in value.casefold()),
    "startswith": _texts(lambda value, asked: value.startswith(asked)),
}


def read_condition(written: dict[str, Any]) -> Condition | None:
    """Read a condition as it is written in a policy.

    Raises:
        ValueError: It is not the filter of a query.
    """
    return all_of([_read(key, value, ()) for key, value in written.items()])


def _read(key: str, value: Any, path: tuple[str, ...]) -> Condition | None:
    if not path and key in ("and", "or") and isinstance(value, list):
        parts = [read_condition(part) for part in value]  # pyright: ignore[reportUnknownVariableType]
        return all_of(parts) if key == "and" else any_of(parts)
    if not path and key == "not" and isinstance(value, dict):
        return negated(read_condition(value))  # pyright: ignore[reportUnknownArgumentType]
    if path and (key in _TESTS or key in ("ne", "nin", "exists")):
        return Compare(path, key, tuple(value) if isinstance(value, list) else value)  # pyright: ignore[reportUnknownArgumentType]
    if not isinstance(value, dict):
        raise ValueError(f"{key} needs an operator")
    deeper = (*path, *key.split("."))
    return all_of([_read(inner, item, deeper) for inner, item in value.items()])  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
