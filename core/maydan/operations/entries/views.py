"""What an operation on an entry gives back, and the projection to what the caller may read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from maydan.access.actions import Action
from maydan.access.decisions import ENVELOPE
from maydan.content.render import project
from maydan.content.secrets import split_secrets
from maydan.operations.rendering import all_members, document_keys, maps_document
from maydan.plugins.views import EntryState
from maydan.storage.documents import DRAFT, PUBLISHED, TRASH

if TYPE_CHECKING:
    from maydan.access.decisions import Decision
    from maydan.content.spaces import Space
    from maydan.content.types import ContentType
    from maydan.operations.scopes import Scope
    from maydan.storage.documents import DocumentRow
    from maydan.storage.entries import EntryRow

MAPS: Final = "*"
"""The ``locale`` that asks for every locale at once."""

encode: Final = msgspec.json.Encoder().encode
decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


class EntryView(Struct, frozen=True, kw_only=True):
    """One entry as one caller sees it."""

    id: str
    body: bytes
    """The flat JSON object."""
    locale: str
    """In which it was rendered; ``*`` for the maps of all locales."""
    version: int
    """The newest version, or 0 where the caller may not learn it: the first part of the ``ETag``."""
    slug: str | None = None
    """The slug by which the entry should have been asked for, when it was asked for by a former one."""
    tags: tuple[str, ...] = ()
    """All that it depends on, where a shared cache may keep it (:mod:`~maydan.operations.entries.shared`)."""


def own_perspective(content_type: ContentType, entry: EntryRow) -> int:
    """Return the perspective under which the newest version of an entry is stored."""
    if entry.trashed_at:
        return TRASH
    return DRAFT if content_type.drafts else PUBLISHED


def full_document(row: DocumentRow) -> dict[str, Any]:
    """Return every field of a document, the private ones and the authors too; what conditions are judged by."""
    return {**decode(row.body), **decode(row.private)}


def newest_document(content_type: ContentType, space: Space, entry: EntryRow, locale: str) -> dict[str, Any]:
    """Return every field of an entry's newest version, in one locale."""
    return all_members(content_type, space, entry, own_perspective(content_type, entry), locale)


def other_documents(content_type: ContentType, space: Space, entry: EntryRow, locale: str) -> list[dict[str, Any]]:
    """Return how else an entry is read: as readers get it in one locale, and the maps of all locales."""
    own = own_perspective(content_type, entry)
    keys = document_keys(content_type, space, entry)
    shown = {perspective for perspective, _ in keys} | {own}
    maps = [maps_document(content_type, space, entry, perspective) for perspective in sorted(shown)]
    if own == PUBLISHED or (PUBLISHED, locale) not in keys:
        return maps
    return [all_members(content_type, space, entry, PUBLISHED, locale), *maps]


def view_after_write(scope: Scope, entry: EntryRow, locale: str | None) -> EntryView:
    """Return an entry as the caller sees it right after writing it: its newest version.

    Whoever may not read drafts gets the system fields alone; nobody who does not want to see it, nothing.
    """
    shown = scope.space.default_locale if locale in (None, MAPS) else locale
    if not scope.is_shown:
        return EntryView(id=entry.id, body=b"", locale=locale or shown, version=entry.version)
    document = newest_document(scope.type, scope.space, entry, shown)
    decision = scope.decide(reading_action(scope.type))
    fields = decision.fields_for(document) or ENVELOPE
    if locale == MAPS:
        document = maps_document(scope.type, scope.space, entry, own_perspective(scope.type, entry))
    return EntryView(id=entry.id, body=encode(project(document, fields)), locale=locale or shown, version=entry.version)


def reading_action(content_type: ContentType) -> str:
    """Return the action that governs reading the newest version."""
    return Action.READ_DRAFT if content_type.drafts else Action.READ


def may_learn_version(scope: Scope, entry_id: str) -> bool:
    """Tell whether the caller may change entries of the type, or this one, and so needs the newest version in tags."""
    if scope.is_shared(Action.UPDATE, entry_id):
        return True
    if scope.caller.actor.kind == "anonymous":
        return False
    return any(not scope.own(action).denied for action in (Action.UPDATE, Action.DELETE, Action.PUBLISH))


def state_for_hooks(content_type: ContentType, space: Space, entry: EntryRow, status: str) -> EntryState:
    """Return the entry as hooks see it: without its secrets."""
    public, _ = split_secrets(content_type, entry.body)
    return EntryState(
        id=entry.id,
        type=content_type.name,
        space=space.name,
        version=entry.version,
        fields={field.name: public[field.id] for field in content_type.fields if field.id in public},
        slug=entry.body.get("slug") or {},
        tags=tuple(entry.body.get("tags") or ()),
        status=status,
        locales=tuple(entry.published.locales) if entry.published else (),
        state=entry.state,
    )


def whole_document(decision: Decision) -> bool:
    """Tell whether a reader gets documents as they are stored: bytes, not decoded."""
    return decision.whole and not decision.private and _without_authors(decision)


def _without_authors(decision: Decision) -> bool:
    return not any("created_by" in grant.fields or "updated_by" in grant.fields for grant in decision.grants)
