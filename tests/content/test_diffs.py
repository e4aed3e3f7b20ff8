"""JSON Patch: what it says makes the one object the other."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maydan.content.diffs import json_patch
from maydan.content.naming import as_input, by_name
from maydan.content.spaces import Space
from maydan.content.types import ContentType, Field, Kind
from maydan.content.unlinking import relations_of, without_links
from maydan.content.values import read_input

LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "ب"])
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "c/d", "e~f", ""]), inner, max_size=3)
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(["title", "a/b", "x~y", "list"]), VALUES, max_size=4)


def applied(document: Any, patch: list[dict[str, Any]]) -> Any:
    """Apply a patch as RFC 6902 says."""
    document = copy.deepcopy(document)
    for operation in patch:
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        place = document
        for part in way:
            place = place[int(part)] if isinstance(place, list) else place[part]
        key: Any = int(last) if isinstance(place, list) else last
        if operation["op"] == "remove":
            del place[key]
        elif operation["op"] == "add" and isinstance(place, list):
            assert 0 <= key <= len(place)
            place.insert(key, operation["value"])
        else:
            assert (key in place if isinstance(place, dict) else key < len(place)) == (operation["op"] == "replace")
            place[key] = operation["value"]
    return document


def exact(value: Any) -> Any:
    """Return a value in which ``True`` and ``1`` differ."""
    if isinstance(value, dict):
        return {name: exact(one) for name, one in value.items()}
    return [exact(one) for one in value] if isinstance(value, list) else (type(value).__name__, value)


@given(OBJECTS, OBJECTS)
def test_a_patch_makes_the_one_object_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Applied as the standard says, step by step, and nothing for what is the same."""
    assert exact(applied(before, json_patch(before, after))) == exact(after)
    assert json_patch(before, before) == []


@pytest.mark.parametrize(
    ("before", "after", "patch"),
    [
        ({"a": {"en": "x"}}, {"a": {"en": "y"}}, [{"op": "replace", "path": "/a/en", "value": "y"}]),
        ({}, {"a/b": 1}, [{"op": "add", "path": "/a~1b", "value": 1}]),
        ({"a": 1}, {}, [{"op": "remove", "path": "/a"}]),
        ({"a": 1}, {"a": True}, [{"op": "replace", "path": "/a", "value": True}]),
        ({"a": [1, 2, 3]}, {"a": [1, 3]}, [{"op": "remove", "path": "/a/1"}]),
        ({"a": [1, 3]}, {"a": [1, 2, 3]}, [{"op": "add", "path": "/a/1", "value": 2}]),
        ({"a": [{"x": 1}, 5]}, {"a": [{"x": 2}, 5]}, [{"op": "replace", "path": "/a/0/x", "value": 2}]),
    ],
)
def test_a_patch_says_no_more_than_it_must(before: Any, after: Any, patch: Any) -> None:
    """What stays is not mentioned, in lists neither."""
    assert json_patch(before, after) == patch


RELATED = Field(name="who", id="who", kind=Kind.RELATION, to=("person",))
TYPE = ContentType(
    name="article",
    fields=(
        Field(name="heading", id="title", kind=Kind.STRING, localized=True, default="none"),
        Field(name="code", id="code2", kind=Kind.STRING, default="x"),
        Field(name="key", id="key", kind=Kind.SECRET),
        Field(name="people", id="people", kind=Kind.RELATION, to=("person",), many=True),
        Field(
            name="visit",
            id="visit",
            kind=Kind.COMPONENT,
            many=True,
            of=(Field(name="day", id="d", kind=Kind.STRING, default="mon"), RELATED),
        ),
        Field(name="page", id="page", kind=Kind.BLOCKS, of={"quote": (RELATED,)}),
    ),
)
ONE, TWO = "01a205a9-3fcf-7094-a5af-39927a08eb43", "01a205a9-3fcf-7094-a5af-39927a08eb44"
STORED: dict[str, Any] = {
    "slug": {"en": "one"},
    "title": {"en": "One", "de": "Eins"},
    "code": "of a field that is gone",
    "key": "s3cret",
    "people": [ONE, TWO],
    "visit": [{"d": "mon", "who": ONE}, {"who": TWO}],
    "page": [{"type": "quote", "who": TWO}, {"type": "gone"}],
}


def test_the_stored_form_is_shown_by_present_names() -> None:
    """A renamed field has its new name; what is gone or secret does not occur."""
    assert by_name(TYPE, STORED) == {
        "slug": {"en": "one"},
        "heading": {"en": "One", "de": "Eins"},
        "people": [ONE, TWO],
        "visit": [{"day": "mon", "who": ONE}, {"who": TWO}],
        "page": [{"type": "quote", "who": TWO}],
    }


def test_a_stored_form_can_be_sent_again_as_a_whole_entry() -> None:
    """No default steps in for what was empty; the slug, secrets and locales that are gone are not part of it."""
    space = Space(key=1, name="demo", title="Demo", locales=("en", "ar"), default_locale="en")
    now = {"slug": {"en": "now"}, "key": "newer", "title": {"ar": "الآن"}, "tags": ["x"], "code2": "y"}
    read = read_input(TYPE, space, as_input(TYPE, space, STORED), base=now, locale=None, replace=True)
    assert read == {
        "slug": {"en": "now"},
        "key": "newer",
        "title": {"en": "One"},
        "people": [ONE, TWO],
        "visit": [{"d": "mon", "who": ONE}, {"who": TWO}],
        "page": [{"type": "quote", "who": TWO}],
    }


def test_links_are_taken_out_wherever_they_stand() -> None:
    """In lists, components and blocks; an empty list is no value, and everything else stays."""
    left = without_links(TYPE, STORED, lambda _field, target: target == TWO)
    assert (left["people"], left["visit"]) == ([ONE], [{"d": "mon", "who": ONE}, {}])
    assert left["page"] == [{"type": "quote"}, {"type": "gone"}]
    assert without_links(TYPE, STORED, lambda field, _target: field == "other") is STORED
    assert "people" not in without_links(TYPE, STORED, lambda field, _target: field == "people")
    assert {key: one.path for key, one in relations_of(TYPE).items()} == {
        "people": "people", "visit.who": "visit.who", "page.quote.who": "page.quote.who",
    }  # fmt: skip
