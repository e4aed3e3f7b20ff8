from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maydan.content.checking import check_condition, check_query
from maydan.content.conditions import Compare, Target
from maydan.content.query import Query, parse_parameters
from maydan.content.spaces import Space
from maydan.content.types import SYSTEM_FIELDS, ContentType, Kind
from maydan.errors import BadParameter

ALL = frozenset(SYSTEM_FIELDS)


def readable(type: ContentType, *but: str) -> frozenset[str]:
    """Return the names of every field but some."""
    return (ALL | {field.name for field in type.fields if field.kind != "secret"}) - set(but)


def check(type: ContentType, space: Space, *pairs: tuple[str, str], but: tuple[str, ...] = ()) -> Query:
    """Return the checked query of these parameters."""
    return check_query(parse_parameters(pairs), type, space, readable(type, *but))


@pytest.mark.parametrize(
    ("path", "op", "text", "value"),
    [
        ("rating", "gte", "3", 3),
        ("rating", "in", "1,2", (1, 2)),
        ("rating", "exists", "false", False),
        ("score", "lt", "1.5e3", 1500.0),
        ("weight", "eq", "1.50", "1.5"),
        ("hot", "eq", "true", True),
        ("day", "lte", "2026-01-01", "2026-01-01"),
        ("posted_at", "gt", "2026-01-01T03:00:00+03:00", "2026-01-01T00:00:00.000000Z"),
        ("opens", "eq", "09:30:00", "09:30"),
        ("color", "eq", "#FFF", "#ffffff"),
        ("mail", "eq", "A@B.Org", "A@b.org"),
        ("category", "nin", "news,guide", ("news", "guide")),
        ("title", "icontains", "x", "x"),
        ("price.amount", "gte", "500", 500),
        ("price.currency", "eq", "USD", "USD"),
        ("place.lat", "gt", "-1.5", -1.5),
        ("opening.from", "eq", "09:00", "09:00"),
        ("address.street", "contains", "Main", "Main"),
        ("tags", "in", "a,b", ("a", "b")),
        ("version", "eq", "2", 2),
        ("created_at", "lt", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000Z"),
        ("meta", "exists", "true", True),
        ("body", "contains", "x", "x"),
        ("author", "eq", "x", "x"),
        ("address.owner", "ne", "x", "x"),
    ],
)
def test_text_of_an_address_becomes_a_value_of_the_field(
    article: ContentType, space: Space, path: str, op: str, text: str, value: Any
) -> None:
    """Values are in the normal form of their kind, as the documents hold them."""
    condition = check(article, space, (f"filter[{path}][{op}]", text)).filter
    assert isinstance(condition, Compare)
    assert condition.value == value
    assert type(condition.value) is type(value)
    assert condition.target is not None


@pytest.mark.parametrize(
    "pair",
    [
        ("filter[rating][eq]", "x"),
        ("filter[rating][eq]", "1.0"),
        ("filter[rating][in]", "1,,2"),
        ("filter[rating][contains]", "1"),
        ("filter[hot][eq]", "1"),
        ("filter[hot][lt]", "true"),
        ("filter[score][eq]", "1e999"),
        ("filter[score][eq]", "nan"),
        ("filter[day][eq]", "yesterday"),
        ("filter[rating][exists]", "yes"),
        ("filter[price][eq]", "5"),
        ("filter[meta][eq]", "5"),
        ("filter[title][eq]", "a\0"),
        ("filter[title][eq]", "\ud800"),
        ("filter[body][eq]", "x"),
        ("filter[words][icontains]", "x"),
        ("filter[note][icontains]", "x"),
        ("filter[rating][eq]", "99999999999999999999"),
        ("sort", "meta"),
        ("sort", "related"),
        ("sort", "body"),
        ("sort", "tags"),
        ("sort", "opening.day"),
        ("sort", "place"),
        ("sort", "author"),
        ("include", "title"),
        ("locale", "fr"),
        ("locale", "x y"),
    ],
)
def test_what_a_field_cannot_be_asked_is_refused(article: ContentType, space: Space, pair: tuple[str, str]) -> None:
    """A value of another kind, an operator that the kind has not, an order where there is none: 400."""
    with pytest.raises(BadParameter):
        check(article, space, pair)


def test_an_unknown_path_and_an_unreadable_one_get_the_same_answer(article: ContentType, space: Space) -> None:
    """In every part of a query; nobody learns what fields there are."""
    for name in ("filter[{}][eq]", "filter[{}.x][eq]", "sort", "fields", "include"):
        answers: set[tuple[str, ...]] = set()
        for field in ("secretive", "rating", "pin", "note"):
            pair = (name.format(field), "1") if "filter" in name else (name, field)
            with pytest.raises(BadParameter) as refused:
                check(article, space, pair, but=("rating", "note"))
            error = refused.value.errors[0]
            said = (error.pointer, error.code, error.message, refused.value.detail)
            answers.add(tuple(part.replace(field, "?") for part in said))
        assert len(answers) == 1


def test_sorting_by_money_goes_by_its_amount(article: ContentType, space: Space) -> None:
    """``sort=price`` is ``sort=price.amount``."""
    assert [one.path for one in check(article, space, ("sort", "-price,title")).sort] == [
        ("price", "amount"),
        ("title",),
    ]


def test_targets_say_where_a_value_stands(article: ContentType, space: Space) -> None:
    """Private fields and authors stand in the private part; lists are marked step by step."""
    places = {
        "note": Target(Kind.TEXT, private=True, many=(False,)),
        "created_by": Target(Kind.STRING, private=True, many=(False,), system=True),
        "tags": Target(Kind.STRING, many=(True,), system=True),
        "opening.day": Target(Kind.ENUM, many=(True, False)),
        "price.amount": Target(Kind.INTEGER, many=(False, False)),
    }
    for path, target in places.items():
        condition = check(article, space, (f"filter[{path}][exists]", "true")).filter
        assert isinstance(condition, Compare)
        assert condition.target == target


def test_the_locale_is_one_of_the_spaces(article: ContentType, space: Space) -> None:
    """Tags compare without case; ``*`` is every locale."""
    assert check(article, space, ("locale", "AR")).locale == "ar"
    assert check(article, space, ("locale", "*")).locale == "*"


def test_variables_of_policies_stay(article: ContentType) -> None:
    """``$actor.id`` stands for a value that is not known yet, alone and in lists."""
    variables = frozenset({"$actor.id", "$now"})
    for op, value in (("eq", "$actor.id"), ("in", ("$actor.id", "x"))):
        condition = check_condition(Compare(("created_by",), op, value), article, None, variables=variables)
        assert isinstance(condition, Compare)
        assert condition.value == value
    condition = check_condition(Compare(("posted_at",), "lt", "$now"), article, None, variables=variables)
    assert isinstance(condition, Compare)
    with pytest.raises(BadParameter):
        check_condition(Compare(("posted_at",), "lt", "$now"), article, None)


NAMES = st.text(max_size=12) | st.from_regex(r"filter(\[[a-z0-9.]{0,3}\]){0,4}", fullmatch=True)


@given(pairs=st.lists(st.tuples(NAMES, st.text(max_size=5)), max_size=4))
def test_no_address_makes_more_than_a_refusal(pairs: list[tuple[str, str]], article: ContentType, space: Space) -> None:
    """Whatever comes in, it is a query or a refusal that names a place."""
    try:
        query = parse_parameters(pairs)
        check_query(query, article, space, readable(article))
    except BadParameter as refused:
        named = [error.pointer for error in refused.errors]
    else:
        named = ["fine"]
    assert named
