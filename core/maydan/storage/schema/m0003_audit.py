"""The audit: rows that nobody changes, each holding the hash of the one before it."""

from __future__ import annotations

from typing import Final

from maydan.storage.migrations import Migration, Step

_KEPT: Final = (
    "chain", "seq", "position", "type", "subject_type", "subject_id", "version", "at", "request_id", "digest",
    "previous", "hash",
)  # fmt: skip
_SAME: Final = " AND ".join(f"NEW.{name} {{same}} OLD.{name}" for name in _KEPT)
_BLANKED: Final = f"NEW.details IS NULL AND NEW.actor_id IS NULL AND {_SAME}"
_REFUSAL: Final = "The audit is append-only."

MIGRATION: Final = Migration(
    app="core",
    name="0003_audit",
    steps=(
        Step(
            name="maydan_audit",
            sql="""
            CREATE TABLE IF NOT EXISTS maydan_audit (
                chain {bigint} NOT NULL,
                seq {bigint} NOT NULL,
                position {bigint} NOT NULL,
                type {text} NOT NULL,
                subject_type {text} NOT NULL,
                subject_id {text} NOT NULL,
                version {bigint},
                actor_id {text},
                at {time} NOT NULL,
                request_id {text},
                details {text},
                digest {text} NOT NULL,
                previous {text} NOT NULL,
                hash {text} NOT NULL,
                PRIMARY KEY (chain, seq)
            );
            CREATE UNIQUE INDEX IF NOT EXISTS maydan_audit_once ON maydan_audit (position);
            CREATE INDEX IF NOT EXISTS maydan_audit_by_subject ON maydan_audit (chain, subject_id, seq);
            CREATE INDEX IF NOT EXISTS maydan_audit_by_actor ON maydan_audit (chain, actor_id, seq);
            CREATE INDEX IF NOT EXISTS maydan_audit_by_type ON maydan_audit (chain, type, seq)
            """,
        ),
        Step(
            name="maydan_audit_heads",
            sql="""
            CREATE TABLE IF NOT EXISTS maydan_audit_heads (
                chain {bigint} PRIMARY KEY, seq {bigint} NOT NULL, hash {text} NOT NULL
            )
            """,
        ),
        Step(
            name="maydan_audit_append_only_sqlite",
            sql=f"""
            CREATE TRIGGER IF NOT EXISTS maydan_audit_no_update BEFORE UPDATE ON maydan_audit
            WHEN NOT ({_BLANKED.replace("{same}", "IS")})
            BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END;
            CREATE TRIGGER IF NOT EXISTS maydan_audit_no_delete BEFORE DELETE ON maydan_audit
            BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END
            """,
            only="sqlite",
        ),
        Step(
            name="maydan_audit_append_only_postgresql",
            sql=f"""
            CREATE OR REPLACE FUNCTION maydan_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'UPDATE' THEN
                    IF {_BLANKED.replace("{same}", "IS NOT DISTINCT FROM")} THEN
                        RETURN NEW;
                    END IF;
                END IF;
                RAISE EXCEPTION '{_REFUSAL}';
            END $$;
            DROP TRIGGER IF EXISTS maydan_audit_no_change ON maydan_audit;
            CREATE TRIGGER maydan_audit_no_change BEFORE UPDATE OR DELETE ON maydan_audit
                FOR EACH ROW EXECUTE FUNCTION maydan_audit_refuse();
            DROP TRIGGER IF EXISTS maydan_audit_no_truncate ON maydan_audit;
            CREATE TRIGGER maydan_audit_no_truncate BEFORE TRUNCATE ON maydan_audit
                FOR EACH STATEMENT EXECUTE FUNCTION maydan_audit_refuse()
            """,
            only="postgresql",
        ),
    ),
)
