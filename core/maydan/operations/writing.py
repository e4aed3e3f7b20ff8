"""From a change of an entry to one batch: row, version, names, links, documents and event, stored together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from maydan.content.links import links, unique_values
from maydan.content.secrets import split_secrets
from maydan.content.stored import slugs_of
from maydan.operations.rendering import document_keys, document_row
from maydan.operations.witnesses import witness_of
from maydan.storage import documents, entries, names
from maydan.storage.links import link_statements
from maydan.storage.log import Event, witnessed_statement
from maydan.storage.references import target_guard

if TYPE_CHECKING:
    from datetime import datetime

    from maydan.content.spaces import Space
    from maydan.content.types import ContentType
    from maydan.operations.core import Caller
    from maydan.storage.entries import EntryRow
    from maydan.storage.locks import Writer
    from maydan.storage.ports import Statement


THE_ONLY: Final = ("", "", "single")
"""What the only entry of a ``single`` type claims among the unique values, so that there is no second one."""


class Change(Struct, frozen=True, kw_only=True):
    """One entry before and after a verb."""

    space: Space
    type: ContentType
    before: EntryRow | None
    """``None`` when it is created."""
    after: EntryRow
    event: str
    """Type of the event, such as ``entry.updated``."""
    at: datetime
    facts: dict[str, Any] = {}
    """What the event tells besides which entry it is; never values of fields."""
    conditional: bool = False
    """Whether who may read an entry of the type depends on what it holds, so that a change may hide it from some."""


def batch_of(change: Change, caller: Caller, writer: Writer | None) -> list[Statement]:
    """Return everything that the change stores; guarded statements first.

    Args:
        change: The entry before and after.
        caller: Whom the event names.
        writer: Whom a lock of somebody else stops; ``None`` is nobody.
    """
    before, after = change.before, change.after
    kept = entries.Kept(*split_secrets(change.type, after.body))
    if before is None:
        rows = entries.insert(after, kept)
    else:
        rows = [entries.update(after, kept, guard=before.revision, writer=writer)]
        if after.version != before.version:
            rows.append(entries.insert_version(after, kept))
    linked = [*_target_guard(change), *_links(change)]
    batch = [*rows, *_names(change), *linked, *_documents(change), event_of(change, caller)]
    batch.sort(key=lambda statement: statement.expect is None)
    return batch


def _names(change: Change) -> list[Statement]:
    before, after = change.before, change.after
    where = (after.space_key, after.type_key, after.id)
    old_slugs, new_slugs = _slug_state(before), _slug_state(after)
    statements: list[Statement] = []
    if old_slugs != new_slugs:
        statements += names.slug_statements(*where, old_slugs, new_slugs)
    if change.type.single or any(field.unique for field in change.type.fields):
        old, new = unique_claims(change.type, before), unique_claims(change.type, after)
        statements += names.unique_statements(*where, old, new)
    return statements


def _slug_state(entry: EntryRow | None) -> names.Claims:
    if entry is None or entry.trashed_at:
        return names.NOTHING
    published = slugs_of(entry.published.body) if entry.published else {}
    return names.Claims(draft=frozenset(slugs_of(entry.body).items()), published=frozenset(published.items()))


def unique_claims(content_type: ContentType, entry: EntryRow | None) -> names.Claims:
    """Return the unique values that an entry holds; none in the trash."""
    if entry is None or entry.trashed_at:
        return names.NOTHING
    published = unique_values(content_type, entry.published.body) if entry.published else ()
    claimed = [THE_ONLY] if content_type.single else []
    return names.Claims(
        draft=frozenset([*unique_values(content_type, entry.body), *claimed]),
        published=frozenset(published),
    )


def _links(change: Change) -> list[Statement]:
    before, after, content_type = change.before, change.after, change.type
    statements: list[Statement] = []
    for perspective, old, new in (
        (documents.DRAFT, before.body if before else {}, after.body),
        (documents.PUBLISHED, _published_body(before), _published_body(after)),
    ):
        old_links, new_links = links(content_type, old), links(content_type, new)
        if old_links != new_links:
            where = (after.space_key, after.id, perspective)
            statements += link_statements(*where, before=old_links, after=new_links)
    return statements


def _target_guard(change: Change) -> list[Statement]:
    """Hold on to what is newly linked to, so that it cannot be deleted unnoticed at the same moment."""
    before, after, content_type = change.before, change.after, change.type
    if before is not None and before.body is after.body:
        return []
    had = {link.target_id for link in links(content_type, before.body)} if before else set[str]()
    new = {link.target_id for link in links(content_type, after.body)} - had - {after.id}
    return target_guard(after.space_key, new)


def _published_body(entry: EntryRow | None) -> dict[str, Any]:
    return entry.published.body if entry and entry.published else {}


def _documents(change: Change) -> list[Statement]:
    before, after, content_type, space = change.before, change.after, change.type, change.space
    keys = document_keys(content_type, space, after)
    stale = document_keys(content_type, space, before) - keys
    same = before is not None and before.published == after.published and before.state == after.state
    if before and same and content_type.drafts and not before.trashed_at:
        keys = {key for key in keys if key[0] != documents.PUBLISHED}
    rows = [document_row(content_type, space, after, *key) for key in sorted(keys)]
    return [
        *documents.put(content_type, after.space_key, after.id, rows),
        *documents.drop(content_type, after.space_key, after.id, stale),
    ]


def event_of(change: Change, caller: Caller) -> Statement:
    """Return the statement that notes the change in the log."""
    return witnessed_statement(
        Event(
            type=change.event,
            space_key=change.space.key,
            subject_type=change.type.name,
            subject_id=change.after.id,
            version=change.after.version,
            actor_id=caller.actor.id,
            at=change.at,
            request_id=caller.request_id,
            data={**change.facts, **reason_of(caller)},
        ),
        _witness(change),
    )


def reason_of(caller: Caller) -> dict[str, str]:
    """Return what an event says of a system that acts past policies: why, which is for the audit alone."""
    return {"reason": caller.actor.reason} if caller.actor.kind == "system" else {}


def _witness(change: Change) -> str | None:
    """Return what the entry was before, where some may lose it by the change."""
    before = change.before
    if before is None:
        return None
    if change.event == "entry.deleted":
        return witness_of(change.type, before, with_draft=True)
    if change.type.drafts:
        may_hide = before.published is not None and before.published != change.after.published
    else:
        may_hide = before.trashed_at is None
    if may_hide and (change.event == "entry.unpublished" or change.conditional):
        return witness_of(change.type, before, with_draft=False)
    return None
