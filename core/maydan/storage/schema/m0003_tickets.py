"""Tickets: one row for each that nobody has used yet."""

from __future__ import annotations

from typing import Final

from maydan.storage.migrations import Migration, Step

MIGRATION: Final = Migration(
    app="core",
    name="0003_tickets",
    steps=(
        Step(
            name="maydan_tickets",
            sql="""
            CREATE TABLE IF NOT EXISTS maydan_tickets (
                hash {text} PRIMARY KEY,
                credential_id {uuid} NOT NULL,
                is_session {bool} NOT NULL,
                expires_at {time} NOT NULL
            )
            """,
        ),
        Step(
            name="maydan_tickets_expires_at_index",
            sql="CREATE INDEX IF NOT EXISTS maydan_tickets_expires_at_index ON maydan_tickets (expires_at)",
        ),
    ),
)
