"""Entity tags and conditional requests (RFC 9110, sections 8.8.3 and 13)."""

from __future__ import annotations

import re
from typing import Final

from msgspec.json import Encoder
from xxhash import xxh3_64_hexdigest

from maydan.errors import Malformed, PreconditionRequired, Stale

_TAG: Final = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')
_encode: Final = Encoder(order="deterministic").encode  # PostgreSQL keeps no order of an object's members
_ENTRY_TAG: Final = re.compile(r"([0-9]{1,18})-[0-9a-f]{16}")


def tag_of(body: bytes, prefix: str = "") -> str:
    """Return the entity tag of a body, without quotes: its hash, after ``<prefix>-`` if there is one."""
    return f"{prefix}-{xxh3_64_hexdigest(body)}" if prefix else xxh3_64_hexdigest(body)


def version_tags(version: int, shown: object) -> tuple[str, str]:
    """Return the entity tag of what has versions, and the version alone, which ``If-Match`` takes besides.

    Args:
        version: One that is deleted and made again begins with the first once more.
        shown: What the caller sees of it, which may change without its version: the tag holds a hash of it.
    """
    return tag_of(_encode(shown), str(version)), str(version)


def parse_tags(header: str, name: str) -> tuple[tuple[bool, str], ...] | None:
    """Return the tags of a header as pairs (weak, tag); ``None`` stands for ``*``.

    Raises:
        Malformed: It is neither ``*`` nor a list of quoted tags.
    """
    if header.strip() == "*":
        return None
    tags: list[tuple[bool, str]] = []
    place = 0
    while place < len(header):
        match = _TAG.match(header, place)
        if match is None:
            raise Malformed(f'{name} must be * or a list of tags such as "3-0a1b2c", in double quotes.')
        tags.append((match[1] is not None, match[2]))
        place = match.end()
    if not tags or header.rstrip().endswith(","):
        raise Malformed(f'{name} must be * or a list of tags such as "3-0a1b2c", in double quotes.')
    return tuple(tags)


def is_fresh(header: str, tag: str) -> bool:
    """Tell whether what the client has (``If-None-Match``) is what it would get; compared weakly."""
    if header == f'"{tag}"':
        return True
    tags = parse_tags(header, "If-None-Match")
    return tags is None or any(known == tag for _, known in tags)


def require_tag(header: str | None, *present: str, required: bool = True) -> None:
    """Hold ``If-Match`` against the present tags of what is to be changed, of which any will do; compared strongly.

    Raises:
        PreconditionRequired: It is missing, and ``required``.
        Stale: It names other tags only.
    """
    tags = _wanted(header, required=required)
    if tags is not None and not any(not weak and known in present for weak, known in tags):
        raise Stale("Read it again, apply your change to what it is now, and send the new ETag in If-Match.")


def require_version(header: str | None, version: int, *, required: bool = True) -> None:
    """Hold ``If-Match`` against the present draft version of an entry.

    Any tag that was given for the entry at that version will do, whatever perspective, fields or include it came with.

    Raises:
        PreconditionRequired: It is missing, and ``required``.
        Stale: It names other versions only.
    """
    tags = _wanted(header, required=required)
    if tags is not None and not any(not weak and version_of(known) == version for weak, known in tags):
        raise Stale("Read it again, apply your change to what it is now, and send the new ETag in If-Match.")


def version_of(tag: str) -> int | None:
    """Return the draft version in the tag of an entry, or ``None`` if it is not one."""
    match = _ENTRY_TAG.fullmatch(tag)
    return int(match[1]) if match else None


def _wanted(header: str | None, *, required: bool) -> tuple[tuple[bool, str], ...] | None:
    """Return the tags to compare with, ``None`` if anything will do."""
    if header is None:
        if required:
            raise PreconditionRequired("Send the ETag that you were given in If-Match, or * to overwrite.")
        return None
    return parse_tags(header, "If-Match")
