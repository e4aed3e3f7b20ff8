"""What asyncio leaves open about tasks."""

from __future__ import annotations

import asyncio


def is_being_cancelled() -> bool:
    """Tell, in an ``except CancelledError``, whether somebody cancelled this task.

    Otherwise the error comes from the code that was awaited: it waited for something that was cancelled, and failed.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
