"""Conditions as filters of a search engine: never narrower than the condition, and exact wherever that is possible.

Meilisearch compares texts without regard to case and accents and orders numbers alone, so that a right to ``Draft``
would let ``draft`` through. Texts therefore stand in the index twice: as words to search, and as *tokens* that are the
same only where the texts are. What cannot be said with tokens and numbers (orders of texts, parts of texts, decimals,
paths through relations) is widened; the filter then says that it is not exact, and whoever uses it judges every hit
again by the tree itself, and gives no counts from the engine. The embedded engine lies in the same database and takes
the tree as it is (``storage.conditions``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from msgspec import Struct

from maydan.content.conditions import LIST_OPERATORS, ORDER_OPERATORS, And, Compare, Condition, Not
from maydan.content.matching import affirmed, values_at
from maydan.content.types import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

EVERYTHING: Final = "_all = 1"
NOTHING: Final = "_all = 0"
"""Every document of the index has ``"_all": 1``."""
_NUMBERS: Final = frozenset({Kind.INTEGER, Kind.NUMBER})


class SearchFilter(Struct, frozen=True):
    """A condition as engines take it."""

    meilisearch: str
    """In Meilisearch's filter language, over the members that :func:`search_facts` makes."""
    exact: bool
    """Whether it finds what the condition matches and nothing else; else every hit must be judged again."""
    condition: Condition | None
    """The tree itself, for judging again and for engines that take it."""


def search_filter(condition: Condition | None) -> SearchFilter:
    """Compile a checked condition without variables.

    Args:
        condition: ``None`` is every document.
    """
    if condition is None:
        return SearchFilter(EVERYTHING, exact=True, condition=None)
    text, exact = _compiled(condition, widen=True)
    return SearchFilter(text, exact=exact, condition=condition)


def search_facts(document: Mapping[str, Any], paths: Iterable[tuple[str, ...]]) -> dict[str, Any]:
    """Return the members of an index document that filters look at.

    Args:
        document: By names, with what the paths name.
        paths: Those that a filter may name.
    """
    facts: dict[str, Any] = {"_all": 1}
    for path in paths:
        values = values_at(document, path)
        if values:
            facts[_member(path)] = [_fact(value) for value in values]
    return facts


def _compiled(condition: Condition, *, widen: bool) -> tuple[str, bool]:
    """Return a filter that finds at least (``widen``), or at most, what the condition matches."""
    if isinstance(condition, Compare):
        return _compare(condition, widen=widen)
    if isinstance(condition, Not):
        inner, exact = _compiled(condition.condition, widen=not widen)
        return f"(NOT {inner})", exact
    parts = [_compiled(part, widen=widen) for part in condition.conditions]
    is_and = isinstance(condition, And)
    if not parts:
        return (EVERYTHING if is_and else NOTHING), True
    text = (" AND " if is_and else " OR ").join(text for text, _ in parts)
    return f"({text})", all(exact for _, exact in parts)


def _compare(compare: Compare, *, widen: bool) -> tuple[str, bool]:
    asked, opposite = affirmed(compare)
    if opposite:
        inner, exact = _compare(asked, widen=not widen)
        return f"(NOT {inner})", exact
    target, member = compare.target, _member(compare.path)
    kind = None if target is None else target.kind
    if kind is None or (target is not None and target.hops) or kind is Kind.DECIMAL:
        return (EVERYTHING if widen else NOTHING), False
    if compare.op == "exists":
        return f"({member} EXISTS)", True
    if compare.op in ("eq", *LIST_OPERATORS):
        value: object = compare.value
        values = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
        if not values:
            return NOTHING, True
        return f"({member} IN [{', '.join(_written(_fact(one)) for one in values)}])", True
    if compare.op in ORDER_OPERATORS and kind in _NUMBERS:
        sign = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}[compare.op]
        return f"({member} {sign} {_written(compare.value)})", True
    # What has a part of a text has a text: the nearest that the engine can tell.
    return (f"({member} EXISTS)" if widen else NOTHING), False


def _member(path: tuple[str, ...]) -> str:
    return "_is." + "__".join(path)


def _fact(value: object) -> Any:
    """Return a number as it is, and anything else as a token that is the same for nothing else in any engine."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        text = value if isinstance(value, str) else f"\0{value!r}"
        return f"t{text.encode('utf-8', 'surrogatepass').hex()}"
    return value


def _written(fact: object) -> str:
    return f'"{fact}"' if isinstance(fact, str) else repr(fact)
