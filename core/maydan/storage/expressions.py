"""How a value of a document is written in SQL, the same in queries and in indexes, on both engines."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from maydan.content.kinds import AUTHORS
from maydan.content.types import Kind

DialectName: TypeAlias = Literal["sqlite", "postgresql"]

_POSTGRESQL_CASTS: Final = {
    Kind.INTEGER: "bigint",
    Kind.NUMBER: "double precision",
    Kind.DECIMAL: "numeric",
    Kind.BOOLEAN: "boolean",
}


def column_of(name: str, *, private: bool) -> str:
    """Return the column in which a field stands; the authors are private in every perspective."""
    return "private" if private or name in AUTHORS else "body"


def scalar(dialect: DialectName, source: str, path: tuple[str, ...], kind: Kind) -> str:
    """Write the value at a path as a comparable SQL value; NULL where it is absent.

    Args:
        dialect: The engine's name.
        source: The column or table value that holds the JSON: ``body``, ``private``, ``folded``, ``item0.value``.
        path: Names of checked types, so safe to quote; empty for the source itself.
        kind: What is at the end of the path; decides the SQL type.
    """
    if dialect == "sqlite":
        text = f"json_extract({source},'$.{'.'.join(path)}')" if path else source
        return f"CAST({text} AS NUMERIC)" if kind is Kind.DECIMAL else text
    text = f"({source}->>'{path[0]}')" if len(path) == 1 else f"({source}#>>'{{{','.join(path)}}}')"
    cast = _POSTGRESQL_CASTS.get(kind)
    return f"({text}::{cast})" if cast else f'({text} COLLATE "C")'


def elements(dialect: DialectName, source: str, path: tuple[str, ...], name: str) -> str:
    """Write a table of the items of the list at a path, each as ``<name>.value``; empty where there is no list."""
    if dialect == "sqlite":
        return f"json_each({source},'$.{'.'.join(path)}') AS {name}"
    listed = f"({source}#>'{{{','.join(path)}}}')"
    safe = f"CASE WHEN jsonb_typeof({listed}) = 'array' THEN {listed} ELSE '[]'::jsonb END"
    return f"jsonb_array_elements({safe}) AS {name}(value)"


def order(dialect: DialectName, *, descending: bool) -> str:
    """Write the direction of a sort key; NULL is the lowest value on both engines."""
    if dialect == "sqlite":
        return " DESC" if descending else ""
    return " DESC NULLS LAST" if descending else " ASC NULLS FIRST"
