"""Proving that one condition is narrower than another, by its shape; what is not proved is taken not to be.

A condition implies another where they are the same; where it is an ``and`` of which a part does, or an ``or`` of which
every part does; where the other is an ``or`` of which it implies a part, or an ``and`` of which it implies every part;
where both are a ``not`` and what the other denies implies what it denies itself; or where both compare the same path
and the values say so: ``eq`` within ``in``, ``gte 5`` within ``gte 3``, ``nin`` of more within ``nin`` of less.
Variables are values like any other: ``$actor.id`` is the same as itself alone.
"""

from __future__ import annotations

from typing import Any, Final, cast

from maydan.access.conditions import NEVER, VARIABLES
from maydan.content.conditions import LIST_OPERATORS, NEGATIVE, And, Compare, Condition, Not, Or

_UP: Final = frozenset({"gt", "gte"})
_DOWN: Final = frozenset({"lt", "lte"})


def implies(narrow: Condition | None, wide: Condition | None) -> bool:
    """Tell whether every row of one condition is surely a row of the other; ``None`` is every row."""
    if wide is None or narrow in (wide, NEVER):
        return True
    if narrow is None:
        return False
    if isinstance(narrow, Or) and narrow.conditions:
        return all(implies(part, wide) for part in narrow.conditions)
    if isinstance(wide, And):
        return all(implies(narrow, part) for part in wide.conditions)
    if isinstance(narrow, And) and any(implies(part, wide) for part in narrow.conditions):
        return True
    if isinstance(wide, Or):
        return any(implies(narrow, part) for part in wide.conditions)
    if isinstance(narrow, Not) and isinstance(wide, Not):
        return implies(wide.condition, narrow.condition)
    return isinstance(narrow, Compare) and isinstance(wide, Compare) and _compares(narrow, wide)


def _compares(narrow: Compare, wide: Compare) -> bool:
    if narrow.path != wide.path or narrow.target != wide.target:
        return False
    if wide.op == "exists" and wide.value is True:
        return narrow.op not in NEGATIVE and (narrow.op != "exists" or narrow.value is True)
    if narrow.op in NEGATIVE and wide.op in NEGATIVE:
        return _listed(wide) <= _listed(narrow)
    if narrow.op in ("eq", "in") and wide.op in ("eq", "in"):
        return _listed(narrow) <= _listed(wide)
    for side in (_UP, _DOWN):
        if narrow.op in side and wide.op in side:
            return _is_within(narrow, wide, up=side is _UP)
    return False


def _listed(compare: Compare) -> set[tuple[type, Any]]:
    """Return the values with their types: ``True`` is not ``1``, and a list of roles is not the text of its name."""
    value: object = compare.value
    values = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
    is_list = compare.op in LIST_OPERATORS and not isinstance(value, tuple)
    return {(list if is_list else type(one), one) for one in values}


def _is_within(narrow: Compare, wide: Compare, *, up: bool) -> bool:
    a, b = narrow.value, wide.value
    if a == b and type(a) is type(b):
        return narrow.op == wide.op or wide.op in ("gte", "lte")
    numbers = all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in (a, b))
    if not numbers or a in VARIABLES or b in VARIABLES:
        return False
    return a > b if up else a < b
