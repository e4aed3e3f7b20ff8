"""Erase a person: what is kept about an account and under its address, everywhere; what stays is an id without a name.

Every step is a transaction of its own that leaves less to do, so an erasure that was interrupted is finished by doing
it again, and doing it once more changes nothing. The account's row is emptied last: until then its address finds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from maydan.errors import PluginFailed
from maydan.operations.erasing_addresses import Sought
from maydan.operations.erasing_comments import count_comments, erase_comments
from maydan.operations.erasing_content import count_entries, erase_entries
from maydan.operations.erasing_texts import NAMES_THEM, TEXTS, count_texts, erase_texts
from maydan.plugins.calls import CallFailed
from maydan.storage.log import Event, event_statement
from maydan.storage.ports import Statement
from maydan.storage.revisions import bump

if TYPE_CHECKING:
    from maydan.accounts.people import Account
    from maydan.operations.core import Core
    from maydan.operations.erasing_comments import CommentRule
    from maydan.storage.ports import Reader

_BATCH: Final = 200
_MOST_ROUNDS: Final = 10_000
_OF_SESSIONS: Final = "SELECT id FROM maydan_sessions WHERE account_id = ?"
_OF_TOKENS: Final = "SELECT id FROM maydan_api_tokens WHERE account_id = ?"


class Erasure(Struct, frozen=True, kw_only=True):
    """What was erased, or would be: rows by what they are; nothing is named that there is none of."""

    counts: dict[str, int]
    is_out_of_files: bool = True
    """Whether nothing of it is left in what the database keeps beside its tables, as far as we can see to that."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing left to erase."""
        return not self.counts


class _Rows(Struct, frozen=True):
    """Rows of one table that go as a whole; the order matters, as some are found by others."""

    what: str
    table: str
    where: str
    args: tuple[Any, ...]


async def plan_erasure(core: Core, account: Account, *, content: bool = True) -> Erasure:
    """Count what :func:`erase` would erase; nothing is changed."""
    store, counts = core.store, dict[str, int]()
    for rows in _rows(account):
        _add(counts, rows.what, await _count(store, f"{rows.table} WHERE {rows.where}", *rows.args))
    sought = _sought(account)
    _add_all(counts, await count_comments(core, account.id, sought))
    _add(counts, "acts in the log", await _count(store, "maydan_log WHERE actor_id = ?", account.id))
    _add(counts, "acts in the audit", await _count(store, "maydan_audit WHERE actor_id = ?", account.id))
    if sought is not None:
        for text in TEXTS:
            _add(counts, text.what, await count_texts(core, text, sought, account.id))
        _add(counts, "entries", await count_entries(core, sought) if content else 0)
    for plugin, rows in (await _ask_plugins(core, account, dry_run=True)).items():
        _add(counts, f"of {plugin}", rows)
    if account.email:
        _add(counts, "account", 1)
    return Erasure(counts=counts)


async def erase(core: Core, account: Account, *, comment_rule: CommentRule = "blank", content: bool = True) -> Erasure:
    """Erase a person's data for good.

    Args:
        core: The services.
        account: As it was read; one whose row is empty already is looked through once more.
        comment_rule: What becomes of comments.
        content: Whether the address is taken out of entries and their versions too.
    """
    counts = dict[str, int]()
    await _bar(core, account)
    sought = _sought(account)
    _add_all(counts, await _erase_rows(core, account))
    _add_all(counts, await erase_comments(core, account.id, sought, comment_rule))
    _add(counts, "acts in the log", await _unname(core, "maydan_log", "actor_id = NULL", account.id))
    blanked = "actor_id = NULL, details = NULL"
    _add(counts, "acts in the audit", await _unname(core, "maydan_audit", blanked, account.id))
    if sought is not None:
        _add_all(counts, await _erase_texts(core, sought, account))
    await _erase_in_plugins(core, account, counts)
    if sought is not None and content:
        await core.registry.reload()  # spaces and types may have become others
        _add(counts, "entries", await erase_entries(core, sought))
        # What that has itself written about entries as they were.
        await _erase_texts(core, sought, account)
    if account.email:
        await _empty(core, account, counts)
        _add(counts, "account", 1)
    return Erasure(counts=counts, is_out_of_files=await core.store.checkpoint())


def _rows(account: Account) -> list[_Rows]:
    one = (account.id,)
    found = [
        _Rows("tickets", "maydan_tickets", f"credential_id IN ({_OF_SESSIONS} UNION {_OF_TOKENS})", one * 2),
        _Rows("session tokens", "maydan_session_tokens", f"session_id IN ({_OF_SESSIONS})", one),
        _Rows("sessions", "maydan_sessions", "account_id = ?", one),
        _Rows("API tokens", "maydan_api_tokens", "account_id = ?", one),
        _Rows("mail tokens", "maydan_mail_tokens", "account_id = ?", one),
        _Rows("mail", "maydan_mail", "account_id = ?", one),
        _Rows("second factors", "maydan_totp", "account_id = ?", one),
        _Rows("identities", "maydan_identities", "account_id = ?", one),
        _Rows("memberships", "maydan_members", "account_id = ?", one),
        _Rows("locks", "maydan_locks", "holder_id = ?", one),
        _Rows("shares", "maydan_shares", "maker_id = ? OR (kind = 'user' AND target = ?)", one * 2),
        _Rows("previews", "maydan_previews", "maker_id = ?", one),
        # Of what they did there is what they said, under their name.
        _Rows("kept answers", "maydan_idempotency", NAMES_THEM, one),
        _Rows("kept answers", "maydan_bulk_progress", NAMES_THEM, one),
    ]
    if account.email:
        found.append(_Rows("invitations", "maydan_invitations", "email_key = ?", (account.email_key,)))
    return found


def _sought(account: Account) -> Sought | None:
    """Return what is looked for in texts; nothing where the account's row is empty already."""
    return Sought(account.email) if account.email else None


async def _bar(core: Core, account: Account) -> None:
    """Let the account in no more, so that nothing new is written by it meanwhile."""
    now = core.clock.now()
    sql = "UPDATE maydan_accounts SET suspended_at = ? WHERE id = ? AND suspended_at IS NULL"
    await core.store.commit([Statement(sql, (now, account.id)), bump("accounts")])


async def _erase_rows(core: Core, account: Account) -> dict[str, int]:
    counts = dict[str, int]()
    async with core.store.write_transaction() as transaction:
        for rows in _rows(account):
            done = await transaction.execute(f"DELETE FROM {rows.table} WHERE {rows.where}", *rows.args)
            _add(counts, rows.what, done)
        await transaction.apply([bump("accounts")])
    return counts


async def _empty(core: Core, account: Account, counts: dict[str, int]) -> None:
    """Leave of the account's row its id, and note in the log that and by what count it was erased."""
    now = core.clock.now()
    sql = (
        "UPDATE maydan_accounts SET email = '', email_key = ?, name = '', locale = '', password_hash = '',"
        " verified_at = NULL, suspended_at = coalesce(suspended_at, ?), administrator = ?, version = version + 1,"
        " updated_at = ? WHERE id = ?"
    )
    event = Event(
        type="account.erased", space_key=None, subject_type="account", subject_id=account.id, at=now,
        data={"counts": dict(counts)},
    )  # fmt: skip
    emptied = Statement(sql, (f"erased:{account.id}", now, False, now, account.id), expect=1)
    await core.store.commit([emptied, event_statement(event), bump("accounts")])


async def _ask_plugins(core: Core, account: Account, *, dry_run: bool) -> dict[str, int]:
    answers = await core.hooks.collect_erasures(account.id, account.email, dry_run=dry_run)
    for answer in answers.values():
        if isinstance(answer, CallFailed):
            raise PluginFailed(f"Not everything is erased: {answer}. Mend the plugin and do it again.") from answer
    return {plugin: rows for plugin, rows in answers.items() if isinstance(rows, int)}


async def _erase_in_plugins(core: Core, account: Account, counts: dict[str, int]) -> None:
    """Ask until no plugin has anything left; one that never ends is a fault of its own."""
    for _ in range(_MOST_ROUNDS):
        answers = await _ask_plugins(core, account, dry_run=False)
        for plugin, rows in answers.items():
            _add(counts, f"of {plugin}", rows)
        if not any(answers.values()):
            return
    raise PluginFailed("A plugin always finds more to erase; nothing says when it would end.")


async def _unname(core: Core, table: str, sets: str, account_id: str) -> int:
    """Take the person's id from what they did, in batches."""
    done, sql = 0, f"SELECT position FROM {table} WHERE actor_id = ? ORDER BY position LIMIT {_BATCH}"
    while rows := await core.store.fetch_all(sql, account_id):
        marks = ",".join("?" * len(rows))
        update = f"UPDATE {table} SET {sets} WHERE position IN ({marks})"
        await core.store.commit([Statement(update, tuple(row[0] for row in rows))])
        done += len(rows)
    return done


async def _erase_texts(core: Core, sought: Sought, account: Account) -> dict[str, int]:
    counts = dict[str, int]()
    for text in TEXTS:
        _add(counts, text.what, await erase_texts(core, text, sought, account.id))
    return counts


async def _count(reader: Reader, what: str, *args: Any) -> int:
    row = await reader.fetch_one(f"SELECT count(*) FROM {what}", *args)
    return 0 if row is None else int(row[0])


def _add(counts: dict[str, int], what: str, number: int) -> None:
    if number:
        counts[what] = counts.get(what, 0) + number


def _add_all(counts: dict[str, int], more: dict[str, int]) -> None:
    for what, number in more.items():
        _add(counts, what, number)
