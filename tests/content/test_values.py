from __future__ import annotations

from typing import Any

import pytest
from value_inputs import ID, OTHER, create, patch, problems  # pyright: ignore[reportMissingImports] - tests/support

from maydan.content.spaces import Space
from maydan.content.types import ContentType
from maydan.ids import new_id

ACCEPTED: list[tuple[str, Any, Any]] = [
    ("summary", "two\nlines\tand a tab", "two\nlines\tand a tab"),
    ("body", {"en": "<p>fine</p>"}, {"en": "<p>fine</p>"}),
    ("price", {"amount": 1250, "currency": "USD"}, {"amount": 1250, "currency": "USD"}),
    ("price", {"amount": 1250, "currency": "USD", "decimal": "12.50"}, {"amount": 1250, "currency": "USD"}),
    ("rating", 0, 0),
    ("score", 1, 1),
    ("score", -1.5e300, -1.5e300),
    ("weight", "012.50", "12.5"),
    ("weight", "-0.0", "0"),
    ("weight", "100", "100"),
    ("hot", False, False),
    ("day", "2024-02-29", "2024-02-29"),
    ("posted_at", "2026-01-01T10:00:00+03:00", "2026-01-01T07:00:00.000000Z"),
    ("posted_at", "2026-01-01t10:00:00.5z", "2026-01-01T10:00:00.500000Z"),
    ("opens", "09:30", "09:30"),
    ("opens", "09:30:00", "09:30"),
    ("opens", "09:30:15", "09:30:15"),
    ("mail", "Ann.O'Neil+x@Example.COM", "Ann.O'Neil+x@example.com"),
    ("mail", "بريد@مثال.شبكة", "بريد@مثال.شبكة"),
    ("site", "https://example.com:8080/a?b=c#d", "https://example.com:8080/a?b=c#d"),
    ("phone", "+964 (770) 123-4567", "+9647701234567"),
    ("color", "#AbC", "#aabbcc"),
    ("color", "#11223344", "#11223344"),
    ("meta", {"a": [1, None, {"b": "x"}]}, {"a": [1, None, {"b": "x"}]}),
    ("meta", "plain", "plain"),
    ("place", {"lat": 33.3, "lng": 44}, {"lat": 33.3, "lng": 44}),
    ("author", ID, ID),
    ("related", [ID, OTHER], [ID, OTHER]),
    ("words", ["a", "a"], ["a", "a"]),
    ("opening", [{"day": "mon", "from": "09:00:00"}, {}], [{"day": "mon", "from": "09:00"}, {}]),
    ("address", {"street": "x"}, {"street": "x", "state": "Erbil"}),
    ("address", {"street": "x", "state": None}, {"street": "x"}),
    ("parts", [{"type": "quote", "text": "x"}], [{"type": "quote", "text": "x"}]),
]


@pytest.mark.parametrize(("name", "value", "stored"), ACCEPTED)
def test_a_value_is_stored_in_the_normal_form_of_its_kind(
    article: ContentType, space: Space, name: str, value: Any, stored: Any
) -> None:
    """Every kind has one normal form, so that equal values are stored, compared and sorted alike."""
    assert create(article, space, {name: value})[name] == stored


REFUSED: list[tuple[str, Any, str, str]] = [
    ("title", "a\nb", "/title", "control_character"),
    ("title", "a\0b", "/title", "control_character"),
    ("title", "a\ud800b", "/title", "control_character"),
    ("title", "x" * 201, "/title", "too_long"),
    ("title", 1, "/title", "not_text"),
    ("title", {"fr": "x"}, "/title/fr", "unknown_locale"),
    ("title", {"en": 1}, "/title/en", "not_text"),
    ("title", ["x"], "/title", "not_text"),
    ("summary", "x" * 100_001, "/summary", "too_long"),
    ("summary", "a\0", "/summary", "control_character"),
    ("price", {"amount": 1.0, "currency": "USD"}, "/price/amount", "not_an_integer"),
    ("price", {"amount": 1, "currency": "XXX"}, "/price/currency", "currency"),
    ("price", {"amount": 1}, "/price/currency", "field_required"),
    ("price", {"currency": "USD"}, "/price/amount", "field_required"),
    ("price", {"amount": 1, "currency": "USD", "decimal": "1.00"}, "/price/decimal", "decimal_differs"),
    ("price", {"amount": 1, "currency": "USD", "tax": 1}, "/price/tax", "unknown_field"),
    ("price", 5, "/price", "not_an_object"),
    ("category", "other", "/category", "invalid_choice"),
    ("category", ["news"], "/category", "invalid_choice"),
    ("rating", "1", "/rating", "not_an_integer"),
    ("rating", 1.0, "/rating", "not_an_integer"),
    ("rating", True, "/rating", "not_an_integer"),
    ("rating", 10**23, "/rating", "not_an_integer"),
    ("rating", 6, "/rating", "too_large"),
    ("rating", -1, "/rating", "too_small"),
    ("score", float("nan"), "/score", "not_a_number"),
    ("score", float("inf"), "/score", "not_a_number"),
    ("score", 2**53 + 1, "/score", "not_a_number"),
    ("score", False, "/score", "not_a_number"),
    ("weight", 1.5, "/weight", "invalid_decimal"),
    ("weight", "1e5", "/weight", "invalid_decimal"),
    ("weight", "1234567890.123456", "/weight", "invalid_decimal"),
    ("weight", "-1", "/weight", "too_small"),
    ("hot", 1, "/hot", "not_a_boolean"),
    ("day", "2026-02-29", "/day", "invalid_date"),
    ("day", "20260228", "/day", "invalid_date"),
    ("day", "٢٠٢٦-٠١-٠١", "/day", "invalid_date"),
    ("posted_at", "2026-01-01T10:00:00", "/posted_at", "invalid_datetime"),
    ("posted_at", "2026-01-01", "/posted_at", "invalid_datetime"),
    ("posted_at", "2026-01-01T25:00:00Z", "/posted_at", "invalid_datetime"),
    ("posted_at", "9999-12-31T23:59:59-01:00", "/posted_at", "invalid_datetime"),
    ("posted_at", 1767225600, "/posted_at", "invalid_datetime"),
    ("opens", "24:00", "/opens", "invalid_time"),
    ("opens", "9:00", "/opens", "invalid_time"),
    ("mail", "a@b", "/mail", "invalid_email"),
    ("mail", "a b@c.de", "/mail", "invalid_email"),
    ("mail", ".a@c.de", "/mail", "invalid_email"),
    ("mail", "a@c.de\n", "/mail", "control_character"),
    ("site", "javascript:alert(1)", "/site", "invalid_url"),
    ("site", "//example.com", "/site", "invalid_url"),
    ("site", "https://", "/site", "invalid_url"),
    ("site", "https://user:pass@example.com", "/site", "invalid_url"),
    ("site", "https://example.com:99999", "/site", "invalid_url"),
    ("site", "https://[::1", "/site", "invalid_url"),
    ("phone", "0770 123 4567", "/phone", "invalid_phone"),
    ("color", "red", "/color", "invalid_color"),
    ("meta", {"a": 10**23 + 1}, "/meta", "invalid_json"),
    ("meta", ["\0"], "/meta", "invalid_json"),
    ("meta", "x" * 100_001, "/meta", "invalid_json"),
    ("place", {"lat": 91, "lng": 0}, "/place/lat", "too_large"),
    ("place", {"lat": 0}, "/place/lng", "field_required"),
    ("place", {"lat": "0", "lng": 0}, "/place/lat", "not_a_number"),
    ("place", {"lat": 0, "lng": 0, "alt": 0}, "/place/alt", "unknown_field"),
    ("hero", "x", "/hero", "invalid_id"),
    ("author", ID.upper(), "/author", "invalid_id"),
    ("author", [ID], "/author", "invalid_id"),
    ("related", ID, "/related", "not_a_list"),
    ("related", [ID, ID], "/related/1", "duplicate"),
    ("related", [None], "/related/0", "invalid_id"),
    ("words", ["x" * 21], "/words/0", "too_long"),
    ("words", ["x"] * 1001, "/words", "too_many"),
    ("code", {"ar": "A1"}, "/code/ar", "pattern_mismatch"),
    ("address", {"street": 1}, "/address/street", "not_text"),
    ("address", {"a/b~c": 1}, "/address/a~1b~0c", "unknown_field"),
    ("address", [], "/address", "not_an_object"),
    ("opening", [{"day": "sun"}], "/opening/0/day", "invalid_choice"),
    ("parts", [{"text": "x"}], "/parts/0/type", "unknown_block"),
    ("parts", [{"type": "video"}], "/parts/0/type", "unknown_block"),
    ("parts", [{"type": "quote", "by": 1}], "/parts/0/by", "invalid_id"),
    ("pin", 1234, "/pin", "not_text"),
    ("tags", "a", "/tags", "not_a_list"),
    ("tags", ["a", ""], "/tags/1", "too_short"),
    ("tags", ["x" * 101], "/tags/0", "too_long"),
    ("tags", [str(number) for number in range(101)], "/tags", "too_many"),
    ("slug", "Not A Slug", "/slug", "invalid_slug"),
    ("slug", ID, "/slug", "invalid_slug"),
    ("slug", {"fr": "x"}, "/slug/fr", "unknown_locale"),
    ("slug", 5, "/slug", "not_text"),
    ("id", ID, "/id", "read_only"),
    ("created_by", ID, "/created_by", "read_only"),
    ("_locales", {}, "/_locales", "read_only"),
    ("unheard_of", 1, "/unheard_of", "unknown_field"),
    ("retired_ids", [], "/retired_ids", "unknown_field"),
]


@pytest.mark.parametrize(("name", "value", "pointer", "code"), REFUSED)
def test_what_is_not_of_the_kind_is_refused_at_its_place(
    article: ContentType, space: Space, name: str, value: Any, pointer: str, code: str
) -> None:
    """Nothing is converted loosely, and the pointer names the exact place."""
    assert problems(article, space, {name: value}) == {pointer: code}


def test_json_nested_beyond_the_limit_is_refused(article: ContentType, space: Space) -> None:
    """A ``json`` field holds 32 levels and no more."""
    value: Any = 1
    for _ in range(32):
        value = [value]
    assert create(article, space, {"meta": value})["meta"] == value
    assert problems(article, space, {"meta": [value]}) == {"/meta": "invalid_json"}


def test_all_problems_of_an_input_are_reported_at_once(article: ContentType, space: Space) -> None:
    """Whoever sends an input mends it in one go; nonsense gets a bounded answer."""
    found = problems(article, space, {"title": 1, "rating": "x", "nope": 1, "price": {"amount": 1.5, "currency": "?"}})
    assert found == {
        "/title": "not_text",
        "/rating": "not_an_integer",
        "/nope": "unknown_field",
        "/price/currency": "currency",
        "/price/amount": "not_an_integer",
    }
    assert len(problems(article, space, {f"x{number}": 1 for number in range(5000)})) == 100


def test_a_plain_value_is_that_of_the_locale_asked_for(article: ContentType, space: Space) -> None:
    """Without ``?locale=`` a plain value is the default locale's; a map names its locales."""
    assert create(article, space, {"title": "x"})["title"] == {"en": "x"}
    assert create(article, space, {"title": "x"}, "ar")["title"] == {"ar": "x"}
    assert create(article, space, {"title": {"en": "x", "ar": "y"}}, "ar")["title"] == {"en": "x", "ar": "y"}
    assert create(article, space, {"slug": "x"}, "ar")["slug"] == {"ar": "x"}


def test_an_object_is_told_from_a_map_of_locales(make_type: Any, space: Space) -> None:
    """Money is an object itself: with ``?locale=`` it is the value, else a map if its keys are all locales."""
    made = make_type(
        {"name": "fee", "kind": "money", "localized": True}, {"name": "x", "kind": "json", "localized": True}
    )
    money = {"amount": 1, "currency": "USD"}
    assert create(made, space, {"fee": money})["fee"] == {"en": money}
    assert create(made, space, {"fee": money}, "ar")["fee"] == {"ar": money}
    assert create(made, space, {"fee": {"ar": money}})["fee"] == {"ar": money}
    assert create(made, space, {"x": {"en": 1}}, "ar")["x"] == {"ar": {"en": 1}}
    assert create(made, space, {"x": {"k": 1}})["x"] == {"en": {"k": 1}}


def test_defaults_fill_what_a_new_entry_leaves_out(article: ContentType, space: Space) -> None:
    """Absent takes the default, ``null`` does not; a patch never brings a default back."""
    assert create(article, space, {})["stage"] == "new"
    assert "stage" not in create(article, space, {"stage": None})
    cleared = patch(article, space, {"stage": "old"}, {"stage": None})
    assert "stage" not in patch(article, space, cleared, {"rating": 1})


def test_hidden_fields_are_answered_as_unknown(article: ContentType, space: Space) -> None:
    """What one may not read gives the same error as what is not there."""
    assert problems(article, space, {"note": "x"}, hidden=frozenset({"note"})) == {"/note": "unknown_field"}


def test_list_bounds_count_items_of_what_is_not_text(make_type: Any, space: Space) -> None:
    """``min_length`` and ``max_length`` of a list of relations count its items; of a list of text, characters."""
    made = make_type(
        {"name": "r", "kind": "relation", "to": ["x"], "many": True, "min_length": 2, "max_length": 3},
        {"name": "s", "kind": "string", "many": True, "max_length": 2},
    )
    assert problems(made, space, {"r": [ID]}) == {"/r": "too_few"}
    assert problems(made, space, {"r": [new_id() for _ in range(4)]}) == {"/r": "too_many"}
    assert create(made, space, {"s": ["ab", "cd", "ef"]})["s"] == ["ab", "cd", "ef"]
