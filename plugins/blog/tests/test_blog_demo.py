"""The demo's magazine holds together: every text in both languages, every link to something before it."""

from __future__ import annotations

from typing import Any

from maydan_blog.demo import MAGAZINE


def links_of(value: Any) -> list[str]:
    """Return the keys that an input points at."""
    if isinstance(value, dict):
        return [value["$demo"]] if "$demo" in value else [key for each in value.values() for key in links_of(each)]
    return [key for each in value for key in links_of(each)] if isinstance(value, list) else []


def test_every_text_is_there_in_both_languages() -> None:
    """A map with one language only would show the other's readers a text that they cannot read."""
    maps = [
        (entry.key, name, value)
        for entry in MAGAZINE.entries
        for name, value in entry.data.items()
        if isinstance(value, dict) and "en" in value and name != "slug"
    ]

    assert maps
    assert [(key, name) for key, name, value in maps if not (value["en"] and value.get("ar"))] == []


def test_links_point_at_what_comes_before() -> None:
    """The entries are written in their order."""
    seen: set[str] = set()
    for entry in MAGAZINE.entries:
        assert set(links_of(entry.data)) <= seen, entry.key
        assert entry.key not in seen
        seen.add(entry.key)
