"""Expands the shortcodes that WordPress itself brings: captions, galleries and embedded media."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping

    from maydan_blog.wordpress.records import Item

_MEDIA: Final = ("audio", "video", "embed", "playlist", "youtube", "vimeo", "wpvideo")
_SHORTCODE: Final = re.compile(
    r"(?P<escaped>\[)?\[(?P<name>caption|wp_caption|gallery|" + "|".join(_MEDIA) + r")(?P<attributes>(?:\s[^\[\]]*)?)\]"
    r"(?:(?P<inner>(?:(?!\[(?P=name)[\s\]]).)*?)\[/(?P=name)\])?(?(escaped)\])",
    re.DOTALL,
)
_ATTRIBUTE: Final = re.compile(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s\]"']+))|(https?://[^\s\]"']+)""")
_IMAGE: Final = re.compile(r"\s*((?:<a\s[^>]*>\s*)?<img\s[^>]*>(?:\s*</a>)?)(.*)", re.DOTALL | re.IGNORECASE)


class Shortcodes:
    """Expands the shortcodes of one post."""

    def __init__(self, attachments: Mapping[str, Item], item_id: str, found: Counter[str]) -> None:
        """Keep what the shortcodes refer to.

        Args:
            attachments: Attachments of the export by id.
            item_id: The post; a gallery without ``ids`` shows what is attached to it.
            found: Counts what was found and could not be shown.
        """
        self._attachments = attachments
        self._item_id = item_id
        self._found = found

    def expand(self, text: str) -> str:
        """Return the text with HTML in the place of shortcodes; those of other WordPress plugins stay as written."""
        return _SHORTCODE.sub(self._expand, text)

    def _expand(self, match: re.Match[str]) -> str:
        if match["escaped"]:
            return match.group()[1:-1]
        attributes, address = _attributes(match["attributes"] or "")
        inner = match["inner"] or ""
        match match["name"]:
            case "caption" | "wp_caption":
                return _figure(inner, attributes.get("caption", ""))
            case "gallery":
                return self._gallery(attributes)
            case name:
                return self._media(name, address or inner.strip() or _source(attributes), inner)

    def _gallery(self, attributes: Mapping[str, str]) -> str:
        named = attributes.get("ids") or attributes.get("include")
        if named:
            ids = re.findall(r"\d+", named)
            shown = [self._attachments[key] for key in ids if key in self._attachments]
            self._found["gallery image"] += len(ids) - len(shown)
        else:
            shown = [item for item in self._attachments.values() if item.parent == self._item_id]
        return "\n\n" + "\n".join(_image(item) for item in shown if item.attachment_url) + "\n\n"

    def _media(self, name: str, address: str, inner: str) -> str:
        if not address.startswith(("http://", "https://")):
            self._found[f"shortcode [{name}] without an address"] += 1
            return inner
        return f'\n\n<p><a href="{escape(address)}">{escape(address)}</a></p>\n\n'


def _attributes(text: str) -> tuple[dict[str, str], str]:
    """Return the attributes, and the address that stands among them without a name."""
    found: dict[str, str] = {}
    address = ""
    for match in _ATTRIBUTE.finditer(text):
        name, double, single, bare, url = match.groups()
        if url:
            address = address or url
        else:
            found[name.lower()] = double or single or bare or ""
    return found, address


def _source(attributes: Mapping[str, str]) -> str:
    names = ("src", "mp4", "webm", "ogv", "mov", "mp3", "ogg", "wav", "m4a", "url")
    return next((attributes[name] for name in names if attributes.get(name)), "")


def _figure(inner: str, caption: str) -> str:
    image = _IMAGE.fullmatch(inner)
    if image is None:
        return f"{inner}{caption}"
    words = caption or image[2].strip()
    text = f"<figcaption>{words}</figcaption>" if words else ""
    return f"\n\n<figure>{image[1]}{text}</figure>\n\n"


def _image(item: Item) -> str:
    alternative = item.find_meta("_wp_attachment_image_alt") or ""
    caption = f"<figcaption>{item.excerpt}</figcaption>" if item.excerpt else ""
    return f'<figure><img src="{escape(item.attachment_url)}" alt="{escape(alternative)}">{caption}</figure>'
