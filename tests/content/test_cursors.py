from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maydan.content.conditions import Compare
from maydan.content.cursors import decode_cursor, encode_cursor
from maydan.content.query import Query, Sort
from maydan.errors import BadCursor

KEY, QUERY = b"k" * 32, b"q" * 16
VALUES = st.lists(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.floats(allow_nan=False), max_size=4
)


@given(values=VALUES)
def test_a_cursor_gives_back_the_place(values: list[object]) -> None:
    """Opaque and URL-safe, and exact."""
    cursor = encode_cursor(KEY, QUERY, values)
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert decode_cursor(KEY, QUERY, cursor) == values


@given(values=VALUES, data=st.data())
def test_an_altered_cursor_is_refused(values: list[object], data: st.DataObject) -> None:
    """Any other character at any place, anything cut off or added."""
    cursor = encode_cursor(KEY, QUERY, values)
    place = data.draw(st.integers(0, len(cursor) - 1))
    sign = data.draw(st.sampled_from("AZaz09-_=.é").filter(lambda one: one != cursor[place]))
    for altered in (
        cursor[:place] + sign + cursor[place + 1 :],
        cursor[:-1],
        cursor + "A",
        cursor + "=",
        "",
        "A",
        "!" * 30,
    ):
        with pytest.raises(BadCursor):
            decode_cursor(KEY, QUERY, altered)


def test_a_cursor_belongs_to_one_query_and_one_instance() -> None:
    """Another query, or another secret, makes it invalid."""
    cursor = encode_cursor(KEY, QUERY, ["a", 1])
    for key, query in ((b"x" * 32, QUERY), (KEY, b"x" * 16), (KEY, b"")):
        with pytest.raises(BadCursor):
            decode_cursor(key, query, cursor)


def test_queries_that_list_other_rows_have_other_fingerprints() -> None:
    """What decides which rows come in which order is in it; the size of a page is not."""
    queries = [
        Query(),
        Query(filter=Compare(("a",), "eq", 1)),
        Query(filter=Compare(("a",), "eq", "1")),
        Query(sort=(Sort(("a",)),)),
        Query(sort=(Sort(("a",), descending=True),)),
        Query(perspective="draft"),
        Query(locale="ar"),
        Query(fallback=False),
        Query(status="draft"),
    ]
    assert len({query.fingerprint() for query in queries}) == len(queries)
    assert Query(limit=5, cursor="x", fields=("a",), count=True).fingerprint() == Query().fingerprint()
