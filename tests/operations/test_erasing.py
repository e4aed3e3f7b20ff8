"""Erasing a person: nothing that names them is left, the rest stays, and the audit's chain holds."""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from erasing_support import (  # pyright: ignore[reportMissingImports] - tests/support
    ANN,
    audited,
    everything,
    planted_everywhere,
    written_about,
)
from hypothesis import given
from hypothesis import strategies as st
from site_support import open_site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.cli.erase import run
from maydan.cli.failures import CommandFailed
from maydan.events.audit_rows import check_chain
from maydan.operations.erasing import erase, plan_erasure
from maydan.operations.erasing_addresses import Sought, without
from maydan.storage.log import read_after

pytestmark = pytest.mark.anyio


async def test_nothing_names_the_person_any_more(database_url: str) -> None:
    """Not in rows, versions, documents, indexes, the log or kept answers; a dry run changes nothing and says it."""
    async with open_site(database_url) as site:
        identity, entry = await written_about(site)
        await planted_everywhere(site, identity, entry)
        await audited(site)
        account = await site.core.accounts.people.get(identity)
        before = await everything(site)
        plan = await plan_erasure(site.core, account)
        assert await everything(site) == before
        assert plan.counts["entries"] == 1
        done = await erase(site.core, account)
        assert done.counts == plan.counts
        left = await everything(site)
        marks = ("private@", "private%40", "i am ann", "annmark")
        assert [line[:300] for line in left.splitlines() if any(mark in line.lower() for mark in marks)] == []
        shown = (await site.get(f"{entry}?perspective=draft", headers=site.admin)).json()
        assert (shown["title"], shown["mail"], shown["text"]) == ("Two", None, "Write to  at once")
        assert ((await site.get(entry)).json()["title"], (await site.get(entry)).json()["mail"]) == ("One", None)
        assert shown["created_by"] == identity  # an id that nobody's name goes with
        listed = (await site.get(f"{entry}/comments", headers=site.admin)).json()["items"]
        assert sorted(each["text"] for each in listed) == ["", "", "Yes"]
        await audited(site)
        assert (await check_chain(site.core.store, site.space.key)).is_whole
        assert (await check_chain(site.core.store, 0)).is_whole
        (noted,) = [each for each in await read_after(site.core.store, 0, 500) if each.type == "account.erased"]
        assert noted.subject_id == identity
        # The address is free, and doing it again finds nothing.
        again = await erase(site.core, await site.core.accounts.people.get(identity))
        assert again.counts == {}
        await site.account(ANN, "editor")


async def test_an_erasure_that_was_interrupted_is_finished_by_another(sqlite_url: str, monkeypatch: Any) -> None:
    """Wherever it stopped; the person cannot come in meanwhile. Comments may go altogether."""
    async with open_site(sqlite_url) as site:
        identity, entry = await written_about(site)
        headers = await site.log_in(ANN)
        account = await site.core.accounts.people.get(identity)

        async def broken(*_: object) -> int:
            raise RuntimeError

        with monkeypatch.context() as patched:
            patched.setattr("maydan.operations.erasing.erase_entries", broken)
            with pytest.raises(RuntimeError):
                await erase(site.core, account, comment_rule="delete")
        assert (await site.get("/api/me", headers=headers)).status_code == 401
        found = await site.core.accounts.people.find_by_email(ANN)
        assert found is not None
        assert (await erase(site.core, found, comment_rule="delete")).counts["entries"] == 1
        assert "private@" not in await everything(site)
        (left,) = (await site.get(f"{entry}/comments", headers=site.admin)).json()["items"]
        assert (left["text"], left["parent"]) == ("Yes", None)


def test_the_command_counts_first_and_keeps_the_last_administrator(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    """A dry run as JSON; an address that nobody has; who alone could let others in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAYDAN_DATABASE_URL", sqlite_url)

    async def prepare() -> None:
        async with open_site(sqlite_url) as site:
            await site.account("bob@example.org", "editor")

    asyncio.run(prepare())
    told = {"comments": "blank", "keep_content": False, "json": True}
    assert run(argparse.Namespace(person="bob@example.org", dry_run=True, **told)) == 0
    assert json.loads(capsys.readouterr().out)["memberships"] == 1
    assert run(argparse.Namespace(person="bob@example.org", dry_run=False, **told)) == 0
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    reading = sqlite3.connect(path, isolation_level=None)
    reading.execute("BEGIN")
    (erased,) = reading.execute("SELECT id FROM maydan_accounts WHERE email = ''").fetchone()
    monkeypatch.setattr("maydan.storage.sqlite.checkpointing._PAUSE_S", 0)
    assert run(argparse.Namespace(person=erased, dry_run=False, **told)) == 0
    assert f"maydan erase {erased}" in capsys.readouterr().err
    reading.close()
    for person, words in (("bob@example.org", "no account"), ("admin@example.org", "only administrator")):
        with pytest.raises(CommandFailed, match=words):
            run(argparse.Namespace(person=person, dry_run=False, **told))


values = st.recursive(
    st.none() | st.integers() | st.sampled_from([ANN, ANN.upper(), f"to {ANN}.", "other", "İ" + ANN]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
)


@given(values)
def test_no_form_of_a_value_keeps_the_address(value: Any) -> None:
    """However deep it stands, and in whatever case; what does not name it stays as it is."""
    cleaned = without(value, Sought(ANN))
    assert ANN not in json.dumps(cleaned)
    assert without(cleaned, Sought(ANN)) == cleaned
    if "private" not in json.dumps(value).lower():
        assert cleaned == value
