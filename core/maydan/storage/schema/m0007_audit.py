"""The audit on SQLite: ``OR REPLACE`` takes rows out without asking the triggers that refuse to change or delete them.

On PostgreSQL ``ON CONFLICT DO UPDATE`` asks them.
"""

from __future__ import annotations

from typing import Final

from maydan.storage.migrations import Migration, Step

_REFUSAL: Final = "The audit is append-only."

MIGRATION: Final = Migration(
    app="core",
    name="0007_audit",
    steps=(
        Step(
            name="maydan_audit_no_replace",
            sql=f"""
            CREATE TRIGGER IF NOT EXISTS maydan_audit_no_replace BEFORE INSERT ON maydan_audit
            WHEN EXISTS (
                SELECT 1 FROM maydan_audit
                WHERE (chain = NEW.chain AND seq = NEW.seq) OR position = NEW.position OR rowid = NEW.rowid
            )
            BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END;
            CREATE TRIGGER IF NOT EXISTS maydan_audit_no_move BEFORE UPDATE ON maydan_audit
            WHEN NEW.rowid <> OLD.rowid
            BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END
            """,
            only="sqlite",
        ),
    ),
)
