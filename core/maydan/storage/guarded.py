"""Batches whose guards may fail for a reason that is no error: somebody else was faster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maydan.storage.ports import GuardFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.storage.ports import Statement, Store


async def committed(store: Store, batch: Sequence[Statement]) -> bool:
    """Store a batch; ``False``, and nothing stored, where a statement did not find what it expects."""
    try:
        await store.commit(batch)
    except GuardFailed:
        return False
    return True
