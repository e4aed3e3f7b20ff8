"""What must be unique in a space: slugs and the values of unique fields, over drafts and published."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

from maydan.storage.ports import Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from maydan.storage.ports import Reader, Store


class SlugHit(Struct, frozen=True, kw_only=True):
    """Where a slug leads."""

    entry_id: str
    locale: str
    in_draft: bool
    in_published: bool


async def find_slugs(store: Store, space_key: int, type_key: int, slug: str, locales: Iterable[str]) -> list[SlugHit]:
    """Look a slug up in the locales, and return where it leads in each, in their order; former slugs too.

    One that another entry's draft has taken leads to both.
    """
    wanted = tuple(locales)
    rows = await store.fetch_all(
        "SELECT locale, entry_id, in_draft, in_published, former_id FROM maydan_slugs"
        f" WHERE space_key = ? AND type_key = ? AND slug = ? AND locale IN ({','.join('?' * len(wanted))})",
        space_key,
        type_key,
        slug,
        *wanted,
    )
    hits = [
        SlugHit(entry_id=str(row[1]), locale=row[0], in_draft=bool(row[2]), in_published=bool(row[3])) for row in rows
    ]
    hits += [SlugHit(entry_id=str(row[4]), locale=row[0], in_draft=False, in_published=False) for row in rows if row[4]]
    return sorted(hits, key=lambda hit: wanted.index(hit.locale))


async def taken_slugs(
    reader: Reader, space_key: int, type_key: int, locale: str, stem: str, *, but: str
) -> frozenset[str]:
    """Return the current slugs of other entries that are the stem or the stem with a number."""
    rows = await reader.fetch_all(
        "SELECT slug FROM maydan_slugs WHERE space_key = ? AND type_key = ? AND locale = ? AND slug >= ? AND slug < ?"
        " AND (in_draft = TRUE OR in_published = TRUE) AND entry_id <> ?",
        space_key, type_key, locale, stem, f"{stem}-:", but,
    )  # fmt: skip
    return frozenset(row[0] for row in rows)


SlugKey: TypeAlias = tuple[str, str]
"""Locale, slug."""
UniqueKey: TypeAlias = tuple[str, str, str]
"""Field id, locale ("" where the field is not localised), canonical value."""

LONGEST_VALUE_BYTES: Final = 1_000
"""Of a longer value its digest is kept: a row of PostgreSQL's indexes has 2,704 bytes at most."""
_DIGEST: Final = "\x1f"
"""Begins a digest; values have no control characters."""


class Claims(Struct, frozen=True, kw_only=True):
    """The names (slugs, or unique values) that an entry holds, as a draft and as readers know it."""

    draft: frozenset[tuple[str, ...]] = frozenset()
    published: frozenset[tuple[str, ...]] = frozenset()

    def flags(self) -> dict[tuple[str, ...], tuple[bool, bool]]:
        """Return ``{name: (in draft, in published)}``."""
        return {key: (key in self.draft, key in self.published) for key in self.draft | self.published}


NOTHING: Final = Claims()
"""What an entry holds that does not exist, or lies in the trash."""

_FORMER: Final = (False, False)

_PUT_SLUG: Final = (
    "INSERT INTO maydan_slugs (space_key, type_key, locale, slug, entry_id, in_draft, in_published)"
    " VALUES (?,?,?,?,?,?,?) ON CONFLICT (space_key, type_key, locale, slug) DO UPDATE SET"
    " entry_id = excluded.entry_id, in_draft = excluded.in_draft, in_published = excluded.in_published,"
    " former_id = CASE WHEN excluded.in_published = TRUE THEN NULL"
    " WHEN maydan_slugs.entry_id <> excluded.entry_id THEN maydan_slugs.entry_id ELSE maydan_slugs.former_id END"
    " WHERE maydan_slugs.entry_id = excluded.entry_id"
    " OR (maydan_slugs.in_draft = FALSE AND maydan_slugs.in_published = FALSE)"
)
_GIVE_BACK: Final = (
    "UPDATE maydan_slugs SET entry_id = former_id, in_draft = FALSE, in_published = FALSE, former_id = NULL WHERE"
)
_ONE_SLUG: Final = "space_key = ? AND type_key = ? AND locale = ? AND slug = ? AND entry_id = ?"
_DROP_SLUG: Final = (
    f"{_GIVE_BACK} {_ONE_SLUG} AND former_id IS NOT NULL",
    f"DELETE FROM maydan_slugs WHERE {_ONE_SLUG} AND former_id IS NULL",
)
"""A draft that gives up a name which it had from nobody forgets it; else it is again that entry's former one."""
_PUT_VALUE: Final = (
    "INSERT INTO maydan_unique_values (space_key, type_key, field_id, locale, value, entry_id, in_draft, in_published)"
    " VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (space_key, type_key, field_id, locale, value) DO UPDATE SET"
    " in_draft = excluded.in_draft, in_published = excluded.in_published"
    " WHERE maydan_unique_values.entry_id = excluded.entry_id"
)
_DROP_VALUE: Final = (
    "DELETE FROM maydan_unique_values WHERE space_key = ? AND type_key = ? AND field_id = ? AND locale = ?"
    " AND value = ? AND entry_id = ?"
)


def slug_statements(space_key: int, type_key: int, entry_id: str, before: Claims, after: Claims) -> list[Statement]:
    """Return what moves an entry's slugs from one state to the next; keys are ``SlugKey``.

    A slug that readers knew stays as a former one, which answers 301, until another entry is published under it. A
    slug that another entry holds stops the whole batch (:class:`~maydan.storage.ports.GuardFailed`).
    """
    where = (space_key, type_key)
    statements: list[Statement] = []
    for key, flags in _moves(before, after, keep_former=True):
        if flags is None:
            statements += [Statement(sql, (*where, *key, entry_id)) for sql in _DROP_SLUG]
        else:
            statements.append(Statement(_PUT_SLUG, (*where, *key, entry_id, *flags), expect=1))
    return statements


def purge_slugs(space_key: int, entry_id: str) -> list[Statement]:
    """Return what removes an entry's slugs, and gives those back that were another's before."""
    where = "space_key = ? AND entry_id = ?"
    return [
        Statement(f"{_GIVE_BACK} {where} AND former_id IS NOT NULL", (space_key, entry_id)),
        Statement(f"DELETE FROM maydan_slugs WHERE {where} AND former_id IS NULL", (space_key, entry_id)),
    ]


def unique_statements(space_key: int, type_key: int, entry_id: str, before: Claims, after: Claims) -> list[Statement]:
    """Return what moves an entry's unique values; keys are ``UniqueKey``. One that another holds stops the batch."""
    where = (space_key, type_key)
    return [
        Statement(_DROP_VALUE, (*where, *key[:-1], kept_value(key[-1]), entry_id))
        if flags is None
        else Statement(_PUT_VALUE, (*where, *key[:-1], kept_value(key[-1]), entry_id, *flags), expect=1)
        for key, flags in _moves(before, after, keep_former=False)
    ]


def kept_value(value: str) -> str:
    """Return what is kept of a unique value: itself, or a digest in place of a long one."""
    encoded = value.encode()
    return value if len(encoded) <= LONGEST_VALUE_BYTES else f"{_DIGEST}{hashlib.sha256(encoded).hexdigest()}"


def _moves(
    before: Claims, after: Claims, *, keep_former: bool
) -> Iterator[tuple[tuple[str, ...], tuple[bool, bool] | None]]:
    """Yield each name whose flags change, with the new ones; ``None`` is to be forgotten."""
    old, new = before.flags(), after.flags()
    for key in sorted({*old, *new}):
        flags = new.get(key)
        if flags is None and keep_former and old[key][1]:
            flags = _FORMER
        if flags is None or flags != old.get(key):
            yield key, flags


async def holder_of(reader: Reader, space_key: int, type_key: int, key: UniqueKey) -> str | None:
    """Return the id of the entry that holds a unique value."""
    row = await reader.fetch_one(
        "SELECT entry_id FROM maydan_unique_values"
        " WHERE space_key = ? AND type_key = ? AND field_id = ? AND locale = ? AND value = ?",
        space_key, type_key, *key[:-1], kept_value(key[-1]),
    )  # fmt: skip
    return str(row[0]) if row else None


async def holder_of_slug(reader: Reader, space_key: int, type_key: int, locale: str, slug: str) -> str | None:
    """Return the id of the entry whose current slug it is."""
    row = await reader.fetch_one(
        "SELECT entry_id FROM maydan_slugs WHERE space_key = ? AND type_key = ? AND locale = ? AND slug = ?"
        " AND (in_draft = TRUE OR in_published = TRUE)",
        space_key, type_key, locale, slug,
    )  # fmt: skip
    return str(row[0]) if row else None
