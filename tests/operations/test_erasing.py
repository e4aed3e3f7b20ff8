"""Erasing a person: nothing that names them is left, the rest stays, and the audit's chain holds."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from site_support import PASSWORD, Site, open_site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.cli.erase import run
from maydan.cli.failures import CommandFailed
from maydan.events.audit_rows import check_chain
from maydan.events.jobs.records import NewJob, job_statement
from maydan.ids import new_id
from maydan.operations.audit import AuditTrail
from maydan.operations.erasing import erase, plan_erasure
from maydan.operations.erasing_content import without
from maydan.storage.log import read_after
from maydan.storage.ports import Statement

pytestmark = pytest.mark.anyio
ANN = "ann.private@example.org"
CONTACT = {
    "name": "contact",
    "fields": [
        {"name": "title", "kind": "string", "required": True},
        {"name": "mail", "kind": "email", "unique": True},
        {"name": "text", "kind": "text", "localized": True},
        {"name": "key", "kind": "secret"},
    ],
    "engagement": ["comments"],
}


async def written_about(site: Site) -> tuple[str, str]:
    """Have Ann do all kinds of things; returns her id and an entry that names her."""
    await site.define(CONTACT)
    ann = await site.account(ANN, "editor")
    identity = (await site.get("/api/me", headers=ann)).json()["id"]
    body = {"title": "One", "mail": ANN, "text": f"Write to {ANN} at once", "key": ANN}
    path = "/api/spaces/demo/content/contact"
    made = await site.post(path, body, headers={**ann, "idempotency-key": "k"})
    entry = f"{path}/{made.json()['id']}"
    assert (await site.post(f"{entry}/publish", headers=ann)).status_code == 200
    assert (await site.patch(entry, {"title": "Two"}, headers=ann)).status_code == 200
    first = await site.post(f"{entry}/comments", {"text": "I am Ann"}, headers=ann)
    assert first.status_code == 201, first.text
    answer = await site.post(f"{entry}/comments", {"text": "Yes", "parent": first.json()["id"]}, headers=site.admin)
    assert answer.status_code == 201
    token = {"name": "mine", "space": "demo", "actions": ["read"], "expires_in": 3600}
    assert (await site.post("/api/tokens", token, headers=ann)).status_code == 201
    return identity, entry


async def everything(site: Site) -> str:
    """Return every value of every table of the database as one text."""
    store, texts = site.core.store, list[str]()
    if store.dialect.name == "sqlite":
        sql = "SELECT name FROM sqlite_master WHERE type = 'table'"
    else:
        sql = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    for (table,) in await store.fetch_all(sql):
        if str(table).startswith("maydan"):
            texts += [f"{table}: {row}" for row in await store.fetch_all(f'SELECT * FROM "{table}"')]
    return "\n".join(texts)


async def planted_everywhere(site: Site, identity: str, entry: str) -> None:
    """Put Ann, as ``annmark``, into every other place where the system keeps something of a person or of what they say.

    What no request leads to in a moment (a delivery that failed, a job, an identity) is written as its room would.
    """
    ann = {**(await site.log_in(ANN)), "user-agent": "annmark's browser"}
    assert (await site.client.post(
        "/api/auth/login", json={"email": ANN, "password": PASSWORD}, headers={"user-agent": "annmark's browser"}
    )).status_code == 200  # fmt: skip
    assert (await site.patch("/api/me", {"name": "annmark the first"}, headers=ann)).status_code == 200
    assert (await site.post("/api/me/totp", headers=ann)).status_code == 200
    bob = (await site.get("/api/me", headers=await site.account("bob@example.org", "editor"))).json()["id"]
    policy = {"effect": "allow", "type": "contact", "actions": ["read"], "condition": {"mail": {"eq": ANN}}}
    hook = {"url": f"https://8.8.8.8/hook?who={quote(ANN)}", "events": ["entry.updated"]}
    for path, body, headers in (
        (f"{entry}/shares", {"user": bob, "rights": "view"}, ann),
        (f"{entry}/shares", {"user": identity, "rights": "view"}, site.admin),
        (f"{entry}/previews", {"ttl": 600}, ann),
        (f"{entry}/lock", {}, ann),
        (f"{entry}/comments", {"text": "by annmark"}, {**ann, "idempotency-key": "annmark"}),
        ("/api/spaces/demo/webhooks", hook, site.admin),
        ("/api/spaces/demo/invitations", {"email": ANN, "roles": ["editor"]}, site.admin),
        ("/api/auth/password/forgot", {"email": ANN}, {}),
    ):
        made = await site.post(path, body, headers=headers)
        assert made.is_success, (path, made.text)
    role = await site.put("/api/spaces/demo/roles/hers", {"policies": [policy]}, headers=site.admin)
    assert role.is_success, role.text
    invited = await site.post("/api/spaces/demo/invitations", {"email": "new@example.org", "roles": []}, headers=ann)
    assert invited.status_code in (201, 403, 422), invited.text
    now, store, space = site.core.clock.now(), site.core.store, site.space.key
    failed = (new_id(), "x", 1, space, 3, f"refused {ANN}", now)
    await store.commit([
        Statement("INSERT INTO maydan_identities VALUES (?,?,?,?)", ("https://id.example", "annmark", identity, now)),
        job_statement(NewJob(kind="x.y", space_key=space, payload={"to": [ANN, {"name": ANN}]}, run_at=now)),
        Statement("UPDATE maydan_jobs SET error = ?", (f"550 {ANN} is unknown",)),
        Statement("INSERT INTO maydan_dead_letters VALUES (?,?,?,?,?,?,?)", failed),
        Statement("INSERT INTO maydan_parked VALUES (?,?,?,?,?,?,?)", ("x", 1, "y", space, 1, f"not {ANN}", 0)),
        Statement(
            "INSERT INTO maydan_imports VALUES (?,?,?,?,?,?)", (space, "wordpress", ANN, "entry", new_id(), "")
        ),
        Statement(
            "INSERT INTO maydan_deliveries (id, space_key, webhook_id, position, type, subject, state, tries, due_at,"
            " created_at, error) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            (new_id(), space, new_id(), 1, "entry.updated", "contact/x", "failed", 1, now, now, f"at {quote(ANN)}"),
        ),
    ])  # fmt: skip


async def audited(site: Site) -> None:
    """Write the audit, as the background work does."""
    await AuditTrail(site.core).handle_all(await read_after(site.core.store, 0, 500))


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
        marks = ("private@", "private%40", "I am Ann", "annmark")
        assert [line[:300] for line in left.splitlines() if any(mark in line for mark in marks)] == []
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
    cleaned = without(value, ANN)
    assert ANN not in json.dumps(cleaned)
    assert without(cleaned, ANN) == cleaned
    if "private" not in json.dumps(value).lower():
        assert cleaned == value
