"""Versions of an entry: listed, read as they were, compared; never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from maydan.access.actions import Action
from maydan.clock import to_text
from maydan.content.cursors import decode_cursor, encode_cursor
from maydan.content.diffs import json_patch
from maydan.content.naming import by_name
from maydan.content.render import project
from maydan.errors import NotFound
from maydan.operations.entries.foreseeing import foresee_entries
from maydan.operations.entries.loading import load
from maydan.operations.entries.locales import reading_locale
from maydan.operations.entries.views import (
    MAPS,
    EntryView,
    encode,
    newest_document,
    own_perspective,
)
from maydan.operations.rendering import maps_document
from maydan.storage.entries import EntryRow, Publication
from maydan.storage.versions import VersionRow
from maydan.storage.versions import find_version as find_row
from maydan.storage.versions import list_versions as list_rows

if TYPE_CHECKING:
    from maydan.content.diffs import Operation
    from maydan.operations.scopes import Scope


class VersionView(Struct, frozen=True, kw_only=True):
    """One version in the list of them."""

    version: int
    created_at: str
    created_by: str | None
    """Who saved it; ``null`` also for whoever may not read the authors of this entry."""


class VersionPage(Struct, frozen=True, kw_only=True):
    """One page of versions, newest first."""

    items: list[VersionView]
    next: str | None
    total: int | None


async def list_versions(
    scope: Scope, id_or_slug: str, *, limit: int, cursor: str | None, offset: int, count: bool
) -> VersionPage:
    """Return versions of an entry.

    Raises:
        NotFound, Unauthenticated, Forbidden: The caller may not read the entry's drafts.
        BadCursor: The cursor is not one of this list.
    """
    core = scope.core
    entry = await load(scope, Action.READ_DRAFT, id_or_slug)
    fingerprint = f"versions:{scope.space.key}:{entry.id}".encode()
    # Numbers have no gaps, so an offset is a subtraction and the count is the newest number.
    below = entry.version + 1 - offset
    if cursor is not None:
        below = decode_cursor(core.secret, fingerprint, cursor)[0]
    found = await list_rows(core.store, scope.space.key, entry.id, below=below, limit=limit + 1)
    shown = found[:limit]
    more = encode_cursor(core.secret, fingerprint, [shown[-1].version]) if len(found) > limit else None
    names_authors = "created_by" in _fields(scope, entry)
    items = [
        VersionView(
            version=row.version,
            created_at=to_text(row.created_at),
            created_by=row.created_by if names_authors else None,
        )
        for row in shown
    ]
    return VersionPage(items=items, next=more, total=entry.version if count else None)


async def find_version(scope: Scope, id_or_slug: str, number: int, *, locale: str | None = None) -> EntryView:
    """Return the entry as it was, by the present names of its fields, as far as the caller may read drafts.

    The entry's fields are those of that version; ``status`` and ``published_at`` say whether readers get this version
    now. Fields that are gone by now are left out.

    Raises:
        NotFound, Unauthenticated, Forbidden: The caller may not read the entry's drafts, or there is no such version.
        BadParameter: The locale is not the space's.
    """
    shown = reading_locale(scope.space, scope.caller, locale)
    entry = await load(scope, Action.READ_DRAFT, id_or_slug)
    past = await version_of(scope, entry, number)
    if shown == MAPS:
        document = maps_document(scope.type, scope.space, past, own_perspective(scope.type, past))
        fields = _fields(scope, past)
    else:
        document = newest_document(scope.type, scope.space, past, shown)
        fields = scope.decide(Action.READ_DRAFT).fields_for(document)
    if not fields:
        raise NotFound
    return EntryView(id=entry.id, body=encode(project(document, fields)), locale=shown, version=entry.version)


async def compare_versions(scope: Scope, id_or_slug: str, first: int, second: int) -> list[Operation]:
    """Return what changed from one version to another, over the stored form by the fields' present names.

    Fields that the caller may not read in both versions do not occur, nor do secret ones.

    Raises:
        NotFound, Unauthenticated, Forbidden: As :func:`find_version`.
    """
    entry = await load(scope, Action.READ_DRAFT, id_or_slug)
    before, after = await version_of(scope, entry, first), await version_of(scope, entry, second)
    fields = _fields(scope, before) & _fields(scope, after)
    return json_patch(_readable(scope, before, fields), _readable(scope, after, fields))


async def version_of(scope: Scope, entry: EntryRow, number: int) -> EntryRow:
    """Return the entry as if the version were its newest; ``published`` is kept where readers get that version.

    Raises:
        NotFound: There is no such version, or the caller may not read the entry as it was then.
    """
    row = await find_row(scope.core.store, scope.space.key, entry.id, number) if number <= entry.version else None
    if row is None:
        raise NotFound
    past = _past(entry, row)
    await foresee_entries(scope, past)
    if not _fields(scope, past):
        raise NotFound
    return past


def _past(entry: EntryRow, row: VersionRow) -> EntryRow:
    shown = entry.published.locales if entry.published else {}
    locales = {locale: part for locale, part in shown.items() if part.version == row.version}
    return structs.replace(
        entry,
        version=row.version,
        body=row.body,
        published=Publication(locales=locales, body=row.body) if locales else None,
        updated_at=row.created_at,
        updated_by=row.created_by,
    )


def _fields(scope: Scope, entry: EntryRow) -> frozenset[str]:
    """Return the fields that the caller may read of an entry's draft in every locale."""
    decision = scope.decide(Action.READ_DRAFT)
    if decision.unconditional:
        return decision.fields
    documents = [newest_document(scope.type, scope.space, entry, locale) for locale in scope.space.locales]
    fields = decision.fields_for(documents[0])
    return fields.intersection(*(decision.fields_for(document) for document in documents[1:]))


def _readable(scope: Scope, entry: EntryRow, fields: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in by_name(scope.type, entry.body).items() if name in fields}
