from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maydan.content.checking import check_condition, check_query
from maydan.content.conditions import OPERATORS, And, Compare, Not, Or, Target, read_condition, write_condition
from maydan.content.query import READ_PARAMETERS, Query, Sort, parse_body, parse_parameters
from maydan.content.spaces import Space
from maydan.content.types import SYSTEM_FIELDS, ContentType, Kind
from maydan.errors import BadParameter, InvalidInput

ALL = frozenset(SYSTEM_FIELDS)


def readable(type: ContentType, *but: str) -> frozenset[str]:
    """Return the names of every field but some."""
    return (ALL | {field.name for field in type.fields if field.kind != "secret"}) - set(but)


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


def test_a_single_entry_takes_fewer_parameters() -> None:
    """A parameter that the route does not take is unknown there."""
    assert parse_parameters([("fields", "title")], allowed=READ_PARAMETERS).fields == ("title",)
    for pair in (("sort", "a"), ("filter[a][eq]", "1")):
        with pytest.raises(BadParameter):
            parse_parameters([pair], allowed=READ_PARAMETERS)


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
