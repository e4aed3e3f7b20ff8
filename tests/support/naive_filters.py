"""What a filter means, worked out the slow and plain way; written apart from the code that it judges.

It takes a filter as clients write it, and a document as clients get it, and knows nothing of kinds but which names hold
decimals, and nothing of types: a text in the middle of a path is the id of another entry.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, cast

Find = Callable[[str], dict[str, Any] | None]
"""Gives the document behind an id, or nothing where the reader would not get it."""


class Naive:
    """Judges documents."""

    def __init__(self, *, find: Find, decimals: frozenset[str], folded: Callable[[str], str]) -> None:
        """Take what it must be told: where entries are, what is a decimal, and what folding does."""
        self._find = find
        self._decimals = decimals
        self._folded = folded

    def holds(self, written: dict[str, Any], document: dict[str, Any]) -> bool:
        """Tell whether every member of a filter holds."""
        return all(self._member(name, inner, document) for name, inner in written.items())

    def _member(self, name: str, inner: Any, document: dict[str, Any]) -> bool:
        if name == "and":
            return all(self.holds(part, document) for part in inner)
        if name == "or":
            return any(self.holds(part, document) for part in inner)
        if name == "not":
            return not self.holds(inner, document)
        values = [self._number(name, value) for value in self._values(document, name.split("."))]
        return all(self._compare(name, op, asked, values) for op, asked in inner.items())

    def _values(self, found: Any, path: list[str]) -> list[Any]:
        """Collect everything at the end of a path."""
        if found is None:
            return []
        if isinstance(found, list):
            return [value for item in cast("list[Any]", found) for value in self._values(item, path)]
        if not path:
            return [found]
        if isinstance(found, str):
            return self._values(self._find(found), path)
        return self._values(found.get(path[0]), path[1:]) if isinstance(found, dict) else []

    def _number(self, name: str, value: Any) -> Any:
        return Fraction(value) if name.rsplit(".", maxsplit=1)[-1] in self._decimals else value

    def _compare(self, name: str, op: str, asked: Any, values: list[Any]) -> bool:
        if op == "exists":
            return (len(values) > 0) is asked
        if op in ("in", "nin"):
            among = [self._number(name, one) for one in asked]
            return any(value in among for value in values) is (op == "in")
        if op in ("contains", "icontains", "startswith"):
            return any(self._has(op, value, asked) for value in values)
        wanted = self._number(name, asked)
        if op == "ne":
            return wanted not in values
        return any(_ORDERS[op](value, wanted) for value in values)

    def _has(self, op: str, value: str, asked: str) -> bool:
        if op == "startswith":
            return value[: len(asked)] == asked
        return asked in value if op == "contains" else self._folded(asked) in self._folded(value)


_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, asked: value == asked,
    "lt": lambda value, asked: value < asked,
    "lte": lambda value, asked: value <= asked,
    "gt": lambda value, asked: value > asked,
    "gte": lambda value, asked: value >= asked,
}
