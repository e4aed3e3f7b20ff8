"""Entry rows and versions: what writing an entry reads and the statements that it stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from maydan.storage.locks import unlocked
from maydan.storage.names import purge_slugs
from maydan.storage.ports import Statement

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from maydan.storage.locks import Writer
    from maydan.storage.ports import Reader, Row, Store


class LocalePublication(Struct, frozen=True, kw_only=True):
    """What readers get in one locale: which version, since when."""

    version: int
    published_at: str
    updated_at: str
    """When that version was saved; not when the draft was last edited, which readers must not learn."""


class Publication(Struct, frozen=True, kw_only=True):
    """The published stored form, and which version each locale shows."""

    locales: dict[str, LocalePublication]
    body: dict[str, Any]


class EntryRow(Struct, frozen=True, kw_only=True):
    """An entry as writing sees it: its head version and what is published of it."""

    id: str
    space_key: int
    type_key: int
    version: int
    """Grows with every change of content."""
    revision: int
    """Grows with every change of the row, publishing too; what concurrent writers are checked by."""
    body: dict[str, Any]
    """The stored form of the head version, with the secret fields, which no version keeps."""
    published: Publication | None
    state: str | None
    created_at: datetime
    created_by: str | None
    updated_at: datetime
    updated_by: str | None
    trashed_at: datetime | None = None
    state_at: datetime | None = None
    """Since when it has been in its state."""


SELECT_ENTRY: Final = (
    "SELECT e.id, e.space_key, e.type_key, e.version, e.revision, v.body, e.published, e.state, e.created_at,"
    " e.created_by, e.updated_at, e.updated_by, e.trashed_at, e.secrets, e.state_at FROM maydan_entries AS e"
    " JOIN maydan_versions AS v ON v.entry_id = e.id AND v.version = e.version AND v.space_key = e.space_key"
)

_PUBLICATION: Final = msgspec.json.Decoder(Publication)


async def find_entry(store: Store, space_key: int, type_key: int, entry_id: str) -> EntryRow | None:
    """Read an entry of a type, in the trash or not."""
    # Not asked for by its type: until a table's first ANALYZE, PostgreSQL takes the index that begins with both keys
    # for as good as the primary key, and reads half of the table by it.
    row = await store.fetch_point(f"{SELECT_ENTRY} WHERE e.space_key = ? AND e.id = ?", space_key, entry_id)
    return entry_row(store, row) if row and row[2] == type_key else None


async def find_entries(store: Store, space_key: int, type_key: int, ids: Sequence[str]) -> list[EntryRow]:
    """Read the entries of a type with these ids; missing ones are left out."""
    if not ids:
        return []
    sql = f"{SELECT_ENTRY} WHERE e.space_key = ? AND e.id IN ({','.join('?' * len(ids))})"
    rows = await store.fetch_all(sql, space_key, *ids)
    return [entry_row(store, row) for row in rows if row[2] == type_key]


async def newest_version(store: Store, space_key: int, entry_id: str) -> int:
    """Return the number of an entry's newest version, 0 where there is no such entry."""
    row = await store.fetch_point(
        "SELECT version FROM maydan_entries WHERE space_key = ? AND id = ?", space_key, entry_id
    )
    return int(row[0]) if row else 0


async def list_entries(
    reader: Reader, store: Store, space_key: int, type_key: int, *, after: str, limit: int
) -> list[EntryRow]:
    """Page through a type's entries by id, the trashed ones too; for re-rendering and exports."""
    sql = f"{SELECT_ENTRY} WHERE e.space_key = ? AND e.type_key = ? AND e.id > ? ORDER BY e.id LIMIT {limit:d}"
    return [entry_row(store, row) for row in await reader.fetch_all(sql, space_key, type_key, after)]


async def trashed_before(
    reader: Reader, space_key: int, type_key: int, moment: datetime, *, after: str, limit: int
) -> list[str]:
    """Page, by id, through the entries of a type that were moved to the trash before a moment."""
    sql = (
        "SELECT id FROM maydan_entries WHERE space_key = ? AND type_key = ? AND trashed_at < ? AND id > ?"
        f" ORDER BY id LIMIT {limit:d}"
    )
    return [str(row[0]) for row in await reader.fetch_all(sql, space_key, type_key, moment, after)]


def entry_row(store: Store, row: Row) -> EntryRow:
    """Read what ``SELECT_ENTRY`` gives."""
    moment = store.dialect.read_time
    body: dict[str, Any] = msgspec.json.decode(row[5])
    if row[13]:
        body |= msgspec.json.decode(row[13])
    return EntryRow(
        id=str(row[0]),
        space_key=row[1],
        type_key=row[2],
        version=row[3],
        revision=row[4],
        body=body,
        published=_PUBLICATION.decode(row[6]) if row[6] else None,
        state=row[7],
        created_at=moment(row[8]),
        created_by=row[9],
        updated_at=moment(row[10]),
        updated_by=row[11],
        trashed_at=moment(row[12]) if row[12] else None,
        state_at=moment(row[14]) if row[14] else None,
    )


class Kept(Struct, frozen=True):
    """A stored form in the two places where it is kept: versions have no secrets."""

    public: dict[str, Any]
    secrets: dict[str, Any]


def json_text(value: object) -> str:
    """Write a value as JSON text, as both drivers take it."""
    return msgspec.json.encode(value).decode()


def insert(entry: EntryRow, kept: Kept) -> list[Statement]:
    """Return the statements that store a new entry and its first version."""
    row = Statement(
        "INSERT INTO maydan_entries (id, space_key, type_key, version, revision, state, published, created_at,"
        " secrets, created_by, updated_at, updated_by, state_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            entry.id, entry.space_key, entry.type_key, entry.version, entry.revision, entry.state,
            json_text(entry.published) if entry.published else None, entry.created_at, _secrets(kept), entry.created_by,
            entry.updated_at, entry.updated_by, entry.state_at,
        ),
    )  # fmt: skip
    return [row, insert_version(entry, kept)]


def _secrets(kept: Kept) -> str | None:
    return json_text(kept.secrets) if kept.secrets else None


def insert_version(entry: EntryRow, kept: Kept) -> Statement:
    """Return the statement that stores the entry's head version."""
    return Statement(
        "INSERT INTO maydan_versions (entry_id, version, space_key, body, created_at, created_by) VALUES (?,?,?,?,?,?)",
        (entry.id, entry.version, entry.space_key, json_text(kept.public), entry.updated_at, entry.updated_by),
    )


def update(entry: EntryRow, kept: Kept, *, guard: int, writer: Writer | None) -> Statement:
    """Return the guarded statement that replaces an entry's row.

    It must find the revision that was read, and no lock that somebody else than the writer holds.
    """
    clause, held = unlocked(writer)
    return Statement(
        "UPDATE maydan_entries SET version = ?, revision = ?, state = ?, published = ?, updated_at = ?, updated_by = ?,"
        " trashed_at = ?, secrets = ?, state_at = ? WHERE space_key = ? AND id = ? AND revision = ?"
        f"{clause}",
        (
            entry.version, entry.revision, entry.state, json_text(entry.published) if entry.published else None,
            entry.updated_at, entry.updated_by, entry.trashed_at, _secrets(kept), entry.state_at,
            entry.space_key, entry.id, guard, *held,
        ),
        expect=1,
    )  # fmt: skip


def purge(entry: EntryRow, *, writer: Writer | None) -> list[Statement]:
    """Return the statements that remove an entry and everything kept of it but its documents; guarded as an update."""
    clause, held = unlocked(writer)
    owned = ("maydan_versions", "maydan_unique_values", "maydan_previews", "maydan_shares")
    return [
        Statement(
            f"DELETE FROM maydan_entries WHERE space_key = ? AND id = ? AND revision = ?{clause}",
            (entry.space_key, entry.id, entry.revision, *held),
            expect=1,
        ),
        *(
            Statement(f"DELETE FROM {table} WHERE space_key = ? AND entry_id = ?", (entry.space_key, entry.id))
            for table in owned
        ),
        *purge_slugs(entry.space_key, entry.id),
        Statement("DELETE FROM maydan_links WHERE space_key = ? AND source_id = ?", (entry.space_key, entry.id)),
    ]


class Changes(Struct, frozen=True, kw_only=True):
    """What a verb changes of an entry's row; what is not named stays."""

    body: dict[str, Any] | UnsetType = UNSET
    published: Publication | UnsetType | None = UNSET
    trashed_at: datetime | UnsetType | None = UNSET
    state: str | UnsetType = UNSET
    """With it goes ``state_at``, the moment of the change."""


_CHANGEABLE: Final = ("body", "published", "trashed_at", "state")


def changed(entry: EntryRow, changes: Changes, *, at: datetime, by: str | None) -> EntryRow:
    """Return the entry after a change: a new revision, and a new version when its content changed."""
    values: dict[str, Any] = {name: value for name in _CHANGEABLE if (value := getattr(changes, name)) is not UNSET}
    if changes.state is not UNSET:
        values["state_at"] = at
    if changes.body is not UNSET:
        values |= {"version": entry.version + 1, "updated_at": at, "updated_by": by}
    return msgspec.structs.replace(entry, revision=entry.revision + 1, **values)


async def existing_targets(reader: Reader, space_key: int, ids: Sequence[str]) -> dict[str, int]:
    """Return ``{entry id: type key}`` for those ids that are entries of the space and not in the trash."""
    if not ids:
        return {}
    marks = ",".join("?" * len(ids))
    rows = await reader.fetch_all(
        f"SELECT id, type_key FROM maydan_entries WHERE space_key = ? AND trashed_at IS NULL AND id IN ({marks})",
        space_key,
        *ids,
    )
    return {str(row[0]): row[1] for row in rows}
