"""Spaces, types, entries, versions and what must be unique; the document tables are made per content type."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from maydan.storage.migrations import Migration, Step

if TYPE_CHECKING:
    from maydan.storage.ports import Transaction

_SPACES: Final = """
CREATE TABLE IF NOT EXISTS maydan_spaces (
    key {bigint} PRIMARY KEY,
    name {text} NOT NULL,
    settings {json} NOT NULL,
    version {bigint} NOT NULL,
    created_at {time} NOT NULL
)
"""

_SECRETS: Final = """
CREATE TABLE IF NOT EXISTS maydan_secrets (
    name {text} PRIMARY KEY,
    value {text} NOT NULL
)
"""

_TYPES: Final = """
CREATE TABLE IF NOT EXISTS maydan_types (
    key {bigint} PRIMARY KEY,
    space_key {bigint} NOT NULL,
    name {text} NOT NULL,
    definition {json} NOT NULL,
    version {bigint} NOT NULL
)
"""

_ENTRIES: Final = """
CREATE TABLE IF NOT EXISTS maydan_entries (
    id {uuid} PRIMARY KEY,
    space_key {bigint} NOT NULL,
    type_key {bigint} NOT NULL,
    version {bigint} NOT NULL,
    revision {bigint} NOT NULL,
    state {text},
    published {json},
    secrets {json},
    created_at {time} NOT NULL,
    created_by {text},
    updated_at {time} NOT NULL,
    updated_by {text},
    trashed_at {time}
)
"""

_VERSIONS: Final = """
CREATE TABLE IF NOT EXISTS maydan_versions (
    entry_id {uuid} NOT NULL,
    version {bigint} NOT NULL,
    space_key {bigint} NOT NULL,
    body {json} NOT NULL,
    created_at {time} NOT NULL,
    created_by {text},
    PRIMARY KEY (entry_id, version)
)
"""

_SLUGS: Final = """
CREATE TABLE IF NOT EXISTS maydan_slugs (
    space_key {bigint} NOT NULL,
    type_key {bigint} NOT NULL,
    locale {text} NOT NULL,
    slug {text} NOT NULL,
    entry_id {uuid} NOT NULL,
    in_draft {bool} NOT NULL,
    in_published {bool} NOT NULL
)
"""

_UNIQUE_VALUES: Final = """
CREATE TABLE IF NOT EXISTS maydan_unique_values (
    space_key {bigint} NOT NULL,
    type_key {bigint} NOT NULL,
    field_id {text} NOT NULL,
    locale {text} NOT NULL,
    value {text} NOT NULL,
    entry_id {uuid} NOT NULL,
    in_draft {bool} NOT NULL,
    in_published {bool} NOT NULL
)
"""

_LINKS: Final = """
CREATE TABLE IF NOT EXISTS maydan_links (
    space_key {bigint} NOT NULL,
    source_id {uuid} NOT NULL,
    field_id {text} NOT NULL,
    perspective {bigint} NOT NULL,
    position {bigint} NOT NULL,
    target_id {uuid} NOT NULL
)
"""

_IMPORTS: Final = """
CREATE TABLE IF NOT EXISTS maydan_imports (
    space_key {bigint} NOT NULL,
    source {text} NOT NULL,
    external_key {text} NOT NULL,
    kind {text} NOT NULL,
    target_id {uuid} NOT NULL,
    checksum {text} NOT NULL,
    PRIMARY KEY (space_key, source, external_key)
)
"""

_JOBS: Final = """
CREATE TABLE IF NOT EXISTS maydan_jobs (
    id {uuid} PRIMARY KEY,
    space_key {bigint} NOT NULL,
    kind {text} NOT NULL,
    subject_id {uuid},
    payload {json} NOT NULL,
    run_at {time} NOT NULL,
    lease_until {time},
    tries {bigint} NOT NULL,
    error {text}
)
"""


async def _make_secret(transaction: Transaction) -> None:
    """Make the secret that signs cursors; shared by all processes, so it is kept with the data."""
    sql = "INSERT INTO maydan_secrets (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"
    await transaction.execute(sql, "signing", secrets.token_hex(32))


def _unique(table: str, *columns: str) -> Step:
    name = f"{table}_{'_'.join(columns)}_unique"
    return Step(name=name, sql=f"CREATE UNIQUE INDEX IF NOT EXISTS {name} ON {table} ({', '.join(columns)})")


def _index(table: str, *columns: str) -> Step:
    name = f"{table}_{'_'.join(columns)}_index"
    return Step(name=name, sql=f"CREATE INDEX IF NOT EXISTS {name} ON {table} ({', '.join(columns)})")


MIGRATION: Final = Migration(
    app="core",
    name="0001_content",
    steps=(
        Step(name="maydan_secrets", sql=_SECRETS),
        Step(name="signing_secret", run=_make_secret),
        Step(name="maydan_spaces", sql=_SPACES),
        _unique("maydan_spaces", "name"),
        Step(name="maydan_types", sql=_TYPES),
        _unique("maydan_types", "space_key", "name"),
        Step(name="maydan_entries", sql=_ENTRIES),
        _index("maydan_entries", "space_key", "type_key", "trashed_at"),
        Step(name="maydan_versions", sql=_VERSIONS),
        Step(name="maydan_slugs", sql=_SLUGS),
        _unique("maydan_slugs", "space_key", "type_key", "locale", "slug"),
        _index("maydan_slugs", "entry_id"),
        Step(name="maydan_unique_values", sql=_UNIQUE_VALUES),
        _unique("maydan_unique_values", "space_key", "type_key", "field_id", "locale", "value"),
        _index("maydan_unique_values", "entry_id"),
        Step(name="maydan_links", sql=_LINKS),
        _index("maydan_links", "space_key", "source_id"),
        _index("maydan_links", "space_key", "target_id"),
        Step(name="maydan_imports", sql=_IMPORTS),
        Step(name="maydan_jobs", sql=_JOBS),
        _index("maydan_jobs", "run_at"),
        _index("maydan_jobs", "subject_id"),
    ),
)
