"""Identifiers: UUIDv7 (RFC 9562) in canonical text, made by us, sortable by time."""

from __future__ import annotations

import re
from typing import Final

from uuid_utils import uuid7

UUID_TEXT: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def new_id() -> str:
    """Return a new UUIDv7; ids made by one process ascend."""
    return str(uuid7())


def is_id(text: str) -> bool:
    """Tell whether the text is a canonical, lower-case UUID."""
    return UUID_TEXT.fullmatch(text) is not None
