from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Struct

from maydan.content.declare import (
    Asset,
    Color,
    Email,
    Entry,
    Geo,
    Json,
    Phone,
    RichText,
    Secret,
    Text,
    Url,
    content_type,
    options,
    relation,
)
from maydan.content.normal import check_type
from maydan.content.types import ContentType, Field, Kind, OnDelete
from maydan.errors import InvalidInput
from maydan.money import Money


class Mood(StrEnum):
    GOOD = "good"
    BAD = "bad"


class Opening(Struct):
    day: Literal["mon", "tue"]
    start: time | None = None


class Quote(Struct, tag="quote"):
    text: Text


class Picture(Struct):
    image: Asset


class Named(Entry):
    title: Annotated[str, options(localized=True, searchable=True, max_length=200)]


class Post(
    Named,
    name="blog.post",
    title="Post",
    slug_from="title",
    indexes=(("-posted_at",),),
    engagement=("comments",),
    drafts=False,
):
    body: Annotated[RichText | None, options(localized=True, searchable=True)] = None
    author: Annotated[str | None, relation("blog.author", on_delete="nullify")] = None
    related: Annotated[list[str], relation("blog.post", "blog.page")] = []  # noqa: RUF012 - msgspec copies it
    rating: Annotated[int, options(min=0, max=5, indexed=True)] = 0
    score: float | None = None
    weight: Annotated[Decimal | None, options(min="0")] = None
    price: Money | None = None
    hot: bool = False
    day: date | None = None
    posted_at: datetime
    mood: Mood = Mood.GOOD
    mail: Annotated[Email | None, options(unique=True)] = None
    site: Url | None = None
    phone: Phone | None = None
    color: Color | None = None
    meta: Json = None
    place: Geo | None = None
    hero: Asset | None = None
    gallery: list[Asset] = []  # noqa: RUF012 - msgspec copies it
    openings: list[Opening] = []  # noqa: RUF012 - msgspec copies it
    first: Opening | None = None
    parts: list[Quote | Picture] = []  # noqa: RUF012 - msgspec copies it
    pin: Secret | None = None
    words: Annotated[list[str] | None, options(private=True, max_length=9)] = None


def fields(type: ContentType) -> dict[str, Field]:
    """Return a type's fields by name."""
    return {field.name: field for field in type.fields}


def test_a_class_declares_a_content_type() -> None:
    """The class line says what the type is; fields of base classes come first."""
    made = content_type(Post)
    assert (made.name, made.title, made.slug_from, made.drafts, made.engagement) == (
        "blog.post",
        "Post",
        "title",
        False,
        ("comments",),
    )
    assert made.indexes == (("-posted_at",),)
    assert made.fields[0] == Field(
        name="title", kind=Kind.STRING, id="title", required=True, localized=True, searchable=True, max_length=200
    )


def test_a_type_from_code_is_the_type_that_its_json_says() -> None:
    """One normal form, wherever a type comes from."""
    made = content_type(Post)
    assert check_type(msgspec.json.decode(msgspec.json.encode(made), type=ContentType), previous=None) == made


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("body", Kind.RICHTEXT),
        ("author", Kind.RELATION),
        ("rating", Kind.INTEGER),
        ("score", Kind.NUMBER),
        ("weight", Kind.DECIMAL),
        ("price", Kind.MONEY),
        ("hot", Kind.BOOLEAN),
        ("day", Kind.DATE),
        ("posted_at", Kind.DATETIME),
        ("mood", Kind.ENUM),
        ("mail", Kind.EMAIL),
        ("site", Kind.URL),
        ("phone", Kind.PHONE),
        ("color", Kind.COLOR),
        ("meta", Kind.JSON),
        ("place", Kind.GEO),
        ("hero", Kind.ASSET),
        ("gallery", Kind.ASSET),
        ("openings", Kind.COMPONENT),
        ("parts", Kind.BLOCKS),
        ("pin", Kind.SECRET),
        ("words", Kind.STRING),
    ],
)
def test_an_annotation_means_a_kind(name: str, kind: Kind) -> None:
    """Python's own types where there is one, a named one else."""
    assert fields(content_type(Post))[name].kind is kind


def test_what_has_no_default_is_required_and_lists_are_many() -> None:
    """``| None`` and a default make a field optional; a default that is a value is the field's."""
    found = fields(content_type(Post))
    assert {name for name, field in found.items() if field.required} == {"title", "posted_at"}
    assert {name for name, field in found.items() if field.many} == {"related", "gallery", "openings", "words"}
    assert (found["rating"].default, found["hot"].default, found["mood"].default) == (0, False, "good")
    assert (found["related"].to, found["author"].on_delete) == (("blog.post", "blog.page"), OnDelete.NULLIFY)
    assert (found["words"].private, found["words"].max_length, found["mail"].unique) == (True, 9, True)


def test_structs_are_components_and_unions_of_them_blocks() -> None:
    """A block is called by its tag, or by its class in lower case."""
    found = fields(content_type(Post))
    first, parts = found["first"].of, found["parts"].of
    assert isinstance(first, tuple)
    assert isinstance(parts, dict)
    assert [(field.name, field.kind, field.required) for field in first] == [
        ("day", Kind.ENUM, True),
        ("start", Kind.TIME, False),
    ]
    assert {name: of[0].kind for name, of in parts.items()} == {"quote": Kind.TEXT, "picture": Kind.ASSET}


def test_an_entry_can_be_made_of_its_class() -> None:
    """The class is a Struct like any other, frozen and by keyword."""
    post = Post(title="x", posted_at=datetime(2026, 1, 1, tzinfo=None))  # noqa: DTZ001 - only its presence matters
    assert post.rating == 0
    with pytest.raises(AttributeError):
        post.rating = 3  # pyright: ignore[reportAttributeAccessIssue]


class Odd(Entry, name="blog.odd"):
    thing: set[str] | None = None


class Marked(Entry, name="blog.marked"):
    thing: Annotated[str, msgspec.Meta(max_length=3)] = ""


class Wrong(Entry, name="blog.wrong"):
    thing: Annotated[int, options(max_length=3)] = 0


class Plain(Struct):
    thing: Any = None


def test_what_means_nothing_is_refused_by_name() -> None:
    """A plugin author reads which class, which field, and what to write instead."""
    with pytest.raises(TypeError, match=r"Odd\.thing"):
        content_type(Odd)
    with pytest.raises(TypeError, match=r"use options"):
        content_type(Marked)
    with pytest.raises(TypeError, match="declares no content type"):
        content_type(Plain)
    with pytest.raises(TypeError, match="declares no content type"):
        content_type(Named)
    with pytest.raises(InvalidInput, match="max_length"):
        content_type(Wrong)
