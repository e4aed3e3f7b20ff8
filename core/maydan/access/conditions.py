"""Conditions of policies: binding them to an actor, and combining them.

They are the trees of queries (``content.conditions``). A variable stands as the text ``$actor.id``, ``$actor.roles`` or
``$now`` where a value is expected, and :func:`bind` puts the value there. ``None`` is "every row", :data:`NEVER` none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from msgspec.structs import replace

from maydan.clock import to_text
from maydan.content.conditions import LIST_OPERATORS, NEGATIVE, And, Compare, Condition, Not, Or, compares
from maydan.content.types import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from maydan.access.actors import Actor

NEVER: Final = Or(())
"""Matches no row; taken out wherever conditions are combined, so that no back end meets it inside a tree."""

ACTOR_ID: Final = "$actor.id"
ACTOR_ROLES: Final = "$actor.roles"
NOW: Final = "$now"
VARIABLES: Final = frozenset({ACTOR_ID, ACTOR_ROLES, NOW})
_MOMENTS: Final = frozenset({Kind.DATE, Kind.DATETIME})
_TEXTS: Final = frozenset({Kind.STRING, Kind.TEXT, Kind.ENUM, Kind.RELATION})


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


def is_sound(compare: Compare) -> bool:
    """Tell whether the variables of a comparison fit its operator and what it compares with.

    Roles are many, so ``in`` or ``nin``. Ids and roles are text, a moment is a time; another kind would be an error of
    the database each time that somebody reads.
    """
    value: object = compare.value
    if not _names_variable(value):
        return True
    if compare.op == "exists" or (value == ACTOR_ROLES and compare.op not in LIST_OPERATORS):
        return False
    kind = Kind.STRING if compare.target is None else compare.target.kind
    asked = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
    return all(kind in (_MOMENTS if one == NOW else _TEXTS) for one in asked if _names_variable(one))


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
    if compare.op in LIST_OPERATORS:
        listed = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
        return replace(compare, value=tuple(item for one in listed for item in _values(one, actor, now, roles)))
    bound = _values(value, actor, now, roles)
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
