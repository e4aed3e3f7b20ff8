"""Sanitises rich text: what an editor writes is kept, what could run or restyle the page is not."""

from __future__ import annotations

import re
from collections import Counter
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


MOST_OPEN: Final = 5000
"""Elements inside of each other: the sanitiser's work grows with their square, 0.1 s for so many."""
MOST_REPEATED: Final = 1_000_000
"""Elements such as ``b`` that HTML has repeated in each block, as long as they are not closed."""

_TOKEN: Final = re.compile(
    r"<!--[^<>]*+(?<=--)>"
    r"|</(?P<end>[a-zA-Z][a-zA-Z0-9-]*+)\s*+>"
    r"|<(?P<start>[a-zA-Z][a-zA-Z0-9-]*+)"
    r"(?:\s++[a-zA-Z_:][-\w:.]*+(?:\s*+=\s*+(?:\"[^\"<>]*+\"|'[^'<>]*+'|[^\s\"'<>=`/]++))?+)*+\s*+/?+>"
    r"|<(?P<odd>[a-zA-Z/!?]\w*+)"
)
_NEVER_OPEN: Final = frozenset({"br", "hr", "img", "wbr", "col", "p", "li", "dt", "dd", "td", "th", "tr"})
"""What has no end, or is ended by the next of its kind."""
_REPEATED: Final = frozenset(
    {"a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"}
)
_RAW: Final = frozenset(
    {"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "plaintext", "noscript", "svg",
     "math", "template", "select"}
)  # fmt: skip
"""Inside of them what looks like the end of something may be none."""


def is_tangled(html: str) -> bool:
    """Tell whether so many elements are open at once that to sanitise them would stall the server.

    It counts rather too many than too few: after the first thing that is not plainly a tag, nothing is believed to be
    an end.
    """
    opened, repeated, work, is_plain = Counter[str](), 0, 0, True
    depth = 0
    for token in _TOKEN.finditer(html):
        end, name = token["end"], (token["start"] or token["odd"] or "").lower()
        if end is not None:
            end = end.lower()
            if is_plain and opened[end]:
                opened[end] -= 1
                depth -= 1
                repeated -= end in _REPEATED
        elif name:
            is_plain = is_plain and token["odd"] is None and name not in _RAW
            work += repeated
            if not (is_plain and name in _NEVER_OPEN):
                opened[name] += 1
                depth += 1
                repeated += name in _REPEATED
            if depth > MOST_OPEN or work > MOST_REPEATED:
                return True
    return False
