"""Reading documents: one by id, some by their ids, or a page of them by condition, order and cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from msgspec import Struct

from maydan.content.conditions import refuse
from maydan.storage import document_places as places
from maydan.storage.conditions import compile_condition, value_of
from maydan.storage.document_places import Where, alternatives
from maydan.storage.documents import table_of
from maydan.storage.expressions import scalar, source_of
from maydan.storage.fragments import TRUE, Sql, joined
from maydan.storage.keysets import (
    Keyset,
    Place,
    SortKey,
    Stretch,
    direction,
    ends_descending,
    filled,
    places_for,
    stretches,
    typed,
)
from maydan.storage.ports import Statement
from maydan.storage.unions import columns, united

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.content.conditions import Condition, Target
    from maydan.storage.conditions import Frame
    from maydan.storage.expressions import DialectName
    from maydan.storage.ports import Row, Store
    from maydan.storage.trigrams import Lookup

MOST_ARGUMENTS: Final = 30_000
"""Of one statement; both engines take a few more."""
FAR: Final = 1_000
"""From this offset on a page is found in two steps; before it, in one is as fast on PostgreSQL 18."""
_TABLE: Final = "listed"
"""What the document table is called where a sort key goes through a relation."""


class PageRequest(Struct, frozen=True, kw_only=True):
    """A page of a list."""

    where: Where
    condition: Condition | None
    sort: tuple[SortKey, ...]
    limit: int
    offset: int = 0
    whole: bool = True
    """Whether only the public body is needed."""
    lookup: Lookup | None = None
    """The index of texts to begin with, instead of with the order."""


class RankKey(Struct, frozen=True):
    """One thing that documents are ordered by."""

    path: tuple[str, ...]
    target: Target
    condition: Condition | None = None
    """Where it holds, the value counts; elsewhere it is absent."""


class Listed(Struct, frozen=True):
    """One document of a page."""

    body: str
    private: str | None
    reached: tuple[Any, ...] = ()
    """The values of the sort keys that stand behind relations, in their order."""


def cursor_values(request: PageRequest, listed: Listed) -> list[Any]:
    """Return what a cursor to the page after a document holds: the values of the sort keys, then the id."""
    document: dict[str, Any] = msgspec.json.decode(listed.body)
    if listed.private is not None:
        document |= msgspec.json.decode(listed.private)
    reached = iter(listed.reached)
    values = [next(reached) if key.target.hops else _at(document, key.path) for key in request.sort]
    return [*values, document["id"]]


def _at(document: dict[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = document
    for step in path:
        found = cast("dict[str, Any]", found).get(step) if isinstance(found, dict) else None
    return found


async def find_document(store: Store, where: Where, entry_id: str) -> tuple[str, str] | None:
    """Return the public and the private part of a document, or ``None``."""
    only = " AND translated = TRUE" if where.translated_only else ""
    row = await store.fetch_point(
        f"SELECT body, private FROM {table_of(where.type)}"
        f" WHERE space_key = ? AND perspective = ? AND locale = ? AND entry_id = ?{only}",
        where.space_key,
        where.perspective,
        where.locale,
        entry_id,
    )
    return (row[0], row[1]) if row else None


async def find_documents(store: Store, where: Where, ids: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return id, public and private part of the documents with these ids; missing ones are left out.

    One statement, the same text however many they are.
    """
    rows = await store.fetch_all(
        f"SELECT entry_id, body, private FROM {table_of(where.type)}"
        f" WHERE {places.base(where).text} AND {_IDS[store.dialect.name]}",
        *places.base(where).args,
        msgspec.json.encode(ids).decode(),
    )
    return [(str(row[0]), row[1], row[2]) for row in rows]


async def find_targets(store: Store, where: Where, ids: Sequence[str]) -> list[tuple[str, str, str, int]]:
    """Return id, public and private part, and the revision of the entry, of the documents with these ids.

    In one statement, so that the revision is that of what was read.
    """
    table = table_of(where.type)
    revision = (
        f"(SELECT e.revision FROM maydan_entries AS e WHERE e.space_key = {table}.space_key"
        f" AND e.id = {table}.entry_id)"
    )
    rows = await store.fetch_all(
        f"SELECT entry_id, body, private, {revision} FROM {table}"
        f" WHERE {places.base(where).text} AND {_IDS[store.dialect.name]}",
        *places.base(where).args,
        msgspec.json.encode(ids).decode(),
    )
    return [(str(row[0]), row[1], row[2], row[3]) for row in rows]


def absence_guard(where: Where, ids: Sequence[str]) -> Statement:
    """Return what stops a batch when one of these entries has a document there after all."""
    base = places.base(where)
    sql = f"SELECT 1 FROM {table_of(where.type)} WHERE {base.text} AND entry_id IN ({','.join('?' * len(ids))})"
    return Statement(sql, (*base.args, *ids), expect=0)


_IDS: Final = {
    "sqlite": "entry_id IN (SELECT value FROM json_each(?))",
    "postgresql": "entry_id = ANY (ARRAY(SELECT CAST(value AS uuid) FROM jsonb_array_elements_text(CAST(? AS jsonb))))",
}


class Statements:
    """The statements of a list: of its first page, of what comes after a document, and of its total.

    They are written when they are first needed, those after a document once for all documents.
    """

    def __init__(self, dialect: DialectName, request: PageRequest) -> None:
        """Take what is to be listed."""
        self.request = request
        self._dialect: DialectName = dialect
        self._pages: dict[tuple[bool, ...] | None, list[Sql]] = {}
        self._count: Sql | None = None

    @property
    def lookup(self) -> Lookup | None:
        """The index of texts that the list begins with."""
        return self.request.lookup

    @property
    def count(self) -> Sql:
        """The statement that counts."""
        if self._count is None:
            request = self.request
            self._count = count_sql(self._dialect, request.where, request.condition, request.lookup)
        return self._count

    def page(self, after: tuple[Any, ...] | None = None) -> list[Sql]:
        """Return the statements that give a page one after the other, until it is full.

        There is one, but after a document and with an index several, each a range of it.

        Args:
            after: The values of the sort keys and the id of the last document of the page before.
        """
        absent = None if after is None else tuple(value is None for value in after)
        if absent not in self._pages:
            places = None if after is None else places_for(after)
            self._pages[absent] = _page_statements(self._dialect, self.request, places)
        pages = self._pages[absent]
        return pages if after is None else [filled(sql, self._typed(after)) for sql in pages]

    def _typed(self, after: tuple[Any, ...]) -> list[Any]:
        kinds = [key.target.kind for key in self.request.sort]
        values = [typed(self._dialect, kind, value) for kind, value in zip(kinds, after, strict=False)]
        return [*values, after[-1]]


async def list_documents(store: Store, statements: Statements, after: tuple[Any, ...] | None = None) -> list[Listed]:
    """Return up to ``limit`` documents in order, from the first or after a document."""
    request = statements.request
    found: list[Listed] = []
    for sql in statements.page(after):
        rows = await store.fetch_shared(sql.text, *sql.args)
        found += [_listed(row, whole=request.whole) for row in rows]
        if len(found) >= request.limit:
            break
    return found[: request.limit]


def _listed(row: Row, *, whole: bool) -> Listed:
    return Listed(row[0], None if whole else row[1], tuple(row[1:] if whole else row[2:]))


def _page_statements(dialect: DialectName, request: PageRequest, after: tuple[Place | None, ...] | None) -> list[Sql]:
    wheres = alternatives(request.where)
    if len(wheres) == 1:
        return [_fitting(sql) for sql in _pages_in_one_locale(dialect, request, after)]
    most = msgspec.structs.replace(request, limit=request.limit + request.offset, offset=0)
    found = [
        _pages_in_one_locale(dialect, msgspec.structs.replace(most, where=where), after, only_places=True)
        for where in wheres
    ]
    page = _portion(dialect, request)
    return [_fitting(united(dialect, request, parts, page)) for parts in zip(*found, strict=True)]


def _pages_in_one_locale(
    dialect: DialectName, request: PageRequest, after: tuple[Place | None, ...] | None, *, only_places: bool = False
) -> list[Sql]:
    frame = places.frame(dialect, request.where)
    keys = [_key(frame, key) for key in request.sort]
    named = any(key.target.hops for key in request.sort)
    # Values that stand in the document itself are read from it, and only for the last one of a page.
    selected = [
        Sql(f"{sql.text} AS key{index}", sql.args)
        for index, (key, sql) in enumerate(zip(request.sort, keys, strict=True))
        if key.target.hops
    ]
    shown = ["body", *([] if request.whole else ["private"]), *(sql.text for sql in selected)]
    table = f"{table_of(request.where.type)}{f' AS {_TABLE}' if named else ''}{_only_by_id(dialect, request.lookup)}"
    head = f"SELECT {', '.join(columns(keys) if only_places else shown)} FROM {table} WHERE "
    page = _portion(dialect, request)
    first = tuple(arg for sql in selected for arg in sql.args)
    base = [places.base(request.where), *_found(request.lookup), *_filter(frame, request.condition)]
    statements: list[Sql] = []
    for stretch in _stretches(dialect, request, keys, after):
        where = joined("AND", [*base, *([] if stretch.condition == TRUE else [stretch.condition])])
        orders = f" ORDER BY {_orders(dialect, request.sort, keys, stretch.pinned)}"
        found = Sql(f"{_bare(where.text)}{orders}{page.text}", (*first, *where.args, *page.args))
        if dialect == "postgresql" and request.offset >= FAR and not named:
            only = joined("AND", [places.base(request.where), _these(table, found)])
            found = Sql(f"{_bare(only.text)}{orders}", only.args)
        statements.append(Sql(f"{head}{found.text}", found.args))
    return statements


def _these(table: str, found: Sql) -> Sql:
    """Find out first which documents a page has: to skip thousands, PostgreSQL would sort whole ones on its disk."""
    return Sql(f"entry_id = ANY (ARRAY(SELECT entry_id FROM {table} WHERE {found.text}))", found.args)


def _portion(dialect: DialectName, request: PageRequest) -> Sql:
    """Write the limit and the offset: as arguments on SQLite, while PostgreSQL plans by what they are."""
    if not request.offset:
        return Sql(f" LIMIT {request.limit:d}")
    if dialect == "sqlite":
        return Sql(" LIMIT ? OFFSET ?", (request.limit, request.offset))
    return Sql(f" LIMIT {request.limit:d} OFFSET {request.offset:d}")


def _stretches(
    dialect: DialectName, request: PageRequest, keys: Sequence[Sql], after: tuple[Place | None, ...] | None
) -> list[Stretch]:
    if after is None:
        return [Stretch(TRUE)]
    keyset = Keyset(dialect=dialect, sort=request.sort, keys=tuple(keys), after=after)
    return stretches(request.where.type, keyset)


async def rank_documents(
    store: Store, where: Where, condition: Condition | None, keys: Sequence[RankKey], ids: Sequence[str]
) -> dict[str, tuple[Any, ...]]:
    """Return of those documents with these ids that meet the condition what they are to be ordered by.

    One statement, which reads no answers; ``None`` is an absent value.
    """
    dialect = store.dialect.name
    only = Sql(_IDS[dialect], (msgspec.json.encode(ids).decode(),))
    parts = [_ranks_in_one_locale(dialect, one, condition, keys, only) for one in alternatives(where)]
    rows = await store.fetch_all(
        " UNION ALL ".join(part.text for part in parts), *(arg for part in parts for arg in part.args)
    )
    return {str(row[0]): tuple(row)[1:] for row in rows}


def _ranks_in_one_locale(
    dialect: DialectName, where: Where, condition: Condition | None, keys: Sequence[RankKey], only: Sql
) -> Sql:
    frame = places.frame(dialect, where)
    shown = [_rank(frame, key) for key in keys]
    found = joined("AND", [places.base(where), only, *_filter(frame, condition)])
    text = f"SELECT {', '.join(['entry_id', *(sql.text for sql in shown)])} FROM {table_of(where.type)} AS {_TABLE}"
    return Sql(f"{text} WHERE {found.text}", (*(arg for sql in shown for arg in sql.args), *found.args))


def _rank(frame: Frame, key: RankKey) -> Sql:
    value = Sql("CAST(entry_id AS {text})") if key.path == ("id",) else value_of(frame, key.path, key.target, _TABLE)
    if key.condition is None:
        return value
    only = compile_condition(frame, key.condition)
    return Sql(f"CASE WHEN {only.text} THEN {value.text} END", (*only.args, *value.args))


async def count_documents(store: Store, sql: Sql) -> int:
    """Return how many documents there are, by the statement of :func:`count_sql`."""
    rows = await store.fetch_shared(sql.text, *sql.args)
    return int(rows[0][0]) if rows else 0


def count_sql(dialect: DialectName, where: Where, condition: Condition | None, lookup: Lookup | None = None) -> Sql:
    """Write the statement that counts."""
    table = f"{table_of(where.type)}{_only_by_id(dialect, lookup)}"
    counts: list[Sql] = []
    for one in alternatives(where):
        found = joined("AND", [places.base(one), *_found(lookup), *_filter(places.frame(dialect, one), condition)])
        counts.append(Sql(f"SELECT count(*) FROM {table} WHERE {_bare(found.text)}", found.args))
    if len(counts) == 1:
        return _fitting(counts[0])
    total = " + ".join(f"({one.text})" for one in counts)
    return _fitting(Sql(f"SELECT {total}", tuple(arg for one in counts for arg in one.args)))


def _fitting(sql: Sql) -> Sql:
    """Refuse what no engine takes: hundreds of conditions with hundreds of values each."""
    if len(sql.args) > MOST_ARGUMENTS:
        raise refuse("filter", "too_many", f"has more than {MOST_ARGUMENTS} values")
    return sql


def _found(lookup: Lookup | None) -> list[Sql]:
    return [] if lookup is None else [lookup.condition]


def _only_by_id(dialect: DialectName, lookup: Lookup | None) -> str:
    """Keep SQLite from beginning elsewhere: it does not know how few documents a lookup leads to."""
    return " NOT INDEXED" if lookup is not None and dialect == "sqlite" else ""


def _bare(text: str) -> str:
    """Take the brackets off that go around the whole."""
    return text[1:-1] if text.startswith("((") and text.endswith(")") else text


def _filter(frame: Frame, condition: Condition | None) -> list[Sql]:
    return [] if condition is None else [compile_condition(frame, condition)]


def _key(frame: Frame, key: SortKey) -> Sql:
    if key.path == ("id",):
        return Sql("entry_id")
    if key.target.hops:
        return value_of(frame, key.path, key.target, _TABLE)
    return Sql(scalar(frame.dialect, source_of(frame.dialect, frame.type, key.path[0]), key.path, key.target.kind))


def _orders(dialect: DialectName, sort: Sequence[SortKey], keys: Sequence[Sql], pinned: int) -> str:
    orders: list[str] = []
    for index, (key, sql) in enumerate(zip(sort, keys, strict=True)):
        text = f"key{index}" if key.target.hops else sql.text
        orders.append(f"{text}{direction(dialect, key)}")
    return ", ".join([*orders[pinned:], f"entry_id{' DESC' if ends_descending(sort) else ''}"])
