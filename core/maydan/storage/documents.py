"""Document tables: one per content type, one row per entry, perspective and locale, with the declared indexes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from maydan.content.kinds import SYSTEM_KINDS
from maydan.content.types import ContentType, Kind
from maydan.storage import trigrams
from maydan.storage.expressions import order, scalar, source_of
from maydan.storage.ports import Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from maydan.storage.expressions import DialectName
    from maydan.storage.ports import Transaction

PUBLISHED: Final = 0
DRAFT: Final = 1
TRASH: Final = 2
"""Perspectives as they are stored; entries of types without drafts are only ever ``PUBLISHED`` or ``TRASH``."""


class DocumentRow(Struct, frozen=True):
    """One rendered answer, ready to be stored."""

    perspective: int
    locale: str
    translated: bool
    """Whether the locale has content of its own; false where everything fell back."""
    body: str
    private: str
    """Private fields and the authors, as JSON."""
    facts: str
    """What lists compare and sort by, as JSON: system fields, short fields, private ones and authors too, and under
    ``FOLDED`` text fields as ``fold`` leaves them. Never part of an answer."""


def table_of(content_type: ContentType) -> str:
    """Return the name of the type's document table."""
    return table_name(content_type.key)


def table_name(type_key: int) -> str:
    """Return the name of the document table of the type with this internal number."""
    return f"maydan_documents_{type_key:d}"


def create_table(content_type: ContentType, dialect: DialectName) -> list[str]:
    """Return the DDL of a type's document table and of its indexes, with the names in braces of ``Dialect``."""
    table, postgresql = table_of(content_type), dialect == "postgresql"
    # What the index of texts refers to; without a name SQLite may number the rows anew.
    row_id = "" if postgresql else "row_id INTEGER PRIMARY KEY, "
    columns = row_id + (
        "space_key {bigint} NOT NULL, perspective {bigint} NOT NULL, locale {text} NOT NULL, entry_id {uuid} NOT NULL, "
        "translated {bool} NOT NULL, body {json_text} NOT NULL, private {json_text} NOT NULL, facts {json} NOT NULL"
    )
    # Rows of up to 8 kB stay in the page and uncompressed: reading one is one page, without detoasting.
    options = " WITH (toast_tuple_target = 8160)" if postgresql else ""
    # The unique index last: until a table's first ANALYZE all that begin alike seem equally good to PostgreSQL, and it
    # takes the youngest. Reading one document by another index reads half of the table.
    return [
        f"CREATE TABLE IF NOT EXISTS {table} ({columns}){options}",
        *indexes(content_type, dialect).values(),
        f"CREATE UNIQUE INDEX IF NOT EXISTS {table}_entry_unique ON {table} (space_key, perspective, locale, entry_id)",
        *([] if postgresql else trigrams.create(content_type, table)),
    ]


async def lock(transaction: Transaction, content_type: ContentType, dialect: DialectName) -> None:
    """Let nobody else write documents of the type before the transaction ends; they are read as ever.

    On SQLite nobody else writes anyhow. On PostgreSQL it waits for those who have written, and who comes later waits
    in line: a statement sees what was committed while it waited for a table, unlike one that waits for a row.
    """
    if dialect == "postgresql":
        await transaction.execute(f"LOCK TABLE {table_of(content_type)} IN SHARE ROW EXCLUSIVE MODE")


def indexes(content_type: ContentType, dialect: DialectName) -> dict[str, str]:
    """Return the declared indexes as ``{name: DDL}``; a name is a digest of its definition, so equal ones are kept."""
    declared = {*content_type.indexes, *((field.name,) for field in content_type.fields if field.indexed)}
    made = dict(_index(content_type, dialect, keys) for keys in sorted(declared))
    if dialect == "postgresql":
        made |= dict(_named(content_type, definition) for definition in trigrams.index_definitions(content_type))
    return made


def _index(content_type: ContentType, dialect: DialectName, keys: Sequence[str]) -> tuple[str, str]:
    parts = [_index_key(content_type, dialect, key) for key in keys]
    last_descends = keys[-1].startswith("-")
    parts.append(f"entry_id{' DESC' if last_descends else ''}")
    return _named(content_type, f"(space_key, perspective, locale, {', '.join(parts)})")


def _named(content_type: ContentType, definition: str) -> tuple[str, str]:
    name = f"{table_of(content_type)}_{hashlib.sha256(definition.encode()).hexdigest()[:12]}"
    return name, f"CREATE INDEX IF NOT EXISTS {name} ON {table_of(content_type)} {definition}"


def _index_key(content_type: ContentType, dialect: DialectName, key: str) -> str:
    name, descends = key.removeprefix("-"), key.startswith("-")
    path = tuple(name.split("."))
    field = content_type.field(path[0])
    kind = field.kind if field else SYSTEM_KINDS[path[0]]
    if kind is Kind.MONEY:
        path, kind = (path[0], "amount"), Kind.INTEGER
    source = source_of(dialect, content_type, path[0])
    return f"{scalar(dialect, source, path, kind)}{order(dialect, descending=descends)}"


def put(content_type: ContentType, space_key: int, entry_id: str, rows: Sequence[DocumentRow]) -> list[Statement]:
    """Return the statement that writes the rows, replacing what is there."""
    if not rows:
        return []
    values = ",".join(["(?,?,?,?,?,?,?,?)"] * len(rows))
    args = [
        arg
        for row in rows
        for arg in (
            space_key,
            row.perspective,
            row.locale,
            entry_id,
            row.translated,
            row.body,
            row.private,
            row.facts,
        )
    ]
    sql = (
        f"INSERT INTO {table_of(content_type)} (space_key, perspective, locale, entry_id, translated, body, private,"
        f" facts) VALUES {values} ON CONFLICT (space_key, perspective, locale, entry_id) DO UPDATE SET"
        " translated = excluded.translated, body = excluded.body, private = excluded.private,"
        " facts = excluded.facts"
    )
    return [Statement(sql, tuple(args))]


def drop(content_type: ContentType, space_key: int, entry_id: str, keys: Iterable[tuple[int, str]]) -> list[Statement]:
    """Return the statements that remove an entry's documents at ``(perspective, locale)``."""
    sql = (
        f"DELETE FROM {table_of(content_type)} WHERE space_key = ? AND perspective = ? AND locale = ? AND entry_id = ?"
    )
    return [Statement(sql, (space_key, perspective, locale, entry_id)) for perspective, locale in sorted(keys)]
