"""Judges one document by a condition: the meaning that the SQL of both engines is held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, cast

from maydan.content.conditions import ORDER_OPERATORS, And, Compare, Condition, Not
from maydan.content.types import Kind
from maydan.locales import fold


def matches(condition: Condition | None, document: Mapping[str, Any]) -> bool:
    """Tell whether a document meets a condition.

    What is absent (``null`` and the empty list too) meets ``ne``, ``nin``, ``not`` and ``exists: false`` alone. Of a
    list, or along a path through one, one item that meets an operator is enough; ``ne`` and ``nin`` want that none is
    the same. Values of another type than the operand are not the same, and in no order. Text sorts by code points.

    Args:
        condition: Checked, so that its values are of the fields' kinds; ``None`` is every document.
        document: By names, with everything that the condition may name.
    """
    if condition is None:
        return True
    if isinstance(condition, Compare):
        return _meets(condition, document)
    if isinstance(condition, Not):
        return not matches(condition.condition, document)
    if isinstance(condition, And):
        return all(matches(part, document) for part in condition.conditions)
    return any(matches(part, document) for part in condition.conditions)


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


def _meets(compare: Compare, document: Mapping[str, Any]) -> bool:
    op, asked = compare.op, compare.value
    values = values_at(document, compare.path)
    if op == "exists":
        return bool(values) == asked
    if compare.target is not None and compare.target.kind is Kind.DECIMAL:
        values = [Decimal(value) for value in values]
        asked = tuple(map(Decimal, asked)) if isinstance(asked, tuple) else Decimal(asked)
    if op == "ne":
        return not any(_same(value, asked) for value in values)
    if op == "nin":
        return not any(_same(value, one) for value in values for one in asked)
    if op == "in":
        return any(_same(value, one) for value in values for one in asked)
    if op == "eq":
        return any(_same(value, asked) for value in values)
    test = _ORDER[op] if op in ORDER_OPERATORS else _TEXT[op]
    alike = _ordered_alike if op in ORDER_OPERATORS else _both_text
    return any(alike(value, asked) and test(value, asked) for value in values)


def _same(value: object, asked: object) -> bool:
    return isinstance(value, bool) == isinstance(asked, bool) and value == asked


def _ordered_alike(value: object, asked: object) -> bool:
    if isinstance(value, bool) or isinstance(asked, bool):
        return isinstance(value, bool) and isinstance(asked, bool)
    return _both_text(value, asked) or all(isinstance(one, (int, float, Decimal)) for one in (value, asked))


def _both_text(value: object, asked: object) -> bool:
    return isinstance(value, str) and isinstance(asked, str)


_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "lt": lambda value, asked: value < asked,
    "lte": lambda value, asked: value <= asked,
    "gt": lambda value, asked: value > asked,
    "gte": lambda value, asked: value >= asked,
}
_TEXT: Final[dict[str, Callable[[str, str], bool]]] = {
    "contains": lambda value, asked: asked in value,
    "icontains": lambda value, asked: fold(asked) in fold(value),
    "startswith": lambda value, asked: value.startswith(asked),
}
