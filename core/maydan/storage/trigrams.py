"""Trigrams: the index of short texts by which ``icontains`` finds a rare text without looking at every document.

It knows in which documents all trigrams of a text occur: more than those that have the text, so that each
is still compared. SQLite has an FTS5 table for each type, kept by triggers; PostgreSQL a GIN index over a function.
The field option ``indexed`` of a ``string`` asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from maydan.content.conditions import And, Compare
from maydan.content.kinds import FOLDED_KINDS
from maydan.locales import fold
from maydan.storage.expressions import FOLDED
from maydan.storage.fragments import Sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maydan.content.conditions import Condition
    from maydan.content.types import ContentType
    from maydan.storage.expressions import DialectName
    from maydan.storage.ports import Store

SHORTEST: Final = 3
"""Characters; a shorter text is in no index."""
_LONGEST: Final = 40
"""So many characters of a text are looked up."""
_MOST_RARE: Final = 300
"""Documents up to which it is quicker to look at them all than to go through a list until a page is full."""

FUNCTION: Final = """
CREATE OR REPLACE FUNCTION maydan_trigrams(given text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
'SELECT array_agg(DISTINCT (one || two || three) COLLATE "C") FROM (
    SELECT sign AS one, lead(sign) OVER ahead AS two, lead(sign, 2) OVER ahead AS three
    FROM unnest(string_to_array(given, NULL)) WITH ORDINALITY AS signs (sign, place) WINDOW ahead AS (ORDER BY place)
) AS grams WHERE three IS NOT NULL'
"""
"""On PostgreSQL, whose usual extension for it is not everywhere. A character is found there by counting from the first
one, so that the text is taken apart only once."""


class Lookup(Struct, frozen=True):
    """How the index is asked for one text."""

    condition: Sql
    """What holds of the documents that may have it."""
    probe: Sql
    """Counts them, as far as it matters."""


def indexed_texts(content_type: ContentType) -> tuple[str, ...]:
    """Return the names of the fields that the index is about."""
    return tuple(
        field.name
        for field in content_type.fields
        if field.indexed and field.kind in FOLDED_KINDS and not field.private and not field.many
    )


def table_name(type_key: int) -> str:
    """Return the name of the table that SQLite has for a type with such fields."""
    return f"maydan_trigrams_{type_key:d}"


def index_definitions(content_type: ContentType) -> list[str]:
    """Return what PostgreSQL's indexes are over.

    Without its list of what is still to be put in order, which every question would have to read as a whole.
    """
    return [f"USING gin ({_grams(name)}) WITH (fastupdate = off)" for name in indexed_texts(content_type)]


def _grams(name: str) -> str:
    return f"maydan_trigrams(facts#>>'{{{FOLDED},{name}}}')"


def create(content_type: ContentType, documents: str) -> list[str]:
    """Return SQLite's DDL for the table, which what is in the document table fills, and for what keeps it."""
    names = indexed_texts(content_type)
    if not names:
        return []
    table, columns = table_name(content_type.key), ", ".join(f"t_{name}" for name in names)
    old, new, now = (_texts(names, row) for row in ("old.", "new.", ""))
    added = f"INSERT INTO {table} (rowid, {columns}) VALUES (new.row_id, {', '.join(new)});"
    removed = f"INSERT INTO {table} ({table}, rowid, {columns}) VALUES ('delete', old.row_id, {', '.join(old)});"
    differs = " OR ".join(f"{before} IS NOT {after}" for before, after in zip(old, new, strict=True))
    changed = f"AFTER UPDATE OF facts ON {documents} WHEN {differs} BEGIN {removed} {added} END"
    return [
        f"CREATE VIRTUAL TABLE {table} USING fts5({columns}, content='', tokenize='trigram case_sensitive 1')",
        f"INSERT INTO {table} (rowid, {columns}) SELECT row_id, {', '.join(now)} FROM {documents}",
        f"CREATE TRIGGER {table}_added AFTER INSERT ON {documents} BEGIN {added} END",
        f"CREATE TRIGGER {table}_removed AFTER DELETE ON {documents} BEGIN {removed} END",
        f"CREATE TRIGGER {table}_changed {changed}",
    ]


def drop(type_key: int) -> list[str]:
    """Return SQLite's DDL that removes a type's table and what keeps it, where there are any."""
    table = table_name(type_key)
    triggers = [f"DROP TRIGGER IF EXISTS {table}_{moment}" for moment in ("added", "removed", "changed")]
    return [*triggers, f"DROP TABLE IF EXISTS {table}"]


def _texts(names: tuple[str, ...], row: str) -> list[str]:
    return [f"""json_extract({row}facts,'$."{FOLDED}".{name}')""" for name in names]


def find_lookup(
    dialect: DialectName, content_type: ContentType, documents: str, condition: Condition | None
) -> Lookup | None:
    """Return how the index serves a condition: a text that must be in an indexed field, whatever else must hold."""
    names = indexed_texts(content_type)
    for part in _conjuncts(condition):
        if not isinstance(part, Compare) or part.op != "icontains" or ".".join(part.path) not in names:
            continue
        text = fold(part.value)[:_LONGEST]
        if len(text) >= SHORTEST:
            return _lookup(dialect, content_type.key, documents, ".".join(part.path), text)
    return None


def _conjuncts(condition: Condition | None) -> Iterator[Condition]:
    """Yield what must hold, whatever else."""
    if isinstance(condition, And):
        for part in condition.conditions:
            yield from _conjuncts(part)
    elif condition is not None:
        yield condition


def _lookup(dialect: DialectName, type_key: int, documents: str, name: str, text: str) -> Lookup:
    if dialect == "postgresql":
        grams = tuple(dict.fromkeys(text[place : place + SHORTEST] for place in range(len(text) - SHORTEST + 1)))
        asked = Sql(f"{_grams(name)} @> CAST(ARRAY[{','.join('?' * len(grams))}] AS text[])", grams)
        return Lookup(asked, _probe(f"FROM {documents} WHERE {asked.text}", grams))
    table = table_name(type_key)
    match = f"FROM {table} WHERE {table} MATCH ?"
    quoted = text.replace('"', '""')
    args = (f't_{name} : "{quoted}"',)
    return Lookup(Sql(f"row_id IN (SELECT rowid {match})", args), _probe(match, args))


def _probe(match: str, args: tuple[str, ...]) -> Sql:
    return Sql(f"SELECT count(*) FROM (SELECT 1 {match} LIMIT {_MOST_RARE + 1:d}) AS found", args)


async def helps(store: Store, lookup: Lookup) -> bool:
    """Tell whether the index leads to few documents; no engine knows that before it has looked at them."""
    rows = await store.fetch_shared(lookup.probe.text, *lookup.probe.args)
    return int(rows[0][0]) <= _MOST_RARE
