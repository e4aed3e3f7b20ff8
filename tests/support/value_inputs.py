"""What is stored of what is written to an entry, or how it is refused, without a database."""

from __future__ import annotations

from typing import Any

import pytest

from maydan.content.spaces import Space
from maydan.content.types import ContentType
from maydan.content.values import read_input
from maydan.errors import InvalidInput

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
