"""Rows beside entries, and which of their values a reader may not see, by the plain words of the documentation.

``PLACES`` names every column that is changed; ``UNTOUCHED`` says of the tables that are not, why. So a table that
comes new is in one of them, or the tests say that nobody has thought of it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from site_support import Site
from worlds import World
from worlds_changes import Changed
from worlds_sight import Eyes

Values = dict[str, Any]
Make = Callable[[random.Random, Eyes, Values], Any]
"""Makes up another value, which must be as hidden as the one in the row; ``None`` where there is none."""
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


class Place(NamedTuple):
    """Columns of one table."""

    table: str
    keys: tuple[str, ...]
    """By which a row is found again."""
    columns: dict[str, Make]
    hidden: Hidden
    where: str = "space_key = ?"
    """Which rows; ``?`` stands for the key of the space."""


def _text(dice: random.Random, *_: Any) -> str:
    return f"other {dice.randrange(10**6)}"


def _number(dice: random.Random, *_: Any) -> int:
    return dice.randrange(1, 100)


def _moment(dice: random.Random, *_: Any) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=dice.randrange(10**7))


def _later(dice: random.Random, *_: Any) -> datetime:
    return datetime(2032, 1, 1, tzinfo=UTC) + timedelta(seconds=dice.randrange(10**7))


def _flag(dice: random.Random, *_: Any) -> bool:
    return dice.random() < 0.5


def _one_of(*values: Any) -> Make:
    return lambda dice, *_: dice.choice(values)


def _unless(action: str, *others: str) -> Hidden:
    """Everything is hidden from those who may do none of these in the space."""
    return lambda eyes, row: () if any(eyes.manages(each) for each in (action, *others)) else row


def _always(_eyes: Eyes, row: Values) -> Values:
    return row


def _type_name(eyes: Eyes, row: Values) -> str:
    found = next((each for each in eyes.world.types if each.key == row["type_key"]), None)
    return found.name if found else ""


def _of_comment(eyes: Eyes, row: Values) -> Iterable[str]:
    """Moderators see everything; authors their own; readers what was approved on what they may read."""
    if not eyes.sight(str(row["entry_id"])):
        return row
    if eyes.may_ever("update", _type_name(eyes, row)):
        return ()
    if row["status"] == "approved" or (row["author_id"] is not None and row["author_id"] == eyes.reader.id):
        return ("author_email", "author_url")
    return set(row) - {"status"} if row["status"] == "approved" else row


def _of_share(eyes: Eyes, row: Values) -> Iterable[str]:
    """Whoever may update an entry sees its shares; whom it is for, what it lets them do."""
    is_theirs = row["target"] is not None and row["target"] in {eyes.reader.id, *eyes.reader.roles}
    return () if is_theirs or eyes.may_ever("update", _type_name(eyes, row)) else row


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
    subject = str(row["subject_id"])
    if row["subject_type"] in {content_type.name for content_type in eyes.world.types}:
        known = eyes.sight(subject) or (row["witness"] and _may_read(eyes, row["subject_type"]))
        return never if known else {*never, "data", "at", "version"}
    return never


def _may_read(eyes: Eyes, type_name: str) -> bool:
    return eyes.may_ever("read", type_name) or eyes.may_ever("read_draft", type_name) or bool(eyes.reader.lent)


_NOT_DENYING = '{"n":0,"fields":["title"],"condition":{"rank":{"gte":3}}}'
_ALL = '{"n":0,"fields":["*"]}'
_STRANGERS = (
    "account_id IN (SELECT account_id FROM maydan_members WHERE space_key = ? AND CAST(roles AS TEXT) LIKE"
    " '%strangers%')"
)
_ANY = "CAST(? AS INTEGER) > 0"


def _unknown_fields(eyes: Eyes, type_name: str) -> list[str]:
    """Return the fields that the reader may neither read nor write on any entry, secret ones among them."""
    content_type = next(each for each in eyes.world.types if each.name == type_name)
    known = eyes.fields_ever(content_type, "read", "read_draft", "create", "update")
    return [field.name for field in content_type.fields if field.name not in known]


def _definition(dice: random.Random, eyes: Eyes, row: Values) -> str | None:
    """Change what a field takes of which the reader does not know."""
    written = msgspec.json.decode(row["definition"])
    unknown = _unknown_fields(eyes, row["name"])
    fields = [field for field in written["fields"] if field["name"] in unknown and field["kind"] in _LIMITED]
    if not fields:
        return None
    field = dice.choice(fields)
    field[_LIMITED[field["kind"]]] = dice.randrange(100, 1000)
    return msgspec.json.encode(written).decode()


_LIMITED = {"string": "max_length", "text": "max_length", "integer": "max", "number": "max"}


def _of_type(eyes: Eyes, row: Values) -> Iterable[str]:
    return () if eyes.manages("manage:types") else row


def _title(dice: random.Random, _eyes: Eyes, row: Values) -> str:
    settings = msgspec.json.decode(row["settings"])
    return msgspec.json.encode({**settings, "title": _text(dice)}).decode()


def _changes(dice: random.Random, eyes: Eyes, row: Values) -> str | None:
    """Note a change of what the reader of the audit may not read in any entry, instead of what was noted."""
    content_type = next((each for each in eyes.world.types if each.name == row["subject_type"]), None)
    if content_type is None or not eyes.manages("read:audit"):
        return dice.choice(['{"actor_id":"x"}', '{"actor_id":null,"changes":[{"op":"add","path":"/title"}]}'])
    names = [field.name for field in content_type.fields if field.kind != "secret"]
    hidden = {*names, "slug", "tags"} - eyes.fields_ever(content_type, "read_draft")
    details = msgspec.json.decode(row["details"])
    shown = [change for change in details.get("changes", ()) if change["path"].split("/")[1] not in hidden]
    if not hidden:
        return None
    more = [{"op": "replace", "path": f"/{name}/en"} for name in dice.sample(sorted(hidden), 1)]
    return msgspec.json.encode({**details, "changes": [*shown, *more]}).decode()


def _of_audit(eyes: Eyes, row: Values) -> Iterable[str]:
    """Of those who read the audit, the names of fields are hidden that they may not read."""
    if not eyes.manages("read:audit"):
        return row
    is_entry = row["subject_type"] in {content_type.name for content_type in eyes.world.types}
    return ("details",) if is_entry and row["details"] else ()


PLACES: tuple[Place, ...] = (
    Place(
        "maydan_comments", ("id",),
        {"text": _text, "author_name": _text, "author_email": _text, "author_url": _text, "created_at": _moment,
         "status": _one_of("rejected", "spam", "waiting"), "version": _number},
        _of_comment,
    ),
    Place("maydan_locks", ("entry_id",), {"taken_at": _moment, "expires_at": _later}, _of_lock),
    Place(
        "maydan_shares", ("id",),
        {"rights": _one_of("view", "comment"), "password": _text, "created_at": _moment, "expires_at": _later},
        _of_share,
    ),
    Place("maydan_previews", ("id",), {"created_at": _moment, "expires_at": _later}, _always),
    Place(
        "maydan_jobs", ("id",),
        {"error": _text, "tries": _number, "run_at": _later, "max_tries": _number, "finished_at": _moment},
        _of_job,
    ),
    Place(
        "maydan_webhooks", ("id",),
        {"url": _text, "events": _one_of('["entry.created"]', '["entry.deleted"]'), "secret": _text, "active": _flag,
         "reason": _text, "version": _number, "updated_at": _moment},
        _unless("manage:webhooks"),
    ),
    Place(
        "maydan_deliveries", ("id",), {"error": _text, "tries": _number, "http_status": _number, "subject": _text},
        _unless("manage:webhooks"),
    ),
    Place("maydan_dead_letters", ("id",), {"error": _text, "attempts": _number}, _unless("manage:webhooks")),
    Place("maydan_parked", ("subscriber", "position"), {"error": _text, "attempts": _number}, _always),
    Place(
        "maydan_invitations", ("id",), {"email": _text, "created_at": _moment, "token_hash": _text},
        _unless("manage:members"),
    ),
    Place(
        "maydan_members", ("space_key", "account_id"), {"version": _number, "created_at": _moment},
        lambda eyes, row: () if str(row["account_id"]) == eyes.reader.id else _unless("manage:members")(eyes, row),
    ),
    Place(
        "maydan_accounts", ("id",),
        {"email": _text, "name": _text, "locale": _one_of("en", "ar"), "password_hash": _text, "created_at": _moment,
         "verified_at": _moment, "administrator": _flag},
        _of_account, "id IN (SELECT account_id FROM maydan_members WHERE space_key = ?)",
    ),
    Place(
        "maydan_casbin_rules", ("id",), {"v5": _one_of(_NOT_DENYING, _ALL)},
        _unless("manage:roles", "manage:members"), "v0 = 'role:strangers' AND ptype = 'p' AND space_key = ?",
    ),
    Place(
        "maydan_slugs", ("space_key", "type_key", "locale", "slug"), {"slug": _text}, _of_former_slug,
        "space_key = ? AND in_draft = FALSE AND in_published = FALSE",
    ),
    Place(
        "maydan_log", ("position",),
        {"actor_id": _text, "request_id": _text, "at": _moment, "version": _number,
         "data": _one_of("{}", '{"fields":["title","rank"],"locales":["ku"]}', '{"locales":["en"],"fields":[]}')},
        _of_event,
    ),
    Place(
        "maydan_audit", ("chain", "seq"),
        {"actor_id": _text, "request_id": _text, "at": _moment, "hash": _text, "subject_id": _text,
         "details": _changes},
        _of_audit, "chain = ?",
    ),
    Place("maydan_types", ("key",), {"definition": _definition}, _of_type),
    Place("maydan_spaces", ("key",), {"settings": _title}, _always, "key <> ?"),
    *(
        Place(table, ("id",), columns, _always, _STRANGERS)
        for table, columns in {
            "maydan_sessions": {"user_agent": _text, "address": _text, "last_used_at": _moment},
            "maydan_api_tokens": {"name": _text, "prefix": _text, "last_used_at": _moment, "expires_at": _later},
        }.items()
    ),
    Place("maydan_mail", ("id",), {"email": _text, "error": _text, "tries": _number}, _always, _ANY),
    Place("maydan_mail_tokens", ("hash",), {"purpose": _text, "expires_at": _later}, _always, _ANY),
    Place("maydan_totp", ("account_id",), {"secret": _text, "last_step": _number}, _always, _ANY),
    Place("maydan_identities", ("issuer", "subject"), {"created_at": _moment}, _always, _ANY),
    Place("maydan_oidc_flows", ("state_hash",), {"nonce": _text, "verifier": _text}, _always, _ANY),
    Place("maydan_tickets", ("hash",), {"is_session": _flag, "expires_at": _later}, _always, _ANY),
    Place("maydan_attempts", ("scope", "key_hash"), {"count": _number}, _always,
          # Others hold the readers' own logins back.
          f"{_ANY} AND key_hash LIKE 'key %'"),
    Place("maydan_idempotency", ("scope",), {"answer": _one_of("{}", "[]"), "holder": _text}, _always, _ANY),
    Place("maydan_bulk_progress", ("scope", "first"), {"answer": _text}, _always, _ANY),
    Place("maydan_imports", ("space_key", "external_key"), {"checksum": _text, "kind": _text}, _always),
    Place("maydan_plugin_states", ("name",), {"isolated_reason": _text, "pinned": _flag}, _always, _ANY),
    Place("maydan_session_tokens", ("hash",), {"used_at": _moment}, _always,
          f"session_id IN (SELECT id FROM maydan_sessions WHERE {_STRANGERS})"),
)  # fmt: skip
"""What is changed beside entries."""


async def unseen_rows(site: Site, dice: random.Random, eyes: Eyes, most: int) -> list[Changed]:
    """Make up changes of rows that the reader may not see, of each table some.

    Args:
        site: Where the rows are.
        dice: By what changes are made up.
        eyes: Of the reader.
        most: Rows of each table.
    """
    found: list[Changed] = []
    for place in PLACES:
        rows = await load_rows(site, eyes.world, place)
        hidden = [(row, sorted(set(place.hidden(eyes, row)) & set(place.columns))) for row in rows]
        hidden = [(row, columns) for row, columns in hidden if columns]
        for row, columns in dice.sample(hidden, min(most, len(hidden))):
            column = dice.choice(columns)
            value = place.columns[column](dice, eyes, row)
            if value is not None and value != row[column]:
                found.append(changed_row(place, row, column, value))
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
