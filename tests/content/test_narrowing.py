"""Fields that take less than before: which changes are such, and which stored values do not fit."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from maydan.content.narrowing import list_narrowings, refused_rules
from maydan.content.normal import check_type
from maydan.content.types import ContentType


def _type(field: dict[str, Any], previous: ContentType | None = None) -> ContentType:
    written = {"name": "thing", "fields": [{"name": "x", "kind": "string", **field}]}
    return check_type(msgspec.convert(written, ContentType), previous=previous)


@pytest.mark.parametrize(
    ("old", "new", "is_narrower"),
    [
        ({}, {"title": None}, False),
        ({}, {"required": True}, True),
        ({"required": True}, {}, False),
        ({"max_length": 5}, {"max_length": 6}, False),
        ({"max_length": 5}, {}, False),
        ({"max_length": 200_000}, {}, True),
        ({}, {"max_length": 5}, True),
        ({"min_length": 2}, {"min_length": 3}, True),
        ({"min_length": 3}, {"min_length": 2}, False),
        ({"pattern": "a"}, {"pattern": "a"}, False),
        ({"pattern": "a"}, {}, False),
        ({}, {"pattern": "a"}, True),
        ({"kind": "decimal", "max": "9"}, {"kind": "decimal", "max": "10"}, False),
        ({"kind": "decimal", "max": "10"}, {"kind": "decimal", "max": "9"}, True),
        ({"kind": "decimal", "min": "9"}, {"kind": "decimal", "min": "10"}, True),
        ({"kind": "integer", "min": 1}, {"kind": "number", "min": 1}, True),
        ({"kind": "integer", "min": 1}, {"kind": "number"}, False),
        ({"kind": "enum", "values": ["a", "b"]}, {"kind": "enum", "values": ["b", "c"]}, True),
        ({"kind": "enum", "values": ["a"]}, {"kind": "enum", "values": ["b", "a"]}, False),
        ({"kind": "enum", "values": ["a"]}, {"kind": "string"}, False),
        ({"kind": "relation", "to": ["a", "b"]}, {"kind": "relation", "to": ["b"]}, True),
        ({"kind": "relation", "to": ["b"]}, {"kind": "relation", "to": ["a", "b"]}, False),
    ],
)
def test_a_field_is_narrower_where_it_may_refuse_what_it_took(
    old: dict[str, Any], new: dict[str, Any], is_narrower: bool
) -> None:
    """Only those are looked at in entries; whatever only widens is never refused."""
    before = _type(old)
    after = _type({name: value for name, value in new.items() if name != "title"}, before)
    assert bool(list_narrowings(before, after)) == is_narrower


def test_members_count_and_what_does_not_fit_is_told_by_its_option() -> None:
    """Of components and blocks too, of every language, of every item."""
    part = {"name": "n", "kind": "integer"}
    before = _type({"kind": "blocks", "of": {"q": [part], "r": [part]}})
    after = _type({"kind": "blocks", "of": {"q": [{**part, "max": 3}], "r": [part]}}, before)
    (narrowing,) = list_narrowings(before, after)
    assert refused_rules(narrowing, {"x": [{"type": "r", "n": 4}, {"type": "q", "n": 3}]}) == set()
    assert refused_rules(narrowing, {"x": [{"type": "q", "n": 4}]}) == {"/fields/0/of"}

    before = _type({"localized": True, "many": True})
    after = _type({"localized": True, "many": True, "max_length": 2}, before)
    (narrowing,) = list_narrowings(before, after)
    assert refused_rules(narrowing, {"x": {"en": ["ab"], "ar": ["a", "abc"]}}) == {"/fields/0/max_length"}
    assert refused_rules(narrowing, {"x": {"en": ["ab"]}}) == set()
    assert refused_rules(narrowing, {}) == set()
