"""Answers kept for their ``Idempotency-Key``."""

from __future__ import annotations

from typing import Final

from maydan.storage.migrations import Migration, Step

_IDEMPOTENCY: Final = """
CREATE TABLE IF NOT EXISTS maydan_idempotency (
    scope {text} PRIMARY KEY,
    fingerprint {text} NOT NULL,
    holder {text} NOT NULL,
    answer {text},
    created_at {time} NOT NULL,
    lease_until {time} NOT NULL,
    expires_at {time} NOT NULL
)
"""

_EXPIRES: Final = "CREATE INDEX IF NOT EXISTS maydan_idempotency_expires_at_index ON maydan_idempotency (expires_at)"

MIGRATION: Final = Migration(
    app="core",
    name="0001_http",
    steps=(
        Step(name="maydan_idempotency", sql=_IDEMPOTENCY),
        Step(name="maydan_idempotency_expires_at_index", sql=_EXPIRES),
    ),
)
"""``scope`` and ``fingerprint`` are hashes; ``answer`` is missing while the request of ``holder`` is running."""
