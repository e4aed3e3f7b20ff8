"""The content types that plugins bring, as migrations: made, changed and indexed by ``maydan migrate`` alone."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from maydan.content.normal import check_type
from maydan.errors import LossyChange, UniqueViolation
from maydan.operations.grant_paths import follow_paths
from maydan.operations.grants import follow_fields
from maydan.operations.type_tables import add_type, next_type_key, replace_type
from maydan.operations.types import renames, require_harmless
from maydan.operations.uniqueness import follow_unique
from maydan.operations.workflows import follow_workflow
from maydan.storage import documents
from maydan.storage.acting import change_statement
from maydan.storage.migrations import Migration, Step
from maydan.storage.registry import SHARED, find_type, list_spaces
from maydan.storage.revisions import bump

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from maydan.content.spaces import Space
    from maydan.content.types import ContentType
    from maydan.plugins.host import PluginHost
    from maydan.storage.ports import Reader, Statement, Store, Transaction

_FORMAT: Final = 1
"""Grows when documents are rendered or indexed another way, so that all of them are made anew."""


def type_migrations(store: Store, host: PluginHost, *, allow_drop: bool = False) -> list[Migration]:
    """Return one migration per plugin whose types it brings; its name is a digest of them.

    With ``allow_drop`` they go on where entries would lose values.
    """
    return [
        _migration(store, plugin, registered.content_types, allow_drop=allow_drop)
        for plugin, registered in host.registered().items()
        if registered.content_types
    ]


async def types_left(reader: Reader, host: PluginHost) -> list[str]:
    """Return the names of plugins' types that no loaded plugin brings (any more), in order."""
    rows = await reader.fetch_all("SELECT name FROM maydan_types WHERE space_key = ? ORDER BY name", SHARED)
    return [row[0] for row in rows if not host.brings(row[0])]


def _migration(store: Store, plugin: str, types: Sequence[ContentType], *, allow_drop: bool) -> Migration:
    definition = msgspec.json.encode([_FORMAT, *types])
    name = f"types_{hashlib.sha256(definition).hexdigest()[:12]}"

    async def run(transaction: Transaction) -> None:
        # A plugin that goes back to an older release has to bring its older types back too.
        await transaction.execute(
            "DELETE FROM maydan_migrations WHERE app = ? AND name LIKE 'types_%' AND name <> ?", plugin, name
        )
        spaces = await list_spaces(transaction)
        for wanted in types:
            await _bring(store, transaction, wanted, spaces, allow_drop=allow_drop)
        await transaction.apply([bump("types")])

    return Migration(app=plugin, name=name, steps=(Step(name="content_types", run=run),))


async def _bring(
    store: Store, transaction: Transaction, wanted: ContentType, spaces: Sequence[Space], *, allow_drop: bool
) -> None:
    before = await find_type(transaction, SHARED, wanted.name, lock=True)
    checked = check_type(wanted, known_types=None, previous=before)
    if before is None:
        key = await next_type_key(transaction)
        made = msgspec.structs.replace(checked, key=key, version=1)
        await add_type(store, transaction, SHARED, made)
        await transaction.apply(_told("type.created", made, spaces))
        return
    after = msgspec.structs.replace(checked, version=before.version + 1)
    await documents.lock(transaction, before, store.dialect.name)
    for space in spaces:
        with _named(after, space):
            await require_harmless(transaction, store, space, before, after, allow_drop=allow_drop)
            await follow_workflow(store, transaction, space, before, after, now=datetime.now(UTC))
    await replace_type(store, transaction, before, after, spaces)
    for space in spaces:
        with _named(after, space):
            await follow_unique(store, transaction, before, after, space.key)
        await follow_fields(transaction, space.key, after.name, renames(before, after))
        await follow_paths(transaction, space, before, after, renames(before, after))
    # Another release brings all its types again, also those that are as they were.
    is_changed = msgspec.structs.replace(after, version=before.version) != before
    await transaction.apply([*(_told("type.updated", after, spaces) if is_changed else ()), bump("policies")])


def _told(kind: str, content_type: ContentType, spaces: Sequence[Space]) -> list[Statement]:
    """Return the events for the spaces where the plugin is active; no account did it, but whoever migrated."""
    plugin = content_type.name.partition(".")[0]
    subject = ("type", content_type.name)
    at = datetime.now(UTC)
    return [
        change_statement(kind, subject, space_key=space.key, version=content_type.version, at=at)
        for space in spaces
        if plugin in space.plugins
    ]


@contextmanager
def _named(content_type: ContentType, space: Space) -> Generator[None]:
    """Say of a refusal where it is, and what the operator can do."""
    place = f"{content_type.name} in the space {space.name}"
    try:
        yield
    except LossyChange as error:
        losses = "; ".join(one.message for one in error.errors)
        raise LossyChange(f"{place} would lose data: {losses}. Run maydan migrate --allow-drop to go on.") from error
    except UniqueViolation as error:
        raise UniqueViolation(f"{place}: {error}") from error
