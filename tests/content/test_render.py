from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from maydan.content.render import Head, content_locales, is_translated, project, render, render_maps, with_private
from maydan.content.spaces import Space
from maydan.content.types import SYSTEM_FIELDS, ContentType
from maydan.content.values import read_input, strip_system

HEAD = Head(
    id="018f4e9a-3c2b-7d1e-8f00-000000000001",
    type="article",
    status="published",
    version=3,
    created_at="2026-01-01T00:00:00.000000Z",
    updated_at="2026-01-02T00:00:00.000000Z",
    published_at={"en": "2026-01-03T00:00:00.000000Z"},
    created_by="ann",
    updated_by="bob",
)


def shown(
    type: ContentType, space: Space, data: dict[str, Any], locale: str = "en", *, draft: bool = False
) -> tuple[dict[str, Any], dict[str, Any], bool]:
    """Return the public and the private part of a new entry's document, and whether it is translated."""
    stored = read_input(type, space, data, base=None, locale=None, replace=False)
    rendered = render(type, space, HEAD, stored, locale, draft=draft)
    assert rendered.private is not None
    return msgspec.json.decode(rendered.body), msgspec.json.decode(rendered.private), rendered.translated


def test_a_document_is_flat_with_the_system_fields_first(article: ContentType, space: Space) -> None:
    """System fields beside the content's own, in the order of the type; absent values are ``null``, lists empty."""
    body, private, _ = shown(article, space, {"title": "Hello"})
    names = list(body)
    assert names[:10] == list(SYSTEM_FIELDS[:10])
    assert names[10:] == [field.name for field in article.fields if not field.private and field.name != "pin"]
    assert (body["rating"], body["related"], body["parts"], body["tags"]) == (None, [], [], [])
    assert list(private) == ["note", "hint"]


def test_secrets_are_nowhere_and_private_fields_apart(article: ContentType, space: Space) -> None:
    """A secret is in no document; a private field only in the private part."""
    body, private, _ = shown(
        article, space, {"pin": "s3cret", "note": "only us", "hint": {"en": "h"}}, "ar", draft=True
    )
    assert "s3cret" not in str((body, private))
    assert "only us" not in str(body)
    assert private == {"note": "only us", "hint": "h", "_locales": {"hint": "en"}}


def test_authors_and_states_are_told_where_they_belong(article: ContentType, space: Space) -> None:
    """Only drafts name their authors; ``state`` is there where the type has a workflow."""
    assert "created_by" not in shown(article, space, {})[0]
    assert shown(article, space, {}, draft=True)[0]["created_by"] == "ann"
    rendered = render(article, space, structs.replace(HEAD, state="new"), {}, "en", draft=False)
    assert msgspec.json.decode(rendered.body)["state"] == "new"


def test_values_fall_back_along_the_chain_and_say_so(article: ContentType, space: Space) -> None:
    """Kurdish tries Arabic, then the default; ``_locales`` names only what fell back."""
    data = {
        "title": {"en": "Hello", "ar": "مرحبا"},
        "body": {"en": "<p>x</p>"},
        "code": {"ckb": "k"},
        "slug": {"en": "hello"},
    }
    body, _, _ = shown(article, space, data, "ckb")
    assert (body["title"], body["body"], body["code"], body["slug"]) == ("مرحبا", "<p>x</p>", "k", "hello")
    assert body["_locales"] == {"title": "ar", "body": "en"}
    assert body["published_at"] == "2026-01-03T00:00:00.000000Z"
    assert "_locales" not in shown(article, space, data, "en")[0]


def test_a_locale_is_translated_when_it_has_content_of_its_own(
    article: ContentType, space: Space, make_type: Any
) -> None:
    """What ``fallback=none`` goes by; what has nothing to translate is never missing."""
    data = {"title": {"ar": "x"}}
    assert [shown(article, space, data, locale)[2] for locale in ("en", "ar", "ckb")] == [False, True, False]
    plain = make_type({"name": "a", "kind": "string"})
    assert is_translated(plain, space, {"a": "x"}, "ckb")
    assert content_locales(article, space, {"title": {"ar": "x"}}) == ("ar",)
    assert content_locales(article, space, {}) == ("en",)
    assert content_locales(plain, space, {}) == ("en", "ar", "ckb")


def test_money_gets_its_decimal_wherever_it_stands(article: ContentType, space: Space) -> None:
    """Money in fields and in blocks alike."""
    money = {"amount": 1250, "currency": "IQD"}
    body, _, _ = shown(article, space, {"price": money, "parts": [{"type": "price", "amount": money}]})
    assert body["price"] == {**money, "decimal": "1.250"}
    assert body["parts"] == [{"type": "price", "amount": {**money, "decimal": "1.250"}}]


def test_components_show_every_member_by_name(article: ContentType, space: Space) -> None:
    """Inside too the key is never absent."""
    body, _, _ = shown(article, space, {"address": {"street": "x"}, "opening": [{"day": "mon"}]})
    assert body["address"] == {"street": "x", "state": "Erbil", "owner": None}
    assert body["opening"] == [{"day": "mon", "from": None}]


def test_a_renamed_field_keeps_its_values(article: ContentType, space: Space) -> None:
    """Values are stored by the id of their field; a rename changes the name alone."""
    stored = read_input(article, space, {"rating": 4}, base=None, locale=None, replace=False)
    fields = tuple(structs.replace(one, name="stars") if one.name == "rating" else one for one in article.fields)
    rendered = render(structs.replace(article, fields=fields), space, HEAD, stored, "en", draft=False)
    body = msgspec.json.decode(rendered.body)
    assert body["stars"] == 4
    assert "rating" not in body


def test_a_block_that_the_type_lost_is_left_out(make_type: Any, space: Space) -> None:
    """Old entries stay readable after a block was dropped."""
    old = make_type(
        {
            "name": "parts",
            "kind": "blocks",
            "of": {"a": [{"name": "x", "kind": "string"}], "b": [{"name": "x", "kind": "string"}]},
        }
    )
    new = make_type({"name": "parts", "kind": "blocks", "of": {"a": [{"name": "x", "kind": "string"}]}})
    stored = read_input(
        old, space, {"parts": [{"type": "b"}, {"type": "a", "x": "1"}]}, base=None, locale=None, replace=False
    )
    body = msgspec.json.decode(render(new, space, HEAD, stored, "en", draft=False).body)
    assert body["parts"] == [{"type": "a", "x": "1"}]


def test_every_locale_at_once_shows_the_maps(article: ContentType, space: Space) -> None:
    """``locale=*``: localised fields and the slug as maps, everything else as ever."""
    data = {"title": {"en": "a", "ar": "b"}, "slug": {"en": "a"}, "rating": 3}
    stored = read_input(article, space, data, base=None, locale=None, replace=False)
    body = msgspec.json.decode(render_maps(article, HEAD, stored, draft=False).body)
    assert (body["title"], body["slug"], body["body"], body["rating"], body["locale"]) == (
        data["title"],
        {"en": "a"},
        {},
        3,
        "*",
    )


def test_a_projection_keeps_the_notes_of_what_it_shows(article: ContentType, space: Space) -> None:
    """``_locales`` comes with the fields that fell back, private ones too, and with no others."""
    body, private, _ = shown(article, space, {"title": {"en": "a"}, "body": {"en": "b"}, "hint": {"en": "c"}}, "ar")
    whole = with_private(body, private)
    assert project(whole, frozenset({"title", "rating"})) == {"title": "a", "rating": None, "_locales": {"title": "en"}}
    assert project(whole, frozenset({"hint"})) == {"hint": "c", "_locales": {"hint": "en"}}
    assert project(whole, frozenset({"id"})) == {"id": HEAD.id}


TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=5)
DATA = st.fixed_dictionaries(
    {},
    optional={
        "title": st.dictionaries(st.sampled_from(["en", "ar", "ckb"]), TEXTS, min_size=1),
        "summary": TEXTS,
        "price": st.builds(lambda amount: {"amount": amount, "currency": "KWD"}, st.integers(-(10**9), 10**9)),
        "rating": st.integers(0, 5),
        "score": st.floats(allow_nan=False, allow_infinity=False),
        "hot": st.booleans(),
        "words": st.lists(TEXTS, min_size=1, max_size=3),
        "opening": st.lists(st.sampled_from([{"day": "mon"}, {"from": "09:00"}, {}]), min_size=1, max_size=2),
        "parts": st.lists(st.builds(lambda text: {"type": "quote", "text": text}, TEXTS), min_size=1, max_size=2),
        "tags": st.lists(TEXTS.filter(str.strip), unique=True, max_size=3),
    },
)


@pytest.mark.parametrize("locale", ["en", "ar", "ckb"])
@given(data=DATA)
def test_what_is_read_can_be_put_back(data: dict[str, Any], locale: str, article: ContentType, space: Space) -> None:
    """GET then PUT in the same locale stores exactly what was stored, in every locale."""
    stored = read_input(article, space, data, base=None, locale=None, replace=False)
    rendered = render(article, space, HEAD, stored, locale, draft=True)
    assert rendered.private is not None
    document = with_private(msgspec.json.decode(rendered.body), msgspec.json.decode(rendered.private))
    sent = strip_system(document, document)
    assert read_input(article, space, sent, base=stored, locale=locale, replace=True) == stored


@given(data=DATA)
def test_the_maps_of_all_locales_can_be_put_back(data: dict[str, Any], article: ContentType, space: Space) -> None:
    """GET with ``locale=*`` then PUT stores exactly what was stored."""
    stored = read_input(article, space, data, base=None, locale=None, replace=False)
    document = msgspec.json.decode(render_maps(article, HEAD, stored, draft=True).body)
    sent = strip_system(document, {}, document)
    assert read_input(article, space, sent, base=stored, locale=None, replace=True) == stored
