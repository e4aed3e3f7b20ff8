"""The index of short texts, for types that were there before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from maydan.content.types import ContentType
from maydan.storage.documents import create_table, indexes, table_of
from maydan.storage.migrations import Migration, Step
from maydan.storage.trigrams import FUNCTION

if TYPE_CHECKING:
    from maydan.storage.ports import Transaction

_COLUMNS: Final = "space_key, perspective, locale, entry_id, translated, body, private, facts"


async def _types(transaction: Transaction) -> list[ContentType]:
    rows = await transaction.fetch_all("SELECT key, name, definition, version FROM maydan_types")
    found: list[ContentType] = []
    for key, name, definition, version in rows:
        members: dict[str, Any] = msgspec.json.decode(definition) | {"key": key, "name": name, "version": version}
        found.append(msgspec.convert(members, ContentType))
    return found


async def _name_rows(transaction: Transaction) -> None:
    """Give the rows of SQLite's document tables an id, which needs a new table."""
    for content_type in await _types(transaction):
        table = table_of(content_type)
        if await transaction.fetch_all(f"SELECT 1 FROM pragma_table_info('{table}') WHERE name = 'row_id'"):
            continue
        await transaction.execute(f"ALTER TABLE {table} RENAME TO {table}_before")
        for index in indexes(content_type, "sqlite"):
            await transaction.execute(f"DROP INDEX IF EXISTS {index}")
        await transaction.execute(f"DROP INDEX IF EXISTS {table}_entry_unique")
        made, *rest = create_table(content_type, "sqlite")
        await transaction.execute(made)
        await transaction.execute(f"INSERT INTO {table} ({_COLUMNS}) SELECT {_COLUMNS} FROM {table}_before")
        await transaction.execute(f"DROP TABLE {table}_before")
        for ddl in rest:
            await transaction.execute(ddl)


async def _add_indexes(transaction: Transaction) -> None:
    for content_type in await _types(transaction):
        for ddl in indexes(content_type, "postgresql").values():
            await transaction.execute(ddl)


MIGRATION: Final = Migration(
    app="core",
    name="0005_trigrams",
    steps=(
        Step(name="rows", run=_name_rows, only="sqlite"),
        Step(name="function", sql=FUNCTION, only="postgresql"),
        Step(name="indexes", run=_add_indexes, only="postgresql"),
    ),
)
