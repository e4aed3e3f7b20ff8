"""Reading documents: one by id, some by their ids, or a page of them by condition, order and cursor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from msgspec import Struct

from maydan.content.types import ContentType, Kind
from maydan.storage.conditions import FALSE, Frame, Sql, compile_condition, documents_of, joined, value_of
from maydan.storage.documents import table_of
from maydan.storage.expressions import order, scalar, source_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.content.conditions import Condition, Target
    from maydan.storage.expressions import DialectName
    from maydan.storage.ports import Row, Store

_TABLE: Final = "listed"
"""What the document table is called where a sort key goes through a relation."""
_NEVER_ABSENT: Final = frozenset({"id", "type", "status", "version", "locale", "created_at", "updated_at"})


class Where(Struct, frozen=True, kw_only=True):
    """Which documents of a type are looked at at all."""

    type: ContentType
    space_key: int
    perspective: int
    locale: str
    translated_only: bool = False
    """Only those with content of their own in the locale (``fallback=none``)."""
    draft: bool = False
    """Whether the relations that paths go through lead to drafts."""
    types: Mapping[int, ContentType] = {}
    """By their keys the types behind those relations."""


class SortKey(Struct, frozen=True, kw_only=True):
    """One key of the order."""

    path: tuple[str, ...]
    target: Target
    descending: bool


class PageRequest(Struct, frozen=True, kw_only=True):
    """A page of a list."""

    where: Where
    condition: Condition | None
    sort: tuple[SortKey, ...]
    after: tuple[Any, ...] | None
    """The values of the sort keys and the id of the last document of the page before."""
    limit: int
    offset: int = 0
    whole: bool = True
    """Whether only the public body is needed."""


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
        f" WHERE {_base(where).text} AND {_IDS[store.dialect.name]}",
        *_base(where).args,
        msgspec.json.encode(ids).decode(),
    )
    return [(str(row[0]), row[1], row[2]) for row in rows]


_IDS: Final = {
    "sqlite": "entry_id IN (SELECT value FROM json_each(?))",
    "postgresql": "entry_id = ANY (ARRAY(SELECT CAST(value AS uuid) FROM jsonb_array_elements_text(CAST(? AS jsonb))))",
}


async def list_documents(store: Store, request: PageRequest, statements: Sequence[Sql] | None = None) -> list[Listed]:
    """Return up to ``limit`` documents in order; ``statements`` are those of the request, where they were kept."""
    found: list[Listed] = []
    for sql in statements or page_statements(store.dialect.name, request):
        rows = await store.fetch_all(sql.text, *sql.args)
        found += [_listed(row, whole=request.whole) for row in rows]
        if len(found) >= request.limit:
            break
    return found[: request.limit]


def _listed(row: Row, *, whole: bool) -> Listed:
    return Listed(row[0], None if whole else row[1], tuple(row[1:] if whole else row[2:]))


def page_sql(dialect: DialectName, request: PageRequest) -> Sql:
    """Write the first statement of a page; also what tests explain to see which index serves it."""
    return page_statements(dialect, request)[0]


def page_statements(dialect: DialectName, request: PageRequest) -> list[Sql]:
    """Write the statements that give a page one after the other, until it is full.

    There is one, but after a cursor sometimes a second: what is absent stands at one end of the order, beyond the reach
    of a comparison, and an index serves either part alone.
    """
    frame = _frame(dialect, request.where)
    keys = [_key(frame, key) for key in request.sort]
    named = any(key.target.hops for key in request.sort)
    columns = ["body", *([] if request.whole else ["private"])]
    # Values that stand in the document itself are read from it, and only for the last one of a page.
    columns += [
        f"{sql.text} AS key{index}"
        for index, (key, sql) in enumerate(zip(request.sort, keys, strict=True))
        if key.target.hops
    ]
    table = f"{table_of(request.where.type)}{f' AS {_TABLE}' if named else ''}"
    head = f"SELECT {', '.join(columns)} FROM {table} WHERE "
    tail = f" ORDER BY {', '.join(_orders(dialect, request.sort, keys))} LIMIT {request.limit:d}"
    if request.offset:
        tail += f" OFFSET {request.offset:d}"
    selected = tuple(arg for key, sql in zip(request.sort, keys, strict=True) if key.target.hops for arg in sql.args)
    base = [_base(request.where), *_filter(frame, request.condition)]
    ranges = [None] if request.after is None else _ranges(dialect, request.sort, keys, request.after)
    statements: list[Sql] = []
    for part in ranges:
        where = joined("AND", base if part is None else [*base, part])
        statements.append(Sql(f"{head}{_bare(where.text)}{tail}", (*selected, *where.args)))
    return statements


async def count_documents(store: Store, sql: Sql) -> int:
    """Return how many documents there are, by the statement of :func:`count_sql`."""
    row = await store.fetch_one(sql.text, *sql.args)
    return int(row[0]) if row else 0


def count_sql(dialect: DialectName, where: Where, condition: Condition | None) -> Sql:
    """Write the statement that counts."""
    found = joined("AND", [_base(where), *_filter(_frame(dialect, where), condition)])
    return Sql(f"SELECT count(*) FROM {table_of(where.type)} WHERE {_bare(found.text)}", found.args)


def _frame(dialect: DialectName, where: Where) -> Frame:
    return Frame(
        dialect=dialect,
        type=where.type,
        space_key=where.space_key,
        locale=where.locale,
        draft=where.draft,
        translated_only=where.translated_only,
        types=where.types,
    )


def _bare(text: str) -> str:
    """Take the brackets off that go around the whole."""
    return text[1:-1] if text.startswith("((") and text.endswith(")") else text


def _base(where: Where) -> Sql:
    return documents_of(where.space_key, where.perspective, where.locale, translated_only=where.translated_only)


def _filter(frame: Frame, condition: Condition | None) -> list[Sql]:
    return [] if condition is None else [compile_condition(frame, condition)]


def _key(frame: Frame, key: SortKey) -> Sql:
    if key.path == ("id",):
        return Sql("entry_id")
    if key.target.hops:
        return value_of(frame, key.path, key.target, _TABLE)
    return Sql(scalar(frame.dialect, source_of(frame.dialect, frame.type, key.path[0]), key.path, key.target.kind))


def _orders(dialect: DialectName, sort: Sequence[SortKey], keys: Sequence[Sql]) -> list[str]:
    orders: list[str] = []
    for index, (key, sql) in enumerate(zip(sort, keys, strict=True)):
        text = f"key{index}" if key.target.hops else sql.text
        orders.append(f"{text}{_direction(dialect, key)}")
    return [*orders, f"entry_id{' DESC' if _ends_descending(sort) else ''}"]


def _ends_descending(sort: Sequence[SortKey]) -> bool:
    """Tell the direction of the ids, which decide last: that of the last key, and newest first without any."""
    return sort[-1].descending if sort else True


def _direction(dialect: DialectName, key: SortKey) -> str:
    if key.path == ("id",):
        return " DESC" if key.descending else ""
    return order(dialect, descending=key.descending)


def _ranges(dialect: DialectName, sort: Sequence[SortKey], keys: Sequence[Sql], after: tuple[Any, ...]) -> list[Sql]:
    """Write "comes after the last document of the page before", in one part or two in their order; NULL is lowest."""
    values = [_typed(dialect, key.target.kind, value) for key, value in zip(sort, after[:-1], strict=True)]
    beyond_id = Sql(f"entry_id {'<' if _ends_descending(sort) else '>'} ?", (after[-1],))
    if not sort:
        return [beyond_id]
    first, sql, value = sort[0], keys[0], values[0]
    if first.target.hops or first.path == ("id",):
        return [_after(sort, keys, values, beyond_id)]
    rest = _after(sort[1:], keys[1:], values[1:], beyond_id)
    if value is None:
        absent = joined("AND", [Sql(f"{sql.text} IS NULL"), rest])
        return [absent] if first.descending else [absent, Sql(f"{sql.text} IS NOT NULL")]
    sign = "<" if first.descending else ">"
    if len(sort) == 1:
        # A pair is one range of an index, from the very place where the page before ended.
        present = Sql(f"({sql.text}, entry_id) {sign} (?, ?)", (value, after[-1]))
    else:
        either = joined("OR", [Sql(f"{sql.text} {sign} ?", (value,)), rest])
        present = joined("AND", [Sql(f"{sql.text} {sign}= ?", (value,)), either])
    ends_absent = first.descending and not (first.target.system and first.path[0] in _NEVER_ABSENT)
    return [present, Sql(f"{sql.text} IS NULL")] if ends_absent else [present]


def _after(sort: Sequence[SortKey], keys: Sequence[Sql], values: Sequence[Any], beyond_id: Sql) -> Sql:
    """Write the same as one condition, key by key."""
    ties: list[Sql] = []
    ways: list[Sql] = []
    for key, sql, value in zip(sort, keys, values, strict=True):
        ways.append(joined("AND", [*ties, _beyond(sql, value, descending=key.descending)]))
        ties.append(_tied(sql, value))
    ways.append(joined("AND", [*ties, beyond_id]))
    return joined("OR", [way for way in ways if way != FALSE])


def _typed(dialect: DialectName, kind: Kind, value: Any) -> Any:
    if value is not None and kind is Kind.DECIMAL:
        return float(value) if dialect == "sqlite" else str(value)
    return value


def _beyond(sql: Sql, value: Any, *, descending: bool) -> Sql:
    if value is None:
        return FALSE if descending else Sql(f"{sql.text} IS NOT NULL", sql.args)
    if descending:
        return Sql(f"({sql.text} < ? OR {sql.text} IS NULL)", (*sql.args, value, *sql.args))
    return Sql(f"{sql.text} > ?", (*sql.args, value))


def _tied(sql: Sql, value: Any) -> Sql:
    return Sql(f"{sql.text} IS NULL", sql.args) if value is None else Sql(f"{sql.text} = ?", (*sql.args, value))
