"""What a WordPress export holds, as it stands in the file: decoded, but not yet interpreted."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, field


class Site(Struct, frozen=True, kw_only=True):
    """The blog that was exported."""

    title: str = ""
    url: str = ""
    """Address of the blog; the oldest of its addresses that the file names, because keys are made of it."""
    language: str = ""
    version: str = ""
    """Version of the export format, such as ``1.2``."""


class Author(Struct, frozen=True, kw_only=True):
    """Somebody who wrote posts."""

    login: str
    email: str = ""
    name: str = ""


class Term(Struct, frozen=True, kw_only=True):
    """A category, a tag, a post format or a menu."""

    taxonomy: str
    """``category``, ``post_tag``, ``post_format``, ``nav_menu`` or a name that a WordPress plugin made up."""
    slug: str
    """As in the file: may be percent-encoded."""
    name: str = ""
    parent: str = ""
    """Slug of the term above it."""
    description: str = ""


class Comment(Struct, frozen=True, kw_only=True):
    """A comment, pingback or trackback."""

    id: str
    text: str
    """HTML, as WordPress keeps it."""
    approved: str = "0"
    """``1``, ``0``, ``spam``, ``trash`` or ``post-trashed``."""
    type: str = ""
    parent: str = "0"
    author: str = ""
    email: str = ""
    url: str = ""
    created_at: datetime | None = None


class Item(Struct, frozen=True, kw_only=True):
    """A post, a page, an attachment, a menu item or whatever else WordPress keeps as a post."""

    id: str
    type: str
    status: str = ""
    title: str = ""
    """HTML."""
    content: str = ""
    excerpt: str = ""
    slug: str = ""
    parent: str = "0"
    link: str = ""
    creator: str = ""
    password: str = ""
    sticky: bool = False
    comments_open: bool = False
    menu_order: int = 0
    posted_at: datetime | None = None
    attachment_url: str = ""
    terms: tuple[Term, ...] = ()
    meta: tuple[tuple[str, str], ...] = ()
    comments: tuple[Comment, ...] = ()

    def find_meta(self, key: str) -> str | None:
        """Return the value under a key of ``wp:postmeta``, the last where it occurs twice."""
        return next((value for name, value in reversed(self.meta) if name == key), None)


class Outline(Struct, kw_only=True):
    """What must be known of the whole file before the first post is written; small, whatever the file's size."""

    site: Site = field(default_factory=Site)
    authors: dict[str, Author] = field(default_factory=dict[str, Author])
    """By login."""
    terms: dict[tuple[str, str], Term] = field(default_factory=dict[tuple[str, str], Term])
    """Declared terms by taxonomy and slug."""
    used: dict[tuple[str, str], Term] = field(default_factory=dict[tuple[str, str], Term])
    """Categories and tags of items by taxonomy and slug, declared or not."""
    creators: dict[str, int] = field(default_factory=dict[str, int])
    """Number of posts and pages by the login that the item names."""
    attachments: dict[str, Item] = field(default_factory=dict[str, Item])
    """Attachments by id: they are not taken, but posts show them."""
    pages: set[str] = field(default_factory=set[str])
    """Ids of pages, so that a page whose parent is not in the file is told from one whose parent comes later."""
    items: dict[str, int] = field(default_factory=dict[str, int])
    """Number of items by type."""
    strays: int = 0
    """Control characters that XML does not allow and that were left out."""
