from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maydan.content.conditions import OPERATORS, And, Compare, Not, Or, read_condition, write_condition
from maydan.content.query import Query, parse_body, parse_parameters
from maydan.errors import BadParameter


def test_members_of_an_object_must_all_hold() -> None:
    """Several operators, several fields and groups side by side are all asked for."""
    condition = read_condition(
        {"rating": {"gte": 1, "lte": 3}, "not": {"title": {"eq": "x"}}, "or": [{"a": {"eq": 1}}, {"b": {"eq": 2}}]}
    )
    assert condition == And(
        (
            And((Compare(("rating",), "gte", 1), Compare(("rating",), "lte", 3))),
            Not(Compare(("title",), "eq", "x")),
            Or((Compare(("a",), "eq", 1), Compare(("b",), "eq", 2))),
        )
    )


def test_a_field_may_have_the_name_of_an_operator() -> None:
    """What holds an object is a path, what holds a value an operator."""
    assert read_condition({"range": {"gt": {"gt": 1}}}) == Compare(("range", "gt"), "gt", 1)
    assert parse_parameters([("filter[in][eq]", "x")]).filter == Compare(("in",), "eq", "x")


def test_no_filter_is_no_condition() -> None:
    """``{}`` matches everything, also inside of groups; ``not`` of it nothing."""
    assert read_condition({}) is None
    assert parse_body({}) == Query()
    assert read_condition({"or": [{}, {"a": {"eq": 1}}]}) is None
    assert read_condition({"and": [{}, {"a": {"eq": 1}}]}) == Compare(("a",), "eq", 1)
    assert read_condition({"not": {}}) == Or(())
    assert read_condition({"not": {"not": {}}}) is None


def nested(depth: int) -> dict[str, Any]:
    """Return a condition with so many groups around it."""
    condition: dict[str, Any] = {"a": {"eq": 1}}
    for _ in range(depth):
        condition = {"not": condition}
    return condition


def test_filters_have_limits() -> None:
    """200 conditions, 200 values, 16 groups deep, 8 names a path."""
    assert read_condition({"or": [{"a": {"eq": 1}}] * 200}) is not None
    assert read_condition({"a": {"in": list(range(200))}}) is not None
    assert read_condition(nested(16)) is not None
    for refused in (
        {"or": [{"a": {"eq": 1}}] * 201},
        {"a": {"in": list(range(201))}},
        nested(17),
        {".".join("abcdefghi"): {"eq": 1}},
        {"a": {"eq": None}},
        {"a": {"eq": [1]}},
        {"a": {}},
        {"a": 1},
        {"or": []},
        {"or": {}},
        {"and": [1]},
        {"not": [{}]},
    ):
        with pytest.raises(BadParameter):
            read_condition(refused)


VALUES = st.text("ab,", min_size=1, max_size=3) | st.integers(-9, 9) | st.booleans()
COMPARES = st.builds(
    lambda path, op, value: {".".join(path): {op: [value] if op in ("in", "nin") else value}},
    st.lists(st.sampled_from(["a", "b", "eq", "in"]), min_size=1, max_size=3),
    st.sampled_from(OPERATORS),
    VALUES,
)
CONDITIONS = st.recursive(
    COMPARES,
    lambda inner: (
        st.builds(lambda parts: {"and": parts}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda parts: {"or": parts}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda part: {"not": part}, inner)
    ),
    max_leaves=8,
)


def as_pairs(value: Any, name: str = "filter") -> list[tuple[str, str]]:
    """Write JSON as parameters."""
    if isinstance(value, dict):
        return [pair for key, inner in value.items() for pair in as_pairs(inner, f"{name}[{key}]")]
    if isinstance(value, list):
        return [pair for index, inner in enumerate(value) for pair in as_pairs(inner, f"{name}[{index}]")]
    return [(name, str(value))]


def as_text(value: Any) -> Any:
    """Return JSON with every value as text."""
    if isinstance(value, dict):
        return {key: as_text(inner) for key, inner in value.items()}
    return [as_text(inner) for inner in value] if isinstance(value, list) else str(value)


@given(written=CONDITIONS)
def test_every_condition_can_be_written_in_an_address(written: dict[str, Any]) -> None:
    """What JSON says, an address says too, with text for values."""
    assert parse_parameters(as_pairs(written)).filter == parse_body({"filter": as_text(written)}).filter


@given(written=CONDITIONS)
def test_a_condition_is_read_as_it_was_written(written: dict[str, Any]) -> None:
    """Writing a condition and reading it again changes nothing; so do nested objects and dotted paths."""
    condition = read_condition(written)
    assert read_condition(write_condition(condition)) == condition
