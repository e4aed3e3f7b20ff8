"""Where a page goes on: "comes after the last document of the page before", as ranges of an index or one condition.

NULL is the lowest value of every order, on both engines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from maydan.content.types import Kind
from maydan.storage.expressions import order
from maydan.storage.fragments import FALSE, Sql, joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.content.conditions import Target
    from maydan.content.types import ContentType
    from maydan.storage.expressions import DialectName

_NEVER_ABSENT: Final = frozenset({"id", "type", "status", "version", "locale", "created_at", "updated_at"})


class SortKey(Struct, frozen=True, kw_only=True):
    """One key of the order."""

    path: tuple[str, ...]
    target: Target
    descending: bool


class Stretch(Struct, frozen=True):
    """A part of what comes after a document; the parts follow each other in the order of the list."""

    condition: Sql
    pinned: int = 0
    """How many keys have one value in it, so that only the others decide its order."""
    ends_absent: bool = False
    """Whether the last of these keys has no value."""


class Place(Struct, frozen=True):
    """Stands among the arguments of a statement for a value of the last document before."""

    index: int


def places_for(after: Sequence[Any]) -> tuple[Place | None, ...]:
    """Return the places of a document's values; those that are absent have none, since statements differ by that."""
    return tuple(None if value is None else Place(index) for index, value in enumerate(after))


def filled(sql: Sql, values: Sequence[Any]) -> Sql:
    """Return a statement with the values in their places."""
    return Sql(sql.text, tuple(values[arg.index] if isinstance(arg, Place) else arg for arg in sql.args))


def typed(dialect: DialectName, kind: Kind, value: Any) -> Any:
    """Return a key's value as SQL compares it."""
    if value is not None and kind is Kind.DECIMAL:
        return float(value) if dialect == "sqlite" else str(value)
    return value


class Keyset(Struct, frozen=True, kw_only=True):
    """The order of a list, and where it is to go on."""

    dialect: DialectName
    sort: tuple[SortKey, ...]
    keys: tuple[Sql, ...]
    """What is sorted by, in SQL."""
    after: tuple[Place | None, ...]
    """Where the values of the keys and the id of the last document before will stand; ``None`` is an absent value."""

    @property
    def values(self) -> tuple[Place | None, ...]:
        """The places of the keys' values."""
        return self.after[:-1]

    @property
    def beyond_id(self) -> Sql:
        """What comes after among those with the same values."""
        return Sql(f"entry_id {'<' if ends_descending(self.sort) else '>'} ?", (self.after[-1],))


def direction(dialect: DialectName, key: SortKey) -> str:
    """Write the direction of a key behind it."""
    if key.path == ("id",):
        return " DESC" if key.descending else ""
    return order(dialect, descending=key.descending)


def ends_descending(sort: Sequence[SortKey]) -> bool:
    """Tell the direction of the ids, which decide last: that of the last key, and newest first without any."""
    return sort[-1].descending if sort else True


def stretches(content_type: ContentType, keyset: Keyset) -> list[Stretch]:
    """Return what comes after, in the order of the list.

    Where an index has the order, each stretch is a range of it, and reading one begins right there; else all of it is
    one condition, so that the documents are looked through only once.
    """
    if not keyset.sort:
        return [Stretch(keyset.beyond_id)]
    if not _is_indexed(content_type, keyset.sort):
        return [Stretch(_whole(keyset))]
    if keyset.dialect == "sqlite":
        return _split(keyset)
    is_pair = len(keyset.sort) == 1 and keyset.values[0] is not None
    found = _pair(keyset) if is_pair else _split(keyset)
    # PostgreSQL does not take a key that IS NULL for settled: its order is had from an index only with the key in it.
    settled = next((number for number, value in enumerate(keyset.values) if value is None), len(keyset.sort))
    return [Stretch(one.condition, min(one.pinned - one.ends_absent, settled)) for one in found]


def _is_indexed(content_type: ContentType, sort: Sequence[SortKey]) -> bool:
    """Tell whether a declared index ends with the keys (ids follow), in their directions or all in the other one."""
    wanted = [(key.path, key.descending) for key in sort]
    turned = [(path, not descending) for path, descending in wanted]
    for names in (*content_type.indexes, *((field.name,) for field in content_type.fields if field.indexed)):
        keys = [(_indexed_path(content_type, name.removeprefix("-")), name.startswith("-")) for name in names]
        if keys[-len(wanted) :] in (wanted, turned):
            return True
    return False


def _indexed_path(content_type: ContentType, name: str) -> tuple[str, ...]:
    field = content_type.field(name)
    return (name, "amount") if field is not None and field.kind is Kind.MONEY else tuple(name.split("."))


def _pair(keyset: Keyset) -> list[Stretch]:
    """Let one range begin at the value and the id together."""
    key, sql = keyset.sort[0], keyset.keys[0]
    sign = "<" if key.descending else ">"
    present = Stretch(Sql(f"({sql.text}, entry_id) {sign} (?, ?)", (keyset.values[0], keyset.after[-1])))
    return [present, *_absent(key, sql, [])]


def _split(keyset: Keyset) -> list[Stretch]:
    """Begin with what differs in the id alone, and go on key by key from the last one to the first."""
    ties: list[Sql] = []
    found: list[Stretch] = []
    for key, sql, value in zip(keyset.sort, keyset.keys, keyset.values, strict=True):
        beyond: list[Stretch] = []
        if value is not None:
            above = Sql(f"{sql.text} {'<' if key.descending else '>'} ?", (value,))
            beyond = [Stretch(joined("AND", [*ties, above]), len(ties)), *_absent(key, sql, ties)]
        elif not key.descending:
            beyond = [Stretch(joined("AND", [*ties, Sql(_present(keyset.dialect, sql.text))]), len(ties))]
        found = [*beyond, *found]
        ties.append(_tied(sql, value))
    return [Stretch(joined("AND", [*ties, keyset.beyond_id]), len(ties)), *found]


def _present(dialect: DialectName, text: str) -> str:
    """SQLite does not enter an index by IS NOT NULL; every number, and every text, is at least minus infinity."""
    return f"{text} >= -9e999" if dialect == "sqlite" else f"{text} IS NOT NULL"


def _absent(key: SortKey, sql: Sql, ties: list[Sql]) -> list[Stretch]:
    """Return those without a value, which a descending order ends with and no comparison reaches."""
    if not key.descending or (key.target.system and key.path[0] in _NEVER_ABSENT):
        return []
    return [Stretch(joined("AND", [*ties, Sql(f"{sql.text} IS NULL")]), len(ties) + 1, ends_absent=True)]


def _whole(keyset: Keyset) -> Sql:
    """Write all of it as one condition, key by key."""
    ties: list[Sql] = []
    ways: list[Sql] = []
    for key, sql, value in zip(keyset.sort, keyset.keys, keyset.values, strict=True):
        beyond = _beyond(sql, value, descending=key.descending)
        if beyond != FALSE:
            ways.append(joined("AND", [*ties, beyond]))
        ties.append(_tied(sql, value))
    return joined("OR", [*ways, joined("AND", [*ties, keyset.beyond_id])])


def _beyond(sql: Sql, value: Any, *, descending: bool) -> Sql:
    if value is None:
        return FALSE if descending else Sql(f"{sql.text} IS NOT NULL", sql.args)
    if descending:
        return Sql(f"({sql.text} < ? OR {sql.text} IS NULL)", (*sql.args, value, *sql.args))
    return Sql(f"{sql.text} > ?", (*sql.args, value))


def _tied(sql: Sql, value: Any) -> Sql:
    return Sql(f"{sql.text} IS NULL", sql.args) if value is None else Sql(f"{sql.text} = ?", (*sql.args, value))
