"""Take an address out of entries: what is written now, what readers get, secrets, and every version before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from msgspec.structs import replace

from maydan.clock import to_text
from maydan.operations.core import as_system
from maydan.operations.entries.input import changed_names
from maydan.operations.writing import Change, batch_of
from maydan.storage.entries import Changes, Publication, changed, find_entries
from maydan.storage.ports import GuardFailed
from maydan.storage.registry import list_types, type_guard

if TYPE_CHECKING:
    from datetime import datetime

    from maydan.content.spaces import Space
    from maydan.content.types import ContentType
    from maydan.operations.core import Core
    from maydan.storage.entries import EntryRow
    from maydan.storage.ports import Transaction

_REASON: Final = "maydan erase"
_TRIES: Final = 5
_HOLDS: Final = "replace(CAST({column} AS text), ?, '') <> CAST({column} AS text)"
_FIND: Final = (
    "SELECT DISTINCT e.id, e.space_key, e.type_key FROM maydan_entries AS e"
    " JOIN maydan_versions AS v ON v.entry_id = e.id AND v.space_key = e.space_key"
    f" WHERE {_HOLDS.format(column='v.body')}"
    f" OR (e.published IS NOT NULL AND {_HOLDS.format(column='e.published')})"
    f" OR (e.secrets IS NOT NULL AND {_HOLDS.format(column='e.secrets')})"
)


async def count_entries(core: Core, address: str) -> int:
    """Return how many entries name the address, in whatever version."""
    return len(await core.store.fetch_all(_FIND, address, address, address))


async def erase_entries(core: Core, address: str) -> int:
    """Take the address out of every entry that names it; each is a transaction of its own."""
    found = await core.store.fetch_all(_FIND, address, address, address)
    types: dict[tuple[int, int], ContentType] = {}
    for space in core.registry.spaces():
        types |= {(space.key, each.key): each for each in await list_types(core.store, space)}
    done = 0
    for entry_id, space_key, type_key in found:
        space, content_type = core.registry.space_by_key(space_key), types.get((space_key, type_key))
        if space is not None and content_type is not None:
            await _erase_entry(core, space, content_type, str(entry_id), address)
            done += 1
    return done


async def _erase_entry(core: Core, space: Space, content_type: ContentType, entry_id: str, address: str) -> None:
    for attempt in range(_TRIES):
        entries = await find_entries(core.store, space.key, content_type.key, [entry_id])
        if not entries:
            return
        made = _change(space, content_type, entries[0], address, core.clock.now())
        try:
            async with core.store.write_transaction() as transaction:
                if made is not None:
                    guard = type_guard(space, content_type)
                    await transaction.apply([guard, *batch_of(made, as_system(_REASON), None)])
                await _erase_versions(transaction, entry_id, space.key, address)
        except GuardFailed:
            if attempt == _TRIES - 1:
                raise
            continue
        return


def _change(space: Space, content_type: ContentType, entry: EntryRow, address: str, at: datetime) -> Change | None:
    """Return the entry without the address as a new version, or ``None`` where only older versions name it."""
    body = cast("dict[str, Any]", without(entry.body, address))
    shown = entry.published
    if shown is not None and (published := without(shown.body, address)) != shown.body:
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


async def _erase_versions(transaction: Transaction, entry_id: str, space_key: int, address: str) -> None:
    sql = (
        "SELECT version, body FROM maydan_versions WHERE entry_id = ? AND space_key = ?"
        f" AND {_HOLDS.format(column='body')}"
    )
    for version, body in await transaction.fetch_all(sql, entry_id, space_key, address):
        kept = msgspec.json.encode(without(msgspec.json.decode(body), address)).decode()
        update = "UPDATE maydan_versions SET body = ? WHERE entry_id = ? AND version = ? AND space_key = ?"
        await transaction.execute(update, kept, entry_id, version, space_key)


def without(value: Any, address: str) -> Any:
    """Return a stored value without the address: a text that is nothing else goes, any other loses it.

    The case of letters does not matter. Members and items that go leave no gap.
    """
    if isinstance(value, str):
        return _cut(value, address)
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        kept = {name: without(member, address) for name, member in members.items()}
        return {name: member for name, member in kept.items() if member is not None or members[name] is None}
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [kept for item in items if (kept := without(item, address)) is not None or item is None]
    return value


def _cut(text: str, address: str) -> str | None:
    low, sought = text.lower(), address.lower()
    if sought not in low or len(low) != len(text):
        return None if text == address else text.replace(address, "")
    parts, start = list[str](), 0
    while (at := low.find(sought, start)) >= 0:
        parts.append(text[start:at])
        start = at + len(sought)
    return "".join([*parts, text[start:]]).strip() or None
