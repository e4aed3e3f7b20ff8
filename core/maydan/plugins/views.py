"""What hooks are shown of an entry and of a comment: frozen copies, fields by name."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class EntryState(Struct, frozen=True, kw_only=True):
    """An entry as it is, or as it would be after the write that a veto hook decides on."""

    id: str
    type: str
    """Name of the content type, such as ``blog.post``."""
    space: str
    """Name of the space."""
    version: int
    """Number of this version; 1 for an entry that is about to be created."""
    fields: dict[str, Any]
    """Content by field name, in the stored form: a localised field is a locale map, any other its value."""
    slug: dict[str, str]
    """Slugs by locale."""
    tags: tuple[str, ...] = ()
    status: str = "draft"
    """``draft``, ``published``, ``changed`` or ``trashed``, as it was before the write."""
    locales: tuple[str, ...] = ()
    """Those in which it is published, before the write."""
    state: str | None = None
    """In the workflow of its type; ``None`` where that has none."""


class CommentState(Struct, frozen=True, kw_only=True):
    """A comment that is about to be stored."""

    id: str
    entry: str
    """Id of the entry that it is on."""
    type: str
    """Name of that entry's content type."""
    space: str
    """Name of the space."""
    text: str
    parent: str | None = None
    """Id of the comment that it answers."""
    status: str = "waiting"
    author_name: str = ""
