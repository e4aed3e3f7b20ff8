"""Cursors: where a page ended, signed, so that nobody makes one up or takes it to another query."""

from __future__ import annotations

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import msgspec

from maydan.errors import BadCursor, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

_SIGNATURE_BYTES: Final = 16
_LONGEST_PLACE_BYTES: Final = 1_000
_DIGEST_BYTES: Final = 16


def encode_cursor(key: bytes, fingerprint: bytes, values: Sequence[Any]) -> str:
    """Return an opaque, URL-safe text for the place after a row.

    Args:
        key: The instance's secret; its first 64 bytes count.
        fingerprint: Of the query and of what its caller may see.
        values: The row's sort keys and id: text, numbers, booleans, ``None``.
    """
    payload = msgspec.msgpack.encode(list(values))
    return urlsafe_b64encode(_sign(key, fingerprint, payload) + payload).rstrip(b"=").decode()


def decode_cursor(key: bytes, fingerprint: bytes, cursor: str) -> list[Any]:
    """Return the values that :func:`encode_cursor` was given.

    Raises:
        BadCursor: It was altered, made by another instance, or belongs to another query.
    """
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError):
        raise _bad() from None
    signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
    canonical = urlsafe_b64encode(raw).rstrip(b"=") == cursor.encode()
    if not canonical or not hmac.compare_digest(signature, _sign(key, fingerprint, payload)):
        raise _bad()
    return msgspec.msgpack.decode(payload, type=list[Any])


def shortened(values: Sequence[Any]) -> list[Any]:
    """Return a place as a cursor holds it: where its sort keys are long, a digest in their place, and the id."""
    payload = msgspec.msgpack.encode(list(values))
    if len(payload) <= _LONGEST_PLACE_BYTES:
        return list(values)
    return [blake2b(payload, digest_size=_DIGEST_BYTES, person=b"maydan.place").digest(), values[-1]]


def is_shortened(values: Sequence[Any]) -> bool:
    """Tell whether the sort keys have to be read again from what has the id."""
    return type(values[0]) is bytes


def gone() -> BadCursor:
    """Return the refusal of a shortened place whose sort keys are not what they were."""
    message = "stands at an entry that is gone or has changed; start again without one"
    return BadCursor(f"cursor {message}.", errors=(InputError("cursor", "bad_cursor", message),))


def _sign(key: bytes, fingerprint: bytes, payload: bytes) -> bytes:
    # BLAKE2 takes its key itself (RFC 7693), in a quarter of the time that an HMAC costs.
    signed = len(fingerprint).to_bytes(2, "big") + fingerprint + payload
    return blake2b(
        signed, key=key[: blake2b.MAX_KEY_SIZE], digest_size=_SIGNATURE_BYTES, person=b"maydan.cursor"
    ).digest()


def _bad() -> BadCursor:
    message = "is not a cursor of this query; start again without one"
    return BadCursor(f"cursor {message}.", errors=(InputError("cursor", "bad_cursor", message),))
