"""Documents and publications that are left of types which got or lost their drafts: readers get them no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from maydan.content.spaces import Space
from maydan.storage.documents import DRAFT, PUBLISHED, table_name
from maydan.storage.migrations import Migration, Step

if TYPE_CHECKING:
    from maydan.storage.ports import Transaction

_PAGE: Final = 1_000
_FIRST: Final = "00000000-0000-0000-0000-000000000000"
_PUBLISHED_LINKS: Final = (
    f"DELETE FROM maydan_links WHERE perspective = {PUBLISHED:d}"
    " AND source_id IN (SELECT id FROM maydan_entries WHERE type_key = ?)"
)
_WITHDRAW: Final = (
    "UPDATE maydan_slugs SET in_published = FALSE WHERE type_key = ? AND in_published = TRUE",
    "DELETE FROM maydan_unique_values WHERE type_key = ? AND in_draft = FALSE",
    "UPDATE maydan_unique_values SET in_published = FALSE WHERE type_key = ? AND in_published = TRUE",
    _PUBLISHED_LINKS,
    "UPDATE maydan_entries SET published = NULL, revision = revision + 1 WHERE type_key = ? AND published IS NOT NULL",
)


async def _drop(transaction: Transaction) -> None:
    spaces = await _spaces(transaction)
    for key in await _changed_types(transaction):
        await _drop_of(transaction, key, spaces)


async def _lock_and_drop(transaction: Transaction) -> None:
    """Do the same while nobody else writes documents of these types; on SQLite nobody does anyhow."""
    spaces = await _spaces(transaction)
    for key in await _changed_types(transaction):
        await transaction.execute(f"LOCK TABLE {table_name(key)} IN SHARE ROW EXCLUSIVE MODE")
        await _drop_of(transaction, key, spaces)


async def _changed_types(transaction: Transaction) -> list[int]:
    found = await transaction.fetch_all("SELECT key FROM maydan_types WHERE version > 1 ORDER BY key")
    return [row[0] for row in found]


async def _spaces(transaction: Transaction) -> dict[int, Space]:
    found: dict[int, Space] = {}
    for key, name, settings, version in await transaction.fetch_all(
        "SELECT key, name, settings, version FROM maydan_spaces"
    ):
        members: dict[str, Any] = msgspec.json.decode(settings) | {"key": key, "name": name, "version": version}
        found[key] = msgspec.convert(members, Space)
    return found


async def _drop_of(transaction: Transaction, type_key: int, spaces: dict[int, Space]) -> None:
    table = table_name(type_key)
    entry = f"SELECT 1 FROM maydan_entries AS e WHERE e.id = {table}.entry_id"
    await transaction.execute(f"DELETE FROM {table} WHERE NOT EXISTS ({entry})")
    (row,) = await transaction.fetch_all("SELECT definition FROM maydan_types WHERE key = ?", type_key)
    if msgspec.json.decode(row[0]).get("drafts", True):
        unpublished = f"NOT EXISTS ({entry} AND e.published IS NOT NULL AND e.trashed_at IS NULL)"
        await transaction.execute(f"DELETE FROM {table} WHERE perspective = ? AND {unpublished}", PUBLISHED)
        await _drop_other_locales(transaction, type_key, spaces)
        return
    await transaction.execute(f"DELETE FROM {table} WHERE perspective = ?", DRAFT)
    for sql in _WITHDRAW:
        await transaction.execute(sql, type_key)


async def _drop_other_locales(transaction: Transaction, type_key: int, spaces: dict[int, Space]) -> None:
    """Drop what is published of entries in locales in which they are not."""
    entries = (
        "SELECT id, space_key, published FROM maydan_entries WHERE type_key = ? AND id > ? AND published IS NOT NULL"
        f" ORDER BY id LIMIT {_PAGE:d}"
    )
    drop = f"DELETE FROM {table_name(type_key)} WHERE space_key = ? AND perspective = ? AND entry_id = ? AND locale = ?"
    last = _FIRST
    while page := await transaction.fetch_all(entries, type_key, last):
        for entry_id, space_key, published in page:
            shown, space = msgspec.json.decode(published)["locales"], spaces[space_key]
            for locale in space.locales:
                if not any(step in shown for step in space.chain(locale)):
                    await transaction.execute(drop, space_key, PUBLISHED, str(entry_id), locale)
        last = str(page[-1][0])


MIGRATION: Final = Migration(
    app="core",
    name="0008_content",
    steps=(
        Step(name="leftovers_sqlite", run=_drop, only="sqlite"),
        Step(name="leftovers_postgresql", run=_lock_and_drop, only="postgresql"),
    ),
)
