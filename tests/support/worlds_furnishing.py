"""Puts something into every table of a world that answers could be made of: locks, shares, jobs, webhooks.

What requests can make is made by requests; what only background work or people elsewhere would make is written down.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from site_support import PASSWORD, Site
from worlds_sending import send

from maydan.accounts.people import Account
from maydan.content.spaces import Space
from maydan.content.types import ContentType
from maydan.events.audit import INSTANCE
from maydan.ids import new_id
from maydan.operations.audit import AuditTrail
from maydan.storage.log import read_after

_SOON = "2031-01-01T00:00:00Z"


class Furniture(NamedTuple):
    """What there is beside entries, by which requests name it."""

    by_name: dict[str, list[str]]
    """Ids by the names that routes give them, or by the route where the name alone does not say it."""
    shared_with: dict[str, frozenset[str]]
    """Entries by the account that an administrator lets see them."""
    strangers: list[str]
    """Accounts that no reader is."""
    former: list[tuple[str, str]]
    """Types, and slugs that entries once had."""
    shared: list[str]
    """Paths of entries that are locked and shared."""
    single: list[str]
    """Paths of single shares, previews and comments."""


async def furnish(
    site: Site, space: Space, made: list[ContentType], entries: list[tuple[str, str]], people: list[str],
    dice: random.Random,
) -> Furniture:  # fmt: skip
    """Put things into a world.

    Args:
        site: Where it is.
        space: The world's.
        made: Its content types.
        entries: Types and ids of entries that are not in the trash.
        people: The readers with an account.
        dice: By what is decided where they go.
    """
    stranger = await _make_stranger(site, space)
    drafting = {content_type.name for content_type in made if content_type.drafts}
    shared_with: dict[str, frozenset[str]] = {}
    shared: list[str] = []
    for content_type, entry_id in dice.sample(entries, min(6, len(entries))):
        place = f"/api/spaces/{space.name}/content/{content_type}/{entry_id}"
        shared.append(place)
        await send(site, "POST", f"{place}/lock", None)
        await send(site, "POST", f"{place}/previews", {"ttl": 3600})
        await send(site, "POST", f"{place}/shares", {"link": True, "rights": "view", "password": "open sesame"})
        await send(site, "POST", f"{place}/shares", {"user": stranger.id, "rights": "comment", "expires_at": _SOON})
        if content_type in drafting and dice.random() < 0.5:
            await send(site, "POST", f"{place}/publish", {"at": _SOON})
        if dice.random() < 0.3:
            who = dice.choice(people)
            await send(site, "POST", f"{place}/shares", {"user": who, "rights": dice.choice(["view", "comment"])})
            shared_with[who] = shared_with.get(who, frozenset()) | {entry_id}
    webhook = await _send_out(site, space)
    former = await _former_slugs(site, space, dice.sample(entries, min(5, len(entries))))
    await _write_down(site, space, stranger, webhook)
    names = {"webhook": [webhook], "user": [*people, stranger.id], "role": ["one", "anonymous", "strangers"],
             "/api/users/{id}": [*people, stranger.id], **await _keep_audit(site, space),
             "invitation": await _ids(site, "maydan_invitations", space)}  # fmt: skip
    token = {"name": "an administrator's", "actions": ["read"], "expires_in": 3600}
    names["/api/tokens/{id}"] = [str((await send(site, "POST", "/api/tokens", token))["id"])]
    return Furniture(names, shared_with, [stranger.id], former, shared, await _single_things(site, space, made))


async def make_strangers(site: Site, space: Space) -> None:
    """Make a role that no reader has; from then on events keep what entries were, because a condition may ask."""
    policy = {"effect": "allow", "type": "*", "actions": ["read"], "condition": {"created_by": {"eq": "$actor.id"}}}
    await send(site, "PUT", f"/api/spaces/{space.name}/roles/strangers", {"policies": [policy]})


async def _make_stranger(site: Site, space: Space) -> Account:
    people = site.core.accounts.people
    account = await people.create(email=f"{space.name}-stranger@example.org", password=PASSWORD, name="Stranger")
    base = f"/api/spaces/{space.name}"
    await send(site, "PUT", f"{base}/members/{account.id}", {"roles": ["strangers"]})
    guest = {"email": f"{space.name}-guest@example.org", "roles": ["strangers"]}
    await send(site, "POST", f"{base}/invitations", guest)
    headers = await site.log_in(account.email)
    token = {"name": "mine", "actions": ["read"], "expires_in": 3600}
    made = await site.post("/api/tokens", token, headers=headers)
    assert made.status_code == 201, made.text
    return account


async def _send_out(site: Site, space: Space) -> str:
    """Make a webhook that was tried once and that could not take something."""
    hook = {"url": "https://93.184.215.14/hook", "events": ["entry.updated"]}
    made = await send(site, "POST", f"/api/spaces/{space.name}/webhooks", hook)
    now, webhook = datetime.now(UTC), str(made["id"])
    await _insert(site, "maydan_deliveries", {
        "id": new_id(), "space_key": space.key, "webhook_id": webhook, "position": 1, "type": "entry.updated",
        "subject": "kind0/1", "state": "dead", "tries": 2, "due_at": now, "created_at": now, "tried_at": now,
        "duration_ms": 12, "http_status": 500, "error": "It answered 500.",
    })  # fmt: skip
    await _insert(site, "maydan_dead_letters", {
        "id": new_id(), "subscriber": f"webhook:{webhook}", "position": space.key, "space_key": space.key,
        "attempts": 9, "error": "It answered 500.", "created_at": now,
    })  # fmt: skip
    await _insert(site, "maydan_parked", {
        "subscriber": f"webhook:{webhook}", "position": space.key, "subject": "kind0/1", "space_key": space.key,
        "attempts": 1, "error": "It answered 500.", "due_ms": 0,
    })  # fmt: skip
    return webhook


async def _former_slugs(site: Site, space: Space, entries: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Have entries been known by other names."""
    former: list[tuple[str, str]] = []
    for content_type, entry_id in entries:
        sql = "SELECT type_key FROM maydan_entries WHERE space_key = ? AND id = ?"
        row = await site.core.store.fetch_one(sql, space.key, entry_id)
        assert row is not None
        former.append((content_type, f"former-{len(former)}"))
        await _insert(site, "maydan_slugs", {
            "space_key": space.key, "type_key": row[0], "locale": "en", "slug": former[-1][1], "entry_id": entry_id,
            "in_draft": False, "in_published": False,
        })  # fmt: skip
    return former


async def _write_down(site: Site, space: Space, stranger: Account, webhook: str) -> None:
    """Keep what only background work or other people would have made, all of it about the stranger."""
    now, later, who = datetime.now(UTC), datetime.now(UTC) + timedelta(days=9), {"account_id": stranger.id}
    name = space.name
    await _insert(site, "maydan_jobs", {
        "id": new_id(), "space_key": space.key, "kind": "blog.import", "payload": '{"file": "a.xml"}', "run_at": now,
        "tries": 3, "max_tries": 3, "status": "failed", "error": "No such file.",
    })  # fmt: skip
    await _insert(site, "maydan_mail", {
        "id": new_id(), "kind": "verify", **who, "email": stranger.email, "data": "{}", "created_at": now,
        "run_at": later, "tries": 1, "error": "refused",
    })  # fmt: skip
    await _insert(site, "maydan_mail_tokens", {
        "hash": f"mail {name}", **who, "purpose": "reset", "expires_at": later, "data": "{}",
    })  # fmt: skip
    await _insert(site, "maydan_totp", {**who, "secret": "AAAA", "created_at": now, "last_step": 0})
    await _insert(site, "maydan_identities", {
        "issuer": "https://id.example.org", "subject": f"s{name}", **who, "created_at": now,
    })  # fmt: skip
    await _insert(site, "maydan_oidc_flows", {
        "state_hash": f"flow {name}", "provider": "x", "browser_hash": "b", "nonce": "n", "verifier": "v",
        "expires_at": later,
    })  # fmt: skip
    await _insert(site, "maydan_tickets", {
        "hash": f"ticket {name}", "credential_id": new_id(), "is_session": True, "expires_at": later,
    })  # fmt: skip
    await _insert(site, "maydan_attempts", {
        "scope": "login", "key_hash": f"key {name}", "window_start": now, "count": 3,
    })  # fmt: skip
    await _insert(site, "maydan_idempotency", {
        "scope": f"once {name}", "fingerprint": "f", "holder": "h", "answer": "{}", "created_at": now,
        "lease_until": later, "expires_at": later,
    })  # fmt: skip
    await _insert(site, "maydan_bulk_progress", {
        "scope": f"bulk {name}", "first": 0, "lines": 1, "answer": "{}", "expires_at": later,
    })  # fmt: skip
    await _insert(site, "maydan_imports", {
        "space_key": space.key, "source": "archive", "external_key": "7", "kind": "entry", "target_id": new_id(),
        "checksum": "c",
    })  # fmt: skip
    await _insert(site, "maydan_plugin_states", {
        "name": f"plugin-{name}", "pinned": False, "isolated_what": "", "isolated_reason": "",
    })  # fmt: skip


async def _keep_audit(site: Site, space: Space) -> dict[str, list[str]]:
    """Write the audit, as a worker would; returns rows by the route that shows one."""
    position = 0
    while events := await read_after(site.core.store, position, 500):
        await AuditTrail(site.core).handle_all(events)
        position = events[-1].position
    sql = "SELECT position FROM maydan_audit WHERE chain = ? ORDER BY seq"
    chains = {"/api/audit/{id}": INSTANCE, "/api/spaces/{space}/audit/{id}": space.key}
    return {path: [str(row[0]) for row in await site.core.store.fetch_all(sql, key)] for path, key in chains.items()}


async def _ids(site: Site, table: str, space: Space) -> list[str]:
    rows = await site.core.store.fetch_all(f"SELECT id FROM {table} WHERE space_key = ?", space.key)
    return [str(row[0]) for row in rows]


async def _single_things(site: Site, space: Space, made: list[ContentType]) -> list[str]:
    names, paths = {content_type.key: content_type.name for content_type in made}, list[str]()
    for kind in ("shares", "previews", "comments"):
        sql = f"SELECT id, type_key, entry_id FROM maydan_{kind} WHERE space_key = ? ORDER BY id"
        for one, key, entry_id in await site.core.store.fetch_all(sql, space.key):
            paths.append(f"/api/spaces/{space.name}/content/{names[key]}/{entry_id}/{kind}/{one}")
    return paths


async def _insert(site: Site, table: str, row: dict[str, Any]) -> None:
    async with site.core.store.write_transaction() as transaction:
        marks = ", ".join("?" * len(row))
        await transaction.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", *row.values())
