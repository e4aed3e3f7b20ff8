from __future__ import annotations

from typing import Any

import pytest

from maydan.content.links import Link, links, unique_values
from maydan.content.required import check_required
from maydan.content.spaces import Space
from maydan.content.types import ContentType
from maydan.content.values import read_input
from maydan.errors import InvalidInput

ANN, BOB, ONE = (f"018f4e9a-3c2b-7d1e-8f00-00000000000{number}" for number in range(3))


def create(type: ContentType, space: Space, data: dict[str, Any]) -> dict[str, Any]:
    """Return the stored form of a new entry."""
    return read_input(type, space, data, base=None, locale=None, replace=False)


def test_links_are_found_wherever_they_stand(article: ContentType, space: Space) -> None:
    """Single, many, in components and in blocks; each with its place in the input and in its field."""
    data = {
        "related": [ONE, BOB],
        "author": ANN,
        "address": {"owner": BOB},
        "parts": [{"type": "price"}, {"type": "quote", "by": ANN}, {"type": "quote", "by": BOB}],
    }
    assert links(article, create(article, space, data)) == [
        Link("author", 0, ANN, ("person",), "/author"),
        Link("related", 0, ONE, ("article",), "/related/0"),
        Link("related", 1, BOB, ("article",), "/related/1"),
        Link("address.owner", 0, BOB, ("person",), "/address/owner"),
        Link("parts.quote.by", 0, ANN, ("person",), "/parts/1/by"),
        Link("parts.quote.by", 1, BOB, ("person",), "/parts/2/by"),
    ]
    assert links(article, {}) == []


def test_unique_values_are_canonical(article: ContentType, space: Space) -> None:
    """Per locale where the field is localised; addresses are the same whatever their case and width."""
    stored = create(article, space, {"mail": "Ａnn@Example.org", "code": {"en": "a", "ar": "b"}})
    assert unique_values(article, stored) == [("mail", "", "ann@example.org"), ("code", "en", "a"), ("code", "ar", "b")]
    assert unique_values(article, {}) == []


def missing(
    type: ContentType, space: Space, data: dict[str, Any], *locales: str, shown: tuple[str, ...] = ()
) -> list[str]:
    """Return the pointers of what is required and empty."""
    try:
        check_required(type, space, create(type, space, data), locales, shown=shown)
    except InvalidInput as refused:
        return [error.pointer for error in refused.errors]
    return []


@pytest.mark.parametrize(
    ("data", "pointers"),
    [
        ({}, ["/title"]),
        ({"title": ""}, ["/title"]),
        ({"title": "x"}, []),
        ({"title": {"ar": "x"}}, ["/title/en"]),
        ({"title": "x", "address": {}}, ["/address/street"]),
        ({"title": "x", "parts": [{"type": "quote", "text": "x"}, {"type": "quote"}]}, ["/parts/1/text"]),
    ],
)
def test_what_is_required_must_be_there_before_readers_see_it(
    article: ContentType, space: Space, data: dict[str, Any], pointers: list[str]
) -> None:
    """Absent and empty are the same; members are required where their component is there."""
    assert missing(article, space, data, "en") == pointers


def test_a_fallback_counts_where_readers_get_it(article: ContentType, space: Space) -> None:
    """Kurdish falls back to Arabic: enough if Arabic is published too, or was before."""
    data = {"title": {"ar": "x"}, "body": {"ckb": "y"}}
    assert missing(article, space, data, "ckb", "ar") == []
    assert missing(article, space, data, "ckb", shown=("ar",)) == []
    assert missing(article, space, data, "ckb") == ["/title/ckb"]
    assert missing(article, space, data, "en", "ar") == ["/title/en"]
