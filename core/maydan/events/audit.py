"""The audit's chain: what a row holds, how its hash is made, and how a chain is checked. Pure.

The hash of a row covers everything in it but ``details``, of which it covers a digest, and the hash of the row before.
So a row cannot be changed, taken out or put in unnoticed, and yet the details, which name people, can be blanked.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct, field
from msgspec.structs import asdict

from maydan.clock import to_text

INSTANCE: Final = 0
"""The chain of what concerns no space; a space's chain has the space's key."""
FIRST: Final = "0" * 64
"""What the first row of a chain follows."""
_SALT_BYTES: Final = 16
_encode: Final = msgspec.json.Encoder(order="deterministic").encode
"""Names in order, no white space, UTF-8: close to RFC 8785, and the same on every machine."""


class Changed(Struct, frozen=True, omit_defaults=True):
    """One place of the stored form that was changed."""

    op: str
    """``add``, ``remove`` or ``replace``, as in RFC 6902."""
    path: str
    """RFC 6901 pointer that begins with the field's name of that time."""


class Details(Struct, frozen=True, kw_only=True):
    """What names people or content, and may be blanked."""

    actor_id: str | None
    data: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the event says beside."""
    changes: list[Changed] = field(default_factory=list[Changed])
    salt: str = ""
    """Keeps others from finding out by trying what was blanked."""


_decode_details: Final = msgspec.json.Decoder(Details).decode


class AuditRow(Struct, frozen=True, kw_only=True):
    """One row of a chain."""

    chain: int
    seq: int
    """1 is the first of the chain."""
    position: int
    """Of the event in the log."""
    type: str
    subject_type: str
    subject_id: str
    version: int | None
    actor_id: str | None
    at: datetime
    request_id: str | None
    details: str | None
    """JSON text of :class:`Details`; ``None`` where it was blanked."""
    digest: str
    """Of the details as they were."""
    previous: str
    """Hash of the row before."""
    hash: str = ""


class Broken(Struct, frozen=True, kw_only=True):
    """The first link of a chain that does not hold."""

    seq: int
    position: int | None
    reason: str


def encode_details(details: Details) -> str:
    """Return the text that is stored, with a salt of its own."""
    return _encode(msgspec.structs.replace(details, salt=secrets.token_hex(_SALT_BYTES))).decode()


def digest_of(details: str) -> str:
    """Return the digest of a text."""
    return hashlib.sha256(details.encode()).hexdigest()


def sealed(row: AuditRow) -> AuditRow:
    """Return the row with its hash."""
    return msgspec.structs.replace(row, hash=hash_of(row))


def hash_of(row: AuditRow) -> str:
    """Return the hash that a row must have."""
    covered = asdict(row)
    for name in ("details", "actor_id", "hash"):
        del covered[name]
    covered["at"] = to_text(row.at)
    return hashlib.sha256(_encode(covered)).hexdigest()


def read_details(row: AuditRow) -> Details | None:
    """Return the details; ``None`` where they were blanked, or cannot be read since somebody wrote others by hand."""
    try:
        return None if row.details is None else _decode_details(row.details)
    except (msgspec.DecodeError, RecursionError):
        return None


def check_row(row: AuditRow, *, seq: int, previous: str) -> Broken | None:
    """Return what is wrong with a row that should be the ``seq``-th and follow ``previous``."""
    if row.seq != seq:
        return Broken(seq=seq, position=None, reason="A row is missing.")
    reason = ""
    if row.previous != previous:
        reason = "It does not follow the row before it."
    elif row.hash != hash_of(row):
        reason = "It was changed."
    else:
        reason = _problem_of_details(row)
    return Broken(seq=seq, position=row.position, reason=reason) if reason else None


def _problem_of_details(row: AuditRow) -> str:
    if row.details is not None and digest_of(row.details) != row.digest:
        return "Its details were changed."
    details = read_details(row)
    if row.details is not None and details is None:
        return "Its details were changed."
    # What was erased names nobody.
    return "Its actor was changed." if row.actor_id != (details.actor_id if details else None) else ""
