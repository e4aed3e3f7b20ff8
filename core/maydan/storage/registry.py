"""Spaces and content types, held in memory by every worker and reloaded when their revision moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from maydan.content.spaces import Space
from maydan.content.types import ContentType
from maydan.storage.ports import Statement

if TYPE_CHECKING:
    from collections.abc import Callable

    from maydan.storage.ports import Reader, Row, Store

SHARED: Final = 0
"""The space key of content types that plugins bring; they have one document table for all spaces."""


class Registry:
    """Finds spaces and types by name; a name that is missing is looked up in the database before it is refused."""

    def __init__(self, store: Store, brings: Callable[[str], bool]) -> None:
        """Begin empty; call :meth:`reload` before serving.

        A plugin's type is active nowhere unless ``brings`` says that a plugin which is loaded brings it: nobody would
        check what is written to it.
        """
        self._store = store
        self._brings = brings
        self._spaces: dict[str, Space] = {}
        self._by_key: dict[int, Space] = {}
        self._types: dict[tuple[int, str], ContentType] = {}

    async def reload(self) -> None:
        """Read all spaces and types again and swap them in at once."""
        spaces = await list_spaces(self._store)
        types = [_type(row) for row in await self._store.fetch_all(_SELECT_TYPES)]
        self._spaces = {space.name: space for space in spaces}
        self._types = dict(types)

    def spaces(self) -> list[Space]:
        """Return all spaces, by name."""
        return [self._spaces[name] for name in sorted(self._spaces)]

    def space_by_key(self, key: int) -> Space | None:
        """Return the space with that internal number, as this worker knows it."""
        found = self._by_key.get(key)
        if found is None or self._spaces.get(found.name) is not found:
            self._by_key = {space.key: space for space in self._spaces.values()}
            found = self._by_key.get(key)
        return found

    def cached_space(self, name: str) -> Space | None:
        """Return the space as this worker knows it, without asking the database."""
        return self._spaces.get(name)

    async def find_space(self, name: str) -> Space | None:
        """Return the space of that name, or ``None``."""
        space = self._spaces.get(name)
        if space is None and len(name) <= MAX_NAME:
            space = await find_space(self._store, name)
            if space:
                self._spaces[name] = space
        return space

    def cached_type(self, space: Space, name: str) -> ContentType | None:
        """Return the type as this worker knows it, without asking the database."""
        if not self._is_active(space, name):
            return None
        return self._types.get((SHARED if "." in name else space.key, name))

    def _is_active(self, space: Space, name: str) -> bool:
        plugin, dot, _ = name.partition(".")
        return not dot or (plugin in space.plugins and self._brings(name))

    async def find_type(self, space: Space, name: str) -> ContentType | None:
        """Return the content type that is active in the space, or ``None``."""
        found = self.cached_type(space, name)
        if found is None and "." not in name and len(name) <= MAX_NAME:
            found = await find_type(self._store, space.key, name)
            if found:
                self._types[space.key, name] = found
        return found

    def types(self, space: Space) -> list[ContentType]:
        """Return the types that are active in the space, by name."""
        names = sorted(name for key, name in self._types if key in (SHARED, space.key))
        return [found for name in names if (found := self.cached_type(space, name))]

    async def lock_types(self, space: Space) -> list[ContentType]:
        """Read the types that are active in the space, by name, within a transaction: nobody changes them meanwhile."""
        # In the order in which others lock several of them.
        sql = f"{_SELECT_TYPES} WHERE space_key IN (?, ?) ORDER BY space_key, name {{for_share}}"
        found = [_type(row)[1] for row in await self._store.fetch_all(sql, SHARED, space.key)]
        return sorted((one for one in found if self._is_active(space, one.name)), key=lambda one: one.name)

    def type_by_key(self, key: int) -> ContentType | None:
        """Return the type with that internal number."""
        return next((found for found in self._types.values() if found.key == key), None)


MAX_NAME: Final = 128
"""Longer names are refused without asking the database."""

_SELECT_SPACES: Final = "SELECT key, name, settings, version FROM maydan_spaces"
_SELECT_TYPES: Final = "SELECT key, space_key, name, definition, version FROM maydan_types"
_GUARD: Final = (
    "SELECT 1 FROM maydan_types AS t, maydan_spaces AS s WHERE t.key = ? AND t.version = ? AND s.key = ?"
    " AND s.version = ?"
)


async def list_spaces(reader: Reader) -> list[Space]:
    """Read all spaces from the database."""
    return [_space(row) for row in await reader.fetch_all(_SELECT_SPACES)]


async def find_space(reader: Reader, name: str, *, lock: bool = False) -> Space | None:
    """Read one space from the database; with ``lock``, in a transaction, nobody else changes it before that ends."""
    row = await reader.fetch_one(f"{_SELECT_SPACES} WHERE name = ?{' {for_update}' if lock else ''}", name)
    return _space(row) if row else None


async def find_type(reader: Reader, space_key: int, name: str, *, lock: bool = False) -> ContentType | None:
    """Read one type from the database; ``space_key`` is ``SHARED`` for a plugin's.

    With ``lock``, inside a transaction, nobody else changes it before that ends.
    """
    sql = f"{_SELECT_TYPES} WHERE space_key = ? AND name = ?{' {for_update}' if lock else ''}"
    row = await reader.fetch_one(sql, space_key, name)
    return _type(row)[1] if row else None


async def list_types(reader: Reader, space: Space) -> list[ContentType]:
    """Read the types that a space may have entries of, by key: its own, and those of all plugins, active or not."""
    sql = f"{_SELECT_TYPES} WHERE space_key IN (?, ?) ORDER BY key"
    return [_type(row)[1] for row in await reader.fetch_all(sql, SHARED, space.key)]


async def list_own_types(reader: Reader, space: Space, *, lock: bool = False) -> list[ContentType]:
    """Read the types that were defined in a space, by name; with ``lock`` nobody else changes them meanwhile."""
    sql = f"{_SELECT_TYPES} WHERE space_key = ? ORDER BY name{' {for_update}' if lock else ''}"
    return sorted((_type(row)[1] for row in await reader.fetch_all(sql, space.key)), key=lambda one: one.name)


def type_guard(space: Space, content_type: ContentType) -> Statement:
    """Return what stops a batch that was made for a type or a space as they are no longer.

    A change of either locks the type's documents first (:func:`maydan.storage.documents.lock`), so that a batch which
    writes to them is stored before it, and is rendered anew by it, or after it, and is stopped by this.
    """
    return Statement(_GUARD, (content_type.key, content_type.version, space.key, space.version), expect=1)


def space_guard(space_key: int) -> Statement:
    """Return what stops a batch that writes into a space which is gone, or is being deleted at this moment."""
    return Statement("SELECT 1 FROM maydan_spaces WHERE key = ? {for_share}", (space_key,), expect=1)


def _space(row: Row) -> Space:
    settings: dict[str, Any] = msgspec.json.decode(row[2])
    return msgspec.convert({**settings, "key": row[0], "name": row[1], "version": row[3]}, Space)


def _type(row: Row) -> tuple[tuple[int, str], ContentType]:
    definition: dict[str, Any] = msgspec.json.decode(row[3])
    definition |= {"key": row[0], "name": row[2], "version": row[4]}
    return (row[1], row[2]), msgspec.convert(definition, ContentType)


def settings_json(space: Space) -> str:
    """Return what is stored of a space besides its key, name and version."""
    kept = {name: value for name, value in msgspec.to_builtins(space).items() if name not in {"key", "name", "version"}}
    return msgspec.json.encode(kept).decode()


def definition_json(content_type: ContentType) -> str:
    """Return what is stored of a type besides its key, name and version."""
    kept = msgspec.to_builtins(content_type)
    kept.get("workflow", {}).pop("mapping", None)  # it is about one change alone
    return msgspec.json.encode({k: v for k, v in kept.items() if k not in {"key", "name", "version"}}).decode()
