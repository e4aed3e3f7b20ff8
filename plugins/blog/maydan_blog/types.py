"""The content types of a blog."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias, get_args

from maydan.plugin import Email, Entry, RichText, Text, Url, content_type, options, relation

PostFormat: TypeAlias = Literal[
    "standard", "aside", "audio", "chat", "gallery", "image", "link", "quote", "status", "video"
]
"""How a post wants to be shown; WordPress' list, the ordinary one first."""
POST_FORMATS: Final[tuple[str, ...]] = get_args(PostFormat)

POST: Final = "blog.post"
PAGE: Final = "blog.page"
CATEGORY: Final = "blog.category"
TAG: Final = "blog.tag"
AUTHOR: Final = "blog.author"

Title: TypeAlias = Annotated[str, options(localized=True, searchable=True, max_length=500)]
Name: TypeAlias = Annotated[str, options(localized=True, searchable=True, max_length=200)]
Body: TypeAlias = Annotated[RichText | None, options(localized=True, searchable=True)]
Excerpt: TypeAlias = Annotated[Text | None, options(localized=True, searchable=True, max_length=10_000)]
Hidden: TypeAlias = Annotated[RichText | None, options(localized=True, private=True)]
Description: TypeAlias = Annotated[Text | None, options(localized=True, max_length=10_000)]


class Author(Entry, name=AUTHOR, title="Author", slug_from="name", indexes=(("name",),)):
    """Somebody who writes; not an account, because many who write never sign in."""

    name: Name
    bio: Description = None
    website: Url | None = None
    image: Url | None = None
    """A portrait."""
    email: Annotated[Email | None, options(private=True)] = None


class Category(Entry, name=CATEGORY, title="Category", slug_from="name", indexes=(("name",), ("parent", "name"))):
    """What a post is about, in a tree."""

    name: Name
    description: Description = None
    parent: Annotated[str | None, relation(CATEGORY, on_delete="nullify")] = None


class Tag(Entry, name=TAG, title="Tag", slug_from="name", indexes=(("name",),)):
    """A word that posts share, without order."""

    name: Name
    description: Description = None


class Post(
    Entry,
    name=POST,
    title="Post",
    slug_from="title",
    indexes=(("-posted_at",), ("-sticky", "-posted_at"), ("author", "-posted_at"), ("format", "-posted_at")),
    engagement=("comments",),
):
    """One article of the blog. It may do without a title, as an aside or a status does."""

    title: Annotated[str | None, options(localized=True, searchable=True, max_length=500)] = None
    excerpt: Excerpt = None
    body: Body = None
    posted_at: datetime | None = None
    """The day that readers see, which may lie long before the entry was made."""
    author: Annotated[str | None, relation(AUTHOR)] = None
    categories: Annotated[list[str], relation(CATEGORY, on_delete="nullify")] = []  # noqa: RUF012 - Structs copy it
    post_tags: Annotated[list[str], relation(TAG, on_delete="nullify")] = []  # noqa: RUF012 - Structs copy it
    format: PostFormat = "standard"
    sticky: bool = False
    """Whether it stays on top."""
    image: Url | None = None
    """The featured image."""
    comments_open: bool = True
    protected: bool = False
    """Whether its text is for those only who may read ``protected_body``; the post itself is public."""
    protected_body: Hidden = None
    source_url: Annotated[Url | None, options(indexed=True)] = None
    """Where it was before it was imported, for redirects."""


class Page(
    Entry,
    name=PAGE,
    title="Page",
    slug_from="title",
    indexes=(("position", "title"), ("parent", "position")),
    engagement=("comments",),
):
    """What stands beside the stream of posts: about, contact, and trees of such."""

    title: Title
    excerpt: Excerpt = None
    body: Body = None
    posted_at: datetime | None = None
    author: Annotated[str | None, relation(AUTHOR)] = None
    parent: Annotated[str | None, relation(PAGE, on_delete="nullify")] = None
    position: int = 0
    """Order among the pages under the same parent."""
    image: Url | None = None
    comments_open: bool = False
    protected: bool = False
    protected_body: Hidden = None
    source_url: Annotated[Url | None, options(indexed=True)] = None


CONTENT_TYPES: Final = tuple(content_type(declared) for declared in (Author, Category, Tag, Post, Page))
