from __future__ import annotations

from typing import Any

import pytest

from maydan.content.includes import Portion
from maydan.content.orders import Sort
from maydan.content.query import READ_PARAMETERS, parse_body, parse_parameters
from maydan.errors import BadParameter, InvalidInput


def test_an_address_says_what_a_body_says() -> None:
    """An option of a path includes the path; dots and brackets are the same."""
    body = parse_body({"include": ["author", {"path": "related.by", "limit": 3, "sort": ["-rating", "title"]}]})
    assert body.include == (("author",), ("related", "by"))
    assert body.portions == (Portion(("related", "by"), 3, (Sort(("rating",), descending=True), Sort(("title",)))),)
    for place, more in (("[related.by]", "author"), ("[related][by]", "author,related.by")):
        pairs = [(f"include{place}[limit]", "3"), (f"include{place}[sort]", "-rating,title"), ("include", more)]
        asked = parse_parameters(pairs, allowed=READ_PARAMETERS)
        assert (asked.include, asked.portions) == (body.include, body.portions)


def test_a_path_without_options_has_no_portion() -> None:
    """An object with a path alone is the path."""
    assert parse_body({"include": [{"path": "related"}]}) == parse_body({"include": ["related"]})


@pytest.mark.parametrize(
    ("include", "pointer"),
    [
        ([{"path": "related", "limit": "1"}], "/include/0/limit"),
        (["author", {"path": "related", "limit": True}], "/include/1/limit"),
        ([{"path": "related", "sort": "title"}], "/include/0/sort"),
        ([{"limit": 1}], "/include/0/path"),
        ([{"path": "related", "skip": 1}], "/include/0/skip"),
        ([{"path": 1}], "/include/0/path"),
        ([1], "/include/0"),
        ({"path": "related"}, "/include"),
    ],
)
def test_a_wrong_type_in_a_body_is_an_input_error(include: Any, pointer: str) -> None:
    """It names the place."""
    with pytest.raises(InvalidInput) as caught:
        parse_body({"include": include})
    assert caught.value.errors[0].pointer == pointer


@pytest.mark.parametrize(
    ("include", "place"),
    [
        (["related", {"path": "related", "limit": 1}], "include"),
        ([{"path": ""}], "include"),
        ([{"path": "a.b.c.d.e"}], "include"),
        ([{"path": "related", "limit": -1}], "include[related][limit]"),
        ([{"path": "related", "limit": 10**30}], "include[related][limit]"),
        ([{"path": "related", "sort": ["title"] * 2}], "include[related][sort]"),
        ([{"path": "related", "sort": list("abcdefghi")}], "include[related][sort]"),
        ([{"path": "related", "sort": [""]}], "include[related][sort]"),
        ([{"path": f"a{number}"} for number in range(51)], "include"),
    ],
)
def test_what_no_include_can_be_is_a_bad_parameter(include: Any, place: str) -> None:
    """In a body as in an address."""
    with pytest.raises(BadParameter) as caught:
        parse_body({"include": include})
    assert caught.value.errors[0].pointer == place
