"""Shared rights: what is restricted, united and taken in common says what its parts say, row by row, field by field."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from maydan.access.decisions import DENIED_DECISION, ENVELOPE, Decision, Grant
from maydan.access.shared_rights import common, id_in, restricted, united
from maydan.content.conditions import Compare, Condition, Target
from maydan.content.types import ContentType, Field, Kind

TYPE = ContentType(
    name="plan",
    fields=(
        Field(name="title", kind=Kind.STRING, id="title"),
        Field(name="body", kind=Kind.TEXT, id="body"),
        Field(name="note", kind=Kind.TEXT, id="note", private=True),
    ),
)
NAMES = ("title", "body", "note", "created_by", "slug")
ROWS: list[dict[str, Any]] = [{"id": str(one), "title": title} for one in range(3) for title in ("a", "b", None)]


def titled(value: str) -> Condition:
    """Return the condition that the title is this."""
    return Compare(("title",), "eq", value, Target(Kind.STRING))


CONDITIONS = st.sampled_from([None, titled("a"), titled("b"), id_in(("0", "1"))])


@st.composite
def decisions(draw: st.DrawFn) -> Decision:
    """Make decisions whose grants do not overlap."""
    if draw(st.integers(0, 5)) == 0:
        return DENIED_DECISION
    shares = draw(st.lists(st.sampled_from([0, 1, 2]), min_size=len(NAMES), max_size=len(NAMES)))
    groups = [frozenset(name for name, share in zip(NAMES, shares, strict=True) if share == one) for one in (0, 1)]
    grants = tuple(Grant(group, draw(CONDITIONS)) for group in groups if group)
    return Decision(row=draw(CONDITIONS), grants=grants, envelope=ENVELOPE)


@given(parts=st.lists(decisions(), max_size=4))
def test_together_they_allow_what_one_of_them_allows(parts: list[Decision]) -> None:
    """No row and no field more, or less; and no field without its row."""
    both = united(parts)
    for row in ROWS:
        assert both.permits(row) == any(part.permits(row) for part in parts)
        assert both.fields_for(row) == frozenset[str]().union(*(part.fields_for(row) for part in parts))


@given(one=decisions(), other=decisions())
def test_in_common_they_allow_what_both_allow(one: Decision, other: Decision) -> None:
    """Row by row and field by field."""
    both = common(one, other)
    for row in ROWS:
        assert both.permits(row) == (one.permits(row) and other.permits(row))
        assert both.fields_for(row) == one.fields_for(row) & other.fields_for(row)


@given(held=decisions(), ids=st.sets(st.sampled_from("012"), min_size=1))
def test_what_is_shared_is_the_makers_on_the_entries_named(held: Decision, ids: set[str]) -> None:
    """Never a private field, never another entry; by a link no authors."""
    for by_link in (False, True):
        shared = restricted(held, tuple(sorted(ids)), TYPE, by_link=by_link)
        kept_back = {"note", "created_by"} if by_link else {"note"}
        for row in ROWS:
            expected = held.fields_for(row) - kept_back if row["id"] in ids else frozenset[str]()
            assert shared.fields_for(row) == expected
