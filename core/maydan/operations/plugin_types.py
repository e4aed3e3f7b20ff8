"""The content types that plugins bring, as migrations: made, changed and indexed by ``maydan migrate`` alone."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

from maydan.content.normal import check_type
from maydan.operations.type_tables import add_type, next_type_key, replace_type
from maydan.storage.migrations import Migration, Step
from maydan.storage.registry import SHARED, find_type, list_spaces
from maydan.storage.revisions import bump

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.content.spaces import Space
    from maydan.content.types import ContentType
    from maydan.plugins.host import PluginHost
    from maydan.storage.ports import Store, Transaction

_FORMAT: Final = 1
"""Grows when documents are rendered or indexed another way, so that all of them are made anew."""


def type_migrations(store: Store, host: PluginHost) -> list[Migration]:
    """Return one migration per plugin whose types it brings; its name is a digest of them."""
    return [
        _migration(store, plugin, registered.content_types)
        for plugin, registered in host.registered().items()
        if registered.content_types
    ]


def _migration(store: Store, plugin: str, types: Sequence[ContentType]) -> Migration:
    definition = msgspec.json.encode([_FORMAT, *types])
    name = f"types_{hashlib.sha256(definition).hexdigest()[:12]}"

    async def run(transaction: Transaction) -> None:
        # A plugin that goes back to an older release has to bring its older types back too.
        await transaction.execute(
            "DELETE FROM maydan_migrations WHERE app = ? AND name LIKE 'types_%' AND name <> ?", plugin, name
        )
        spaces = await list_spaces(transaction)
        for wanted in types:
            await _bring(store, transaction, wanted, spaces)
        await transaction.apply([bump("types")])

    return Migration(app=plugin, name=name, steps=(Step(name="content_types", run=run),))


async def _bring(store: Store, transaction: Transaction, wanted: ContentType, spaces: Sequence[Space]) -> None:
    before = await find_type(transaction, SHARED, wanted.name)
    checked = check_type(wanted, known_types=None, previous=before)
    if before is None:
        key = await next_type_key(transaction)
        await add_type(store, transaction, SHARED, msgspec.structs.replace(checked, key=key, version=1))
        return
    after = msgspec.structs.replace(checked, version=before.version + 1)
    await replace_type(store, transaction, before, after, spaces)
