"""Streams the children of ``<channel>`` out of an export, one small tree each; takes no DTD and resolves no entity."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from xml.parsers import expat

from maydan.plugin import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

CHUNK_BYTES: Final = 65_536
DEEPEST: Final = 32
"""Elements in one another; WordPress writes five."""

_STRAYS: Final = bytes(code for code in range(0x20) if code not in {0x09, 0x0A, 0x0D})
"""Control characters that WordPress lets through from its database although XML 1.0 forbids them."""
_PREFIXES: Final = (
    (re.compile(r"https?://(?:www\.)?wordpress\.org/export/1\.\d+/excerpt/"), "excerpt:"),
    (re.compile(r"https?://(?:www\.)?wordpress\.org/export/1\.\d+/"), "wp:"),
    (re.compile(r"http://purl\.org/rss/1\.0/modules/content/"), "content:"),
    (re.compile(r"http://purl\.org/dc/elements/1\.1/"), "dc:"),
)
"""Namespaces differ between versions of the format; the prefix that WordPress uses for them does not."""


class Node:
    """One element: its attributes, its text without that of its children, and its children."""

    __slots__ = ("attributes", "children", "name", "parts")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        """Begin empty."""
        self.name = name
        self.attributes = attributes
        self.children: list[Node] = []
        self.parts: list[str] = []

    @property
    def text(self) -> str:
        """The text, as it stands."""
        return "".join(self.parts)

    def get(self, name: str) -> str:
        """Return the text of the first child of that name without white space around it, or ``""``."""
        return next((child.text.strip() for child in self.children if child.name == name), "")

    def all(self, name: str) -> Iterator[Node]:
        """Return the children of that name."""
        return (child for child in self.children if child.name == name)


class ChannelReader:
    """Reads one file; ``strays`` counts the forbidden control characters that were left out."""

    def __init__(self, path: Path) -> None:
        """Prepare to read; nothing is opened yet."""
        self._path = path
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._names: dict[str, str] = {}
        self._open: list[Node] = []
        self._ready: list[Node] = []
        self.strays = 0

    def children(self) -> Iterator[Node]:
        """Return the children of ``<channel>`` in order, each when it is complete.

        Raises:
            Malformed: This is no WordPress export; the detail names the line.
        """
        try:
            with self._path.open("rb") as file:
                for chunk in self._chunks(file):
                    self._feed(chunk, final=False)
                    yield from self._ready
                    self._ready.clear()
            self._feed(b"", final=True)
        except OSError as error:
            raise Malformed(f"{self._path} cannot be read: {error.strerror}.") from error

    def _chunks(self, file: BinaryIO) -> Iterator[bytes]:
        chunk = file.read(CHUNK_BYTES)
        if chunk.startswith(b"PK\x03\x04"):
            raise self._malformed("it is a zip archive; unpack it and import the .xml files in it", line=None)
        wide = chunk[:2] in {b"\xff\xfe", b"\xfe\xff"}
        chunk = chunk if wide else chunk.removeprefix(b"\xef\xbb\xbf").lstrip()
        while chunk:
            clean = chunk if wide else chunk.translate(None, _STRAYS)
            self.strays += len(chunk) - len(clean)
            yield clean
            chunk = file.read(CHUNK_BYTES)

    def _feed(self, chunk: bytes, *, final: bool) -> None:
        try:
            self._parser.Parse(chunk, final)
        except expat.ExpatError as error:
            raise self._malformed(f"it is not XML ({expat.ErrorString(error.code)})", line=error.lineno) from error

    def _malformed(self, reason: str, *, line: int | None = 0) -> Malformed:
        line = self._parser.CurrentLineNumber if line == 0 else line
        where = f"{self._path.name}, line {line}" if line else self._path.name
        return Malformed(f"{where}: not a WordPress export: {reason}.")

    def _doctype(self, *_: object) -> None:
        raise self._malformed("it has a document type declaration, which WordPress never writes")

    def _name(self, name: str) -> str:
        short = self._names.get(name)
        if short is None:
            space, _, local = name.rpartition(" ")
            foreign = f"{space} " if space else ""
            prefix = next((prefix for pattern, prefix in _PREFIXES if pattern.fullmatch(space)), foreign)
            short = self._names[name] = prefix + local
        return short

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        node = Node(self._name(name), attributes)
        depth = len(self._open)
        if depth == 0 and node.name != "rss":
            raise self._malformed(f"it begins with <{node.name}> and not with <rss>")
        if depth >= DEEPEST:
            raise self._malformed(f"its elements lie more than {DEEPEST} deep in one another")
        if depth > 2:
            self._open[-1].children.append(node)
        self._open.append(node)

    def _end(self, _name: str) -> None:
        node = self._open.pop()
        if len(self._open) == 2 and self._open[1].name == "channel":
            self._ready.append(node)

    def _characters(self, text: str) -> None:
        if len(self._open) > 2:
            self._open[-1].parts.append(text)
