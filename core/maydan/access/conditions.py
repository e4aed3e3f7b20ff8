"""Conditions of policies: reading them, binding them to an actor, combining them and judging one row by them.

They are the trees of queries (``content.conditions``). A variable stands as the text ``$actor.id``, ``$actor.roles`` or
``$now`` where a value is expected, and :func:`bind` puts the value there. ``None`` is "every row", :data:`NEVER` none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from msgspec.structs import replace

from maydan.clock import to_text
from maydan.content.conditions import LIST_OPERATORS, NEGATIVE, And, Compare, Condition, Not, Or, compares

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from maydan.access.actors import Actor

NEVER: Final = Or(())
"""Matches no row; taken out wherever conditions are combined, so that no back end meets it inside a tree."""

ACTOR_ID: Final = "$actor.id"
ACTOR_ROLES: Final = "$actor.roles"
NOW: Final = "$now"
VARIABLES: Final = frozenset({ACTOR_ID, ACTOR_ROLES, NOW})


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


def has_variables(condition: Condition | None) -> bool:
    """Tell whether the condition depends on who asks, or when."""
    return condition is not None and any(_names_variable(compare.value) for compare in compares(condition))


def has_moment(condition: Condition | None) -> bool:
    """Tell whether the condition depends on when somebody asks."""
    values = () if condition is None else (compare.value for compare in compares(condition))
    return any(value == NOW or (isinstance(value, tuple) and NOW in value) for value in values)


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
    if isinstance(value, tuple):
        return any(_names_variable(one) for one in cast("tuple[object, ...]", value))
    return isinstance(value, str) and value in VARIABLES


def _bound(compare: Compare, actor: Actor, now: datetime, roles: frozenset[str]) -> Condition | None:
    value: object = compare.value
    if not _names_variable(value):
        return compare
    if isinstance(value, tuple):
        listed = [item for one in cast("tuple[object, ...]", value) for item in _values(one, actor, now, roles)]
        return replace(compare, value=tuple(listed))
    bound = _values(value, actor, now, roles)
    if value == ACTOR_ROLES:
        return replace(compare, value=bound) if compare.op in LIST_OPERATORS else NEVER
    if not bound:
        return None if compare.op in NEGATIVE else NEVER
    return replace(compare, value=bound[0])


def _values(one: object, actor: Actor, now: datetime, roles: frozenset[str]) -> tuple[object, ...]:
    """Return what stands for a variable; anything else stands for itself."""
    if one == ACTOR_ID:
        return () if actor.id is None else (actor.id,)
    if one == ACTOR_ROLES:
        return tuple(sorted(roles))
    return (to_text(now),) if one == NOW else (one,)


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
    values = list(_found(row, compare.path))
    if compare.op == "exists":
        return bool(values) == compare.value
    if compare.op in NEGATIVE:
        asked = compare.value if compare.op == "nin" else (compare.value,)
        return not any(_same(value, one) for value in values for one in asked)
    test = _TESTS[compare.op]
    return any(test(value, compare.value) for value in values)


def _found(value: object, path: tuple[str, ...]) -> Iterator[object]:
    """Yield what stands at the end of a path: of lists every member, of what is absent nothing."""
    if isinstance(value, list):
        for member in cast("list[object]", value):
            yield from _found(member, path)
    elif not path:
        if value is not None:
            yield value
    elif isinstance(value, Mapping):
        yield from _found(cast("Mapping[str, object]", value).get(path[0]), path[1:])


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
