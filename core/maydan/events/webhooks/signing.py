"""Signatures as Standard Webhooks has them, and the secrets they are made with."""

from __future__ import annotations

import hmac
import os
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime
from hashlib import shake_256
from typing import Final

_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32
"""Standard Webhooks asks for 24 to 64."""
_NONCE_BYTES: Final = 16


def new_secret() -> str:
    """Return a secret as receivers are given it."""
    return _PREFIX + b64encode(os.urandom(_SECRET_BYTES)).decode()


def signed_headers(message_id: str, at: datetime, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """Return the three headers that a receiver checks.

    Args:
        message_id: The same for every try of a delivery.
        at: The moment of this try; receivers refuse what is older than minutes.
        body: Exactly what is sent.
        secrets: Every one that is valid now, each of which gets a signature.
    """
    seconds = int(at.timestamp())
    signed = f"{message_id}.{seconds}.".encode() + body
    signatures = (b64encode(hmac.digest(_key(secret), signed, "sha256")).decode() for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def hide(secret: str, key: bytes) -> str:
    """Return a secret as it is stored: encrypted with the instance's key, so that a copied table signs nothing."""
    nonce = os.urandom(_NONCE_BYTES)
    return b64encode(nonce + _crypted(secret.encode(), key, nonce)).decode()


def reveal(hidden: str, key: bytes) -> str:
    """Return the secret that :func:`hide` was given."""
    raw = b64decode(hidden)
    return _crypted(raw[_NONCE_BYTES:], key, raw[:_NONCE_BYTES]).decode()


def _key(secret: str) -> bytes:
    return b64decode(secret.removeprefix(_PREFIX))


def _crypted(data: bytes, key: bytes, nonce: bytes) -> bytes:
    """Encrypt or decrypt: SHAKE-256 as a stream cipher (FIPS 202)."""
    stream = shake_256(b"maydan webhook secret" + key + nonce).digest(len(data))
    return bytes(one ^ other for one, other in zip(data, stream, strict=True))
