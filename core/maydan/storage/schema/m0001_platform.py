"""Tables of the platform: revisions, the log, its subscribers."""

from __future__ import annotations

from typing import Final

from maydan.storage.migrations import Migration, Step

_LOG_COLUMNS: Final = """
    space_key {bigint}, type {text} NOT NULL, subject_type {text} NOT NULL, subject_id {text} NOT NULL,
    version {bigint}, actor_id {text}, at {time} NOT NULL, request_id {text}, data {json_text} NOT NULL
"""

MIGRATION: Final = Migration(
    app="core",
    name="0001_platform",
    steps=(
        Step(
            "revisions",
            "CREATE TABLE IF NOT EXISTS maydan_revisions (scope {text} PRIMARY KEY, revision {bigint} NOT NULL)",
        ),
        Step(
            "revisions_notify",
            """
            CREATE OR REPLACE FUNCTION maydan_notify_revision() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM pg_notify('maydan_revisions', NEW.scope);
                RETURN NULL;
            END $$;
            DROP TRIGGER IF EXISTS maydan_revisions_notify ON maydan_revisions;
            CREATE TRIGGER maydan_revisions_notify AFTER INSERT OR UPDATE ON maydan_revisions
                FOR EACH ROW EXECUTE FUNCTION maydan_notify_revision()
            """,
            only="postgresql",
        ),
        Step(
            "log_sqlite",
            f"CREATE TABLE IF NOT EXISTS maydan_log (position INTEGER PRIMARY KEY AUTOINCREMENT, {_LOG_COLUMNS})",
            only="sqlite",
        ),
        Step(
            "log_postgresql",
            f"""
            CREATE TABLE IF NOT EXISTS maydan_log (position bigint PRIMARY KEY, {_LOG_COLUMNS});
            CREATE TABLE IF NOT EXISTS maydan_log_clock (
                id bigint PRIMARY KEY CHECK (id = 1), xid_offset bigint NOT NULL
            );
            INSERT INTO maydan_log_clock (id, xid_offset) VALUES (1, 0) ON CONFLICT DO NOTHING
            """,
            only="postgresql",
        ),
        Step("log_by_space", "CREATE INDEX IF NOT EXISTS maydan_log_by_space ON maydan_log (space_key, position)"),
        Step(
            "subscriptions",
            """
            CREATE TABLE IF NOT EXISTS maydan_subscriptions (
                name {text} PRIMARY KEY, position {bigint} NOT NULL, lease_owner {text},
                lease_until_ms {bigint} NOT NULL DEFAULT 0, failures {bigint} NOT NULL DEFAULT 0, error {text}
            )
            """,
        ),
        Step(
            "dead_letters",
            """
            CREATE TABLE IF NOT EXISTS maydan_dead_letters (
                id {uuid} PRIMARY KEY, subscriber {text} NOT NULL, position {bigint} NOT NULL, space_key {bigint},
                attempts {bigint} NOT NULL, error {text} NOT NULL, created_at {time} NOT NULL
            );
            CREATE UNIQUE INDEX IF NOT EXISTS maydan_dead_letters_once ON maydan_dead_letters (subscriber, position);
            CREATE INDEX IF NOT EXISTS maydan_dead_letters_by_space ON maydan_dead_letters (space_key, id)
            """,
        ),
    ),
)
