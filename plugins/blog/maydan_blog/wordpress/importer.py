"""``maydan import wordpress FILE --space S``: brings an export into a space, twice or more without harm."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from maydan.plugin import Conflict, InvalidInput, Malformed
from maydan_blog.wordpress import mapping
from maydan_blog.wordpress.ledger import Ledger
from maydan_blog.wordpress.markup import convert
from maydan_blog.wordpress.order import answers_last, parents_first
from maydan_blog.wordpress.records import Author
from maydan_blog.wordpress.wxr import WRITTEN, read_items, read_outline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from maydan.plugin import ImportedComment, ImportSummary, ImportTarget
    from maydan_blog.wordpress.records import Item, Outline

TAXONOMIES: Final = {"category": "blog.category", "post_tag": "blog.tag"}
NOT_TAKEN: Final = {
    "attachment": "files are not taken until media exists; texts go on showing them from where they are",
    "nav_menu_item": "navigation belongs to the frontend; a menu's order is kept for pages in position",
    "revision": "the entry begins its own history",
}
"""Why items of these types are not taken; any other type belongs to a WordPress plugin or theme."""
OPTIONS: Final = frozenset({"locale"})


class WordPress:
    """Imports what WordPress exports (WXR)."""

    name = "wordpress"

    async def run(self, path: Path, target: ImportTarget, options: Mapping[str, str]) -> ImportSummary:
        """Import the file.

        Args:
            path: One ``.xml`` file; of an export in several files each is imported on its own.
            target: The space.
            options: ``locale``: the one that the texts are written in; else the space's default locale.
        Raises:
            Malformed: The file is no WordPress export, or an option is unknown; the detail names the line.
        """
        unknown = sorted(options.keys() - OPTIONS)
        if unknown:
            raise Malformed(
                f"The importer wordpress has no option {unknown[0]!r}; it has: {', '.join(sorted(OPTIONS))}."
            )
        outline = await asyncio.to_thread(read_outline, path)
        run = _Run(path, outline, target, options.get("locale"))
        await run.authors()
        await run.terms()
        await run.items()
        run.account()
        return run.ledger.summary()


class _Run:
    """One import."""

    def __init__(self, path: Path, outline: Outline, target: ImportTarget, locale: str | None) -> None:
        self._path = path
        self._outline = outline
        self._target = target
        self._locale = locale
        self._keys = mapping.Keys.of(outline.site)
        self._comments: Counter[str] = Counter()
        self._meta: Counter[str] = Counter()
        self._slugs: Counter[tuple[str, str]] = Counter()
        self._done = 0
        self._total = sum(outline.items.get(name, 0) for name in WRITTEN)
        self.ledger = Ledger()

    async def authors(self) -> None:
        """Write the authors, also those that posts name and the file does not declare."""
        for creator, count in self._outline.creators.items():
            login = self._login(creator)
            if login not in self._outline.authors and login:
                self._outline.authors[login] = Author(login=login, name=login)
                self.ledger.note(f"The author {login} is not declared in the file; made from the name alone.")
            elif login != creator:
                self.ledger.note(
                    f"{count} of the posts and pages name {creator!r} as their author: taken as {login!r}."
                )
        for author in self._outline.authors.values():
            await self._put("blog.author", self._keys.author(author.login), mapping.author_input(author), live=True)

    async def terms(self) -> None:
        """Write categories and tags: parents before children, and those that are used without being declared."""
        for taxonomy, content_type in TAXONOMIES.items():
            declared = {slug: term for (kind, slug), term in self._outline.terms.items() if kind == taxonomy}
            used = {slug: term for (kind, slug), term in self._outline.used.items() if kind == taxonomy}
            undeclared = {slug: term for slug, term in used.items() if slug not in declared}
            if undeclared:
                names = ", ".join(sorted(undeclared))
                self.ledger.note(f"{len(undeclared)} used without being declared, and made ({content_type}): {names}.")
            for term in parents_first(declared | undeclared):
                parent = await self._target.find(self._keys.term(taxonomy, term.parent)) if term.parent else None
                data = mapping.term_input(term, parent)
                await self._put(content_type, self._keys.term(taxonomy, term.slug), data, live=True)

    async def items(self) -> None:
        """Write posts and pages in the order of the file; a page waits for its parent."""
        waiting: defaultdict[str, list[Item]] = defaultdict(list)
        written: set[str] = set()
        for item in read_items(self._path):
            ready = [item]
            if item.type == "page" and item.parent in self._outline.pages and item.parent not in written:
                waiting[item.parent].append(item)
                continue
            while ready:
                next_item = ready.pop()
                await self._item(next_item)
                if next_item.type == "page":
                    written.add(next_item.id)
                    ready += waiting.pop(next_item.id, [])
        for item in (item for items in waiting.values() for item in items):
            self.ledger.note(f"The page {item.slug!r} lies, over its parents, under itself: it became a top page.")
            await self._item(item)

    def account(self) -> None:
        """Note what the file held and was not taken, and what is worth a look."""
        for name, count in self._outline.items.items():
            if name not in WRITTEN:
                reason = NOT_TAKEN.get(name, "belongs to a WordPress plugin or theme")
                self.ledger.skip(name.replace("nav_menu_item", "menu item"), reason, count)
        taxonomies = Counter(taxonomy for taxonomy, _ in self._outline.terms if taxonomy not in TAXONOMIES)
        menus = taxonomies.pop("nav_menu", 0)
        self.ledger.skip("menu", NOT_TAKEN["nav_menu_item"], menus)
        for taxonomy, count in taxonomies.items():
            self.ledger.skip(f"term of {taxonomy}", "the blog has categories and tags", count)
        if self._meta:
            named = ", ".join(f"{key} {count}" for key, count in sorted(self._meta.items()))
            reason = f"WordPress' and its plugins' own notes on posts and pages: {named}"
            self.ledger.skip("custom field", reason, self._meta.total())
        if self._comments:
            counts = ", ".join(f"{count} {status}" for status, count in self._comments.items())
            self.ledger.note(f"Comments in the file: {counts}.")
        if self._outline.strays:
            self.ledger.note(f"{self._outline.strays} control characters that XML does not allow were left out.")

    async def _item(self, item: Item) -> None:
        self._done += 1
        self._target.progress(self._done, self._total)
        if item.status == "trash":
            self.ledger.skip(item.type, "in WordPress' trash")
            return
        converted = convert(item, self._outline.attachments)
        links = await self._links(item)
        build = mapping.post_input if item.type == "post" else mapping.page_input
        data = build(item, converted, links, self._image(item))
        data |= self._own_slug(item.type, data)
        self._look_at(item)
        self.ledger.left_out(converted.left_out)
        await self._put(
            f"blog.{item.type}",
            self._keys.item(item.type, item.id),
            data,
            live=item.status in mapping.LIVE,
            item=item,
            comments=self._discussion(item),
        )

    async def _links(self, item: Item) -> mapping.Links:
        login = self._login(item.creator)
        parent = None
        if item.type == "page" and item.parent != "0":
            parent = await self._target.find(self._keys.item("page", item.parent))
            if parent is None:
                self.ledger.note(f"The parent of the page {item.slug!r} is not in the file: it became a top page.")
        return mapping.Links(
            author=await self._target.find(self._keys.author(login)) if login else None,
            parent=parent,
            categories=await self._term_ids(item, "category"),
            tags=await self._term_ids(item, "post_tag"),
        )

    async def _term_ids(self, item: Item, taxonomy: str) -> tuple[str, ...]:
        slugs = dict.fromkeys(term.slug for term in item.terms if term.taxonomy == taxonomy)
        found = [await self._target.find(self._keys.term(taxonomy, slug)) for slug in slugs]
        return tuple(dict.fromkeys(target for target in found if target))

    def _own_slug(self, type: str, data: Mapping[str, Any]) -> dict[str, str]:
        """Number a slug that came before: WordPress tells pages of one slug apart by their parents."""
        slug = data.get("slug")
        if not slug:
            return {}
        self._slugs[type, slug] += 1
        number = self._slugs[type, slug]
        if number == 1:
            return {}
        self.ledger.note(f"More than one {type} has the slug {slug!r}: this one is {slug}-{number}.")
        return {"slug": f"{slug}-{number}"}

    def _login(self, creator: str) -> str:
        return creator if creator in self._outline.authors else mapping.login_of(creator)

    def _image(self, item: Item) -> str:
        thumbnail = item.find_meta("_thumbnail_id")
        attachment = self._outline.attachments.get(thumbnail or "")
        if thumbnail and attachment is None:
            self.ledger.skip("featured image", "its attachment is not in the file")
        return attachment.attachment_url if attachment else ""

    def _look_at(self, item: Item) -> None:
        """Note what about an item is not as it was."""
        self._meta.update(_meta_name(key) for key, _ in item.meta if key != "_thumbnail_id")
        if item.password and item.excerpt:
            self.ledger.skip("excerpt", "it stood behind a password")
        if item.password:
            reason = "a password that all readers share is no login; the text is in protected_body"
            self.ledger.skip("password", reason)
        if item.password and item.comments:
            self.ledger.note(f"The comments on the protected {item.type} {item.slug!r} are shown; WordPress hid them.")
        if item.status not in mapping.LIVE | {"draft", "auto-draft"}:
            self.ledger.note(f"The {item.type} {item.slug or item.title!r} is {item.status} in WordPress: now a draft.")
        if item.slug and mapping.slug_of(item.slug) != unquote(item.slug):
            self.ledger.note(f"The slug {item.slug!r} is now {mapping.slug_of(item.slug)!r}.")
        for term in item.terms:
            if term.taxonomy not in TAXONOMIES and term.taxonomy not in {"post_format", "nav_menu"}:
                self.ledger.skip(f"use of {term.taxonomy}", "the blog has categories and tags")

    def _discussion(self, item: Item) -> list[ImportedComment]:
        taken: list[ImportedComment] = []
        for comment in item.comments:
            read = mapping.comment_input(comment, self._keys)
            if read is None:
                self.ledger.skip("comment", mapping.refusal(comment))
                continue
            if len(read.text) == mapping.LONGEST_COMMENT:
                self.ledger.note(f"The comment {comment.id} is cut at {mapping.LONGEST_COMMENT} characters.")
            self._comments[read.status if read.kind == "comment" else "pings and trackbacks"] += 1
            taken.append(read)
        return answers_last(taken)

    async def _put(
        self,
        name: str,
        key: str,
        data: dict[str, Any],
        *,
        live: bool,
        item: Item | None = None,
        comments: Sequence[ImportedComment] = (),
    ) -> None:
        """Write one entry; what the space refuses is noted, and the rest goes on."""
        publish: bool | tuple[str, ...] = (self._locale,) if live and self._locale else live
        at = item.posted_at if item and live else None
        given = self._in_locale(data)
        known = len([comment for comment in comments if await self._target.find(comment.key)])
        try:
            outcome = await self._target.put(name, key, given, publish=publish, publish_at=at, comments=comments)
        except (InvalidInput, Conflict) as error:
            self.ledger.skip(name, f"{data.get('slug') or key}: {error}")
        else:
            self.ledger.took(name, outcome)
            self.ledger.took("comment", "created", len(comments) - known)
            self.ledger.took("comment", "unchanged", known)

    def _in_locale(self, data: dict[str, Any]) -> dict[str, Any]:
        if not self._locale:
            return data
        return {name: {self._locale: value} if name in _LOCALIZED else value for name, value in data.items()}


_LOCALIZED: Final = frozenset({"slug", "title", "body", "excerpt", "name", "description", "protected_body"})


def _meta_name(key: str) -> str:
    """Return a meta key without the hash that WordPress ends the keys of its oEmbed cache with."""
    return "_oembed" if key.startswith("_oembed") else key
