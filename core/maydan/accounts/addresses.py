"""E-mail addresses: what is one, and when two are the same."""

from __future__ import annotations

import re
from typing import Final

from maydan.locales.normalizing import normalized

MAX_LENGTH: Final = 254
"""RFC 5321, section 4.5.3.1, as corrected by erratum 1690."""

_ATOM: Final = r"[^\s@<>()\[\]\\,;:\"\x00-\x20\x7f-\x9f\u2028\u2029\ufeff\u200b-\u200f\u202a-\u202e\u2066-\u2069]+"
_LABEL: Final = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_ADDRESS: Final = re.compile(rf"(?P<local>{_ATOM})@(?P<domain>{_LABEL}(?:\.{_LABEL})*)")


def is_address(text: str) -> bool:
    """Tell whether this is an address that mail can be sent to; quoted local parts and address literals are not."""
    match = _ADDRESS.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if match is None or not text.isprintable():
        return False
    local = match["local"]
    return len(local) <= 64 and not local.startswith(".") and not local.endswith(".") and ".." not in local


def address_key(text: str) -> str:
    """Return what two addresses share exactly when they are the same account: NFKC, case-folded.

    What is longer than any address can be written is cut, to something that is still none.
    """
    return folded(text[: 4 * MAX_LENGTH + 1])


def folded(text: str) -> str:
    """Return a text of any length in the form in which addresses are compared."""
    return normalized("NFKC", normalized("NFKC", text).casefold())
