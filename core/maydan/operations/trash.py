"""Empties the trash: what was deleted long ago is removed for good, with all of its versions."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from maydan.errors import MaydanError, NotFound
from maydan.operations import entries
from maydan.operations.core import as_system
from maydan.operations.scopes import scope_of
from maydan.storage.entries import trashed_before

if TYPE_CHECKING:
    from datetime import datetime

    from maydan.operations.core import Core
    from maydan.operations.scopes import Scope

_log: Final = logging.getLogger("maydan.trash")
_BATCH: Final = 100
_FIRST: Final = "00000000-0000-0000-0000-000000000000"


async def empty_trash(core: Core) -> int:
    """Remove what has lain in the trash for longer than ``[content] trash_days``, and return how much that was.

    What a plugin refuses to let go stays, and is tried again the next time. Any number of workers may do this at once.
    """
    days = core.settings.content.trash_days
    if days <= 0:
        return 0
    caller = as_system(f"in the trash for {days} days")
    before = core.clock.now() - timedelta(days=days)
    removed = 0
    for space in core.registry.spaces():
        for content_type in core.registry.types(space):
            removed += await _empty(await scope_of(core, caller, space, content_type.name), before)
    return removed


async def _empty(scope: Scope, before: datetime) -> int:
    removed, last = 0, _FIRST
    while True:
        where = (scope.space.key, scope.type.key)
        ids = await trashed_before(scope.core.store, *where, before, after=last, limit=_BATCH)
        for entry_id in ids:
            removed += await _remove(scope, entry_id, before)
        if len(ids) < _BATCH:
            return removed
        last = ids[-1]


async def _remove(scope: Scope, entry_id: str, before: datetime) -> bool:
    try:
        await entries.purge(scope, entry_id, precondition=lambda _version: None, trashed_before=before)
    except NotFound:  # brought back meanwhile, or another worker was faster
        return False
    except MaydanError as error:
        _log.warning("Entry %s of %s stays in the trash: %s", entry_id, scope.type.name, error)
        return False
    return True
