"""How a field of a document is written in SQL, the same in queries and in indexes, on both engines."""

from __future__ import annotations

from typing import Final, Literal

from maydan.content.types import Kind

type DialectName = Literal["sqlite", "postgresql"]

_POSTGRESQL_CASTS: Final = {
    Kind.INTEGER: "bigint",
    Kind.NUMBER: "double precision",
    Kind.DECIMAL: "numeric",
    Kind.BOOLEAN: "boolean",
}


def scalar(dialect: DialectName, path: tuple[str, ...], kind: Kind, *, private: bool = False, alias: str = "") -> str:
    """Write the value at a path of the document as a comparable SQL value; NULL where it is absent.

    Args:
        dialect: The engine's name.
        path: Field name, then keys inside it (``("price", "amount")``); names of checked types, so safe to quote.
        kind: What is at the end of the path; decides the SQL type.
        private: Whether it lives in the document's ``private`` part.
        alias: Table alias with its dot, in queries that join.
    """
    column = f"{alias}{'private' if private else 'body'}"
    if dialect == "sqlite":
        text = f"json_extract({column},'$.{'.'.join(path)}')"
        return f"CAST({text} AS NUMERIC)" if kind is Kind.DECIMAL else text
    text = f"({column}->>'{path[0]}')" if len(path) == 1 else f"({column}#>>'{{{','.join(path)}}}')"
    cast = _POSTGRESQL_CASTS.get(kind)
    return f"({text}::{cast})" if cast else f'({text} COLLATE "C")'


def any_element(dialect: DialectName, path: tuple[str, ...], *, private: bool, alias: str, test: str) -> str:
    """Write "an element of the list at the path passes the test"; the test speaks of ``item.value`` as text."""
    column = f"{alias}{'private' if private else 'body'}"
    if dialect == "sqlite":
        return f"EXISTS (SELECT 1 FROM json_each({column},'$.{'.'.join(path)}') AS item WHERE {test})"
    source = f"{column}#>'{{{','.join(path)}}}'"
    listed = f"CASE WHEN jsonb_typeof({source}) = 'array' THEN {source} ELSE '[]'::jsonb END"
    return f"EXISTS (SELECT 1 FROM jsonb_array_elements_text({listed}) AS item(value) WHERE {test})"
