"""How the magazine's entries are put down: a key, a text in each language, and what they point at."""

from __future__ import annotations

from typing import Any

from maydan.plugin import DemoEntry

Both = tuple[str, str]
"""The same in English and in Arabic."""


def both(text: Both) -> dict[str, str]:
    """Return a text as a locale map."""
    return {"en": text[0].strip(), "ar": text[1].strip()}


def link(key: str) -> dict[str, str]:
    """Return a relation to another entry of the magazine."""
    return {"$demo": key}


def post(
    key: str, *, title: Both, excerpt: Both, day: str, about: tuple[str, ...], publish: bool = True, **more: Any
) -> DemoEntry:
    """Return a post; its key is its English slug too.

    Args:
        key: Names it.
        title: In both languages.
        excerpt: In both languages.
        day: That readers see, RFC 3339.
        about: Keys of its categories.
        publish: Whether readers get it.
        more: Further fields, as over HTTP.
    """
    data = {
        "slug": {"en": key},
        "title": both(title),
        "excerpt": both(excerpt),
        "posted_at": day,
        "categories": [link(each) for each in about],
        **more,
    }
    return DemoEntry(type="blog.post", key=key, data=data, publish=publish)


def named(type: str, key: str, name: Both, **more: Any) -> DemoEntry:
    """Return an author, a category or a tag; its key is its English slug too."""
    return DemoEntry(type=type, key=key, data={"slug": {"en": key}, "name": both(name), **more})
