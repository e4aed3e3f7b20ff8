"""How a value of a document is written in SQL, the same in queries and in indexes, on both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from maydan.content.types import Kind

if TYPE_CHECKING:
    from maydan.content.types import ContentType, Field

DialectName: TypeAlias = Literal["sqlite", "postgresql"]

_POSTGRESQL_CASTS: Final = {
    Kind.INTEGER: "bigint",
    Kind.NUMBER: "double precision",
    Kind.DECIMAL: "numeric",
    Kind.BOOLEAN: "boolean",
}


FOLDED: Final = "~"
"""The member of ``facts`` that holds the folded text fields; no field can have this name."""

_UNSEARCHED: Final = frozenset({Kind.TEXT, Kind.RICHTEXT, Kind.JSON, Kind.COMPONENT, Kind.BLOCKS, Kind.SECRET})


def is_fact(field: Field) -> bool:
    """Tell whether a field is kept in ``facts``: short values that are compared and sorted by."""
    return field.kind not in _UNSEARCHED


def source_of(dialect: DialectName, content_type: ContentType, name: str, table: str = "") -> str:
    """Return the JSON in which a field or system field is looked for.

    What lists compare and sort by stands in ``facts``, apart from the long answer, so that looking at it is cheap;
    texts and components are looked for in the answer itself. ``table`` is what the document table is called, where
    that has to be said.
    """
    field = content_type.field(name)
    prefix = f"{table}." if table else ""
    if field is None or is_fact(field):
        return f"{prefix}facts"
    column = prefix + ("private" if field.private else "body")
    return column if dialect == "sqlite" else f"({column}::jsonb)"


def scalar(dialect: DialectName, source: str, path: tuple[str, ...], kind: Kind) -> str:
    """Write the value at a path as a comparable SQL value; NULL where it is absent.

    Args:
        dialect: The engine's name.
        source: What holds the JSON: ``facts``, ``body``, ``item0.value``.
        path: Names of checked types, so safe to quote; empty for the source itself.
        kind: What is at the end of the path; decides the SQL type.
    """
    if dialect == "sqlite":
        text = f"json_extract({source},'{_json_path(path)}')" if path else source
        return f"CAST({text} AS NUMERIC)" if kind is Kind.DECIMAL else text
    text = f"({source}->>'{path[0]}')" if len(path) == 1 else f"({source}#>>'{{{','.join(path)}}}')"
    cast = _POSTGRESQL_CASTS.get(kind)
    return f"({text}::{cast})" if cast else f'({text} COLLATE "C")'


def _json_path(path: tuple[str, ...]) -> str:
    return "$" + "".join(f'."{step}"' if step == FOLDED else f".{step}" for step in path)


def elements(dialect: DialectName, source: str, path: tuple[str, ...], name: str) -> str:
    """Write a table of the items of the list at a path, each as ``<name>.value``; empty where there is no list."""
    if dialect == "sqlite":
        return f"json_each({source},'{_json_path(path)}') AS {name}"
    listed = f"({source}#>'{{{','.join(path)}}}')"
    safe = f"CASE WHEN jsonb_typeof({listed}) = 'array' THEN {listed} ELSE '[]'::jsonb END"
    return f"jsonb_array_elements({safe}) AS {name}(value)"


def order(dialect: DialectName, *, descending: bool) -> str:
    """Write the direction of a sort key; NULL is the lowest value on both engines."""
    if dialect == "sqlite":
        return " DESC" if descending else ""
    return " DESC NULLS LAST" if descending else " ASC NULLS FIRST"
