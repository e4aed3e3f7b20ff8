"""The form in which an answer is kept for its ``Idempotency-Key``; one with tokens in it is encrypted."""

from __future__ import annotations

import hashlib
import os
from base64 import b64decode, b64encode
from typing import Any, Final

import msgspec
from msgspec import Struct

from maydan.http.answers import Answer, Cache
from maydan.http.spooling import KeptElsewhere

_NONCE_BYTES: Final = 16


class _Kept(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An answer as JSON text; the body is base64 where it is not text."""

    head: Answer
    """The answer without its body."""
    text: str = ""
    base64: str = ""
    elsewhere: str = ""
    """The scope of a body that is kept beside it."""
    hidden: str = ""
    """Nonce and encrypted body in base64."""
    rights: str = ""
    """A hash of the rights in its space by which it was answered."""


def pack_answer(answer: Answer, secret: bytes, *, is_secret: bool = False, rights: str = "") -> str:
    """Return the text to keep.

    Args:
        answer: What the first request is answered.
        secret: 32 bytes that only a request with the same key can name.
        is_secret: Encrypt the body; it is also encrypted where the answer says that nobody may keep it.
        rights: A hash of the rights in its space by which it is answered.
    """
    if isinstance(answer, KeptElsewhere):
        parts = msgspec.structs.asdict(answer)
        elsewhere = parts.pop("scope")
        return msgspec.json.encode(_Kept(head=Answer(**parts), elsewhere=elsewhere, rights=rights)).decode()
    head = msgspec.structs.replace(answer, body=b"")
    if is_secret or answer.cache is Cache.SECRET:
        nonce = os.urandom(_NONCE_BYTES)
        hidden = b64encode(nonce + _crypt(answer.body, secret, nonce)).decode()
        kept = _Kept(head=head, hidden=hidden, rights=rights)
    else:
        try:
            kept = _Kept(head=head, text=answer.body.decode(), rights=rights)
        except UnicodeDecodeError:
            kept = _Kept(head=head, base64=b64encode(answer.body).decode(), rights=rights)
    return msgspec.json.encode(kept).decode()


def unpack_answer(text: str, secret: bytes, *, rights: str = "") -> Answer | None:
    """Return what :func:`pack_answer` kept, marked as a repetition; ``None`` where the rights are others by now."""
    kept = msgspec.json.decode(text, type=_Kept)
    if kept.rights not in ("", rights):
        return None
    body = kept.text.encode() or b64decode(kept.base64)
    if kept.hidden:
        raw = b64decode(kept.hidden)
        body = _crypt(raw[_NONCE_BYTES:], secret, raw[:_NONCE_BYTES])
    headers = (*kept.head.headers, ("idempotency-replayed", "true"))
    if kept.elsewhere:
        parts: dict[str, Any] = {**msgspec.structs.asdict(kept.head), "headers": headers}
        return KeptElsewhere(**parts, scope=kept.elsewhere)
    return msgspec.structs.replace(kept.head, body=body, headers=headers)


def _crypt(data: bytes, secret: bytes, nonce: bytes) -> bytes:
    """Encrypt or decrypt: SHAKE-256 as a stream cipher (FIPS 202, an extendable output function as keystream)."""
    stream = hashlib.shake_256(b"maydan kept answer" + secret + nonce).digest(len(data))
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(data), "big")
