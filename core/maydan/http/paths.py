"""One path, one spelling: what Litestar would forgive (``//``, a slash at the end, ``%2F``) is not found."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from maydan.errors import Malformed, NotFound

if TYPE_CHECKING:
    from litestar.types import HTTPScope


def check_path(scope: HTTPScope) -> None:
    """Compare the path as it was sent with the one that was routed.

    Raises:
        NotFound: It is another spelling of the same.
        Malformed: It is not UTF-8, or contains a control character.
    """
    raw = scope["raw_path"]
    if raw == scope["path"].encode():
        return
    decoded = unquote_to_bytes(raw)
    try:
        text = decoded.decode()
    except UnicodeDecodeError as error:
        raise Malformed("The path is not UTF-8.") from error
    if any(character < " " or character == "\x7f" for character in text):
        raise Malformed("The path contains a control character.")
    if text != scope["path"] or b"%2f" in raw.lower():
        raise NotFound
