"""Working together on entries: edit locks, previews and shares."""

from __future__ import annotations

from typing import Final

from maydan.storage.migrations import Migration, Step

_LOCKS: Final = """
CREATE TABLE IF NOT EXISTS maydan_locks (
    space_key {bigint} NOT NULL,
    entry_id {uuid} NOT NULL,
    holder_id {uuid} NOT NULL,
    taken_at {time} NOT NULL,
    expires_at {time} NOT NULL,
    PRIMARY KEY (space_key, entry_id)
)
"""

_PREVIEWS: Final = """
CREATE TABLE IF NOT EXISTS maydan_previews (
    id {uuid} PRIMARY KEY,
    space_key {bigint} NOT NULL,
    type_key {bigint} NOT NULL,
    entry_id {uuid} NOT NULL,
    maker_id {uuid} NOT NULL,
    maker_scope {json},
    created_at {time} NOT NULL,
    expires_at {time} NOT NULL
);
CREATE INDEX IF NOT EXISTS maydan_previews_entry_index ON maydan_previews (space_key, entry_id);
CREATE INDEX IF NOT EXISTS maydan_previews_expires_at_index ON maydan_previews (expires_at)
"""

_SHARES: Final = """
CREATE TABLE IF NOT EXISTS maydan_shares (
    id {uuid} PRIMARY KEY,
    space_key {bigint} NOT NULL,
    type_key {bigint} NOT NULL,
    entry_id {uuid} NOT NULL,
    kind {text} NOT NULL,
    target {text},
    rights {text} NOT NULL,
    token_hash {text},
    password {text},
    maker_id {uuid} NOT NULL,
    maker_scope {json},
    created_at {time} NOT NULL,
    expires_at {time}
);
CREATE INDEX IF NOT EXISTS maydan_shares_entry_index ON maydan_shares (space_key, entry_id);
CREATE INDEX IF NOT EXISTS maydan_shares_kind_index ON maydan_shares (space_key, kind, id);
CREATE UNIQUE INDEX IF NOT EXISTS maydan_shares_token_hash_index ON maydan_shares (token_hash)
"""

MIGRATION: Final = Migration(
    app="core",
    name="0004_collaboration",
    steps=(Step("locks", _LOCKS), Step("previews", _PREVIEWS), Step("shares", _SHARES)),
)
