"""Running plugin code: whose it is is noted, and it ends at its deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from maydan.plugins.guard import DeadlinePassed, Guard, Waiting
from maydan.plugins.notes import Culprit, pack

pytestmark = pytest.mark.anyio

NOTE = pack("a", "check_entry_create")


async def run(guard: Guard, function: Callable[[], Coroutine[Any, Any, Any]], deadline_s: float = 5.0) -> Any:
    """Begin, and finish where it waits."""
    begun = guard.begin(NOTE, function, ())
    return await guard.finish(begun, deadline_s=deadline_s) if isinstance(begun, Waiting) else begun


async def test_the_note_stands_only_while_the_plugin_has_the_processor() -> None:
    """While it waits, others run, and none of them is to be blamed on it."""
    guard = Guard()
    seen: list[Culprit | None] = []

    async def plugin() -> str:
        seen.append(guard.notes.culprit())
        await asyncio.sleep(0.02)
        seen.append(guard.notes.culprit())
        return "done"

    task = asyncio.create_task(run(guard, plugin))
    await asyncio.sleep(0.01)
    between = guard.notes.culprit()
    assert await task == "done"
    assert seen == [Culprit("a", "check_entry_create")] * 2
    assert between is None
    assert guard.notes.culprit() is None


async def test_a_task_that_a_plugin_starts_is_noted_as_the_plugins() -> None:
    """A loop in it stops the worker just as well."""
    guard = Guard()
    guard.adopt_tasks(asyncio.get_running_loop())
    seen: list[Culprit | None] = []

    async def later() -> None:
        await asyncio.sleep(0)
        seen.append(guard.notes.culprit())

    async def plugin() -> None:
        await asyncio.create_task(later())

    async def ours() -> None:
        seen.append(guard.notes.culprit())

    await run(guard, plugin)
    await asyncio.create_task(ours())
    asyncio.get_running_loop().set_task_factory(None)
    assert seen == [Culprit("a", "check_entry_create"), None]


async def test_the_hook_stays_in_the_callers_task() -> None:
    """What a plugin does with ``asyncio.timeout`` or a cancel scope works as it would anywhere."""
    tasks: list[object] = []

    async def plugin() -> None:
        tasks.append(asyncio.current_task())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.sleep(60)
        tasks.append(asyncio.current_task())

    await run(Guard(), plugin)
    assert tasks == [asyncio.current_task()] * 2


async def test_a_coroutine_that_swallows_its_cancellation_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a moment for its ``finally`` blocks, and not a second one."""
    monkeypatch.setattr("maydan.plugins.guard.GRACE_S", 0.02)

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue

    with pytest.raises(DeadlinePassed):
        await asyncio.wait_for(run(Guard(), stubborn, deadline_s=0.02), 5)


async def test_cleaning_up_at_the_deadline_has_its_time() -> None:
    """Giving back a connection takes a round trip."""
    done: list[str] = []

    async def plugin() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            done.append("cleaned up")

    with pytest.raises(DeadlinePassed):
        await run(Guard(), plugin, deadline_s=0.02)
    assert done == ["cleaned up"]


async def test_the_task_can_be_cancelled_after_a_deadline_as_before() -> None:
    """A deadline takes back the cancellations that it made, and no others."""

    async def plugin() -> None:
        await asyncio.sleep(60)

    with pytest.raises(DeadlinePassed):
        await run(Guard(), plugin, deadline_s=0.01)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_route_is_noted_and_has_no_deadline() -> None:
    """An event stream runs for hours."""
    guard = Guard()

    async def handler() -> Culprit | None:
        await asyncio.sleep(0)
        return guard.notes.culprit()

    assert await guard.guarded("a", "route GET /x", handler()) == Culprit("a", "route GET /x")
