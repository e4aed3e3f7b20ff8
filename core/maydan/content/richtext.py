"""Sanitises rich text: what an editor writes is kept, what could run or restyle the page is not."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

import nh3

_SECTIONS: Final = {"h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "div", "section", "article", "aside", "header"}
_QUOTES: Final = {"footer", "blockquote", "pre", "code", "kbd", "samp", "var", "q", "cite", "address", "center"}
_WORDS: Final = {
    "span", "strong", "b", "em", "i", "u", "s", "strike", "del", "ins", "mark", "small", "big", "sub", "sup", "abbr",
    "acronym", "dfn", "time", "bdi", "bdo", "ruby", "rb", "rt", "rp", "wbr", "tt",
}  # fmt: skip
_LISTS: Final = {"ul", "ol", "li", "dl", "dt", "dd", "details", "summary"}
_TABLES: Final = {"table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "th", "td"}
_MEDIA: Final = {"a", "img", "figure", "figcaption", "picture"}
TAGS: Final = _SECTIONS | _QUOTES | _WORDS | _LISTS | _TABLES | _MEDIA
ATTRIBUTES: Final = {
    "*": {"lang", "dir", "title", "class"},
    "a": {"href", "hreflang"},
    "img": {"src", "alt", "width", "height", "loading"},
    "blockquote": {"cite"}, "q": {"cite"}, "del": {"cite", "datetime"}, "ins": {"cite", "datetime"},
    "time": {"datetime"},
    "ol": {"start", "reversed", "type"}, "li": {"value"},
    "col": {"span"}, "colgroup": {"span"},
    "td": {"colspan", "rowspan", "headers"}, "th": {"colspan", "rowspan", "headers", "scope"},
    "details": {"open"},
}  # fmt: skip
URL_SCHEMES: Final = frozenset({"http", "https", "mailto", "tel"})

_LANGUAGE_CLASS: Final = re.compile(r"language-[A-Za-z0-9+#_-]{1,40}")


def _keep_language_class(_element: str, attribute: str, value: str) -> str | None:
    """Keep of ``class`` only what names a programming language, for highlighting."""
    if attribute != "class":
        return value
    return " ".join(name for name in value.split() if _LANGUAGE_CLASS.fullmatch(name)) or None


@cache
def _cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(TAGS),
        attributes=ATTRIBUTES,
        attribute_filter=_keep_language_class,
        clean_content_tags={"script", "style", "iframe", "object", "noscript", "template"},
        url_schemes=set(URL_SCHEMES),
        link_rel="noopener noreferrer",
        strip_comments=True,
    )


def sanitize(html: str) -> str:
    """Return HTML without scripts, styles, handlers, frames and foreign schemes; doing it twice changes nothing."""
    return _cleaner().clean(html)
