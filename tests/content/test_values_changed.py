"""What a patch and a whole entry make of the values that are there."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from value_inputs import ID, OTHER, create, patch, problems, put  # pyright: ignore[reportMissingImports] - tests/support

from maydan.content.normal import check_type
from maydan.content.spaces import Space
from maydan.content.types import ContentType
from maydan.content.values import strip_system
from maydan.errors import InvalidInput


def test_a_patch_merges_and_null_clears(article: ContentType, space: Space) -> None:
    """JSON Merge Patch: absent is unchanged, maps and components merge, lists are replaced."""
    base = create(
        article,
        space,
        {
            "title": {"en": "a", "ar": "b"},
            "rating": 3,
            "related": [ID],
            "address": {"street": "s", "owner": ID},
            "slug": {"en": "a", "ar": "b"},
            "tags": ["x", "y"],
        },
    )
    frozen = repr(base)
    assert patch(article, space, base, {}) == base
    assert patch(article, space, base, {"title": {"ar": "c"}})["title"] == {"en": "a", "ar": "c"}
    assert patch(article, space, base, {"title": {"ar": None}})["title"] == {"en": "a"}
    assert patch(article, space, base, {"title": "z"})["title"] == {"en": "z", "ar": "b"}
    assert patch(article, space, base, {"title": "z"}, "ar")["title"] == {"en": "a", "ar": "z"}
    assert patch(article, space, base, {"title": None}, "ar")["title"] == {"en": "a"}
    assert "title" not in patch(article, space, base, {"title": None})
    assert "rating" not in patch(article, space, base, {"rating": None})
    assert patch(article, space, base, {"related": [OTHER]})["related"] == [OTHER]
    assert "related" not in patch(article, space, base, {"related": []})
    assert patch(article, space, base, {"address": {"owner": None}})["address"] == {"street": "s", "state": "Erbil"}
    assert patch(article, space, base, {"slug": "c"})["slug"] == {"en": "c", "ar": "b"}
    assert patch(article, space, base, {"slug": {"ar": None}})["slug"] == {"en": "a"}
    assert "slug" not in patch(article, space, base, {"slug": None})
    assert patch(article, space, base, {"tags": ["z", "z"]})["tags"] == ["z"]
    assert repr(base) == frozen


def test_a_patch_merges_json_as_everything_else(space: Space) -> None:
    """The examples of RFC 7396, appendix A; a whole entry replaces it, of each language its own."""
    fields = [{"name": "js", "kind": "json"}, {"name": "loc", "kind": "json", "localized": True}]
    kind = check_type(msgspec.convert({"name": "x", "fields": fields}, ContentType), previous=None)
    examples: list[tuple[Any, Any, Any]] = [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ]
    for before, change, after in examples:
        base = create(kind, space, {"js": before})
        assert patch(kind, space, base, {"js": change}) == {**base, "js": after}
        assert base["js"] == before
        assert put(kind, space, base, {"js": change}) == {**base, "js": change}
    base = create(kind, space, {"loc": {"en": {"a": 1}, "ar": {"a": 2}}})
    changed = patch(kind, space, base, {"loc": {"ar": {"b": 3}}})
    assert changed["loc"] == {"en": {"a": 1}, "ar": {"a": 2, "b": 3}}
    assert patch(kind, space, base, {"js": {"a": None}})["js"] == {}


def test_json_that_grows_too_large_by_a_patch_is_refused(space: Space) -> None:
    """The bounds hold for what comes of it."""
    fields = [{"name": "js", "kind": "json"}]
    kind = check_type(msgspec.convert({"name": "x", "fields": fields}, ContentType), previous=None)
    base = create(kind, space, {"js": {"a": "x" * 60_000}})
    with pytest.raises(InvalidInput):
        patch(kind, space, base, {"js": {"b": "x" * 60_000}})


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=2),
    lambda inner: st.dictionaries(st.sampled_from(["street", "state"]), inner, max_size=2),
)
TITLES = (
    st.none()
    | st.text("abc", min_size=1)
    | st.dictionaries(st.sampled_from(["en", "ar", "ckb"]), st.none() | st.text("abc", min_size=1), min_size=1)
)
INPUTS = st.fixed_dictionaries(
    {},
    optional={
        "title": TITLES,
        "rating": st.none() | st.integers(0, 5),
        "words": st.none() | st.lists(st.text("ab", max_size=3), max_size=3),
        "address": st.none()
        | st.fixed_dictionaries(
            {},
            optional={"street": st.none() | st.text("ab", max_size=3), "state": st.none() | st.text("ab", max_size=3)},
        ),
        "tags": st.none() | st.lists(st.text("ab", min_size=1, max_size=3), max_size=3),
    },
)


def merge(target: Any, change: Any) -> Any:
    """RFC 7396, section 2, word by word."""
    if not isinstance(change, dict):
        return change
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in change.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


def as_maps(data: dict[str, Any]) -> dict[str, Any]:
    """Write plain titles as the map that they mean."""
    title = data.get("title")
    return {**data, "title": {"en": title}} if isinstance(title, str) else data


@given(first=INPUTS, change=INPUTS)
def test_a_patch_is_a_json_merge_patch(
    first: dict[str, Any], change: dict[str, Any], article: ContentType, space: Space
) -> None:
    """RFC 7396, but empty lists are no value, tags no bag, and a component that is made takes its defaults."""
    base = create(article, space, {"stage": None, "address": {"state": None}, **first})
    expected = merge(base, as_maps(change))
    for name in ("words", "tags", "title"):
        if not expected.get(name, True):
            del expected[name]
    if "tags" in expected:
        expected["tags"] = list(dict.fromkeys(expected["tags"]))
    if "address" in expected and "address" not in base and "state" not in change["address"]:
        expected["address"]["state"] = "Erbil"
    assert patch(article, space, base, change) == expected


@given(first=INPUTS, change=INPUTS)
def test_the_same_patch_twice_changes_nothing_more(
    first: dict[str, Any], change: dict[str, Any], article: ContentType, space: Space
) -> None:
    """A patch that is sent again is harmless."""
    once = patch(article, space, create(article, space, first), change)
    assert patch(article, space, once, change) == once


def test_a_whole_entry_clears_what_it_leaves_out(article: ContentType, space: Space) -> None:
    """PUT clears or resets to the default; the slug, secrets and hidden fields stay."""
    base = create(
        article,
        space,
        {
            "title": {"en": "a", "ar": "b"},
            "rating": 3,
            "stage": "old",
            "pin": "1",
            "note": "n",
            "slug": "s",
            "tags": ["t"],
        },
    )
    stored = put(article, space, base, {"title": {"en": "z"}}, hidden=frozenset({"note"}))
    assert stored == {"title": {"en": "z"}, "stage": "new", "pin": "1", "note": "n", "slug": {"en": "s"}}


def test_a_whole_entry_in_one_locale_leaves_the_other_locales(article: ContentType, space: Space) -> None:
    """``PUT ?locale=ar`` with plain values replaces the Arabic entry, not the English one."""
    base = create(article, space, {"title": {"en": "a", "ar": "b"}, "body": {"en": "x", "ar": "y"}})
    stored = put(article, space, base, {"title": "c"}, "ar")
    assert stored["title"] == {"en": "a", "ar": "c"}
    assert stored["body"] == {"en": "x"}
    assert put(article, space, base, {"title": "c"})["title"] == {"en": "c", "ar": "b"}


def test_system_fields_may_come_back_unchanged(article: ContentType, space: Space) -> None:
    """GET, edit, PUT works; a changed system field is refused."""
    current = {"id": ID, "version": 3, "locale": "ar", "slug": "s", "title": "Hello", "_locales": {"title": "en"}}
    assert strip_system({**current}, current).keys() == {"title"}
    assert strip_system({"title": "مرحبا", "rating": 1}, current) == {"title": "مرحبا", "rating": 1}
    with pytest.raises(InvalidInput) as refused:
        strip_system({"id": OTHER, "version": 4, "status": "published"}, current)
    assert [error.pointer for error in refused.value.errors] == ["/id", "/version", "/status"]
    assert strip_system({"status": "published"}, current, {"status": "published"}) == {}


def test_a_fallback_that_comes_back_is_not_copied_into_the_locale(article: ContentType, space: Space) -> None:
    """The Arabic entry that shows an English title stays without an Arabic one."""
    base = create(article, space, {"title": {"en": "Hello"}, "summary": "s"})
    current = {"id": ID, "title": "Hello", "summary": "s", "_locales": {"title": "en"}}
    data = strip_system({**current, "summary": "t"}, current)
    assert put(article, space, base, data, "ar") == {**base, "summary": "t", "stage": "new"}


def test_the_old_decimal_may_come_back_with_a_new_amount(article: ContentType, space: Space) -> None:
    """Who edits the amount of an answer leaves its decimal as it was."""
    base = create(article, space, {"price": {"amount": 1250, "currency": "USD"}})
    edited = {"amount": 1300, "currency": "USD", "decimal": "12.50"}
    assert put(article, space, base, {"price": edited})["price"] == {"amount": 1300, "currency": "USD"}
    assert problems(article, space, {"price": {**edited, "decimal": "9"}}, base=base) == {
        "/price/decimal": "decimal_differs"
    }
