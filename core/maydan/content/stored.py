"""The stored form: one JSON object by field id, as versions keep it."""

from __future__ import annotations

from typing import Any, Final, TypeAlias, cast

Stored: TypeAlias = dict[str, Any]
"""By field id: a localised field holds a map from locale to value, any other its value; absent is no value.
Beside the fields ``slug`` (a map from locale to slug) and ``tags`` (a list)."""

SLUG: Final = "slug"
TAGS: Final = "tags"


def slugs_of(stored: Stored) -> dict[str, str]:
    """Return the slug per locale."""
    return cast("dict[str, str]", stored.get(SLUG) or {})


def tags_of(stored: Stored) -> list[str]:
    """Return the tags, in order."""
    return cast("list[str]", stored.get(TAGS) or [])


def locales_of(value: object) -> dict[str, Any]:
    """Return the locale map of a localised field's stored value."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
