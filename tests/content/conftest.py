"""A space in two languages, and a type that has a field of nearly every kind."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import settings

from maydan.content.normal import check_type
from maydan.content.spaces import Space
from maydan.content.types import ContentType

# The first example may import and compile what later ones find made.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

FIELDS: list[dict[str, Any]] = [
    {"name": "title", "kind": "string", "required": True, "localized": True, "searchable": True, "max_length": 200},
    {"name": "body", "kind": "richtext", "localized": True, "searchable": True},
    {"name": "summary", "kind": "text"},
    {"name": "price", "kind": "money"},
    {"name": "category", "kind": "enum", "values": ["news", "guide"], "indexed": True},
    {"name": "rating", "kind": "integer", "min": 0, "max": 5, "indexed": True},
    {"name": "score", "kind": "number"},
    {"name": "weight", "kind": "decimal", "min": "0"},
    {"name": "hot", "kind": "boolean"},
    {"name": "day", "kind": "date"},
    {"name": "posted_at", "kind": "datetime"},
    {"name": "opens", "kind": "time"},
    {"name": "mail", "kind": "email", "unique": True},
    {"name": "site", "kind": "url"},
    {"name": "phone", "kind": "phone"},
    {"name": "color", "kind": "color"},
    {"name": "meta", "kind": "json"},
    {"name": "place", "kind": "geo"},
    {"name": "hero", "kind": "asset"},
    {"name": "author", "kind": "relation", "to": ["person"]},
    {"name": "related", "kind": "relation", "to": ["article"], "many": True, "on_delete": "nullify"},
    {"name": "words", "kind": "string", "many": True, "max_length": 20},
    {"name": "code", "kind": "string", "pattern": "^[a-z]+$", "localized": True, "unique": True},
    {
        "name": "address",
        "kind": "component",
        "of": [
            {"name": "street", "kind": "string", "required": True},
            {"name": "state", "kind": "string", "default": "Erbil"},
            {"name": "owner", "kind": "relation", "to": ["person"]},
        ],
    },
    {
        "name": "opening",
        "kind": "component",
        "many": True,
        "of": [{"name": "day", "kind": "enum", "values": ["mon", "tue"]}, {"name": "from", "kind": "time"}],
    },
    {
        "name": "parts",
        "kind": "blocks",
        "of": {
            "quote": [
                {"name": "text", "kind": "text", "required": True},
                {"name": "by", "kind": "relation", "to": ["person"]},
            ],
            "price": [{"name": "amount", "kind": "money"}],
        },
    },
    {"name": "stage", "kind": "enum", "values": ["new", "old"], "default": "new"},
    {"name": "note", "kind": "text", "private": True},
    {"name": "hint", "kind": "string", "private": True, "localized": True},
    {"name": "pin", "kind": "secret"},
]


def type_of(*fields: dict[str, Any], **options: Any) -> ContentType:
    """Return a checked type of these fields."""
    written = {"name": "article", "fields": list(fields), **options}
    return check_type(msgspec.convert(written, ContentType), previous=None)


@pytest.fixture(scope="session")
def article() -> ContentType:
    """A type with a field of nearly every kind."""
    return type_of(*FIELDS, slug_from="title", indexes=[["category", "-rating"]])


@pytest.fixture(scope="session")
def make_type() -> Any:
    """A function that makes a checked type of fields."""
    return type_of


@pytest.fixture(scope="session")
def space() -> Space:
    """A space in English, Arabic and Kurdish, in which Kurdish falls back to Arabic and all to English."""
    return Space(
        key=1,
        name="demo",
        title="Demo",
        locales=("en", "ar", "ckb"),
        default_locale="en",
        fallbacks={"ckb": ("ar",)},
    )
