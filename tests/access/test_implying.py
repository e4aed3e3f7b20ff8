from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soaking import examples  # pyright: ignore[reportMissingImports] - tests/support

from maydan.access.fields import field_sets
from maydan.access.implying import implies
from maydan.access.policies import Policy
from maydan.access.snapshot import compile_snapshot
from maydan.content.checking import check_condition
from maydan.content.conditions import Condition, read_condition
from maydan.content.matching import matches
from maydan.content.search_filters import search_facts, search_filter
from maydan.content.types import ContentType, Field, Kind

ARTICLE = ContentType(
    name="article",
    key=1,
    fields=(
        Field(name="title", kind=Kind.STRING),
        Field(name="rating", kind=Kind.INTEGER),
        Field(name="labels", kind=Kind.STRING, many=True),
        Field(name="live", kind=Kind.BOOLEAN),
        Field(name="cost", kind=Kind.DECIMAL),
        Field(name="note", kind=Kind.TEXT, private=True),
        Field(name="pin", kind=Kind.SECRET),
    ),
)
PATHS = [("title",), ("rating",), ("labels",), ("live",), ("cost",)]
_texts = st.sampled_from(["", "x", "X", "é", "e\u0301", "straße", "STRASSE", 'a"b', "1", "True", "]"])  # fmt: skip
_numbers = st.sampled_from([-1, 0, 1, 3, 5, 2**53 - 1])
_ORDERS = ("eq", "ne", "lt", "lte", "gt", "gte")
_SOME = st.lists(_numbers, max_size=3)
_compares = st.one_of(
    st.builds(lambda op, value: {"title": {op: value}}, st.sampled_from(["eq", "ne", "lt", "gte", "contains"]), _texts),
    st.builds(lambda op, value: {"labels": {op: value}}, st.sampled_from(["eq", "ne", "startswith"]), _texts),
    st.builds(lambda op, value: {"rating": {op: value}}, st.sampled_from(_ORDERS), _numbers),
    st.builds(lambda op, value: {"rating": {op: value}}, st.sampled_from(["in", "nin"]), _SOME),
    st.builds(lambda op, value: {"title": {op: value}}, st.sampled_from(["in", "nin"]), st.lists(_texts, max_size=3)),
    st.builds(lambda value: {"live": {"eq": value}}, st.booleans()),
    st.builds(lambda op, value: {"cost": {op: value}}, st.sampled_from(["eq", "gt"]), st.sampled_from(["1", "1.50"])),
    st.builds(lambda name, value: {name: {"exists": value}}, st.sampled_from(["title", "labels"]), st.booleans()),
)  # fmt: skip
_trees: st.SearchStrategy[dict[str, Any]] = st.recursive(
    _compares,
    lambda inner: st.one_of(
        st.builds(lambda part: {"not": part}, inner),
        st.builds(lambda parts: {"and": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"or": parts}, st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=6,
)
_rows = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "title": st.none() | _texts,
            "rating": st.none() | _numbers,
            "labels": st.lists(_texts, max_size=3),
            "live": st.none() | st.booleans(),
            "cost": st.sampled_from([None, "1.5", "1", "2"]),
        },
    ),
    min_size=1,
    max_size=12,
)


def tree(written: dict[str, Any]) -> Condition | None:
    """Return a condition as it is checked for articles."""
    return check_condition(read_condition(written), ARTICLE, None)


@settings(max_examples=examples(300))
@given(narrow=_trees, wide=_trees, rows=_rows)
def test_what_implies_another_has_no_row_beside_it(
    narrow: dict[str, Any], wide: dict[str, Any], rows: list[Any]
) -> None:
    """A condition that is proved narrower matches nowhere where the wider does not."""
    joined = {"and": [narrow, wide]}
    assert implies(tree(joined), tree(wide))
    assert implies(tree(narrow), tree({"or": [wide, narrow]}))
    if implies(tree(narrow), tree(wide)):
        assert all(matches(tree(wide), row) for row in rows if matches(tree(narrow), row))


@pytest.mark.parametrize(
    ("narrow", "wide", "proved"),
    [
        ({"rating": {"gte": 5}}, {"rating": {"gte": 3}}, True),
        ({"rating": {"gte": 3}}, {"rating": {"gt": 3}}, False),
        ({"rating": {"lt": 3}}, {"rating": {"lte": 3}}, True),
        ({"title": {"eq": "x"}}, {"title": {"in": ["x", "y"]}}, True),
        ({"title": {"in": ["x", "z"]}}, {"title": {"in": ["x", "y"]}}, False),
        ({"title": {"nin": ["x", "y"]}}, {"title": {"ne": "x"}}, True),
        ({"title": {"ne": "x"}}, {"title": {"exists": True}}, False),
        ({"title": {"contains": "x"}}, {"title": {"exists": True}}, True),
        ({"not": {"rating": {"gte": 3}}}, {"not": {"rating": {"gte": 5}}}, True),
        ({"not": {"rating": {"gte": 5}}}, {"not": {"rating": {"gte": 3}}}, False),
        ({"rating": {"eq": 3}}, {"rating": {"gte": 3}}, False),
    ],
)
def test_what_is_proved_is_said(narrow: dict[str, Any], wide: dict[str, Any], proved: bool) -> None:
    """By the values of the same path; what is true but not provable so is refused."""
    assert implies(tree(narrow), tree(wide)) is proved


@settings(max_examples=examples(300))
@given(written=_trees, rows=_rows)
def test_a_search_filter_is_never_narrower_than_its_condition(written: dict[str, Any], rows: list[Any]) -> None:
    """And the same, where it says so: in an engine that knows neither case nor accents."""
    condition = tree(written)
    compiled = search_filter(condition)
    for row in rows:
        found = _finds(compiled.meilisearch, search_facts(row, PATHS))
        assert found or not matches(condition, row)
        assert not compiled.exact or found is matches(condition, row)


@settings(max_examples=examples(100))
@given(
    conditions=st.lists(st.tuples(st.sampled_from(["title", "note", "labels", "*"]), st.none() | _trees), max_size=4)
)
def test_each_set_of_fields_lies_within_the_one_before(conditions: list[tuple[str, Any]]) -> None:
    """Whatever the policies; and nothing secret is in any."""
    policies = [
        Policy(role="member", effect="allow", type="article", actions=("read",), fields=(name, "pin"), condition=only)
        for name, only in conditions
    ]
    from maydan.access.actors import Actor

    member = Actor(kind="account", id="u1", roles={1: frozenset()})
    decision = compile_snapshot(1, policies, {}, built_in=()).decide(member, "read", ARTICLE)
    sets = field_sets(decision, ARTICLE)
    chain = [sets.readable, sets.filterable, sets.sortable, sets.aggregatable, sets.searchable]
    for wide, narrow in itertools.pairwise(chain):
        assert set(narrow) <= set(wide)
        assert all(narrow[name] == wide[name] for name in narrow)
    assert not any("pin" in each for each in chain)
    assert "note" not in sets.aggregatable


def _finds(text: str, facts: dict[str, Any]) -> bool:
    """Evaluate a filter as Meilisearch does: texts without case, numbers in order, absent members in no comparison."""
    value, rest = _group(text, facts)
    assert not rest, rest
    return value


def _group(text: str, facts: dict[str, Any]) -> tuple[bool, str]:
    if text.startswith("_all"):
        return text[7] == "1", text[8:]
    assert text[0] == "(", text
    text = text[1:]
    if text.startswith("NOT "):
        value, rest = _group(text[4:], facts)
        return not value, rest[1:]
    if text.startswith("_is."):
        inner, _, rest = text.partition(")")
        return _leaf(inner, facts), rest
    value, rest = _group(text, facts)
    while not rest.startswith(")"):
        is_and = rest.startswith(" AND ")
        other, rest = _group(rest[5 if is_and else 4 :], facts)
        value = (value and other) if is_and else (value or other)
    return value, rest[1:]


def _leaf(text: str, facts: dict[str, Any]) -> bool:
    member, op, *rest = text.split(" ", 2)
    values = facts.get(member, [])
    if op == "EXISTS":
        return member in facts
    if op == "IN":
        asked = {one.strip('"').casefold() for one in rest[0][1:-1].split(", ")}
        return any(str(value).casefold() in asked for value in values)
    number = float(rest[0])
    tests = {"<": float.__lt__, "<=": float.__le__, ">": float.__gt__, ">=": float.__ge__}
    return any(tests[op](float(value), number) for value in values if not isinstance(value, str))
