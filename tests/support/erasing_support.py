"""A person who leaves something of themselves in every place where the system keeps any, to be erased."""

from __future__ import annotations

from urllib.parse import quote

from site_support import PASSWORD, Site

from maydan.events.jobs.records import NewJob, job_statement
from maydan.ids import new_id
from maydan.operations.audit import AuditTrail
from maydan.storage.log import read_after
from maydan.storage.ports import Statement

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
    upper = ANN.upper()
    failed = (new_id(), "x", 1, space, 3, f"refused {upper}", now)
    await store.commit([
        Statement("INSERT INTO maydan_identities VALUES (?,?,?,?)", ("https://id.example", "annmark", identity, now)),
        job_statement(NewJob(kind="x.y", space_key=space, payload={"to": [ANN.title(), {"name": ANN}]}, run_at=now)),
        Statement("UPDATE maydan_jobs SET error = ?", (f"550 {ANN.title()} is unknown",)),
        Statement("INSERT INTO maydan_dead_letters VALUES (?,?,?,?,?,?,?)", failed),
        Statement("INSERT INTO maydan_parked VALUES (?,?,?,?,?,?,?)", ("x", 1, "y", space, 1, f"not {upper}", 0)),
        Statement(
            "INSERT INTO maydan_imports VALUES (?,?,?,?,?,?)", (space, "wordpress", ANN.title(), "entry", new_id(), "")
        ),
        Statement("INSERT INTO maydan_bulk_progress VALUES (?,?,?,?,?)", ("x", 0, 1, f'["{ANN.upper()}"]', now)),
        Statement("INSERT INTO maydan_bulk_progress VALUES (?,?,?,?,?)", ("x", 1, 1, f"annmark {identity}", now)),
        Statement(
            "INSERT INTO maydan_deliveries (id, space_key, webhook_id, position, type, subject, state, tries, due_at,"
            " created_at, error) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            (new_id(), space, new_id(), 1, "entry.updated", "contact/x", "failed", 1, now, now, f"at {quote(upper)}"),
        ),
    ])  # fmt: skip


async def audited(site: Site) -> None:
    """Write the audit, as the background work does."""
    await AuditTrail(site.core).handle_all(await read_after(site.core.store, 0, 500))
