"""From events of the log to the tags of the answers that they made stale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from maydan.events.caches.tags import MAKES_STALE, Stale, entry_tag, space_tag, type_tag
from maydan.storage.registry import SHARED, find_type, list_spaces

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maydan.storage import Store
    from maydan.storage.log import LoggedEvent

_SPACE_NAME: Final = "SELECT name FROM maydan_spaces WHERE key = ?"


class StaleTags(Struct, frozen=True):
    """Tags of what is stale, each in order and once."""

    spaces: tuple[str, ...]
    """Of whole spaces."""
    entries: tuple[str, ...]
    """Of entries and of their types, in the other spaces."""


async def stale_tags(store: Store, events: Iterable[LoggedEvent]) -> StaleTags:
    """Return what the events made stale.

    Spaces and types are read as they are now: what they became after an event is told by a later one, which makes all
    of the space stale. There is one statement for each space and each type among the events.
    """
    found = _Found(store)
    for event in events:
        await found.add(event)
    return found.tags()


class _Found:
    """What was found so far."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names: dict[int, str | None] = {}
        self._drafts: dict[tuple[int, str], bool] = {}
        self._spaces: set[str] = set()
        self._entries: dict[str, set[str]] = {}
        """By space."""

    async def add(self, event: LoggedEvent) -> None:
        stale = MAKES_STALE.get(event.type, Stale.NOTHING)
        if stale is Stale.SPACE:
            await self._add_space(event)
        elif stale is Stale.ENTRY or (stale is Stale.ENTRY_IF_READ and await self._is_read(event)):
            name = await self._name(event.space_key)
            # A space that is gone was purged as a whole, or will be: its deletion follows in the log.
            if name is not None:
                tags = self._entries.setdefault(name, set())
                tags |= {entry_tag(event.subject_id), type_tag(name, event.subject_type)}

    async def _add_space(self, event: LoggedEvent) -> None:
        if event.space_key is None:
            self._spaces |= {space.name for space in await list_spaces(self._store)}
            return
        name = event.subject_id if event.subject_type == "space" else await self._name(event.space_key)
        if name is not None:
            self._spaces.add(name)

    async def _name(self, key: int | None) -> str | None:
        if key is None:
            return None
        if key not in self._names:
            row = await self._store.fetch_one(_SPACE_NAME, key)
            self._names[key] = None if row is None else row[0]
        return self._names[key]

    async def _is_read(self, event: LoggedEvent) -> bool:
        """Tell whether readers get something else now; true too where the type is gone, and nobody can tell."""
        if event.data.get("published"):
            return True
        name = event.subject_type
        key = (SHARED if "." in name else event.space_key or 0, name)
        if key not in self._drafts:
            found = await find_type(self._store, *key)
            self._drafts[key] = found is not None and found.drafts
        return not self._drafts[key]

    def tags(self) -> StaleTags:
        entries = {tag for name, tags in self._entries.items() if name not in self._spaces for tag in tags}
        return StaleTags(tuple(map(space_tag, sorted(self._spaces))), tuple(sorted(entries)))
