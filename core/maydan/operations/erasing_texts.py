"""Take an address out of texts that hold it among other things: the log, kept answers, jobs, deliveries, policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from maydan.operations.erasing_addresses import ERASED, candidates, mapped
from maydan.storage.ports import GuardFailed, Statement
from maydan.storage.revisions import bump

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from maydan.operations.core import Core
    from maydan.operations.erasing_addresses import Sought
    from maydan.storage.ports import Row

_TRIES: Final = 5
_OF_THEM: Final = "account_id = ?"
NAMES_THEM: Final = "answer IS NOT NULL AND replace(answer, ?, '') <> answer"
"""A kept answer names an account by its id."""


class Texts(Struct, frozen=True, kw_only=True):
    """Columns of a table that may hold the address among other things."""

    what: str
    table: str
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    deletes: tuple[str, ...] = ()
    """Columns that mean nothing without the address: a row goes that has it there."""
    blanks: bool = False
    """Whether a text that has it goes as a whole."""
    sets: str = ""
    """What else changes with it."""
    bumps: tuple[str, ...] = ()
    """The revisions that tell other processes."""
    own: str = ""
    """Which rows are the person's, by an account's id; something else becomes of them."""


TEXTS: Final = (
    Texts(what="events", table="maydan_log", keys=("position",), columns=("data", "witness")),
    Texts(what="kept answers", table="maydan_idempotency", keys=("scope",), columns=("answer",), own=NAMES_THEM),
    Texts(
        what="kept answers", table="maydan_bulk_progress", keys=("scope", "first"), columns=("answer",), own=NAMES_THEM
    ),
    Texts(what="dead letters", table="maydan_dead_letters", keys=("id",), columns=("error",)),
    Texts(what="parked events", table="maydan_parked", keys=("subscriber", "position"), columns=("error",)),
    Texts(what="errors of subscribers", table="maydan_subscriptions", keys=("name",), columns=("error",)),
    Texts(what="errors of plugins", table="maydan_plugin_states", keys=("name",), columns=("isolated_reason",)),
    Texts(what="jobs", table="maydan_jobs", keys=("id",), columns=("payload", "error")),
    Texts(
        what="webhooks", table="maydan_webhooks", keys=("id",), columns=("url", "reason"),
        sets=", version = version + 1",
    ),
    Texts(what="deliveries", table="maydan_deliveries", keys=("id",), columns=("error",)),
    Texts(
        what="mail", table="maydan_mail", keys=("id",), columns=("email", "data", "error"), deletes=("email",),
        own=_OF_THEM,
    ),
    # Of somebody else who is about to take the address.
    Texts(
        what="mail tokens", table="maydan_mail_tokens", keys=("hash",), columns=("data",), deletes=("data",),
        own=_OF_THEM,
    ),
    # Two keys may be one address, which would then be one key; and what is not found again is not remembered.
    Texts(
        what="imports", table="maydan_imports", keys=("space_key", "source", "external_key"),
        columns=("source", "external_key"), deletes=("source", "external_key"),
    ),
    Texts(what="policies", table="maydan_casbin_rules", keys=("id",), columns=("v5",), bumps=("policies",)),
    Texts(
        what="spaces", table="maydan_spaces", keys=("key",), columns=("settings",), sets=", version = version + 1",
        bumps=("spaces",),
    ),
    Texts(
        what="content types", table="maydan_types", keys=("key",), columns=("definition",),
        sets=", version = version + 1", bumps=("types", "policies"),
    ),
    Texts(
        what="names of accounts", table="maydan_accounts", keys=("id",), columns=("name",),
        sets=", version = version + 1", bumps=("accounts",), own="id = ?",
    ),
    Texts(what="sessions", table="maydan_sessions", keys=("id",), columns=("user_agent",), own=_OF_THEM),
    Texts(what="API tokens", table="maydan_api_tokens", keys=("id",), columns=("name",), own=_OF_THEM),
    # The chain covers a digest of the details, and holds when they are blanked, together with who acted.
    Texts(
        what="audit", table="maydan_audit", keys=("chain", "seq"), columns=("details",), blanks=True,
        sets=", actor_id = NULL", own="actor_id = ?",
    ),
)  # fmt: skip


async def count_texts(core: Core, text: Texts, sought: Sought, account_id: str) -> int:
    """Return how many rows hold the address."""
    return sum([1 async for row in _candidates(core, text, account_id) if _changed(text, row, sought)])


async def erase_texts(core: Core, text: Texts, sought: Sought, account_id: str) -> int:
    """Take the address out of every row, each in a transaction of its own; returns how many there were."""
    done = 0
    for _ in range(_TRIES):
        missed = 0
        async for row in _candidates(core, text, account_id):
            if changed := _changed(text, row, sought):
                try:
                    await core.store.commit([_erased(text, row, changed), *map(bump, text.bumps)])
                    done += 1
                except GuardFailed:
                    missed += 1  # somebody changed it since; what it is now is looked through again
        if not missed:
            break
    return done


def _candidates(core: Core, text: Texts, account_id: str) -> AsyncIterator[Row]:
    if text.own:
        others = f"NOT coalesce({text.own}, FALSE)"
        return candidates(core.store, text.table, text.keys, text.columns, others, (account_id,))
    return candidates(core.store, text.table, text.keys, text.columns)


def _changed(text: Texts, row: Row, sought: Sought) -> list[tuple[str, str, str | None]]:
    """Return the columns that hold the address: as they are, and as they are without it."""
    found = list[tuple[str, str, str | None]]()
    for column, value in zip(text.columns, row[len(text.keys) :], strict=True):
        if value is not None and (replaced := _replaced(value, sought)) != value:
            found.append((column, value, None if text.blanks else replaced))
    return found


def _replaced(value: str, sought: Sought) -> str:
    """Replace the address; what is JSON stays JSON, whatever the address looks like."""
    if value[:1] in ("{", "[", '"'):
        try:
            members = msgspec.json.decode(value)
        except msgspec.DecodeError:
            pass
        else:
            replaced = mapped(members, lambda text: _replaced(text, sought))
            return value if replaced == members else msgspec.json.encode(replaced).decode()
    return sought.replaced(value, ERASED)


def _erased(text: Texts, row: Row, changed: list[tuple[str, str, str | None]]) -> Statement:
    same = "".join(f" AND CAST({column} AS {{text}}) = ?" for column, _, _ in changed)
    where = " AND ".join(f"{key} = ?" for key in text.keys) + same
    which = (*row[: len(text.keys)], *(before for _, before, _ in changed))
    if any(column in text.deletes for column, _, _ in changed):
        return Statement(f"DELETE FROM {text.table} WHERE {where}", which, expect=1)
    sets = ", ".join(f"{column} = ?" for column, _, _ in changed)
    values = tuple(after for _, _, after in changed)
    return Statement(f"UPDATE {text.table} SET {sets}{text.sets} WHERE {where}", (*values, *which), expect=1)
