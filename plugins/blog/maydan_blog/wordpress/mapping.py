"""Says what each record of an export is in a blog of ours: the input of an entry, as over HTTP."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from maydan.plugin import ImportedComment, slugify
from maydan_blog.types import POST_FORMATS
from maydan_blog.wordpress.markup import Converted, plain

if TYPE_CHECKING:
    from maydan_blog.wordpress.records import Author, Comment, Item, Site, Term

LONGEST_COMMENT: Final = 10_000
"""Characters that the core takes of a comment."""
STATUSES: Final[dict[str, Literal["approved", "waiting", "spam"]]] = {"1": "approved", "0": "waiting", "spam": "spam"}
COMMENT_KINDS: Final[dict[str, Literal["comment", "pingback", "trackback"]]] = {
    "": "comment",
    "comment": "comment",
    "pingback": "pingback",
    "trackback": "trackback",
}
LIVE: Final = frozenset({"publish", "future"})
"""Statuses of what readers see, at once or from its day on."""


class Keys(Struct, frozen=True):
    """Names by which an import finds again what an earlier one brought; two WordPress sites never share one."""

    site: str

    @classmethod
    def of(cls, site: Site) -> Keys:
        """Return the keys of one site, made from its address without the scheme, which changes over a site's life."""
        parts = urlsplit(site.url)
        return cls(f"wordpress:{parts.netloc.lower()}{parts.path.rstrip('/')}")

    def author(self, login: str) -> str:
        """Return the key of an author."""
        return f"{self.site}:author:{login}"

    def term(self, taxonomy: str, slug: str) -> str:
        """Return the key of a category or tag: its slug, since terms that are only used have no id."""
        return f"{self.site}:{taxonomy}:{slug}"

    def item(self, type: str, id: str) -> str:
        """Return the key of a post or page."""
        return f"{self.site}:{type}:{id}"

    def comment(self, id: str) -> str:
        """Return the key of a comment."""
        return f"{self.site}:comment:{id}"


class Links(Struct, frozen=True, kw_only=True):
    """Ids of the entries that a post or page points at."""

    author: str | None = None
    parent: str | None = None
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


def slug_of(text: str) -> str:
    """Return a slug as we write it: WordPress percent-encodes what is not ASCII, and allows underscores."""
    return slugify(unquote(text))


def author_input(author: Author) -> dict[str, Any]:
    """Return the input of a ``blog.author``."""
    return _filled(slug=slug_of(author.login), name=plain(author.name) or author.login, email=author.email)


def term_input(term: Term, parent: str | None = None) -> dict[str, Any]:
    """Return the input of a ``blog.category`` or ``blog.tag``."""
    return _filled(
        slug=slug_of(term.slug),
        name=plain(term.name) or unquote(term.slug),
        description=plain(term.description),
        parent=parent,
    )


def post_input(item: Item, converted: Converted, links: Links, image: str) -> dict[str, Any]:
    """Return the input of a ``blog.post``."""
    return _written(item, converted, image) | _filled(
        author=links.author,
        categories=list(links.categories),
        post_tags=list(links.tags),
        sticky=item.sticky,
        format=_format(item),
    )


def page_input(item: Item, converted: Converted, links: Links, image: str) -> dict[str, Any]:
    """Return the input of a ``blog.page``; a page without a title has its slug for one, because pages need one."""
    data = _written(item, converted, image) | _filled(author=links.author, parent=links.parent)
    return {**data, "title": data.get("title") or unquote(item.slug) or item.id, "position": item.menu_order}


def comment_input(comment: Comment, keys: Keys) -> ImportedComment | None:
    """Return a comment, or ``None`` for one that is not taken (:func:`refusal` says why)."""
    kind = COMMENT_KINDS.get(comment.type)
    status = STATUSES.get(comment.approved)
    text = plain(comment.text)
    if kind is None or status is None or not text:
        return None
    return ImportedComment(
        key=keys.comment(comment.id),
        text=text[:LONGEST_COMMENT],
        parent=None if comment.parent == "0" else keys.comment(comment.parent),
        status=status,
        author_name=plain(comment.author),
        author_email=comment.email,
        author_url=comment.url,
        kind=kind,
        created_at=comment.created_at,
    )


def refusal(comment: Comment) -> str:
    """Return why a comment is not taken."""
    if comment.type not in COMMENT_KINDS:
        return f"made by a WordPress plugin (type {comment.type!r})"
    return "empty" if comment.approved in STATUSES else "in WordPress' trash"


def moment_text(moment: datetime) -> str:
    """Write a moment as the API takes it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def login_of(creator: str) -> str:
    """Return a creator's login without the stray characters around it that some exports have."""
    return re.sub(r"^[\W_]+|[\W_]+$", "", creator)


def _written(item: Item, converted: Converted, image: str) -> dict[str, Any]:
    """Return what posts and pages have in common."""
    body = "protected_body" if item.password else "body"
    return _filled(
        slug=slug_of(item.slug),
        title=plain(item.title),
        excerpt="" if item.password else plain(item.excerpt) or converted.teaser,
        posted_at=moment_text(item.posted_at) if item.posted_at else None,
        image=image,
        source_url=item.link if item.link.startswith(("http://", "https://")) else "",
        protected=bool(item.password),
        comments_open=item.comments_open,
    ) | _filled(**{body: converted.html})


def _format(item: Item) -> str:
    """Return the post format: WordPress keeps it as a term, and none for the standard one."""
    named = (term.slug.removeprefix("post-format-") for term in item.terms if term.taxonomy == "post_format")
    return next((name for name in named if name in POST_FORMATS), POST_FORMATS[0])


def _filled(**fields: object) -> dict[str, Any]:
    """Return the fields that have a value; nothing and an empty text are one to us."""
    return {name: value for name, value in fields.items() if value not in (None, "", [])}
