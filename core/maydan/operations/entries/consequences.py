"""What a deletion does to the entries that link to what is deleted, worked out before anything is changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, structs
from msgspec import field as struct_field

from maydan.access.actions import Action
from maydan.clock import to_text
from maydan.content.required import check_required
from maydan.content.types import OnDelete
from maydan.content.unlinking import relations_of, without_links
from maydan.errors import Conflict, InvalidInput
from maydan.operations import publication
from maydan.operations.entries.foreseeing import foresee_entries
from maydan.operations.entries.loading import permits
from maydan.operations.entries.references import visible_references
from maydan.operations.entries.storing import Outrun
from maydan.operations.entries.views import newest_document
from maydan.storage.entries import Changes, EntryRow, changed
from maydan.storage.references import LinkRow, links_to, lock_rows, rows_by_id

if TYPE_CHECKING:
    from datetime import datetime

    from maydan.content.unlinking import Relation
    from maydan.operations.scopes import Scope
    from maydan.storage.entries import Publication

MOST_AFFECTED: Final = 1000
"""Links that one deletion follows; more would hold up every other writer for too long."""


class Consequences(Struct, kw_only=True):
    """What goes with an entry, what loses its link to it, and what stands in the way."""

    deletes: dict[str, EntryRow]
    """By id, in the order in which they were found; the entry itself is first."""
    causes: list[LinkRow] = struct_field(default_factory=list[LinkRow])
    """The links for which the others are deleted."""
    nullifies: list[LinkRow] = struct_field(default_factory=list[LinkRow])
    sources: dict[str, EntryRow] = struct_field(default_factory=dict[str, EntryRow])
    """The entries that lose links, by id, as they are."""
    refused_by: list[LinkRow] = struct_field(default_factory=list[LinkRow])


async def consequences(
    scope: Scope, entry: EntryRow, *, nullify: bool, lock: bool, as_seen: bool = False
) -> Consequences:
    """Follow the links to an entry, and to what is deleted with it.

    ``cascade`` deletes what the caller may delete, and is in the way otherwise. ``nullify`` takes links out whoever
    asks, because it is the type's own rule. ``restrict`` is in the way; with ``nullify`` it is treated as that, where
    the caller may update the entry. A link is never taken out where something required would be missing then.

    Args:
        scope: Who deletes, before the entry's type.
        entry: What is to be deleted.
        nullify: Whether to take out the links that are in the way (``on_reference=nullify``).
        lock: Whether this is inside the write transaction that deletes; the entries to be deleted are then held.
        as_seen: Follow only the links that the caller may read: what a hidden one leads to would tell of it.
    Raises:
        Conflict: More than ``MOST_AFFECTED`` links would have to be followed.
        Outrun: What is to be deleted was changed meanwhile.
    """
    found = Consequences(deletes={entry.id: entry})
    wave, open_links = [entry], list[LinkRow]()
    seen = 0
    while wave:
        if lock:
            await _hold(scope, wave)
        ids = [row.id for row in wave]
        rows = await links_to(scope.core.store, scope.space.key, ids, limit=MOST_AFFECTED + 1 - seen)
        seen += len(rows)
        if seen > MOST_AFFECTED:
            raise _too_many()
        if as_seen:
            visible = await visible_references(scope, rows)
            rows = [row for row in rows if (row.source_id, row.field_id) in visible]
        cascading = [row for row in rows if _rule(scope, row) is OnDelete.CASCADE]
        open_links += [row for row in rows if _rule(scope, row) not in (None, OnDelete.CASCADE)]
        wave = await _cascade(scope, found, cascading)
    rest = [row for row in open_links if row.source_id not in found.deletes]
    found.refused_by = [row for row in found.refused_by if row.source_id not in found.deletes]
    found.sources = await rows_by_id(scope.core.store, scope.space.key, {row.source_id for row in rest})
    await _foresee(scope, found.sources.values())
    for row in rest:
        source = found.sources[row.source_id]
        may = _rule(scope, row) is OnDelete.NULLIFY or (nullify and _may_update(scope, row, source))
        (found.nullifies if may else found.refused_by).append(row)
    _keep_required(scope, found)
    return found


async def _hold(scope: Scope, wave: list[EntryRow]) -> None:
    """Lock what is to be deleted, so that from here on nobody links to it."""
    revisions = await lock_rows(scope.core.store, scope.space.key, [row.id for row in wave])
    if any(revisions.get(row.id) != row.revision for row in wave):
        raise Outrun


async def _cascade(scope: Scope, found: Consequences, links: list[LinkRow]) -> list[EntryRow]:
    """Add what is deleted too, and return it."""
    new = {row.source_id for row in links} - found.deletes.keys()
    entries = await rows_by_id(scope.core.store, scope.space.key, new)
    wave: list[EntryRow] = []
    await _foresee(scope, entries.values())
    for row in links:
        entry = entries.get(row.source_id)
        if entry is None or entry.id in found.deletes:
            continue
        beside = beside_of(scope, row.type_key)
        if permits(beside, beside.decide(Action.DELETE), entry):
            found.deletes[entry.id] = entry
            found.causes.append(row)
            wave.append(entry)
        else:
            found.refused_by.append(row)
    return wave


async def _foresee(scope: Scope, entries: Iterable[EntryRow]) -> None:
    by_type: dict[int, list[EntryRow]] = {}
    for entry in entries:
        by_type.setdefault(entry.type_key, []).append(entry)
    for type_key, some in by_type.items():
        if scope.core.registry.type_by_key(type_key) is not None:
            await foresee_entries(beside_of(scope, type_key), *some)


def beside_of(scope: Scope, type_key: int) -> Scope:
    """Return the same caller before the type with that number."""
    content_type = scope.core.registry.type_by_key(type_key)
    assert content_type is not None, "links of unknown types are left out before"
    return scope.beside(content_type)


def _relation(scope: Scope, row: LinkRow) -> Relation | None:
    content_type = scope.core.registry.type_by_key(row.type_key)
    return relations_of(content_type).get(row.field_id) if content_type else None


def _rule(scope: Scope, row: LinkRow) -> OnDelete | None:
    """Return what the relation says; ``None`` for a field or a type that is gone, whose values nobody gets."""
    relation = _relation(scope, row)
    return relation.field.on_delete if relation else None


def _may_update(scope: Scope, row: LinkRow, source: EntryRow) -> bool:
    beside, relation = beside_of(scope, row.type_key), _relation(scope, row)
    decision = beside.decide(Action.UPDATE)
    if relation is None or decision.denied:
        return False
    if decision.unconditional:
        return relation.top in decision.fields
    document = newest_document(beside.type, scope.space, source, scope.space.default_locale)
    return relation.top in decision.fields_for(document)


def _keep_required(scope: Scope, found: Consequences) -> None:
    """Put in the way what would be incomplete without its links."""
    for source_id in {row.source_id for row in found.nullifies}:
        rows = [row for row in found.nullifies if row.source_id == source_id]
        source = found.sources[source_id]
        beside = beside_of(scope, source.type_key)
        after = unlinked(beside, source, rows, at=source.updated_at)
        if _missing(beside, after) - _missing(beside, source):
            found.nullifies = [row for row in found.nullifies if row.source_id != source_id]
            found.refused_by += rows


def _missing(scope: Scope, entry: EntryRow) -> set[str]:
    """Return the pointers of what is required of an entry in its present state, and not there."""
    missing: set[str] = set()
    forms: list[tuple[dict[str, Any], Iterable[str]]] = []
    if not scope.type.drafts:
        forms.append((entry.body, (scope.space.default_locale,)))
    if entry.published:
        forms.append((entry.published.body, entry.published.locales))
    for stored, locales in forms:
        try:
            check_required(scope.type, scope.space, stored, [one for one in locales if one in scope.space.locales])
        except InvalidInput as error:
            missing |= {place.pointer for place in error.errors}
    return missing


def unlinked(scope: Scope, entry: EntryRow, rows: list[LinkRow], *, at: datetime) -> EntryRow:
    """Return an entry without the links, as a new version, and with what readers get of it changed alike.

    Args:
        scope: The caller before the entry's type.
        entry: The entry as it is.
        rows: Its links to take out.
        at: The moment.
    """
    gone = {(row.field_id, row.target_id) for row in rows}
    body = without_links(scope.type, entry.body, lambda field_id, target: (field_id, target) in gone)
    shown = entry.published
    if shown is not None:
        published = without_links(scope.type, shown.body, lambda field_id, target: (field_id, target) in gone)
        if published is not shown.body:
            shown = _republished(scope, entry, shown, published, at)
    changes = Changes(body=body, published=shown)
    if body is entry.body:
        changes = Changes(published=shown)
    return changed(entry, changes, at=at, by=scope.caller.actor.id)


def _republished(scope: Scope, entry: EntryRow, shown: Publication, body: dict[str, Any], at: datetime) -> Publication:
    """Return the publication with another body; locales that showed the newest version show the next one."""
    locales = {
        locale: structs.replace(
            part,
            version=part.version + _follows(scope, entry, locale),
            updated_at=to_text(at),
        )
        for locale, part in shown.locales.items()
    }
    return structs.replace(shown, locales=locales, body=body)


def _follows(scope: Scope, entry: EntryRow, locale: str) -> bool:
    part = entry.published.locales[locale] if entry.published else None
    is_newest = part is not None and part.version == entry.version
    return is_newest and publication.locale_status(scope.type, entry, locale) == "published"


def _too_many() -> Conflict:
    return Conflict(
        f"More than {MOST_AFFECTED} links lead to this entry and to what would be deleted with it; remove some first.",
        code="too_many_references",
    )
