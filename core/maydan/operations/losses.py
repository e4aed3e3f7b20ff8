"""What a change of a type or of a space would take from entries, or not allow them to hold any more; only read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from msgspec import Struct, structs

from maydan.content.changes import Loss, list_losses
from maydan.content.narrowing import lacks, leads_elsewhere, list_narrowings, narrowed_links, refused_rules
from maydan.content.problems import child
from maydan.content.render import content_locales
from maydan.content.secrets import split_secrets
from maydan.content.stored import locales_of
from maydan.errors import InputError
from maydan.operations.publication import localized_ids, status
from maydan.operations.rebuilding import FIRST_ID
from maydan.storage.entries import existing_targets, list_entries
from maydan.storage.registry import list_types

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from maydan.content.narrowing import Narrowing
    from maydan.content.spaces import Space
    from maydan.content.types import ContentType
    from maydan.storage.entries import EntryRow
    from maydan.storage.ports import Reader, Store

MOST_NAMED: Final = 20
"""So many entries are named for each place."""
_PAGE: Final = 100
"""Entries looked at together, away from the loop."""
_ENOUGH: Final = 10_000
"""So many entries are looked at to name some, once it is known that the change is refused."""
_ABOUT_READERS: Final = ("undrafted", "unpublished")
"""Codes of losses of what readers get, or do not get, so that it depends on the entries whether there is one."""


class _Change(Struct, frozen=True, kw_only=True):
    space: Space
    before: ContentType
    after: ContentType
    losses: tuple[Loss, ...]
    narrowings: tuple[Narrowing, ...]


async def find_losses(
    reader: Reader, store: Store, space: Space, before: ContentType, after: ContentType
) -> list[Loss]:
    """Return what entries of a space would lose by a change of their type, or would hold although it is not allowed.

    A field that goes is a loss wherever the type has entries, the trash counted. What is only narrowed is one where a
    draft, or what readers get, does not fit; what becomes required counts for what readers get. That drafts come or go
    is one where readers would get less, or more. Each loss names some of the entries, none of which lies in the trash.
    """
    losses, narrowings = tuple(list_losses(before, after)), tuple(list_narrowings(before, after))
    if not losses and not narrowings:
        return []
    change = _Change(space=space, before=before, after=after, losses=losses, narrowings=narrowings)
    names = {one.key: one.name for one in await list_types(reader, space)} if _unlinks(change) else {}
    told: dict[str, list[str]] = {}
    last, seen, is_whole = FIRST_ID, 0, False
    while not is_whole and not _is_enough(change, told, seen):
        page = await list_entries(reader, store, space.key, before.key, after=last, limit=_PAGE)
        types = await _targets(reader, change, page, names)
        for entry_id, pointers in await asyncio.to_thread(_judge, change, page, types):
            for pointer in pointers:
                told.setdefault(pointer, []).append(entry_id)
        seen, is_whole = seen + len(page), len(page) < _PAGE
        last = page[-1].id if page else last
    kept = [
        structs.replace(one, entries=tuple(told.get(one.pointer, ())))
        for one in losses
        if seen and (one.code not in _ABOUT_READERS or one.pointer in told or not is_whole)
    ]
    return [*kept, *_misfits(change, told, is_whole=is_whole)]


async def find_content_in(
    reader: Reader, store: Store, space: Space, types: Sequence[ContentType], locales: Collection[str]
) -> dict[str, list[str]]:
    """Return by locale the ids of some entries outside of the trash that have content or a slug in it.

    What is published in it counts as well, also without content of its own there: readers would lose it.
    """
    found: dict[str, list[str]] = {}
    for content_type in types:
        last = FIRST_ID
        while any(len(found.get(locale, ())) <= MOST_NAMED for locale in locales):
            page = await list_entries(reader, store, space.key, content_type.key, after=last, limit=_PAGE)
            for entry_id, there in await asyncio.to_thread(_content_in, content_type, page, locales):
                for locale in there:
                    found.setdefault(locale, []).append(entry_id)
            if len(page) < _PAGE:
                break
            last = page[-1].id
    return {locale: found[locale] for locale in locales if locale in found}


def named(ids: Sequence[str]) -> str:
    """Return ids for people, as many as are told."""
    return ", ".join(ids[:MOST_NAMED]) + (", …" if len(ids) > MOST_NAMED else "")


def error_of(loss: Loss) -> InputError:
    """Return a loss as a place of the input, with the entries that it is about."""
    if not loss.entries:
        return InputError(loss.pointer, loss.code, loss.message)
    return InputError(loss.pointer, loss.code, f"{loss.message} ({named(loss.entries)})")


def _content_in(
    content_type: ContentType, page: Sequence[EntryRow], locales: Collection[str]
) -> list[tuple[str, list[str]]]:
    keys = localized_ids(content_type)
    found: list[tuple[str, list[str]]] = []
    for entry in page:
        if entry.trashed_at is None:
            there = {locale for stored in _stored(entry) for key in keys for locale in locales_of(stored.get(key))}
            there |= entry.published.locales.keys() if entry.published else set()
            found.append((entry.id, [locale for locale in locales if locale in there]))
    return found


def _unlinks(change: _Change) -> bool:
    return any(one.unlinks for one in change.narrowings)


def _is_enough(change: _Change, told: dict[str, list[str]], seen: int) -> bool:
    """Tell whether looking on would change little: each place that may refuse has more entries than are named.

    Or it is refused anyhow, and many entries were looked at.
    """
    if seen >= _ENOUGH and (told or any(one.code not in _ABOUT_READERS for one in change.losses)):
        return True
    full = {pointer for pointer, ids in told.items() if len(ids) > MOST_NAMED}
    return all(one.pointer in full for one in change.losses) and all(
        any(pointer.startswith(f"{one.pointer}/") for pointer in full) for one in change.narrowings
    )


async def _targets(reader: Reader, change: _Change, page: Sequence[EntryRow], names: dict[int, str]) -> dict[str, str]:
    """Return the names of the types of what is linked to in fields that may link to less, by id."""
    if not names:
        return {}
    ids = {
        link.target_id
        for entry in page
        for narrowing in change.narrowings
        for stored in _stored(entry)
        for link in narrowed_links(narrowing, stored)
    }
    found = await existing_targets(reader, change.space.key, sorted(ids))
    return {target: names[key] for target, key in found.items() if key in names}


def _stored(entry: EntryRow) -> list[dict[str, object]]:
    return [entry.body, *([entry.published.body] if entry.published else [])]


def _judge(change: _Change, page: Sequence[EntryRow], types: dict[str, str]) -> list[tuple[str, set[str]]]:
    """Return for each entry the places in the type that would take something from it."""
    return [(entry.id, _pointers(change, entry, types)) for entry in page if entry.trashed_at is None]


def _pointers(change: _Change, entry: EntryRow, types: dict[str, str]) -> set[str]:
    found = {loss.pointer for loss in change.losses if _is_about(change, loss, entry)}
    for narrowing in change.narrowings:
        for stored in _stored(entry):
            found |= refused_rules(narrowing, stored)
            if leads_elsewhere(narrowed_links(narrowing, stored), types):
                found.add(child(narrowing.pointer, "to"))
        if _lacks(change, narrowing, entry):
            found.add(child(narrowing.pointer, "required"))
    return found


def _lacks(change: _Change, narrowing: Narrowing, entry: EntryRow) -> bool:
    if not change.after.drafts:
        return lacks(narrowing, change.space, entry.body, (change.space.default_locale,))
    shown = entry.published
    if shown is None:
        return False
    _, secrets = split_secrets(change.before, entry.body)  # what is published is kept without them
    locales = [locale for locale in shown.locales if locale in change.space.locales]
    return bool(locales) and lacks(narrowing, change.space, {**shown.body, **secrets}, locales)


def _is_about(change: _Change, loss: Loss, entry: EntryRow) -> bool:
    if loss.code == "unpublished":
        return True
    if loss.code == "undrafted":
        return _is_partly_draft(change, entry)
    field = _field_of(change.before, loss.pointer)
    return field is None or any(field in stored for stored in _stored(entry))


def _is_partly_draft(change: _Change, entry: EntryRow) -> bool:
    """Tell whether an entry holds something that readers do not get: a draft, a change, or another locale."""
    if entry.published is None or status(change.before, entry) != "published":
        return True
    there = content_locales(change.before, change.space, entry.body)
    return any(locale not in entry.published.locales for locale in there)


def _field_of(content_type: ContentType, pointer: str) -> str | None:
    """Return the id of the field that a loss is about; ``None`` where it is about none."""
    place = pointer.split("/")
    return content_type.fields[int(place[2])].id if place[1] == "fields" else None


def _misfits(change: _Change, told: dict[str, list[str]], *, is_whole: bool) -> list[Loss]:
    """Return what does not fit, one for each option that refuses something."""
    found: list[Loss] = []
    for narrowing in change.narrowings:
        for pointer in sorted(told):
            if pointer.startswith(f"{narrowing.pointer}/") and pointer not in {one.pointer for one in change.losses}:
                is_required = pointer.endswith("/required")
                what = "is required, and not there" if is_required else "holds what would not be allowed any more"
                message = f"the field {narrowing.field.name!r} {what} in {_count(told[pointer], is_whole=is_whole)}"
                code = "required" if is_required else "narrowed"
                found.append(Loss(pointer, code, message, tuple(told[pointer])))
    return found


def _count(ids: list[str], *, is_whole: bool) -> str:
    if len(ids) > MOST_NAMED:
        return f"more than {MOST_NAMED} entries"
    number = "one entry" if len(ids) == 1 else f"{len(ids)} entries"
    return number if is_whole else f"at least {number}"
