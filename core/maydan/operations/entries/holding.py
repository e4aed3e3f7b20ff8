"""Whom an edit lock stops: its holder keeps others from writing for as long as they may write themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maydan.access.actions import Action
from maydan.errors import Forbidden, NotFound, Unauthenticated
from maydan.operations.core import Caller
from maydan.operations.entries.loading import load
from maydan.operations.locking import refusal, writer_of
from maydan.operations.scopes import scope_of
from maydan.storage.entries import existing_targets
from maydan.storage.locks import find_locks, release

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.operations.scopes import Scope
    from maydan.storage.locks import Lock


async def require_unlocked(scope: Scope, ids: Sequence[str]) -> None:
    """Refuse a write to entries of which somebody else holds a lock; one that does not count any more is taken away.

    Raises:
        Conflict: ``locked``, with ``expires_at``, and ``holder`` for who may read the drafts of all of the type.
    """
    writer = writer_of(scope)
    if writer is None:
        return
    store, space_key = scope.core.store, scope.space.key
    for lock in await find_locks(store, store, space_key, list(dict.fromkeys(ids)), at=writer.at):
        if lock.holder_id == writer.holder:
            continue
        if await counts(scope, lock):
            raise refusal(scope, lock)
        await store.commit([release(space_key, lock.entry_id, holder_id=lock.holder_id)])


async def counts(scope: Scope, lock: Lock) -> bool:
    """Tell whether the holder of a lock may still update its entry, by the rights that they have now.

    It is asked where somebody is in the way alone: what a write is stored with looks at the holder and the time.
    """
    core = scope.core
    holder = await core.authenticator.of_account(lock.holder_id)
    type_key = (await existing_targets(core.store, scope.space.key, [lock.entry_id])).get(lock.entry_id)
    content_type = None if type_key is None else core.registry.type_by_key(type_key)
    if holder is None or content_type is None:
        return False
    try:
        await load(
            await scope_of(core, Caller(actor=holder), scope.space, content_type.name), Action.UPDATE, lock.entry_id
        )
    except (Forbidden, NotFound, Unauthenticated):
        return False
    return True
