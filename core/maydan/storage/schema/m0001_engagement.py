"""Comments on entries."""

from __future__ import annotations

from typing import Final

from maydan.storage.migrations import Migration, Step

_COMMENTS: Final = """
CREATE TABLE IF NOT EXISTS maydan_comments (
    id {uuid} PRIMARY KEY,
    space_key {bigint} NOT NULL,
    type_key {bigint} NOT NULL,
    entry_id {uuid} NOT NULL,
    parent_id {uuid},
    kind {text} NOT NULL,
    status {text} NOT NULL,
    text {text} NOT NULL,
    author_id {text},
    author_name {text} NOT NULL,
    author_email {text} NOT NULL,
    author_url {text} NOT NULL,
    version {bigint} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
)
"""

MIGRATION: Final = Migration(
    app="core",
    name="0001_engagement",
    steps=(
        Step(name="maydan_comments", sql=_COMMENTS),
        Step(
            name="maydan_comments_entry_index",
            sql="CREATE INDEX IF NOT EXISTS maydan_comments_entry_index"
            " ON maydan_comments (space_key, entry_id, status, created_at, id)",
        ),
        Step(
            name="maydan_comments_parent_index",
            sql="CREATE INDEX IF NOT EXISTS maydan_comments_parent_index ON maydan_comments (space_key, parent_id)",
        ),
    ),
)
