"""Take an address out of entries: what is written now, what readers get, secrets, and every version before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from msgspec.structs import replace

from maydan.clock import to_text
from maydan.operations.core import as_system
from maydan.operations.entries.input import changed_names
from maydan.operations.erasing_addresses import candidates, without
from maydan.operations.writing import Change, batch_of
from maydan.storage.entries import Changes, Publication, changed, find_entries
from maydan.storage.ports import GuardFailed
from maydan.storage.registry import list_types, type_guard

if TYPE_CHECKING:
    from datetime import datetime

    from maydan.content.spaces import Space
    from maydan.content.types import ContentType
    from maydan.operations.core import Core
    from maydan.operations.erasing_addresses import Sought
    from maydan.storage.entries import EntryRow
    from maydan.storage.ports import Transaction

_REASON: Final = "maydan erase"
_TRIES: Final = 5
_BATCH: Final = 200
_VERSIONS: Final = ("entry_id", "version")


async def count_entries(core: Core, sought: Sought) -> int:
    """Return how many entries hold the address, in whatever version."""
    return len(await _find(core, sought))


async def _find(core: Core, sought: Sought) -> dict[str, tuple[int, int]]:
    """Return which entries hold the address: the keys of their space and type by their id."""
    store, ids = core.store, dict[str, None]()
    async for entry_id, _, body in candidates(store, "maydan_versions", _VERSIONS, ("body",)):
        if body is not None and entry_id not in ids and _holds(body, sought):
            ids[entry_id] = None
    async for entry_id, *texts in candidates(store, "maydan_entries", ("id",), ("published", "secrets")):
        if entry_id not in ids and any(text is not None and _holds(text, sought) for text in texts):
            ids[entry_id] = None
    found: dict[str, tuple[int, int]] = {}
    every = list(ids)
    for start in range(0, len(every), _BATCH):
        some = every[start : start + _BATCH]
        marks = ",".join("?" * len(some))
        sql = f"SELECT id, space_key, type_key FROM maydan_entries WHERE id IN ({marks})"
        found |= {str(row[0]): (row[1], row[2]) for row in await store.fetch_all(sql, *some)}
    return found


async def erase_entries(core: Core, sought: Sought) -> int:
    """Take the address out of every entry that holds it; each is a transaction of its own."""
    types: dict[tuple[int, int], ContentType] = {}
    for space in core.registry.spaces():
        types |= {(space.key, each.key): each for each in await list_types(core.store, space)}
    found = await _find(core, sought)
    for entry_id, keys in found.items():
        space, content_type = core.registry.space_by_key(keys[0]), types.get(keys)
        if space is not None and content_type is not None:
            await _erase_entry(core, space, content_type, entry_id, sought)
    return len(found)


async def _erase_entry(core: Core, space: Space, content_type: ContentType, entry_id: str, sought: Sought) -> None:
    for attempt in range(_TRIES):
        entries = await find_entries(core.store, space.key, content_type.key, [entry_id])
        if not entries:
            return
        made = _change(space, content_type, entries[0], sought, core.clock.now())
        try:
            async with core.store.write_transaction() as transaction:
                if made is not None:
                    guard = type_guard(space, content_type)
                    await transaction.apply([guard, *batch_of(made, as_system(_REASON), None)])
                await _erase_versions(transaction, entry_id, space.key, sought)
        except GuardFailed:
            if attempt == _TRIES - 1:
                raise
            continue
        return


def _change(space: Space, content_type: ContentType, entry: EntryRow, sought: Sought, at: datetime) -> Change | None:
    """Return the entry without the address as a new version, or ``None`` where only older versions name it."""
    body = cast("dict[str, Any]", without(entry.body, sought))
    shown = entry.published
    if shown is not None and (published := without(shown.body, sought)) != shown.body:
        shown = _republished(shown, entry.version if body != entry.body else 0, cast("dict[str, Any]", published), at)
    if body == entry.body and shown is entry.published:
        return None
    changes = Changes(published=shown) if body == entry.body else Changes(body=body, published=shown)
    after = changed(entry, changes, at=at, by=None)
    facts = {"fields": changed_names(content_type, entry.body, after.body), "published": shown is not entry.published}
    return Change(
        space=space, type=content_type, before=entry, after=after, event="entry.updated", at=at, facts=facts,
        conditional=True,
    )  # fmt: skip


def _republished(shown: Publication, newest: int, body: dict[str, Any], at: datetime) -> Publication:
    """Return what readers get with another body; locales that show the version ``newest`` show the next one."""
    locales = {
        locale: replace(part, version=part.version + (part.version == newest), updated_at=to_text(at))
        for locale, part in shown.locales.items()
    }
    return Publication(locales=locales, body=body)


async def _erase_versions(transaction: Transaction, entry_id: str, space_key: int, sought: Sought) -> None:
    sql = "SELECT version, body FROM maydan_versions WHERE entry_id = ? AND space_key = ?"
    for version, body in await transaction.fetch_all(sql, entry_id, space_key):
        if not _holds(body, sought):
            continue
        kept = msgspec.json.encode(without(msgspec.json.decode(body), sought)).decode()
        update = "UPDATE maydan_versions SET body = ? WHERE entry_id = ? AND version = ? AND space_key = ?"
        await transaction.execute(update, kept, entry_id, version, space_key)


def _holds(text: str, sought: Sought) -> bool:
    value = msgspec.json.decode(text)
    return without(value, sought) != value
