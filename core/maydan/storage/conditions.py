"""Conditions as SQL over one document table; the back end for lists, counts and checks on rows.

A path through a relation becomes ``id IN (SELECT …)`` over the documents of the type that it leads to, under the same
perspective and in the same locale, with the condition of what the caller may read there. Inside such a select the bare
names ``facts``, ``body`` and ``entry_id`` are those of its own table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import msgspec
from msgspec import Struct

from maydan.content.conditions import LIST_OPERATORS, And, Compare, Not, refuse
from maydan.content.matching import affirmed
from maydan.content.types import ContentType, Kind
from maydan.ids import is_id
from maydan.locales import fold
from maydan.storage.documents import DRAFT, PUBLISHED, table_of
from maydan.storage.expressions import FOLDED, DialectName, elements, scalar, source_of
from maydan.storage.fragments import FALSE, TRUE, Sql, joined

if TYPE_CHECKING:
    from maydan.content.conditions import Condition, Hop, Target

_SIGNS: Final = {"eq": "=", "ne": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_LAST: Final = "\U0010ffff"
_LIKE_SIGNS: Final = re.compile("[%_!]")
_LONGEST_LIKE: Final = 1000
"""SQLite refuses patterns of more than 50,000 bytes."""

_Test: TypeAlias = Callable[[str], Sql]
"""What is asked of one SQL value."""


class Frame(Struct, frozen=True, kw_only=True):
    """Where a condition is judged: in whose documents, and how its relations are followed."""

    dialect: DialectName
    type: ContentType
    space_key: int
    locale: str
    draft: bool
    """Whether relations lead to drafts; types without drafts have one perspective."""
    translated_only: bool = False
    types: Mapping[int, ContentType] = {}
    """The types behind relations by their key."""

    def behind(self, hop: Hop) -> Frame:
        """Return the frame of the entries that a relation leads to."""
        if hop.content_type is None or hop.draft is None:
            return msgspec.structs.replace(self, type=self.types[hop.type_key])
        return msgspec.structs.replace(self, type=hop.content_type, draft=hop.draft, translated_only=False)

    @property
    def base(self) -> Sql:
        """Which documents of the type there are, whatever is asked of them."""
        perspective = DRAFT if self.draft and self.type.drafts else PUBLISHED
        return documents_of(self.space_key, perspective, self.locale, translated_only=self.translated_only)


def documents_of(space_key: int, perspective: int, locale: str, *, translated_only: bool) -> Sql:
    """Write which rows of a document table are looked at at all: the wall between spaces, perspectives and locales."""
    only = " AND translated = TRUE" if translated_only else ""
    return Sql(f"(space_key = ? AND perspective = ? AND locale = ?{only})", (space_key, perspective, locale))


def compile_condition(frame: Frame, condition: Condition | None) -> Sql:
    """Write a checked condition over the columns of a document table.

    The result may be NULL where it does not match; that is harmless in WHERE, and ``not`` takes care of it.
    """
    if condition is None:
        return TRUE
    if isinstance(condition, Compare):
        return _compare(frame, condition)
    if isinstance(condition, Not):
        return _negated(compile_condition(frame, condition.condition))
    parts = [compile_condition(frame, part) for part in condition.conditions]
    return joined("AND" if isinstance(condition, And) else "OR", parts)


def value_of(frame: Frame, path: tuple[str, ...], target: Target, table: str, depth: int = 0) -> Sql:
    """Write the one value at a path, also through relations, to sort by; NULL where it is absent.

    Args:
        frame: Of the documents that the path begins in.
        path: Goes through no list.
        target: What it leads to.
        table: What the document table is called here; the names inside of selects would hide it.
        depth: How many selects this stands in.
    """
    source = source_of(frame.dialect, frame.type, path[0], table)
    if not target.hops:
        return Sql(scalar(frame.dialect, source, path, target.kind))
    target_id = scalar(frame.dialect, source, path[: target.steps], Kind.RELATION)
    parts = [_value_behind(frame.behind(hop), hop, path[target.steps :], target_id, depth) for hop in target.hops]
    if len(parts) == 1:
        return parts[0]
    args = tuple(arg for part in parts for arg in part.args)
    return Sql(f"COALESCE({', '.join(part.text for part in parts)})", args)


def _value_behind(frame: Frame, hop: Hop, rest: tuple[str, ...], target_id: str, depth: int) -> Sql:
    name = f"behind{depth}"
    value = value_of(frame, rest, hop.target, name, depth + 1)
    asked = target_id if frame.dialect == "sqlite" else f"CAST({target_id} AS uuid)"
    where = joined("AND", [frame.base, Sql(f"{name}.entry_id = {asked}"), *_asked(frame, hop.condition)])
    text = f"(SELECT {value.text} FROM {table_of(frame.type)} AS {name} WHERE {where.text})"
    return Sql(text, (*value.args, *where.args))


def _asked(frame: Frame, condition: Condition | None) -> list[Sql]:
    return [] if condition is None else [compile_condition(frame, condition)]


def _negated(inner: Sql) -> Sql:
    return Sql(f"NOT COALESCE({inner.text}, FALSE)", inner.args)


def _compare(frame: Frame, compare: Compare) -> Sql:
    target = compare.target
    if target is None:
        raise ValueError(f"{'.'.join(compare.path)} was not checked against a type.")
    if compare.path == ("id",):
        return _by_id(compare)
    dialect = frame.dialect
    source = source_of(dialect, frame.type, compare.path[0])
    if target.hops:
        asked, opposite = affirmed(compare)
        inner = _through(frame, source, asked, target)
        return _negated(inner) if opposite else inner
    if compare.op == "icontains":
        needle = Compare((FOLDED, *compare.path), "contains", fold(compare.value), target)
        found = _test(dialect, scalar(dialect, "facts", needle.path, Kind.STRING), needle, Kind.STRING)
        return joined("AND", [*_somewhere(dialect, needle.value), found])
    if compare.op == "exists":
        return _exists(dialect, source, compare, target)
    asked, opposite = affirmed(compare)
    inner = _walk(dialect, source, compare.path, target.many, target.kind, _testing(dialect, asked, target.kind))
    return _negated(inner) if opposite else inner


def _through(frame: Frame, source: str, compare: Compare, target: Target) -> Sql:
    """Write that a relation leads to an entry that meets the rest of the comparison."""
    selects = [_matching(frame.behind(hop), hop, compare, target.steps) for hop in target.hops]

    # For each item of a list PostgreSQL would make a join of its own, and so read all targets for every entry; what is
    # inside of a function stays a set that is made once.
    is_set = frame.dialect != "sqlite" and any(target.many[: target.steps])
    among = "COALESCE({0} IN ({1}), FALSE)" if is_set else "{0} IN ({1})"

    def leads_there(value: str) -> Sql:
        return joined("OR", [Sql(among.format(value, select.text), select.args) for select in selects])

    return _walk(frame.dialect, source, compare.path[: target.steps], target.many, Kind.RELATION, leads_there)


def _matching(frame: Frame, hop: Hop, compare: Compare, steps: int) -> Sql:
    """Select the ids of a type's entries that meet the rest of a comparison, and count for the caller."""
    rest = Compare(compare.path[steps:], compare.op, compare.value, hop.target)
    where = joined("AND", [frame.base, _compare(frame, rest), *_asked(frame, hop.condition)])
    column = "entry_id" if frame.dialect == "sqlite" else "CAST(entry_id AS text)"
    return Sql(f"SELECT {column} FROM {table_of(frame.type)} WHERE {where.text}", where.args)


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
    path: tuple[str, ...],
    many: tuple[bool, ...],
    kind: Kind,
    test: _Test,
    depth: int = 0,
) -> Sql:
    """Go down the path; where a list stands, one of its items has to match."""
    lists = [index for index, is_list in enumerate(many) if is_list]
    if not lists:
        return test(scalar(dialect, source, path, kind))
    until = lists[0] + 1
    name = f"item{depth}"
    inner = _walk(dialect, f"{name}.value", path[until:], many[until:], kind, test, depth + 1)
    return Sql(f"EXISTS (SELECT 1 FROM {elements(dialect, source, path[:until], name)} WHERE {inner.text})", inner.args)


def _testing(dialect: DialectName, compare: Compare, kind: Kind) -> _Test:
    return lambda value: _test(dialect, value, compare, kind)


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


def _somewhere(dialect: DialectName, needle: str) -> list[Sql]:
    """Write that a text stands anywhere in the facts, which SQLite tells three times as fast as where.

    It looks for the text as JSON has it; LIKE takes ``A`` for ``a`` too, so that it only finds more.
    """
    text = msgspec.json.encode(needle).decode()[1:-1]
    if dialect != "sqlite" or not needle or len(text) > _LONGEST_LIKE:
        return []
    if not _LIKE_SIGNS.search(text):
        return [Sql("facts LIKE ?", (f"%{text}%",))]
    return [Sql("facts LIKE ? ESCAPE '!'", (f"%{_LIKE_SIGNS.sub(_escaped, text)}%",))]


def _escaped(match: re.Match[str]) -> str:
    return f"!{match[0]}"


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
