"""``maydan audit verify``: one line a chain, and an exit code for scripts."""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from maydan.cli.audit import run_verify
from maydan.cli.failures import CommandFailed
from maydan.events.audit import FIRST, INSTANCE, AuditRow, Details, digest_of, encode_details, sealed
from maydan.events.audit_rows import Head, append_statements
from maydan.storage import DatabaseSettings, Statement, open_store

NOTHING = argparse.Namespace()


def test_a_chain_is_checked_without_a_server(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a row was changed past the triggers, its number and the reason are on the line, and it fails."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAYDAN_DATABASE_URL", sqlite_url)
    assert run_verify(NOTHING) == 0
    details = encode_details(Details(actor_id=None))
    row = sealed(
        AuditRow(
            chain=INSTANCE, seq=1, position=1, type="account.created", subject_type="account", subject_id="x",
            version=1, actor_id=None, at=datetime.now(UTC), request_id=None, details=details,
            digest=digest_of(details), previous=FIRST,
        )
    )  # fmt: skip
    commit(sqlite_url, *append_statements(Head(), [row]))
    assert run_verify(NOTHING) == 0
    assert capsys.readouterr().out == f"(instance)  1 rows hold, the last is {row.hash}\n"
    commit(sqlite_url, Statement("DROP TRIGGER maydan_audit_no_update"))
    commit(sqlite_url, Statement("UPDATE maydan_audit SET subject_id = 'y'"))
    with pytest.raises(CommandFailed, match="1 of 1"):
        run_verify(NOTHING)
    assert "row 1: It was changed." in capsys.readouterr().out


def commit(url: str, *statements: Statement) -> None:
    """Store statements."""

    async def run() -> None:
        store = open_store(DatabaseSettings(url=url))
        await store.open()
        await store.commit(statements)
        await store.close()

    asyncio.run(run())
