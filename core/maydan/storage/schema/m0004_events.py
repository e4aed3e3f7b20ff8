"""Events that a subscriber could not take and that are tried again, beside its position in the log."""

from __future__ import annotations

from typing import Final

from maydan.storage.migrations import Migration, Step

_PARKED: Final = """
CREATE TABLE IF NOT EXISTS maydan_parked (
    subscriber {text} NOT NULL, position {bigint} NOT NULL, subject {text} NOT NULL, space_key {bigint},
    attempts {bigint} NOT NULL, error {text} NOT NULL, due_ms {bigint} NOT NULL,
    PRIMARY KEY (subscriber, position)
);
CREATE INDEX IF NOT EXISTS maydan_parked_subject_index ON maydan_parked (subscriber, subject, position)
"""

MIGRATION: Final = Migration(app="core", name="0004_events", steps=(Step("parked", _PARKED),))
