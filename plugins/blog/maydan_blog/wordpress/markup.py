"""Turns what WordPress stores as a post's content into HTML that stands on its own; says what had to be left out.

The core sanitises rich text when it is written. What that would drop in silence is replaced here by something that
stays (an embedded film by its link), or counted.
"""

from __future__ import annotations

import re
from collections import Counter
from html import escape
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from maydan_blog.wordpress.autop import paragraphs
from maydan_blog.wordpress.shortcodes import Shortcodes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maydan_blog.wordpress.records import Item

_BLOCK: Final = re.compile(
    r"\s+(?:/)?wp:(?P<name>[a-z][a-z0-9_-]*(?:/[a-z][a-z0-9_-]*)?)\s+(?P<facts>\{.*\}\s+)?(?P<void>/)?", re.DOTALL
)
_MORE: Final = "\ue002"
"""Stands for ``<!--more-->`` until the teaser before it has been read."""
MOST_UNCLOSED: Final = 50
_UNCLOSED: Final = re.compile(r"<(?![^<>]*>)")
_ADDRESS: Final = re.compile(r"\s*(https?://[^\s<>\"]+)\s*")
_EMBEDS: Final = frozenset({"iframe", "embed", "object", "video", "audio"})
DYNAMIC_BLOCK: Final = "block "
"""Begins the name under which a block is counted that WordPress fills in whenever it shows the page."""
_SILENT: Final = frozenset({"script", "style", "noscript", "template"})
"""Left out with what they hold."""
_UNWRAPPED: Final = frozenset({
    "form", "fieldset", "legend", "input", "textarea", "select", "option", "optgroup", "button", "label", "output",
    "svg", "math", "canvas", "map", "area", "param", "source", "track", "applet", "frame", "frameset", "link", "meta",
    "base", "body", "html", "head", "title", "font",
})  # fmt: skip
"""Left out, while the words that they hold stay."""


class Converted(Struct, frozen=True, kw_only=True):
    """A post's content as HTML."""

    html: str
    teaser: str = ""
    """Plain text of what stood before ``<!--more-->``."""
    left_out: Counter[str]
    """Number of things that could not be kept, by what they are."""


def convert(item: Item, attachments: Mapping[str, Item]) -> Converted:
    """Return an item's content as HTML.

    Args:
        item: A post or page.
        attachments: Attachments of the export by id: galleries show them from where they are.
    """
    found: Counter[str] = Counter()
    by_blocks = "<!-- wp:" in item.content
    text = _without_comments(item.content.replace(_MORE, ""), found)
    text = Shortcodes(attachments, item.id, found).expand(text)
    html = _rewrite(text if by_blocks else paragraphs(text), found)
    teaser, more, _ = html.partition(_MORE)
    html = re.sub(rf"\s*(?:<p>{_MORE}</p>|{_MORE})\s*", "\n", html)
    return Converted(html=html, teaser=plain(teaser) if more else "", left_out=+found)


def plain(html: str) -> str:
    """Return the words of HTML, entities resolved; blocks become lines, a link keeps its address in parentheses."""
    reader = _Plain()
    reader.feed(_closed(html))
    reader.close()
    lines = (line.strip() for line in "".join(reader.parts).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _without_comments(text: str, found: Counter[str]) -> str:
    """Replace HTML comments by what they mean to WordPress: a block, the end of the teaser or of a page.

    One that never ends is shown as text; read as a comment it would hide the rest.
    """
    parts: list[str] = []
    done = 0
    while (start := text.find("<!--", done)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        parts += [text[done:start], _meaning(text[start + 4 : end], found)]
        done = end + 3
    return "".join((*parts, text[done:].replace("<!--", "&lt;!--")))


def _meaning(comment: str, found: Counter[str]) -> str:
    if comment == "more" or comment.startswith("more "):
        return f"\n\n{_MORE}\n\n"
    if comment == "nextpage":
        return "\n\n<hr>\n\n"
    block = _BLOCK.fullmatch(comment)
    if block is None:
        found["HTML comment"] += 1
    elif block["void"]:
        address = _address_of(block["facts"])
        if address:
            return f" {_link(escape(address))} "
        found[f"{DYNAMIC_BLOCK}{block['name']}"] += 1
    return ""


class _BlockFacts(Struct):
    """What of a block's own attributes is of use."""

    url: str = ""


def _address_of(facts: str | None) -> str:
    try:
        address = msgspec.json.decode(facts or "{}", type=_BlockFacts).url
    except msgspec.DecodeError:
        return ""
    return address if _ADDRESS.fullmatch(address) else ""


def _closed(html: str) -> str:
    """Show tags that never end as text where there are many: the parser would read all that follows once for each."""
    if html.count("<") - html.count(">") <= MOST_UNCLOSED:
        return html
    return _UNCLOSED.sub("&lt;", html)


def _rewrite(html: str, found: Counter[str]) -> str:
    writer = _Rewriter(found)
    writer.feed(_closed(html))
    writer.close()
    return "".join(writer.parts).strip()


class _Rewriter(HTMLParser):
    """Copies HTML; embedded media and addresses that stand alone become links, what must go is counted."""

    def __init__(self, found: Counter[str]) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._found = found
        self._text = ""
        self._silent = ""
        self._links = 0
        self._pre = 0
        self._embed = ""
        self._address = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._end_text()
        if self._silent:
            return
        attributes = dict(attrs)
        if {"style", "class"} & attributes.keys():
            self._found["class or style"] += 1
        if tag in _EMBEDS and not self._embed:
            self._embed, self._address = tag, _source(attributes)
            if tag == "embed":
                self._end_embed()
        elif self._embed:
            self._address = self._address or _source(attributes)
        elif tag in _SILENT:
            self._silent = tag
            self._found[f"<{tag}>"] += 1
        elif tag in _UNWRAPPED:
            self._found[f"<{tag}>"] += 1
        else:
            self._links += tag == "a"
            self._pre += tag == "pre"
            self.parts.append(self.get_starttag_text() or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag in _EMBEDS or tag in _SILENT:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        self._end_text()
        if self._silent:
            self._silent = "" if tag == self._silent else self._silent
        elif self._embed:
            if tag == self._embed:
                self._end_embed()
        elif tag not in _UNWRAPPED and tag not in _EMBEDS:
            self._links -= tag == "a" and self._links > 0
            self._pre -= tag == "pre" and self._pre > 0
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._silent and not self._embed:
            self._text += data

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")

    def close(self) -> None:
        super().close()
        self._end_text()

    def _end_text(self) -> None:
        text, self._text = self._text, ""
        alone = None if self._links or self._pre else _ADDRESS.fullmatch(text)
        if alone:
            text = _link(alone[1])
        elif not self._pre and "\n" in text and not text.strip():
            text = "\n"
        self.parts.append(text)

    def _end_embed(self) -> None:
        if self._address:
            self.parts.append(_link(escape(self._address)))
        else:
            self._found[f"<{self._embed}> without an address"] += 1
        self._embed = self._address = ""


class _Plain(HTMLParser):
    """Collects words."""

    _LINES = frozenset({
        "p", "br", "div", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "tr", "table",
        "dl", "dt", "dd", "hr", "figure", "address",
    })  # fmt: skip

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0
        self._targets: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag in _SILENT:
            self._silent += 1
        elif tag in self._LINES:
            self.parts.append("\n")
        elif tag == "a":
            self._targets.append((attributes.get("href") or "", len(self.parts)))
        elif tag == "img":
            self.parts.append(" ".join(filter(None, (attributes.get("alt"), f"({attributes.get('src') or ''})"))))

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in self._LINES and tag != "br":
            self.parts.append("\n")
        elif tag == "a" and self._targets:
            address, start = self._targets.pop()
            words = "".join(self.parts[start:]).strip()
            if address.startswith(("http://", "https://")) and words.rstrip("/") != address.rstrip("/"):
                self.parts.append(f" ({address})")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


def _source(attributes: Mapping[str, str | None]) -> str:
    """Return the web address of an embedding element, if it has one."""
    for name in ("src", "data", "href"):
        address = (attributes.get(name) or "").strip()
        if address.startswith("//"):
            address = f"https:{address}"
        if _ADDRESS.fullmatch(address):
            return address
    return ""


def _link(address: str) -> str:
    """Return a link; ``address`` is HTML already."""
    return f'<a href="{address}">{address}</a>'
