"""Telling plugins from the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from maydan.content.spaces import Space
from maydan.plugins import observers
from maydan.plugins.calls import CallFailed
from maydan.plugins.gauges import BREAKER_ERRORS
from maydan.plugins.host import PluginHost
from maydan.plugins.observers import PluginObserver
from maydan.storage.log import LoggedEvent

pytestmark = pytest.mark.anyio

Make = Callable[..., Any]
Load = Callable[..., PluginHost]


def event(type: str = "entry.created", space_key: int | None = 1) -> LoggedEvent:
    """Something that happened."""
    return LoggedEvent(
        type=type, space_key=space_key, subject_type="article", subject_id="1", at=datetime.now(UTC), position=7
    )


def observer_of(host: PluginHost, name: str, space: Space) -> PluginObserver:
    """A plugin's subscriber."""
    found = {each.name: each for each in host.subscribers({1: space}.get)}
    return found[f"plugin.{name}"]


async def test_each_plugin_has_a_place_of_its_own_in_the_log(make: Make, load: Load, space: Space) -> None:
    """One that fails holds up nobody but itself; one that observes nothing has none."""

    async def hear() -> None: ...

    host = load(make("a", entry_created=hear), make("b", comment_created=hear), make("c", check_entry_create=hear))
    names = [each.name for each in host.subscribers({1: space}.get)]
    assert [name for name in names if name[-2] == "."] == ["plugin.a", "plugin.b"]


async def test_a_plugin_hears_of_what_it_listens_to_where_it_is_active(make: Make, load: Load, space: Space) -> None:
    """Not of other events, other spaces, or of what concerns the whole instance."""
    heard: list[object] = []

    async def hear(space: Space, event: LoggedEvent) -> None:
        heard.append((space.name, event.position))

    observer = observer_of(load(make("a", entry_created=hear)), "a", space)
    for each in (event(), event("entry.updated"), event(space_key=2), event(space_key=None)):
        await observer.handle(each)
    assert heard == [("demo", 7)]


async def test_a_fault_is_for_the_log_to_try_again(make: Make, load: Load, space: Space) -> None:
    """It is counted, too."""

    async def fail() -> None:
        raise RuntimeError("boom")

    host = load(make("a", entry_created=fail))
    with pytest.raises(CallFailed, match="plugin a, hook entry_created: RuntimeError: boom"):
        await observer_of(host, "a", space).handle(event())
    assert host.state("a").hooks[0].errors == 1


@pytest.mark.parametrize("how", ["isolated", "breaker"])
async def test_while_a_plugin_may_not_be_called_its_place_is_held(
    make: Make, load: Load, space: Space, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is lost: it catches up when it is released."""
    monkeypatch.setattr(observers, "HELD_LOOK_S", 0.01)
    heard: list[int] = []

    async def hear(event: LoggedEvent) -> None:
        heard.append(event.position)

    host = load(make("a", entry_created=hear))
    host.isolate("a", "it stalled")
    if how == "breaker":
        host.release("a")
        for _ in range(BREAKER_ERRORS):
            host._plugins["a"].calls["entry_created"].gauge.failed(1, "boom")
    observer = observer_of(host, "a", space)
    assert [observer.is_held(each) for each in (event(), event("entry.updated"), event(space_key=2))] == [
        True, False, False,
    ]  # fmt: skip
    task = asyncio.create_task(observer.handle(event()))
    await asyncio.sleep(0.05)
    assert (heard, task.done()) == ([], False)
    if how == "breaker":
        host.pin("a", active=True)
    else:
        host.release("a")
    assert not observer.is_held(event())
    await asyncio.wait_for(task, 5)
    assert heard == [7]
