"""Makes paragraphs of what WordPress' classic editor stored without them, as WordPress does when it shows a post."""

from __future__ import annotations

import re
from typing import Final

_BLOCK: Final = (
    "(?:table|thead|tfoot|caption|colgroup|col|tbody|tr|td|th|div|dl|dd|dt|ul|ol|li|pre|blockquote|address|style|script"
    "|h[1-6]|hr|p|section|article|aside|header|footer|figure|figcaption|details|summary|form|fieldset|iframe|object"
    "|video|audio)"
)
_OPENING: Final = re.compile(rf"(<{_BLOCK}(?=[\s>/])[^<>]*>)", re.IGNORECASE)
_CLOSING: Final = re.compile(rf"(</{_BLOCK}>|<hr[^<>]*>)", re.IGNORECASE)
_STARTS_WITH_BLOCK: Final = re.compile(rf"</?{_BLOCK}(?=[\s>/])", re.IGNORECASE)
_KEPT: Final = re.compile(r"<(/?)(pre|script|style|textarea)\b[^<>]*>", re.IGNORECASE)
_TAG: Final = re.compile(r"(<[^<>]*>)")
_MARK: Final = re.compile(r"\ue000(\d+)\ue001")
_BREAK: Final = re.compile(r"(?<!<br />)(?<!<br>)(?<!<br/>)[ \t]*\n")


def paragraphs(text: str) -> str:
    """Return HTML in which blank lines end paragraphs and single line breaks are ``<br>``.

    Block elements stay as they are, and so does all that stands in ``<pre>``.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\ue000", "").replace("\ue001", "")
    text, kept = _put_aside(text)
    text = _CLOSING.sub(r"\1\n\n", _OPENING.sub(r"\n\n\1", text))
    parts = (part.strip() for part in re.split(r"\n\s*\n", text))
    html = "\n".join(_paragraph(part) for part in parts if part)
    return _MARK.sub(lambda match: kept[int(match.group(1))], html)


def _put_aside(text: str) -> tuple[str, list[str]]:
    """Replace elements in which every line break counts by marks; an element that is not closed stays where it is."""
    kept: list[str] = []
    parts: list[str] = []
    done = 0
    opening: re.Match[str] | None = None
    for tag in _KEPT.finditer(text):
        if opening is None:
            opening = None if tag[1] else tag
        elif tag[1] and tag[2].lower() == opening[2].lower():
            parts += [text[done : opening.start()], f"\n\n\ue000{len(kept)}\ue001\n\n"]
            kept.append(text[opening.start() : tag.end()])
            done, opening = tag.end(), None
    return "".join((*parts, text[done:])), kept


def _paragraph(part: str) -> str:
    if _MARK.fullmatch(part):
        return part
    opened = _STARTS_WITH_BLOCK.match(part)
    closed = re.search(rf"</{_BLOCK}>$", part, re.IGNORECASE)
    if opened or closed:
        return part if opened else _breaks(part)
    return f"<p>{_breaks(part)}</p>"


def _breaks(part: str) -> str:
    """Turn line breaks into ``<br>``, except within a tag."""
    pieces = _TAG.split(part)
    return "".join(piece if index % 2 else _BREAK.sub("<br />\n", piece) for index, piece in enumerate(pieces))
