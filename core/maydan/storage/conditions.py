"""Conditions as SQL over one document table; the back end for lists, counts and checks on rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from msgspec import Struct

from maydan.content.conditions import LIST_OPERATORS, And, Compare, Not, refuse
from maydan.content.types import Kind
from maydan.ids import is_id
from maydan.locales import fold
from maydan.storage.expressions import FOLDED, elements, scalar, source_of

if TYPE_CHECKING:
    from maydan.content.conditions import Condition, Target
    from maydan.content.types import ContentType
    from maydan.storage.expressions import DialectName

_SIGNS: Final = {"eq": "=", "ne": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_LAST: Final = "\U0010ffff"


class Sql(Struct, frozen=True):
    """A piece of SQL with the values of its question marks."""

    text: str
    args: tuple[Any, ...] = ()


TRUE: Final = Sql("TRUE")
FALSE: Final = Sql("FALSE")


def compile_condition(dialect: DialectName, content_type: ContentType, condition: Condition | None) -> Sql:
    """Write a checked condition over the columns of a document table.

    The result may be NULL where it does not match; that is harmless in WHERE, and ``not`` takes care of it.
    """
    if condition is None:
        return TRUE
    if isinstance(condition, Compare):
        return _compare(dialect, content_type, condition)
    if isinstance(condition, Not):
        inner = compile_condition(dialect, content_type, condition.condition)
        return Sql(f"NOT COALESCE({inner.text}, FALSE)", inner.args)
    parts = [compile_condition(dialect, content_type, part) for part in condition.conditions]
    return joined("AND" if isinstance(condition, And) else "OR", parts)


def joined(word: str, parts: list[Sql]) -> Sql:
    """Join pieces by AND or OR."""
    if not parts:
        return TRUE if word == "AND" else FALSE
    if len(parts) == 1:
        return parts[0]
    return Sql(f"({f' {word} '.join(part.text for part in parts)})", tuple(arg for part in parts for arg in part.args))


def _compare(dialect: DialectName, content_type: ContentType, compare: Compare) -> Sql:
    target = compare.target
    if target is None:
        raise ValueError(f"{'.'.join(compare.path)} was not checked against a type.")
    if compare.path == ("id",):
        return _by_id(compare)
    source = source_of(dialect, content_type, compare.path[0])
    if compare.op == "icontains":
        needle = Compare((FOLDED, *compare.path), "contains", fold(compare.value), target)
        return _test(dialect, scalar(dialect, "facts", needle.path, Kind.STRING), needle, Kind.STRING)
    if compare.op == "exists":
        return _exists(dialect, source, compare, target)
    if compare.op in ("ne", "nin"):
        positive = Compare(compare.path, "eq" if compare.op == "ne" else "in", compare.value, target)
        inner = _walk(dialect, source, positive, target, compare.path, target.many, 0)
        return Sql(f"NOT COALESCE({inner.text}, FALSE)", inner.args)
    return _walk(dialect, source, compare, target, compare.path, target.many, 0)


def _by_id(compare: Compare) -> Sql:
    """Ids compare as what they are, through the unique index."""
    if compare.op == "exists":
        return TRUE if compare.value else FALSE
    values = cast("tuple[Any, ...]", compare.value) if compare.op in LIST_OPERATORS else (compare.value,)
    if compare.op not in ("eq", "ne", "in", "nin"):
        raise refuse("id", "bad_operator", "takes eq, ne, in and nin")
    ids = tuple(value for value in values if is_id(str(value)))
    negative = compare.op in ("ne", "nin")
    if not ids:
        return TRUE if negative else FALSE
    return Sql(f"entry_id {'NOT IN' if negative else 'IN'} ({','.join('?' * len(ids))})", ids)


def _walk(
    dialect: DialectName,
    source: str,
    compare: Compare,
    target: Target,
    path: tuple[str, ...],
    many: tuple[bool, ...],
    depth: int,
) -> Sql:
    """Go down the path; where a list stands, one of its items has to match."""
    lists = [index for index, is_list in enumerate(many) if is_list]
    if not lists:
        return _test(dialect, scalar(dialect, source, path, target.kind), compare, target.kind)
    until = lists[0] + 1
    name = f"item{depth}"
    inner = _walk(dialect, f"{name}.value", compare, target, path[until:], many[until:], depth + 1)
    return Sql(f"EXISTS (SELECT 1 FROM {elements(dialect, source, path[:until], name)} WHERE {inner.text})", inner.args)


def _test(dialect: DialectName, left: str, compare: Compare, kind: Kind) -> Sql:
    """Compare one SQL value."""
    op, value = compare.op, compare.value
    if op in _SIGNS:
        return Sql(f"{left} {_SIGNS[op]} ?", (_argument(dialect, kind, value),))
    if op == "in":
        if not value:
            return FALSE
        return Sql(f"{left} IN ({','.join('?' * len(value))})", tuple(_argument(dialect, kind, one) for one in value))
    if op == "startswith":
        # In code point order everything that starts with a text lies between it and it with the last code point.
        return Sql(f"({left} >= ? AND {left} < ?)", (value, value + _LAST)) if value else Sql(f"{left} IS NOT NULL")
    if not value:
        return Sql(f"{left} IS NOT NULL")
    return Sql(f"{'instr' if dialect == 'sqlite' else 'strpos'}({left}, ?) > 0", (value,))


def _exists(dialect: DialectName, source: str, compare: Compare, target: Target) -> Sql:
    kind = Kind.STRING if dialect == "postgresql" else target.kind
    there = _present(dialect, source, compare.path, target.many, kind)
    return Sql(there if compare.value else f"NOT {there}")


def _present(dialect: DialectName, source: str, path: tuple[str, ...], many: tuple[bool, ...], kind: Kind) -> str:
    lists = [index for index, is_list in enumerate(many) if is_list]
    if not lists:
        return f"({scalar(dialect, source, path, kind)} IS NOT NULL)"
    until = lists[0] + 1
    items = elements(dialect, source, path[:until], "item")
    rest = _present(dialect, "item.value", path[until:], many[until:], kind)
    return f"EXISTS (SELECT 1 FROM {items} WHERE {rest})"


def _argument(dialect: DialectName, kind: Kind, value: Any) -> Any:
    """Decimals are kept as text; SQLite compares them as numbers, PostgreSQL as exact ones."""
    if kind is not Kind.DECIMAL:
        return value
    return float(value) if dialect == "sqlite" else str(value)
