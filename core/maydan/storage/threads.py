"""Waiting for a thread without leaving it alone."""

from __future__ import annotations

import asyncio
from typing import TypeVar

T = TypeVar("T")


async def finished(future: asyncio.Future[T]) -> T:
    """Wait until the thread is done, also when the waiting task is cancelled, and only then pass the cancellation on.

    A thread cannot be stopped; whoever holds a connection that it works on must not let go before.
    """
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.shield(future)
        except asyncio.CancelledError as error:
            cancelled = error
        except BaseException:  # noqa: BLE001 - it is raised below, from the future
            break
    if cancelled is not None:
        if not future.cancelled():
            future.exception()
        raise cancelled
    return future.result()
