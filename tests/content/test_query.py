from __future__ import annotations

from typing import Any

import pytest

from maydan.content.query import READ_PARAMETERS, Sort, parse_body, parse_parameters
from maydan.errors import BadParameter, InvalidInput


def bad(pairs: list[tuple[str, str]]) -> str:
    """Return the place that the refusal of parameters names."""
    with pytest.raises(BadParameter) as refused:
        parse_parameters(pairs)
    return refused.value.errors[0].pointer


def test_an_address_says_what_a_body_says() -> None:
    """One tree, however it is written."""
    by_address = parse_parameters(
        [
            ("filter[and][0][rating][gte]", "3"),
            ("filter[and][1][author][name][eq]", "Ann"),
            ("filter[and][2][price.amount][lt]", "900"),
            ("sort", "-rating,title"),
            ("include", "author,related.author"),
            ("fields", "title,slug"),
            ("limit", "25"),
            ("count", "exact"),
        ]
    )
    by_body = parse_body(
        {
            "filter": {
                "and": [{"rating": {"gte": "3"}}, {"author": {"name": {"eq": "Ann"}}}, {"price.amount": {"lt": "900"}}]
            },
            "sort": ["-rating", "title"],
            "include": ["author", "related.author"],
            "fields": ["title", "slug"],
            "limit": 25,
            "count": "exact",
        }
    )
    assert by_address.filter == by_body.filter
    assert (by_address.sort, by_address.include, by_address.fields) == (by_body.sort, by_body.include, by_body.fields)
    assert by_address.sort == (Sort(("rating",), True), Sort(("title",)))
    assert by_address.count
    assert by_address.include == (("author",), ("related", "author"))


@pytest.mark.parametrize(
    ("pairs", "pointer"),
    [
        ([("limit", "0")], "limit"),
        ([("limit", "100000")], "limit"),
        ([("limit", "1.0")], "limit"),
        ([("limit", "٣")], "limit"),
        ([("limit", "-1")], "limit"),
        ([("limit", "")], "limit"),
        ([("limit", "5"), ("limit", "5")], "limit"),
        ([("offset", "9999999")], "offset"),
        ([("cursor", "")], "cursor"),
        ([("cursor", "x"), ("offset", "1")], "offset"),
        ([("cursor", "x" * 5000)], "cursor"),
        ([("count", "yes")], "count"),
        ([("perspective", "future")], "perspective"),
        ([("fallback", "all")], "fallback"),
        ([("status", "gone")], "status"),
        ([("nope", "1")], "nope"),
        ([("filter", "x")], "filter"),
        ([("filter[]", "x")], "filter[]"),
        ([("filter[a", "x")], "filter[a"),
        ([("filter[a][b]]", "x")], "filter[a][b]]"),
        ([("filter[a]", "x")], "filter[a]"),
        ([("filter[a][near]", "x")], "filter[a][near]"),
        ([("filter[a][eq]", "x")] * 2, "filter[a][eq]"),
        ([("filter[a][eq]", "x"), ("filter[a][eq][eq]", "y")], "filter[a][eq][eq]"),
        ([("filter[or][x][a][eq]", "1")], "filter[or]"),
        ([("filter" + "[a]" * 65, "1")], "filter" + "[a]" * 65),
        ([("filter" + "[a]" * 30 + "[eq]", "1")], None),
        ([("filter[a..b][eq]", "1")], "filter[a..b]"),
        ([("sort", "a,a")], "sort"),
        ([("sort", "a,-a")], "sort"),
        ([("sort", "a,,b")], "sort"),
        ([("sort", "-")], "sort"),
        ([("sort", "a,b,c,d,e,f,g,h,i")], "sort"),
        ([("fields", "a,a")], "fields"),
        ([("include", "a.b.c.d.e")], "include"),
        ([("FILTER[a][eq]", "1")], "FILTER[a][eq]"),
    ],
)
def test_what_is_unknown_or_unreadable_in_an_address_is_named(
    pairs: list[tuple[str, str]], pointer: str | None
) -> None:
    """Nothing is ignored: the parameter is named in the refusal."""
    named = bad(pairs)
    if pointer is not None:
        assert named == pointer


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"limit": "5"}, "/limit"),
        ({"limit": True}, "/limit"),
        ({"limit": 5.0}, "/limit"),
        ({"sort": "a"}, "/sort"),
        ({"sort": [1]}, "/sort"),
        ({"filter": []}, "/filter"),
        ({"count": True}, "/count"),
        ({"nope": 1}, "/nope"),
        ({"cursor": None}, "/cursor"),
    ],
)
def test_members_of_a_wrong_type_in_a_body_are_input_errors(body: dict[str, Any], pointer: str) -> None:
    """A body is JSON, so its members have types; nothing is converted."""
    with pytest.raises(InvalidInput) as refused:
        parse_body(body)
    assert refused.value.errors[0].pointer == pointer


def test_a_single_entry_takes_fewer_parameters() -> None:
    """A parameter that the route does not take is unknown there."""
    assert parse_parameters([("fields", "title")], allowed=READ_PARAMETERS).fields == ("title",)
    for pair in (("sort", "a"), ("filter[a][eq]", "1")):
        with pytest.raises(BadParameter):
            parse_parameters([pair], allowed=READ_PARAMETERS)
