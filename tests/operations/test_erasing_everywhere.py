"""Erasing a person however their address is written, wherever it stands, down to the bytes of the files."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

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
from site_support import Site, open_site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.accounts.addresses import address_key
from maydan.events.audit_rows import check_chain
from maydan.ids import new_id
from maydan.operations.erasing import erase, plan_erasure
from maydan.operations.erasing_addresses import ERASED, Sought, without
from maydan.operations.erasing_texts import TEXTS
from maydan.storage.ports import Statement

pytestmark = pytest.mark.anyio
ZELDA = "Zelda.Quux77@Example.org"
SPELLINGS = (
    "ZELDA.QUUX77@EXAMPLE.ORG",
    "zelda.quux77@example.org",
    "ｚｅｌｄａ.quux77＠example.org",
    "ZELDA.QUUX77%40EXAMPLE.ORG",
    "zelda.quux77%40Example%2Eorg",
)
CONTACT: dict[str, Any] = {
    "name": "contact",
    "fields": [
        {"name": "title", "kind": "string", "required": True, "indexed": True},
        {"name": "mail", "kind": "email", "private": True},
        {"name": "text", "kind": "text", "localized": True},
        {"name": "key", "kind": "secret"},
        {"name": "more", "kind": "json"},
        {"name": "by", "kind": "email", "default": SPELLINGS[0]},
    ],
    "engagement": ["comments"],
}
FOLLOWS = "follows from what entries hold"
NAMES = "names that the system checks: none has an at sign"
IDS = "ids, numbers, states and moments"
HASHES = "hashes and keys, from which nothing can be read"
RULES = "names of roles, types and actions, which have no at sign"
STAYS = {
    "maydan_accounts": ({"id", "locale"}, IDS),
    "maydan_api_tokens": ({"id", "account_id", "hash", "prefix", "actions", "types"}, "its scope: names of types"),
    "maydan_attempts": ({"scope", "key_hash"}, HASHES),
    "maydan_audit": (
        {"type", "subject_type", "subject_id", "actor_id", "request_id", "digest", "previous", "hash"},
        "ids, hashes, and an id that the client may choose, of letters, digits and ._-",
    ),
    "maydan_audit_heads": ({"hash"}, HASHES),
    "maydan_bulk_progress": ({"scope"}, HASHES),
    "maydan_casbin_rules": ({"id", "ptype", "v0", "v1", "v2", "v3", "v4"}, RULES),
    "maydan_comments": ({"id", "entry_id", "parent_id", "kind", "status", "author_id"}, IDS),
    "maydan_dead_letters": ({"id", "subscriber"}, NAMES),
    "maydan_deliveries": ({"id", "webhook_id", "type", "subject", "state"}, IDS),
    "maydan_entries": ({"id", "state", "created_by", "updated_by"}, IDS),
    "maydan_idempotency": ({"scope", "fingerprint", "holder"}, HASHES),
    "maydan_identities": ({"issuer", "subject", "account_id"}, "how a provider names others; theirs go"),
    "maydan_imports": ({"kind", "target_id", "checksum"}, HASHES),
    "maydan_invitations": ({"id", "roles", "inviter_id", "token_hash"}, RULES),
    "maydan_jobs": ({"id", "kind", "subject_id", "status", "owner", "tick"}, IDS),
    "maydan_links": ({"source_id", "field_id", "target_id"}, IDS),
    "maydan_locks": ({"entry_id", "holder_id"}, IDS),
    "maydan_log": ({"type", "subject_type", "subject_id", "actor_id", "request_id"}, "as in maydan_audit"),
    "maydan_mail": ({"id", "kind", "account_id"}, IDS),
    "maydan_mail_tokens": ({"hash", "account_id", "purpose"}, HASHES),
    "maydan_members": ({"account_id", "roles"}, RULES),
    "maydan_migrations": (None, "which steps were taken"),
    "maydan_oidc_flows": (None, "random numbers of a login under way"),
    "maydan_parked": ({"subscriber", "subject"}, IDS),
    "maydan_plugin_states": ({"name", "isolated_what"}, NAMES),
    "maydan_previews": ({"id", "entry_id", "maker_id", "maker_scope", "token_id"}, IDS),
    "maydan_revisions": (None, NAMES),
    "maydan_roles": ({"name"}, NAMES),
    "maydan_secrets": (None, HASHES),
    "maydan_session_tokens": ({"hash", "session_id", "kind"}, HASHES),
    "maydan_sessions": ({"id", "account_id", "address"}, "the address of a network"),
    "maydan_shares": (
        {"id", "entry_id", "kind", "target", "rights", "token_hash", "password", "maker_id", "maker_scope", "token_id"},
        IDS,
    ),
    "maydan_slugs": ({"locale", "slug", "entry_id", "former_id"}, "letters, digits and hyphens"),
    "maydan_spaces": ({"name"}, NAMES),
    "maydan_subscriptions": ({"name", "lease_owner"}, NAMES),
    "maydan_tickets": ({"hash", "credential_id"}, HASHES),
    "maydan_totp": ({"account_id", "secret"}, HASHES),
    "maydan_types": ({"name"}, NAMES),
    "maydan_unique_values": (None, FOLLOWS),
    "maydan_versions": ({"entry_id", "created_by"}, IDS),
    "maydan_webhook_endpoints": ({"webhook_id", "lease_owner"}, IDS),
    "maydan_webhooks": (
        {"id", "events", "types", "maker_id", "maker_scope", "secret", "old_secret", "token_id"}, RULES
    ),
}  # fmt: skip
"""Columns of text in which no address is looked for (``None``: none of the table's), and why."""
ERASED_OTHERWISE = {
    "maydan_accounts": {"email", "email_key", "password_hash"},
    "maydan_comments": {"text", "author_name", "author_email", "author_url"},
    "maydan_entries": {"published", "secrets"},
    "maydan_invitations": {"email", "email_key"},
    "maydan_versions": {"body"},
}
"""Columns that are cleaned by steps of their own."""


async def test_every_column_of_text_is_thought_of(sqlite_url: str) -> None:
    """It is cleaned, or there is a reason why nobody's address is in it: a column that comes new is in one of them."""
    async with open_site(sqlite_url) as site:
        store, cleaned = site.core.store, {text.table: text for text in TEXTS}
        sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'maydan!_%' ESCAPE '!'"
        tables = [str(row[0]) for row in await store.fetch_all(sql)]
        for table in tables:
            rows = await store.fetch_all("SELECT name, type FROM pragma_table_info(?)", table)
            texts = {name for name, kind in rows if kind == "TEXT" and not name.endswith(("_at", "_until", "_since"))}
            texts -= {"at", "window_start", *(cleaned[table].columns if table in cleaned else ())}
            texts -= ERASED_OTHERWISE.get(table, set())
            stays, _why = STAYS.get(table, (set[str](), ""))
            assert stays is None or texts <= stays, (table, texts - stays)
        assert {*STAYS, *ERASED_OTHERWISE, *cleaned} <= {*tables}


async def others_write(site: Site, entry: str) -> None:
    """Have others name Zelda wherever they may, in one spelling after the other."""
    upper, lower, wide, quoted, _ = SPELLINGS
    bob = await site.account("bob@example.org", "editor")
    token = {"name": f"for {upper}", "space": "demo", "actions": ["read"], "expires_in": 3600}
    for method, path, body, headers in (
        ("POST", f"{entry}/comments", {"text": f"Ask {wide}, not joan.{lower}"}, bob),
        ("POST", f"{entry}/comments", {"text": upper}, {**bob, "idempotency-key": "k"}),
        ("POST", "/api/tokens", token, {**bob, "user-agent": f"robot of {quoted}"}),
        ("PATCH", "/api/me", {"name": f"Bob ({upper})"}, {**bob, "if-match": "*"}),
        ("PATCH", "/api/spaces/demo", {"title": f"By {upper}"}, {**site.admin, "if-match": "*"}),
    ):
        answer = await site.client.request(method, path, json=body, headers=headers)
        assert answer.is_success, (path, answer.text)
    now, space = site.core.clock.now(), site.space.key
    keys = [(space, "wordpress", each, "entry", new_id(), "") for each in (upper, lower)]
    mail = (new_id(), "email", (await site.get("/api/me", headers=bob)).json()["id"], upper, "{}", now, now, 0, "")
    comment_columns = (
        "id, space_key, type_key, entry_id, kind, status, text, author_name, author_email, author_url, version,"
        " created_at, updated_at"
    )
    ((type_key,),) = await site.core.store.fetch_all("SELECT key FROM maydan_types WHERE name = 'contact'")
    by_guest = (
        new_id(), space, type_key, entry.rpartition("/")[2], "comment", "approved", "Here I am", "Z", upper, "", 1, now,
        now,
    )  # fmt: skip
    await site.core.store.commit([
        *(Statement("INSERT INTO maydan_imports VALUES (?,?,?,?,?,?)", each) for each in keys),
        Statement(
            "INSERT INTO maydan_mail (id, kind, account_id, email, data, created_at, run_at, tries, error)"
            " VALUES (?,?,?,?,?,?,?,?,?)",
            mail,
        ),
        Statement(f"INSERT INTO maydan_comments ({comment_columns}) VALUES ({','.join('?' * 13)})", by_guest),
        Statement(
            "INSERT INTO maydan_plugin_states (name, pinned, isolated_what, isolated_reason) VALUES (?,?,?,?)",
            ("blog", False, "x", f"{wide} is not a name"),
        ),
        Statement("UPDATE maydan_subscriptions SET error = ?", (f"no {json.dumps(upper)}",)),
    ])  # fmt: skip


async def test_no_spelling_of_the_address_is_left(database_url: str) -> None:
    """Not in what others wrote either; a longer address is somebody else's. The plan says what is done, once each."""
    async with open_site(database_url) as site:
        await site.define(CONTACT)
        zelda = await site.account(ZELDA, "editor")
        identity = (await site.get("/api/me", headers=zelda)).json()["id"]
        upper, lower, wide, quoted, mixed = SPELLINGS
        path = "/api/spaces/demo/content/contact"
        body = {
            "slug": "about", "title": f"About {upper}", "mail": "ZELDA.QUUX77@example.org", "text": f"{wide}, {lower}",
            "key": upper, "more": {upper: 1, "of": [f"mailto:{quoted}", mixed]},
        }  # fmt: skip
        made = await site.post(path, body, headers={**site.admin, "idempotency-key": "one"})
        assert made.status_code == 201, made.text
        entry = f"{path}/{made.json()['id']}"
        assert (await site.post(f"{entry}/publish", headers=zelda)).status_code == 200
        assert (await site.patch(entry, {"title": "Two"}, headers=zelda)).status_code == 200
        other = (await site.post(path, {"title": "Three"}, headers=site.admin)).json()
        assert other["by"].lower() == lower
        await others_write(site, entry)
        await audited(site)
        account = await site.core.accounts.people.get(identity)
        plan = await plan_erasure(site.core, account)
        assert (plan.counts["entries"], plan.counts["comments"], plan.counts["comments by others"]) == (2, 1, 2)
        done = await erase(site.core, account)
        assert done.counts == plan.counts
        lines = (await everything(site)).splitlines()
        left = [_folded(line.replace(f"joan.{lower}", "")) for line in lines]
        assert [(line[:30], line[line.index("quux77") - 60 :][:150]) for line in left if "quux77" in line] == []
        shown = (await site.get(f"{entry}?perspective=draft", headers=site.admin)).json()
        assert (shown["title"], shown["mail"], shown["text"]) == ("Two", None, ",")
        assert shown["more"] == {"of": ["mailto:"]}
        assert (await site.get(entry)).json()["title"] == "About"
        listed = (await site.get(f"{entry}/comments", headers=site.admin)).json()["items"]
        assert sorted(each["text"] for each in listed) == ["", "", f"Ask , not joan.{lower}"]
        assert (await site.get("/api/spaces/demo", headers=site.admin)).json()["title"] == f"By {ERASED}"
        again = (await site.post(path, {"title": "Four"}, headers=site.admin)).json()
        assert again["by"] == ERASED
        await audited(site)
        assert (await check_chain(site.core.store, site.space.key)).is_whole


def _folded(line: str) -> str:
    return "".join(address_key(line[at : at + 900]) for at in range(0, len(line), 800))


async def test_who_was_erased_is_never_let_in_again(database_url: str) -> None:
    """Nor made a member; administrators still see that there was somebody."""
    async with open_site(database_url) as site:
        headers = await site.account(ZELDA, "editor")
        identity = (await site.get("/api/me", headers=headers)).json()["id"]
        await erase(site.core, await site.core.accounts.people.get(identity))
        user, member = f"/api/users/{identity}", f"/api/spaces/demo/members/{identity}"
        refused = await site.patch(user, {"suspended": False}, headers=site.admin)
        assert (refused.status_code, refused.json()["code"]) == (409, "account_erased")
        refused = await site.put(member, {"roles": ["editor"]}, headers=site.admin)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
        shown = (await site.get(user, headers=site.admin)).json()
        assert (shown["email"], shown["name"], shown["suspended"]) == ("", "", True)
        assert (await site.patch(user, {"suspended": True}, headers=site.admin)).status_code == 200


async def test_nothing_is_left_in_the_bytes_of_the_files(sqlite_url: str) -> None:
    """Not in free pages, nor in the log beside the file, while the server goes on to run."""
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    async with open_site(sqlite_url) as site:
        identity, entry = await written_about(site)
        await planted_everywhere(site, identity, entry)
        await audited(site)
        assert _held(path)
        command = [sys.executable, "-m", "maydan", "erase", ANN.upper()]
        environment = {**os.environ, "MAYDAN_DATABASE_URL": sqlite_url}
        done = await asyncio.to_thread(
            subprocess.run, command, env=environment, cwd=path.parent, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), done
        assert done.stdout.endswith("Erased.\n")
        assert _held(path) == []
        assert (await site.get(entry)).status_code == 200


async def test_a_log_that_somebody_reads_is_told_of(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The erasure is done all the same, and doing it again empties the log."""
    monkeypatch.setattr("maydan.storage.sqlite.checkpointing._PAUSE_S", 0)
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    async with open_site(sqlite_url) as site:
        identity, _ = await written_about(site)
        reading = sqlite3.connect(path, isolation_level=None)
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM maydan_accounts").fetchone()
        account = await site.core.accounts.people.get(identity)
        assert not (await erase(site.core, account)).is_out_of_files
        reading.close()
        again = await erase(site.core, await site.core.accounts.people.get(identity))
        assert again.is_empty
        assert again.is_out_of_files
        assert _held(path) == []


def _held(path: Path) -> list[str]:
    """Return what stands in the files of a database and names Ann."""
    marks = (ANN.lower().encode(), quote(ANN).lower().encode(), b"annmark", b"i am ann")
    return [
        f"{file.name}: {data[max(at - 60, 0) : at + 80]!r}"
        for file in path.parent.glob(f"{path.name}*")
        if file.is_file()
        for data in (file.read_bytes().lower(),)
        for mark in marks
        if (at := data.find(mark)) >= 0
    ]


letters = st.sampled_from([*"annprivte.@exmlog", "Ａ", "ß", "ﬁ", "é", "e\u0301", "\u0301", " ", "%", "\\u0040", "%40"])
held = st.sampled_from(
    [ANN, ANN.upper(), quote(ANN), "ａnn.private@example.org", json.dumps(ANN)[1:-1].replace("@", "\\u0040")]
)


@given(st.lists(letters | held, max_size=8).map("".join))
def test_a_text_loses_the_address_and_nothing_else(text: str) -> None:
    """Doing it again changes nothing, and texts without it stay as they are."""
    sought = Sought(ANN)
    cleaned = sought.replaced(text, "")
    assert not sought.is_in(cleaned)
    assert sought.replaced(cleaned, "") == cleaned
    assert len(cleaned) <= len(text)
    if f" {text} ".lower().count(f" {ANN} "):
        assert sought.is_in(text)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("joann.private@example.org", None),
        ("x.ann.private@example.org", None),
        ("ann.private@example.organic", None),
        ("ann.private@example.org.uk", None),
        ("ANN.PRIVATE@EXAMPLE.ORG.UK", None),
        ("Ask ann.private@example.org.Thanks", "Ask .Thanks"),
        ("...ann.private@example.org...", "......"),
        ("请问ann.private@example.org谢谢", "请问谢谢"),
        ("<mailto:Ann.Private@example.org>", "<mailto:>"),
        ("a\\nann.private@example.org", "a\\n"),
        ("?to%3DAnn.Private%40Example.org%20x", "?to%3D%20x"),
        ("ann.priann.private@example.orgvate@example.org", None),
        ("ann.pri ann.private@example.org vate@example.org", "ann.pri  vate@example.org"),
        ("ann.private\uff20example.org", ""),
        ("\\u0061nn.private\\u0040example.org", ""),
    ],
)
def test_somebody_elses_longer_address_stays(text: str, left: str | None) -> None:
    """In doubt the address goes: many scripts put no space before it."""
    assert Sought(ANN).replaced(text, "") == (text if left is None else left)


def test_an_address_that_is_a_part_of_what_stands_for_erased_ones_ends() -> None:
    """It goes where it stands alone, and what stands for others stays."""
    sought = Sought("d@erased.invalid")
    assert sought.replaced(f"{ERASED} and D@erased.invalid", ERASED) == f"{ERASED} and {ERASED}"
    assert without([ERASED, "d@erased.invalid"], sought) == [ERASED]
