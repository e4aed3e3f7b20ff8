"""Judges one document by a condition: the meaning that the SQL of both engines is held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias, cast

from maydan.content.conditions import LIST_OPERATORS, NEGATIVE, And, Compare, Condition, Hop, Not, Target
from maydan.content.types import Kind
from maydan.locales import fold

Load: TypeAlias = Callable[[Hop, str, Mapping[str, Any]], Mapping[str, Any] | None]
"""Finds the document of an entry that a relation leads to, by its id, in the locale of the document that names it."""


class Unjudged(ValueError):
    """A condition goes through a relation whose targets were not loaded; whoever judges must say no."""


def matches(condition: Condition | None, document: Mapping[str, Any], load: Load | None = None) -> bool:
    """Tell whether a document meets a condition.

    What is absent (``null`` and the empty list too) meets ``ne``, ``nin``, ``not`` and ``exists: false`` alone. Of a
    list, or along a path through one, one item that meets an operator is enough; ``ne`` and ``nin`` want that none is
    the same. Values of another type than the operand are not the same, and in no order. Text sorts by code points.
    A path through a relation leads into those targets that count for whoever asks; any other is absent.

    Args:
        condition: Checked, so that its values are of the fields' kinds; ``None`` is every document.
        document: By names, with everything that the condition may name.
        load: Finds the targets of relations; only a condition with paths through them needs it.
    """
    if condition is None:
        return True
    if isinstance(condition, Compare):
        return _meets(condition, document, load)
    if isinstance(condition, Not):
        return not matches(condition.condition, document, load)
    if isinstance(condition, And):
        return all(matches(part, document, load) for part in condition.conditions)
    return any(matches(part, document, load) for part in condition.conditions)


def values_at(document: Mapping[str, Any], path: tuple[str, ...]) -> list[Any]:
    """Return what stands at a path, lists laid out flat, nothing for what is absent."""
    found: list[Any] = [document]
    for step in path:
        found = _flat([cast("Mapping[str, Any]", one).get(step) for one in found if isinstance(one, Mapping)])
    return found


def _flat(values: list[Any]) -> list[Any]:
    flat: list[Any] = []
    for value in values:
        if isinstance(value, list):
            flat += [item for item in cast("list[Any]", value) if item is not None]
        elif value is not None:
            flat.append(value)
    return flat


def affirmed(compare: Compare) -> tuple[Compare, bool]:
    """Return the comparison that one value is enough for, and whether the given one is its opposite."""
    if compare.op in NEGATIVE:
        return Compare(compare.path, "eq" if compare.op == "ne" else "in", compare.value, compare.target), True
    if compare.op == "exists" and not compare.value:
        return Compare(compare.path, "exists", value=True, target=compare.target), True
    return compare, False


def _meets_through(compare: Compare, target: Target, document: Mapping[str, Any], load: Load | None) -> bool:
    """Judge by the entries that a relation points at: one is enough."""
    if load is None:
        raise Unjudged(f"{'.'.join(compare.path)} goes through a relation, and nothing can load its targets.")
    asked, opposite = affirmed(compare)
    rest = asked.path[target.steps :]
    for entry_id in values_at(document, asked.path[: target.steps]):
        for hop in target.hops:
            found = load(hop, entry_id, document)
            inner = Compare(rest, asked.op, asked.value, hop.target)
            if found is not None and matches(hop.condition, found, load) and _meets(inner, found, load):
                return not opposite
    return opposite


def _meets(compare: Compare, document: Mapping[str, Any], load: Load | None = None) -> bool:
    if compare.target is not None and compare.target.hops:
        return _meets_through(compare, compare.target, document, load)
    op = compare.op
    values = values_at(document, compare.path)
    if op == "exists":
        return bool(values) == compare.value
    asked = list(cast("tuple[Any, ...]", compare.value)) if op in LIST_OPERATORS else [compare.value]
    if compare.target is not None and compare.target.kind is Kind.DECIMAL:
        values, asked = [Decimal(value) for value in values], [Decimal(one) for one in asked]
    if op in NEGATIVE:
        return not any(_same(value, one) for value in values for one in asked)
    if op in ("eq", "in"):
        return any(_same(value, one) for value in values for one in asked)
    return any(_TESTS[op](value, asked[0]) for value in values)


def _same(value: object, asked: object) -> bool:
    return isinstance(value, bool) == isinstance(asked, bool) and value == asked


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Let only values be compared that are in an order."""

    def judge(value: Any, asked: Any) -> bool:
        same_kind = any(isinstance(value, kind) and isinstance(asked, kind) for kind in (str, bool))
        numbers = not any(isinstance(one, (str, bool)) for one in (value, asked))
        return (same_kind or (numbers and isinstance(value, _NUMBERS))) and test(value, asked)

    return judge


def _textual(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return lambda value, asked: isinstance(value, str) and isinstance(asked, str) and test(value, asked)


_NUMBERS: Final = (int, float, Decimal)
_TESTS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "lt": _ordered(lambda value, asked: value < asked),
    "lte": _ordered(lambda value, asked: value <= asked),
    "gt": _ordered(lambda value, asked: value > asked),
    "gte": _ordered(lambda value, asked: value >= asked),
    "contains": _textual(lambda value, asked: asked in value),
    "icontains": _textual(lambda value, asked: fold(asked) in fold(value)),
    "startswith": _textual(lambda value, asked: value.startswith(asked)),
}
