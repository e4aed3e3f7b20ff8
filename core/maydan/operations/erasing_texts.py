"""Take an address out of texts that hold it among other things: the log, kept answers, jobs, deliveries, policies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from msgspec import Struct

from maydan.storage.ports import Statement
from maydan.storage.revisions import bump

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maydan.operations.core import Core

ERASED: Final = "erased@erased.invalid"
"""Stands where the address was in texts that are kept whole; the domain is reserved (RFC 2606)."""
_BATCH: Final = 200


class Texts(Struct, frozen=True):
    """A column that may hold the address among other things."""

    what: str
    table: str
    key: str
    column: str
    kind: str
    sets: str = ""
    """What else changes with it."""
    bumps: str | None = None
    """The revision that tells other processes."""


TEXTS: Final = (
    Texts("events", "maydan_log", "position", "data", "{json_text}"),
    Texts("events", "maydan_log", "position", "witness", "{json_text}"),
    Texts("kept answers", "maydan_idempotency", "scope", "answer", "{text}"),
    Texts("kept answers", "maydan_bulk_progress", "scope", "answer", "{text}"),
    Texts("dead letters", "maydan_dead_letters", "id", "error", "{text}"),
    Texts("parked events", "maydan_parked", "position", "error", "{text}"),
    Texts("jobs", "maydan_jobs", "id", "payload", "{json}"),
    Texts("jobs", "maydan_jobs", "id", "error", "{text}"),
    Texts("webhooks", "maydan_webhooks", "id", "url", "{text}", sets=", version = version + 1"),
    Texts("deliveries", "maydan_deliveries", "id", "error", "{text}"),
    Texts("mail", "maydan_mail", "id", "data", "{json}"),
    Texts("mail", "maydan_mail", "id", "error", "{text}"),
    Texts("imports", "maydan_imports", "target_id", "external_key", "{text}"),
    Texts("policies", "maydan_casbin_rules", "id", "v5", "{text}", bumps="policies"),
    # The chain covers a digest of the details, and holds when they are blanked, together with who acted.
    Texts("audit", "maydan_audit", "position", "details", "", sets=", actor_id = NULL"),
)
_UUID_KEYS: Final = frozenset({"id", "target_id"})


def spellings(addresses: Iterable[str]) -> tuple[str, ...]:
    """Return how an address may stand in a text: as it is, in a URL, and in JSON that keeps to ASCII."""
    found: dict[str, None] = {}
    for address in addresses:
        found |= dict.fromkeys((address, quote(address), quote(address, safe="@"), json.dumps(address)[1:-1]))
    return tuple(found)


async def count_texts(core: Core, text: Texts, address: str) -> int:
    """Return how many rows hold the address."""
    row = await core.store.fetch_one(f"SELECT count(*) FROM {text.table} WHERE {_holds(text)}", address, ERASED)
    return 0 if row is None else int(row[0])


async def erase_texts(core: Core, text: Texts, address: str) -> int:
    """Take the address out of every row, in batches; returns how many there were."""
    done = 0
    sql = f"SELECT {text.key} FROM {text.table} WHERE {_holds(text)} LIMIT {_BATCH}"
    put = f"CAST(replace(CAST({text.column} AS {{text}}), ?, ?) AS {text.kind})" if text.kind else "NULL"
    values = (address, ERASED)
    while rows := await core.store.fetch_all(sql, *values):
        keys = tuple(dict.fromkeys(str(row[0]) if text.key in _UUID_KEYS else row[0] for row in rows))
        where = f"{text.key} IN ({','.join('?' * len(keys))}) AND {_holds(text)}"
        update = f"UPDATE {text.table} SET {text.column} = {put}{text.sets} WHERE {where}"
        args = (*(values if text.kind else ()), *keys, *values)
        await core.store.commit([Statement(update, args), *([bump(text.bumps)] if text.bumps else [])])
        done += len(rows)
    return done


def _holds(text: Texts) -> str:
    written = f"CAST({text.column} AS {{text}})"
    return f"{text.column} IS NOT NULL AND replace({written}, ?, ?) <> {written}"
