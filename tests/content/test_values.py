from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maydan.content import text
from maydan.content.richtext import is_tangled, sanitize
from maydan.content.spaces import Space
from maydan.content.types import ContentType
from maydan.content.values import read_input, strip_system
from maydan.errors import InvalidInput
from maydan.ids import new_id

ID = "018f4e9a-3c2b-7d1e-8f00-000000000001"
OTHER = "018f4e9a-3c2b-7d1e-8f00-000000000002"


def create(type: ContentType, space: Space, data: dict[str, Any], locale: str | None = None) -> dict[str, Any]:
    """Return the stored form of a new entry."""
    return read_input(type, space, data, base=None, locale=locale, replace=False)


def patch(
    type: ContentType, space: Space, base: dict[str, Any], data: dict[str, Any], locale: str | None = None
) -> dict[str, Any]:
    """Return the stored form after a merge patch."""
    return read_input(type, space, data, base=base, locale=locale, replace=False)


def put(
    type: ContentType,
    space: Space,
    base: dict[str, Any],
    data: dict[str, Any],
    locale: str | None = None,
    hidden: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """Return the stored form after a replacement."""
    return read_input(type, space, data, base=base, locale=locale, replace=True, hidden=hidden)


def problems(type: ContentType, space: Space, data: dict[str, Any], **options: Any) -> dict[str, str]:
    """Return the code of each pointer in the refusal of an input."""
    with pytest.raises(InvalidInput) as refused:
        read_input(type, space, data, **{"base": None, "locale": None, "replace": False, **options})
    return {error.pointer: error.code for error in refused.value.errors}


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


def test_rich_text_is_sanitised_at_writing(article: ContentType, space: Space) -> None:
    """Scripts, handlers, styles, frames and foreign schemes go; structure and languages of code stay."""
    html = (
        '<h2 style="x">T</h2><script>alert(1)</script><p onclick="x" class="big language-py">a<br>b</p>'
        '<a href="javascript:alert(1)">x</a><a href="/y" rel="opener" target="_blank">y</a>'
        '<img src="z.png" onerror="x" alt="z">'
        "<iframe src=//evil></iframe><style>p{}</style><table><tbody><tr><td>1</td></tr></tbody></table>"
    )
    stored = create(article, space, {"body": html})["body"]["en"]
    for gone in ("script", "style", "onclick", "onerror", "javascript", "iframe", "evil", "big", "target", '"opener'):
        assert gone not in stored
    for kept in ("<h2>T</h2>", 'class="language-py"', '<a href="/y"', 'alt="z"', "<td>1</td>", "noopener"):
        assert kept in stored
    assert create(article, space, {"body": stored})["body"]["en"] == stored


@given(html=st.text())
def test_sanitising_twice_changes_nothing(html: str, article: ContentType, space: Space) -> None:
    """What a GET gave can be put back unchanged."""
    assert sanitize(sanitize(html)) == sanitize(html)


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


def test_hidden_fields_are_answered_as_unknown(article: ContentType, space: Space) -> None:
    """What one may not read gives the same error as what is not there."""
    assert problems(article, space, {"note": "x"}, hidden=frozenset({"note"})) == {"/note": "unknown_field"}


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


def test_a_slow_pattern_refuses_instead_of_stalling(make_type: Any, space: Space) -> None:
    """No pattern of an integrator stalls the server."""
    made = make_type({"name": "x", "kind": "string", "pattern": "^(a|a)*$"}, {"name": "y", "kind": "string"})
    assert problems(made, space, {"x": "a" * 5000 + "b"}) == {"/x": "pattern_mismatch"}


def test_slow_patterns_of_one_input_share_their_time(
    make_type: Any, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of a thousand texts stalls the server no longer than a few do; the next input has its time again."""
    ticks = itertools.count(0, 0.03)
    tried: list[str] = []

    class Slow:
        def search(self, item: str, **_: Any) -> bool:
            tried.append(item)
            return True

    monkeypatch.setattr(text, "thread_time", lambda: next(ticks))
    monkeypatch.setattr(text, "compile_pattern", lambda _: Slow())
    made = make_type({"name": "x", "kind": "string", "many": True, "pattern": "a"}, {"name": "y", "kind": "string"})
    for _ in range(2):
        tried.clear()
        found = problems(made, space, {"x": [str(number) for number in range(50)]})
        assert len(tried) == 7  # of 0.03 s each
        assert list(found) == [f"/x/{number}" for number in range(7, 50)]


def test_list_bounds_count_items_of_what_is_not_text(make_type: Any, space: Space) -> None:
    """``min_length`` and ``max_length`` of a list of relations count its items; of a list of text, characters."""
    made = make_type(
        {"name": "r", "kind": "relation", "to": ["x"], "many": True, "min_length": 2, "max_length": 3},
        {"name": "s", "kind": "string", "many": True, "max_length": 2},
    )
    assert problems(made, space, {"r": [ID]}) == {"/r": "too_few"}
    assert problems(made, space, {"r": [new_id() for _ in range(4)]}) == {"/r": "too_many"}
    assert create(made, space, {"s": ["ab", "cd", "ef"]})["s"] == ["ab", "cd", "ef"]


@pytest.mark.parametrize(
    ("html", "tangled"),
    [
        ("<div>" * 5001, True),
        ("<div><!--</div>-->" * 5001, True),
        ('<div><x a="</div>">' * 5001, True),
        ("<div><textarea></div></textarea>" * 5001, True),
        ("<div></x>" * 5001, True),
        ("".join(f"<b a={number}>" for number in range(1100)) + "<p>x" * 1100, True),
        ('<div class="a"><p>One <b>bold</b> word.<br>And <i>more</i><hr/></div><!-- wp:more -->\n' * 6000, False),
        ("<ul>" + "<li>a < b <p>c" * 10_000 + "</ul>", False),
        ("<iframe src='https://example.com/?a=1'></iframe><p>after</p>" * 1000, False),
    ],
)
def test_elements_inside_of_each_other_are_bounded(html: str, tangled: bool) -> None:
    """To sanitise a hundred thousand took longer than a worker may be silent; plain pages of any length pass."""
    assert is_tangled(html) is tangled
