"""Reading documents: one by id, or a page of them by condition, order and cursor; one statement each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from maydan.content.types import Kind
from maydan.storage.conditions import FALSE, Sql, compile_condition, joined
from maydan.storage.documents import table_of
from maydan.storage.expressions import order, scalar, source_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.content.conditions import Condition, Target
    from maydan.content.types import ContentType
    from maydan.storage.expressions import DialectName
    from maydan.storage.ports import Row, Store


class Where(Struct, frozen=True, kw_only=True):
    """Which documents of a type are looked at at all."""

    type: ContentType
    space_key: int
    perspective: int
    locale: str
    translated_only: bool = False
    """Only those with content of their own in the locale (``fallback=none``)."""


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
    keys: tuple[Any, ...]
    """What a cursor to the next page holds: sort values, then the id."""


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
    """Return id, public and private part of the documents with these ids; missing ones are left out."""
    rows = await store.fetch_all(
        f"SELECT entry_id, body, private FROM {table_of(where.type)}"
        f" WHERE space_key = ? AND perspective = ? AND locale = ? AND entry_id IN ({','.join('?' * len(ids))})",
        where.space_key,
        where.perspective,
        where.locale,
        *ids,
    )
    return [(str(row[0]), row[1], row[2]) for row in rows]


async def list_documents(store: Store, request: PageRequest) -> list[Listed]:
    """Return up to ``limit`` documents in order."""
    sql = page_sql(store.dialect.name, request)
    rows = await store.fetch_all(sql.text, *sql.args)
    return [_listed(row, whole=request.whole) for row in rows]


def _listed(row: Row, *, whole: bool) -> Listed:
    first = 1 if whole else 2
    return Listed(row[0], None if whole else row[1], (*row[first:-1], str(row[-1])))


def page_sql(dialect: DialectName, request: PageRequest) -> Sql:
    """Write the statement of a page; also what tests explain to see which index serves it."""
    keys = [_key(dialect, request.where.type, key) for key in request.sort]
    columns = ["body", *([] if request.whole else ["private"]), *keys, "entry_id"]
    where = _where(dialect, request)
    text = f"SELECT {', '.join(columns)} FROM {table_of(request.where.type)} WHERE {where.text}"
    text += f" ORDER BY {', '.join(_orders(dialect, request.sort, keys))} LIMIT {request.limit:d}"
    if request.offset:
        text += f" OFFSET {request.offset:d}"
    return Sql(text, where.args)


async def count_documents(store: Store, where: Where, condition: Condition | None) -> int:
    """Return how many documents there are."""
    sql = count_sql(store.dialect.name, where, condition)
    row = await store.fetch_one(sql.text, *sql.args)
    return int(row[0]) if row else 0


def count_sql(dialect: DialectName, where: Where, condition: Condition | None) -> Sql:
    """Write the statement that counts."""
    found = joined("AND", [_base(where), *_filter(dialect, where.type, condition)])
    return Sql(f"SELECT count(*) FROM {table_of(where.type)} WHERE {_bare(found.text)}", found.args)


def _where(dialect: DialectName, request: PageRequest) -> Sql:
    parts = [_base(request.where), *_filter(dialect, request.where.type, request.condition)]
    if request.after is not None:
        parts.append(_after(dialect, request))
    found = joined("AND", parts)
    return Sql(_bare(found.text), found.args)


def _bare(text: str) -> str:
    return text[1:-1] if text.startswith("(") and text.endswith(")") else text


def _base(where: Where) -> Sql:
    only = " AND translated = TRUE" if where.translated_only else ""
    return Sql(
        f"(space_key = ? AND perspective = ? AND locale = ?{only})",
        (where.space_key, where.perspective, where.locale),
    )


def _filter(dialect: DialectName, content_type: ContentType, condition: Condition | None) -> list[Sql]:
    return [] if condition is None else [compile_condition(dialect, content_type, condition)]


def _key(dialect: DialectName, content_type: ContentType, key: SortKey) -> str:
    if key.path == ("id",):
        return "entry_id"
    return scalar(dialect, source_of(dialect, content_type, key.path[0]), key.path, key.target.kind)


def _orders(dialect: DialectName, sort: Sequence[SortKey], keys: Sequence[str]) -> list[str]:
    orders = [f"{sql}{_direction(dialect, key)}" for key, sql in zip(sort, keys, strict=True)]
    descending = sort[-1].descending if sort else True
    return [*orders, f"entry_id{' DESC' if descending else ''}"]


def _direction(dialect: DialectName, key: SortKey) -> str:
    if key.path == ("id",):
        return " DESC" if key.descending else ""
    return order(dialect, descending=key.descending)


def _after(dialect: DialectName, request: PageRequest) -> Sql:
    """Write "comes after the last document of the page before", key by key; NULL is the lowest value."""
    values: tuple[Any, ...] = request.after or (None,)
    ties: list[Sql] = []
    ways: list[Sql] = []
    for key, value in zip(request.sort, values[:-1], strict=True):
        sql = _key(dialect, request.where.type, key)
        ways.append(
            joined("AND", [*ties, _beyond(sql, _typed(dialect, key.target.kind, value), descending=key.descending)])
        )
        ties.append(_tied(sql, _typed(dialect, key.target.kind, value)))
    descending = request.sort[-1].descending if request.sort else True
    ways.append(joined("AND", [*ties, Sql(f"entry_id {'<' if descending else '>'} ?", (values[-1],))]))
    return joined("OR", [way for way in ways if way != FALSE])


def _typed(dialect: DialectName, kind: Kind, value: Any) -> Any:
    if value is not None and kind is Kind.DECIMAL:
        return float(value) if dialect == "sqlite" else str(value)
    return value


def _beyond(sql: str, value: Any, *, descending: bool) -> Sql:
    if value is None:
        return FALSE if descending else Sql(f"{sql} IS NOT NULL")
    if descending:
        return Sql(f"({sql} < ? OR {sql} IS NULL)", (value,))
    return Sql(f"{sql} > ?", (value,))


def _tied(sql: str, value: Any) -> Sql:
    return Sql(f"{sql} IS NULL") if value is None else Sql(f"{sql} = ?", (value,))
