"""Rows beside entries, and which of their values a reader may not see, by the plain words of the documentation.

``PLACES`` names every column that is changed; ``UNTOUCHED`` says of the tables that are not, why. So a table that
comes new is in one of them, or the tests say that nobody has thought of it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from site_support import Site
from worlds import World
from worlds_changes import Changed
from worlds_sight import Eyes
from worlds_values import (
    Make,
    Values,
    changes,
    data_told,
    definition,
    flag,
    knew,
    later,
    moment,
    number,
    one_of,
    text,
    title,
    witness_before,
)

Hidden = Callable[[Eyes, Values], Iterable[str]]
"""Which of the columns of a row somebody may not see."""

UNTOUCHED = {
    "maydan_entries": "changed with its documents by worlds_flips",
    "maydan_versions": "changed with its entry by worlds_flips",
    "maydan_links": "follows from what entries hold, in worlds_flips",
    "maydan_unique_values": "follows from what entries hold, in worlds_flips",
    "maydan_roles": "names and numbers of roles, which those know who may see their rules",
    "maydan_audit_heads": "repeats the last row of maydan_audit",
    "maydan_webhook_endpoints": "how far the sender is; nothing that anybody has written",
    "maydan_subscriptions": "how far the core's own work is",
    "maydan_revisions": "numbers by which processes notice changes",
    "maydan_secrets": "the key that signs cursors, of which every cursor is made",
    "maydan_migrations": "which steps were taken",
    "maydan_log_clock": "counts transactions",
}
"""Tables of which no value is changed here, and why."""


ANSWERED = {
    "maydan_accounts", "maydan_audit", "maydan_casbin_rules", "maydan_comments", "maydan_dead_letters",
    "maydan_deliveries", "maydan_invitations", "maydan_jobs", "maydan_locks", "maydan_log", "maydan_members",
    "maydan_previews", "maydan_shares", "maydan_slugs", "maydan_spaces", "maydan_types", "maydan_webhooks",
}  # fmt: skip
"""Tables that answers to an administrator are made of; what is in the others is for nobody, or its owner alone."""


class Place(NamedTuple):
    """Columns of one table."""

    table: str
    keys: tuple[str, ...]
    """By which a row is found again."""
    columns: dict[str, Make]
    hidden: Hidden
    where: str = "space_key = ?"
    """Which rows; ``?`` stands for the key of the space."""
    most: int = 2
    """How many rows are changed at a time."""


def _unless(action: str, *others: str) -> Hidden:
    """Everything is hidden from those who may do none of these in the space."""
    return lambda eyes, row: () if any(eyes.manages(each) for each in (action, *others)) else row


def _always(_eyes: Eyes, row: Values) -> Values:
    return row


def _type_name(eyes: Eyes, row: Values) -> str:
    found = next((each for each in eyes.world.types if each.key == row["type_key"]), None)
    return found.name if found else ""


def _of_comment(eyes: Eyes, row: Values) -> Iterable[str]:
    """Moderators see everything on what they may update; authors their own; readers what was approved."""
    if not eyes.sight(str(row["entry_id"])):
        return row
    if eyes.reader.id and eyes.may("update", str(row["entry_id"])):
        return ()
    if row["status"] == "approved" or (row["author_id"] is not None and row["author_id"] == eyes.reader.id):
        return ("author_email", "author_url")
    return set(row) - {"status"} if row["status"] == "approved" else row


def _of_share(eyes: Eyes, row: Values) -> Iterable[str]:
    """Whoever may update an entry sees its shares; whom it is for, what it lets them do; who manages roles, both."""
    is_theirs = row["target"] is not None and row["target"] in {eyes.reader.id, *eyes.reader.roles}
    if is_theirs or eyes.may_ever("update", _type_name(eyes, row)):
        return ()
    is_explained = row["target"] is not None and eyes.manages("manage:roles") and eyes.sight(str(row["entry_id"]))
    return set(row) - {"rights", "expires_at"} if is_explained else row


def _of_preview(eyes: Eyes, row: Values) -> Iterable[str]:
    """Its maker, who is no reader, sees a preview, and who looks after the space and may read the entry."""
    return () if eyes.manages("manage:space") and eyes.sight(str(row["entry_id"])) else row


def _of_lock(eyes: Eyes, row: Values) -> Iterable[str]:
    known = eyes.states.get(str(row["entry_id"]))
    return () if known is not None and eyes.may_ever("update", known[0].name) else row


def _of_job(eyes: Eyes, row: Values) -> Iterable[str]:
    """Who may read an entry sees when it is planned for what; the rest is for those who look after the space."""
    if eyes.manages("manage:space"):
        return ()
    planned = {"run_at", "status", "kind", "payload"}
    return set(row) - planned if row["subject_id"] is not None and eyes.sight(str(row["subject_id"])) else row


def _of_account(eyes: Eyes, row: Values) -> Iterable[str]:
    """Who may change an entry sees the name of whom its lock belongs to."""
    if str(row["id"]) == eyes.reader.id or eyes.manages("manage:members"):
        return ()
    mine = {"email", "password_hash", "locale", "created_at"}
    writes = any(eyes.may_ever("update", content_type.name) for content_type in eyes.world.types)
    known = mine if writes else {*mine, "name"}
    return {*known, "verified_at", "administrator"} if str(row["id"]) in eyes.world.things.strangers else known


def _of_former_slug(eyes: Eyes, row: Values) -> Iterable[str]:
    return () if eyes.sight(str(row["entry_id"])) else row


def _of_event(eyes: Eyes, row: Values) -> Iterable[str]:
    """Who did something and in which request is in no answer; the rest is told of what may be read, then or now."""
    never = {"actor_id", "request_id"}
    if row["subject_type"] not in {content_type.name for content_type in eyes.world.types}:
        return never
    told = eyes.sight(str(row["subject_id"])) or any(knew(eyes, row["subject_type"], row["witness"]))
    return {*never, "data"} if told else {*never, "data", "at", "version"}


_NOT_DENYING = '{"n":0,"fields":["title"],"condition":{"rank":{"gte":3}}}'
_ALL = '{"n":0,"fields":["*"]}'
_STRANGERS = (
    "account_id IN (SELECT account_id FROM maydan_members WHERE space_key = ? AND CAST(roles AS TEXT) LIKE"
    " '%strangers%')"
)
_ANY = "CAST(? AS INTEGER) > 0"


def _of_type(eyes: Eyes, row: Values) -> Iterable[str]:
    return () if eyes.manages("manage:types") else row


def _of_audit(eyes: Eyes, row: Values) -> Iterable[str]:
    """Of those who read the audit, the names of fields are hidden that they may not read."""
    if not eyes.manages("read:audit"):
        return row
    is_entry = row["subject_type"] in {content_type.name for content_type in eyes.world.types}
    return ("details",) if is_entry and row["details"] else ()


PLACES: tuple[Place, ...] = (
    Place(
        "maydan_comments", ("id",),
        {"text": text, "author_name": text, "author_email": text, "author_url": text, "created_at": moment,
         "status": one_of("rejected", "spam", "waiting"), "version": number},
        _of_comment, most=8,
    ),
    Place("maydan_locks", ("entry_id",), {"taken_at": moment, "expires_at": later}, _of_lock),
    Place(
        "maydan_shares", ("id",),
        {"rights": one_of("view", "comment"), "password": text, "created_at": moment, "expires_at": later},
        _of_share,
    ),
    Place("maydan_previews", ("id",), {"created_at": moment, "expires_at": later}, _of_preview),
    Place(
        "maydan_jobs", ("id",),
        {"error": text, "tries": number, "run_at": later, "max_tries": number, "finished_at": moment},
        _of_job,
    ),
    Place(
        "maydan_webhooks", ("id",),
        {"url": text, "events": one_of('["entry.created"]', '["entry.deleted"]'), "secret": text, "active": flag,
         "reason": text, "version": number, "updated_at": moment},
        _unless("manage:webhooks"),
    ),
    Place(
        "maydan_deliveries", ("id",), {"error": text, "tries": number, "http_status": number, "subject": text},
        _unless("manage:webhooks"),
    ),
    Place("maydan_dead_letters", ("id",), {"error": text, "attempts": number}, _unless("manage:webhooks")),
    Place("maydan_parked", ("subscriber", "position"), {"error": text, "attempts": number}, _always),
    Place(
        "maydan_invitations", ("id",), {"email": text, "created_at": moment, "token_hash": text},
        _unless("manage:members"),
    ),
    Place(
        "maydan_members", ("space_key", "account_id"), {"version": number, "created_at": moment},
        lambda eyes, row: () if str(row["account_id"]) == eyes.reader.id else _unless("manage:members")(eyes, row),
    ),
    Place(
        "maydan_accounts", ("id",),
        {"email": text, "name": text, "locale": one_of("en", "ar"), "password_hash": text, "created_at": moment,
         "verified_at": moment, "administrator": flag},
        _of_account, "id IN (SELECT account_id FROM maydan_members WHERE space_key = ?)",
    ),
    Place(
        "maydan_casbin_rules", ("id",), {"v5": one_of(_NOT_DENYING, _ALL)},
        _unless("manage:roles", "manage:members"), "v0 = 'role:strangers' AND ptype = 'p' AND space_key = ?",
    ),
    Place(
        "maydan_slugs", ("space_key", "type_key", "locale", "slug"), {"slug": text}, _of_former_slug,
        "space_key = ? AND in_draft = FALSE AND in_published = FALSE",
    ),
    Place(
        "maydan_log", ("position",),
        {"actor_id": text, "request_id": text, "at": moment, "version": number,
         "data": data_told},
        _of_event, most=10,
    ),
    Place(
        "maydan_log", ("position",), {"witness": witness_before}, lambda _eyes, _row: ("witness",),
        "space_key = ? AND witness IS NOT NULL AND subject_type LIKE 'kind%'", most=6,
    ),
    Place(
        "maydan_audit", ("chain", "seq"),
        {"actor_id": text, "request_id": text, "at": moment, "hash": text, "subject_id": text,
         "details": changes},
        _of_audit, "chain = ?", most=5,
    ),
    Place("maydan_types", ("key",), {"definition": definition}, _of_type),
    Place("maydan_spaces", ("key",), {"settings": title}, _always, "key <> ?"),
    *(
        Place(table, ("id",), columns, _always, _STRANGERS)
        for table, columns in {
            "maydan_sessions": {"user_agent": text, "address": text, "last_used_at": moment},
            "maydan_api_tokens": {"name": text, "prefix": text, "last_used_at": moment, "expires_at": later},
        }.items()
    ),
    Place("maydan_mail", ("id",), {"email": text, "error": text, "tries": number}, _always, _ANY),
    Place("maydan_mail_tokens", ("hash",), {"purpose": text, "expires_at": later}, _always, _ANY),
    Place("maydan_totp", ("account_id",), {"secret": text, "last_step": number}, _always, _ANY),
    Place("maydan_identities", ("issuer", "subject"), {"created_at": moment}, _always, _ANY),
    Place("maydan_oidc_flows", ("state_hash",), {"nonce": text, "verifier": text}, _always, _ANY),
    Place("maydan_tickets", ("hash",), {"is_session": flag, "expires_at": later}, _always, _ANY),
    Place("maydan_attempts", ("scope", "key_hash"), {"count": number}, _always,
          # Others hold the readers' own logins back.
          f"{_ANY} AND key_hash LIKE 'key %'"),
    Place("maydan_idempotency", ("scope",), {"answer": one_of("{}", "[]"), "holder": text}, _always, _ANY),
    Place("maydan_bulk_progress", ("scope", "first"), {"answer": text}, _always, _ANY),
    Place("maydan_imports", ("space_key", "external_key"), {"checksum": text, "kind": text}, _always),
    Place("maydan_plugin_states", ("name",), {"isolated_reason": text, "pinned": flag}, _always, _ANY),
    Place("maydan_session_tokens", ("hash",), {"used_at": moment}, _always,
          f"session_id IN (SELECT id FROM maydan_sessions WHERE {_STRANGERS})"),
)  # fmt: skip
"""What is changed beside entries."""


async def unseen_rows(site: Site, dice: random.Random, eyes: Eyes) -> list[Changed]:
    """Make up changes of rows that the reader may not see, of each table some."""
    found: list[Changed] = []
    for place in PLACES:
        rows = await load_rows(site, eyes.world, place)
        hidden = [(row, sorted(set(place.hidden(eyes, row)) & set(place.columns))) for row in rows]
        hidden = [(row, columns) for row, columns in hidden if columns]
        for row, columns in dice.sample(hidden, min(place.most, len(hidden))):
            column = dice.choice(columns)
            value = place.columns[column](dice, eyes, row)
            if value is not None and value != row[column]:
                changed = changed_row(place, row, column, value)
                # What is in no answer to anybody is changed, but not counted.
                found.append(changed if place.table in ANSWERED else changed._replace(size=0))
    return found


async def load_rows(site: Site, world: World, place: Place) -> list[Values]:
    """Read the rows of a place with all of their columns."""
    names = await _columns(site, place.table)
    sql = f"SELECT {', '.join(names)} FROM {place.table} WHERE {place.where} ORDER BY {', '.join(place.keys)}"
    rows = await site.core.store.fetch_all(sql, world.space.key)
    return [dict(zip(names, row, strict=True)) for row in rows]


async def _columns(site: Site, table: str) -> list[str]:
    if site.core.store.dialect.name == "sqlite":
        rows = await site.core.store.fetch_all("SELECT name FROM pragma_table_info(?)", table)
    else:
        sql = "SELECT column_name FROM information_schema.columns WHERE table_name = ?"
        rows = await site.core.store.fetch_all(sql, table)
    return [row[0] for row in rows]


def changed_row(place: Place, row: Values, column: str, new: Any) -> Changed:
    """Return what gives one column of a row another value."""
    old = row[column]
    where = " AND ".join(f"{key} = ?" for key in place.keys)
    before = [_sent(row[key]) for key in place.keys]
    after = [new if key == column else one for key, one in zip(place.keys, before, strict=True)]

    async def put(site: Site, value: Any, keys: list[Any]) -> None:
        async with site.core.store.write_transaction() as transaction:
            await transaction.execute(f"UPDATE {place.table} SET {column} = ? WHERE {where}", value, *keys)

    async def do(site: Site) -> None:
        await put(site, new, before)

    async def undo(site: Site) -> None:
        await put(site, _sent(old), after)

    return Changed([f"{place.table}.{column} of {before}: {old!r} became {new!r}"], do, undo)


def _sent(value: Any) -> Any:
    """Return a value that was read as it can be written."""
    return value if value is None or isinstance(value, (str, int, float, bytes, datetime)) else str(value)
