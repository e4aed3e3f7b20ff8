from __future__ import annotations

from typing import Any

import jsonschema_rs
import msgspec
import pytest
from msgspec import structs

from maydan.content.render import Head, render, render_maps
from maydan.content.schema import json_schema
from maydan.content.spaces import Space
from maydan.content.types import SYSTEM_FIELDS, ContentType
from maydan.content.values import read_input
from maydan.errors import InvalidInput

ID = "018f4e9a-3c2b-7d1e-8f00-000000000001"
HEAD = Head(
    id=ID,
    type="article",
    status="draft",
    version=1,
    created_at="2026-01-01T00:00:00.000000Z",
    updated_at="2026-01-01T00:00:00.000000Z",
)
FULL: dict[str, Any] = {
    "title": {"en": "Hello", "ar": "مرحبا"},
    "body": {"en": "<p>x</p>"},
    "summary": "x",
    "price": {"amount": 5, "currency": "USD"},
    "category": "news",
    "rating": 3,
    "score": 1.5,
    "weight": "1.5",
    "hot": True,
    "day": "2026-01-01",
    "posted_at": "2026-01-01T00:00:00Z",
    "opens": "09:30",
    "mail": "a@b.org",
    "site": "https://a.org",
    "phone": "+9647701234567",
    "color": "#aabbcc",
    "meta": {"a": [1]},
    "place": {"lat": 1, "lng": 2},
    "hero": ID,
    "author": ID,
    "related": [ID],
    "words": ["a"],
    "code": "a",
    "address": {"street": "s"},
    "opening": [{"day": "mon"}],
    "parts": [{"type": "quote", "text": "x"}, {"type": "price"}],
    "note": "n",
    "pin": "1",
    "tags": ["a"],
    "slug": {"en": "hello"},
}


def is_valid(schema: dict[str, Any], value: Any) -> bool:
    """Tell whether a value fits a schema, which must be one itself."""
    jsonschema_rs.meta.validate(schema)
    return jsonschema_rs.validator_for(schema, validate_formats=True).is_valid(value)


@pytest.mark.parametrize("purpose", ["input", "patch"])
@pytest.mark.parametrize(
    "value",
    [
        {},
        FULL,
        {"title": None},
        {"title": "plain"},
        {"title": {"ar": None}},
        {"slug": "x"},
        {"tags": None},
        {"address": {}},
        {"parts": []},
    ],
)
def test_the_input_schema_accepts_what_is_accepted(
    article: ContentType, space: Space, purpose: Any, value: dict[str, Any]
) -> None:
    """OpenAPI says exactly what the server does."""
    read_input(article, space, value, base=None, locale=None, replace=False)
    assert is_valid(json_schema(article, purpose=purpose, locales=space.locales), value)


@pytest.mark.parametrize(
    "value",
    [
        {"nope": 1},
        {"id": ID},
        {"title": 1},
        {"title": {"fr": "x"}},
        {"title": "x" * 201},
        {"rating": "1"},
        {"rating": 6},
        {"rating": 2**60},
        {"price": 5},
        {"price": {"amount": 1}},
        {"price": {"amount": 1, "currency": "usd"}},
        {"category": "x"},
        {"weight": 1.5},
        {"hot": 1},
        {"day": "x"},
        {"opens": "9"},
        {"color": "red"},
        {"place": {"lat": 91, "lng": 0}},
        {"related": ID},
        {"author": "x"},
        {"address": {"nope": 1}},
        {"parts": [{"type": "nope"}]},
        {"parts": [{"text": "x"}]},
        {"code": "A"},
        {"tags": [""]},
        {"words": [1]},
    ],
)
def test_the_input_schema_refuses_what_is_refused(article: ContentType, space: Space, value: dict[str, Any]) -> None:
    """Unknown members and values of another kind fit neither the schema nor the server."""
    with pytest.raises(InvalidInput):
        read_input(article, space, value, base=None, locale=None, replace=False)
    assert not is_valid(json_schema(article, purpose="input", locales=space.locales), value)


def test_required_fields_are_required_where_there_are_no_drafts(article: ContentType) -> None:
    """Drafts may be incomplete, and so may patches."""
    undrafted = structs.replace(article, drafts=False)
    assert is_valid(json_schema(article, purpose="input"), {})
    assert not is_valid(json_schema(undrafted, purpose="input"), {})
    assert not is_valid(json_schema(undrafted, purpose="input"), {"title": "x", "address": {}})
    assert is_valid(json_schema(undrafted, purpose="patch"), {})


@pytest.mark.parametrize("data", [{}, FULL])
@pytest.mark.parametrize("locale", ["en", "ckb", "*"])
def test_every_document_fits_the_output_schema(
    article: ContentType, space: Space, data: dict[str, Any], locale: str
) -> None:
    """In every locale, and with all locales at once; secrets and unreadable fields are not in it."""
    stored = read_input(article, space, data, base=None, locale=None, replace=False)
    rendered = (
        render_maps(article, HEAD, stored, draft=True)
        if locale == "*"
        else render(article, space, HEAD, stored, locale, draft=True)
    )
    document = msgspec.json.decode(rendered.body)
    public = {*SYSTEM_FIELDS, *(field.name for field in article.fields if not field.private)}
    schema = json_schema(article, fields=public, purpose="output", locales=space.locales)
    assert is_valid(schema, document)
    assert not is_valid(schema, {**document, "note": "x"})
    assert "pin" not in schema["properties"]
    del document["rating"]
    assert not is_valid(schema, document)
