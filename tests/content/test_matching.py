from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maydan.content.conditions import And, Compare, Condition, Not, Or, Target
from maydan.content.matching import matches
from maydan.content.types import Kind

ENTRY: dict[str, Any] = {
    "title": "Café Baghdad",
    "rating": 3,
    "hot": False,
    "none": None,
    "empty": [],
    "tags": ["a", "b"],
    "price": {"amount": 500, "currency": "USD"},
    "opening": [{"day": "mon"}, {"day": None}, {"day": "tue"}],
}


def meets(path: str, op: str, value: Any, document: dict[str, Any] = ENTRY) -> bool:
    """Judge a document by one comparison."""
    return matches(Compare(tuple(path.split(".")), op, value), document)


@pytest.mark.parametrize(
    ("path", "op", "value"),
    [
        ("title", "eq", "Café Baghdad"),
        ("title", "contains", "Bag"),
        ("title", "icontains", "CAFE bagh"),
        ("title", "startswith", "Café"),
        ("title", "gt", "Cab"),
        ("rating", "gte", 3),
        ("rating", "lt", 3.5),
        ("rating", "in", (1, 3)),
        ("hot", "eq", False),
        ("tags", "eq", "b"),
        ("tags", "in", ("x", "a")),
        ("tags", "contains", "a"),
        ("tags", "ne", "x"),
        ("price.amount", "lte", 500),
        ("opening.day", "eq", "tue"),
        ("opening.day", "nin", ("sun",)),
        ("tags", "exists", True),
        ("none", "exists", False),
        ("empty", "exists", False),
        ("opening.day.x", "exists", False),
    ],
)
def test_a_document_meets_what_is_true_of_it(path: str, op: str, value: Any) -> None:
    """Every operator, on plain values, on lists and on paths through lists."""
    assert meets(path, op, value)


@pytest.mark.parametrize(
    ("path", "op", "value"),
    [
        ("title", "contains", "bag"),
        ("title", "startswith", "café"),
        ("title", "eq", "CAFÉ BAGHDAD"),
        ("rating", "eq", "3"),
        ("rating", "lt", "9"),
        ("hot", "eq", 0),
        ("rating", "gt", 3),
        ("tags", "ne", "a"),
        ("tags", "nin", ("b", "x")),
        ("price", "eq", 500),
        ("opening.day", "ne", "tue"),
        ("empty", "exists", True),
        ("tags", "exists", False),
    ],
)
def test_a_document_does_not_meet_what_is_false_of_it(path: str, op: str, value: Any) -> None:
    """``contains`` and ``startswith`` are exact; values of another type are never the same."""
    assert not meets(path, op, value)


@pytest.mark.parametrize("path", ["none", "empty", "unknown", "price.tax", "title.x"])
def test_only_negations_match_what_is_absent(path: str) -> None:
    """``ne``, ``nin`` and ``not`` match absent values, every other operator does not."""
    for op, value in (
        ("eq", "x"),
        ("lt", "x"),
        ("gte", ""),
        ("in", ("x",)),
        ("contains", ""),
        ("icontains", ""),
        ("startswith", ""),
    ):
        assert not meets(path, op, value)
        assert matches(Not(Compare(tuple(path.split(".")), op, value)), ENTRY)
    assert meets(path, "ne", "x")
    assert meets(path, "nin", ("x",))


def test_decimals_compare_as_numbers() -> None:
    """Stored as text, ``"10"`` is still more than ``"9.5"``."""
    target = Target(Kind.DECIMAL, many=(False,))
    assert matches(Compare(("weight",), "gt", "9.5", target), {"weight": "10"})
    assert matches(Compare(("weight",), "in", ("1", "10"), target), {"weight": "10"})
    assert not matches(Compare(("weight",), "lt", "9.5", target), {"weight": "10"})


VALUES = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", "b", "A", "é"])
DOCUMENTS = st.fixed_dictionaries({}, optional={"a": VALUES | st.lists(VALUES, max_size=2), "b": VALUES})
OPERANDS = VALUES.filter(lambda value: value is not None)
PLAIN = st.builds(
    Compare,
    st.sampled_from([("a",), ("b",)]),
    st.sampled_from(["eq", "ne", "lt", "lte", "gt", "gte", "contains", "icontains"]),
    OPERANDS,
)
LISTED = st.builds(
    Compare,
    st.sampled_from([("a",), ("b",)]),
    st.sampled_from(["in", "nin"]),
    st.lists(OPERANDS, max_size=3).map(tuple),
)
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    PLAIN | LISTED,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: And(tuple(parts)))
        | st.lists(inner, max_size=3).map(lambda parts: Or(tuple(parts)))
        | inner.map(Not)
    ),
    max_leaves=6,
)


@given(condition=CONDITIONS, document=DOCUMENTS)
def test_not_is_the_opposite(condition: Condition, document: dict[str, Any]) -> None:
    """Two values, no third: a condition holds or its negation does."""
    assert matches(Not(condition), document) != matches(condition, document)


@given(one=CONDITIONS, other=CONDITIONS, document=DOCUMENTS)
def test_groups_follow_de_morgan(one: Condition, other: Condition, document: dict[str, Any]) -> None:
    """Not both is either not; nothing in ``or`` is nothing, nothing in ``and`` everything."""
    assert matches(Not(And((one, other))), document) == matches(Or((Not(one), Not(other))), document)
    assert matches(And((one, other)), document) == (matches(one, document) and matches(other, document))
    assert matches(And(()), document)
    assert not matches(Or(()), document)


@given(value=OPERANDS, document=DOCUMENTS)
def test_operators_agree_with_each_other(value: Any, document: dict[str, Any]) -> None:
    """``ne`` is not ``eq``, ``nin`` not ``in``, ``in`` one is ``eq``; ``lte`` is ``lt`` or the same."""
    for name in ("a", "b"):
        path = (name,)
        eq = matches(Compare(path, "eq", value), document)
        assert matches(Compare(path, "ne", value), document) != eq
        assert matches(Compare(path, "in", (value,)), document) == eq
        assert matches(Compare(path, "nin", (value,)), document) != eq
        for strict, loose in (("lt", "lte"), ("gt", "gte")):
            either = matches(Compare(path, strict, value), document) or eq
            assert matches(Compare(path, loose, value), document) == either
        if isinstance(value, str) and matches(Compare(path, "contains", value), document):
            assert matches(Compare(path, "icontains", value), document)
