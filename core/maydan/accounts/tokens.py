"""Opaque tokens: random texts that we know again by their hash."""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib
from enum import StrEnum
from typing import Final


class TokenKind(StrEnum):
    """What a token is for; its text begins with it, so that people and secret scanners can tell."""

    ACCESS = "mdn_at_"
    REFRESH = "mdn_rt_"
    API = "mdn_pat_"
    MAIL = "mdn_mt_"
    TICKET = "mdn_tk_"
    SHARE = "mdn_sh_"


_RANDOM_BYTES: Final = 32
_SHAPE: Final = re.compile(r"(mdn_[a-z]{2,3}_)([A-Za-z0-9_-]{43})([0-9a-f]{8})")


def new_token(kind: TokenKind) -> str:
    """Return a new token with 256 random bits and a checksum."""
    body = f"{kind.value}{secrets.token_urlsafe(_RANDOM_BYTES)}"
    return f"{body}{zlib.crc32(body.encode()):08x}"


def kind_of(token: str) -> TokenKind | None:
    """Return what a text could be a token for; ``None`` where no look-up is needed to know that it is none of ours."""
    match = _SHAPE.fullmatch(token)
    if match is None or int(match[3], 16) != zlib.crc32(token[:-8].encode()):
        return None
    return _KINDS.get(match[1])


def hash_token(token: str) -> str:
    """Return what is stored of a token. A plain hash will do: nobody can try out 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


_KINDS: Final = {kind.value: kind for kind in TokenKind}
