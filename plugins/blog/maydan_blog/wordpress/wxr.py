"""Reads an export (WXR 1.0 to 1.2) into records, tolerant of what WordPress is known to write."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from maydan.plugin import Malformed
from maydan_blog.wordpress.records import Author, Comment, Item, Outline, Site, Term
from maydan_blog.wordpress.xml import ChannelReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from maydan_blog.wordpress.xml import Node

WRITTEN: Final = frozenset({"post", "page"})
"""Types of items that somebody wrote and that become entries."""


def read_outline(path: Path) -> Outline:
    """Read what must be known before the first post is written.

    Raises:
        Malformed: This is no WordPress export; the detail names the line.
    """
    outline = Outline()
    header: dict[str, str] = {}
    reader = ChannelReader(path)
    for node in reader.children():
        match node.name:
            case "item":
                _outline_item(outline, read_item(node))
            case "wp:author":
                author = _author(node)
                outline.authors.setdefault(author.login, author)
            case "wp:category" | "wp:tag" | "wp:term":
                term = _TERMS[node.name](node)
                outline.terms.setdefault((term.taxonomy, term.slug), term)
            case _:
                header.setdefault(node.name, node.text.strip())
    if "wp:wxr_version" not in header:
        raise Malformed(f"{path.name}: this is a feed and not a WordPress export: it has no <wp:wxr_version>.")
    outline.site = Site(
        title=header.get("title", ""),
        url=header.get("wp:base_blog_url") or header.get("link", ""),
        language=header.get("language", ""),
        version=header["wp:wxr_version"],
    )
    outline.strays = reader.strays
    return outline


def read_items(path: Path, types: frozenset[str] = WRITTEN) -> Iterator[Item]:
    """Return the items of these types in the order of the file, one in memory at a time."""
    for node in ChannelReader(path).children():
        if node.name == "item" and (node.get("wp:post_type") or "post") in types:
            yield read_item(node)


def read_item(node: Node) -> Item:
    """Read one ``<item>``."""
    return Item(
        id=node.get("wp:post_id"),
        type=node.get("wp:post_type") or "post",
        status=node.get("wp:status"),
        title=node.get("title"),
        content=node.get("content:encoded"),
        excerpt=node.get("excerpt:encoded"),
        slug=node.get("wp:post_name"),
        parent=node.get("wp:post_parent") or "0",
        link=node.get("link"),
        creator=node.get("dc:creator"),
        password=node.get("wp:post_password"),
        sticky=node.get("wp:is_sticky") == "1",
        comments_open=node.get("wp:comment_status") == "open",
        menu_order=_integer(node.get("wp:menu_order")),
        posted_at=_moment(node.get("wp:post_date_gmt")) or _feed_moment(node.get("pubDate")),
        attachment_url=node.get("wp:attachment_url"),
        terms=tuple(_used_term(term) for term in node.all("category") if "domain" in term.attributes),
        meta=tuple((meta.get("wp:meta_key"), meta.get("wp:meta_value")) for meta in node.all("wp:postmeta")),
        comments=tuple(_comment(comment) for comment in node.all("wp:comment")),
    )


def _outline_item(outline: Outline, item: Item) -> None:
    outline.items[item.type] = outline.items.get(item.type, 0) + 1
    if item.type == "attachment":
        outline.attachments[item.id] = item
    if item.type not in WRITTEN:
        return
    if item.type == "page":
        outline.pages.add(item.id)
    outline.creators[item.creator] = outline.creators.get(item.creator, 0) + 1
    for term in item.terms:
        outline.used.setdefault((term.taxonomy, term.slug), term)


def _author(node: Node) -> Author:
    login = node.get("wp:author_login")
    names = (node.get("wp:author_first_name"), node.get("wp:author_last_name"))
    name = node.get("wp:author_display_name") or " ".join(filter(None, names)) or login
    return Author(login=login, email=node.get("wp:author_email"), name=name)


def _category(node: Node) -> Term:
    return Term(
        taxonomy="category",
        slug=node.get("wp:category_nicename"),
        name=node.get("wp:cat_name"),
        parent=node.get("wp:category_parent"),
        description=node.get("wp:category_description"),
    )


def _tag(node: Node) -> Term:
    return Term(
        taxonomy="post_tag",
        slug=node.get("wp:tag_slug"),
        name=node.get("wp:tag_name"),
        description=node.get("wp:tag_description"),
    )


def _term(node: Node) -> Term:
    return Term(
        taxonomy=node.get("wp:term_taxonomy"),
        slug=node.get("wp:term_slug"),
        name=node.get("wp:term_name"),
        parent=node.get("wp:term_parent"),
        description=node.get("wp:term_description"),
    )


_TERMS: Final = {"wp:category": _category, "wp:tag": _tag, "wp:term": _term}


def _used_term(node: Node) -> Term:
    name = node.text.strip()
    return Term(taxonomy=node.attributes["domain"], slug=node.attributes.get("nicename") or name, name=name)


def _comment(node: Node) -> Comment:
    return Comment(
        id=node.get("wp:comment_id"),
        text=node.get("wp:comment_content"),
        approved=node.get("wp:comment_approved"),
        type=node.get("wp:comment_type"),
        parent=node.get("wp:comment_parent") or "0",
        author=node.get("wp:comment_author"),
        email=node.get("wp:comment_author_email"),
        url=node.get("wp:comment_author_url"),
        created_at=_moment(node.get("wp:comment_date_gmt")) or _moment(node.get("wp:comment_date")),
    )


def _integer(text: str) -> int:
    return int(text) if text.lstrip("-").isdecimal() and len(text) < 10 else 0


def _moment(text: str) -> datetime | None:
    """Read ``2030-01-01 19:00:18`` as UTC; WordPress writes zeros where it has no date, for drafts above all."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _feed_moment(text: str) -> datetime | None:
    """Read the date of RSS; for what has none WordPress writes 30 November of the year -1, which is refused here."""
    try:
        return datetime.strptime(text, "%a, %d %b %Y %H:%M:%S %z").astimezone(UTC)
    except ValueError:
        return None
