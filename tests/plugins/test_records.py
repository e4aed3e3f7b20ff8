"""What is remembered of plugins, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from maydan.clock import SystemClock
from maydan.plugins.host import PluginHost
from maydan.plugins.isolation import Isolation
from maydan.plugins.loaded import State
from maydan.plugins.records import PluginRecords
from maydan.storage import Store

pytestmark = pytest.mark.anyio

Make = Callable[..., Any]
Load = Callable[..., PluginHost]
STALLED = Isolation(what="check_entry_create", reason="it stalled")


@pytest.fixture
def records(store: Store) -> PluginRecords:
    """The records of an empty instance."""
    return PluginRecords(store, SystemClock())


async def fine() -> None:
    """Refuse nothing."""


async def test_an_isolation_is_remembered_until_it_is_released(records: PluginRecords) -> None:
    """Also across restarts: what stalls a worker today does so tomorrow."""
    await records.isolate("a", STALLED)
    record = (await records.all())["a"]
    assert (record.isolation, record.isolated_at is None) == (STALLED, False)
    await records.release("a")
    assert (await records.all())["a"].isolation is None


async def test_pinning_leaves_an_isolation_alone(records: PluginRecords) -> None:
    """They are two decisions, of two people."""
    await records.isolate("a", STALLED)
    await records.pin("a", active=True)
    record = (await records.all())["a"]
    assert (record.isolation, record.pinned) == (STALLED, True)


async def test_a_host_follows_the_records(records: PluginRecords, make: Make, load: Load) -> None:
    """Every worker does, whichever of them stalled."""
    host = load(make("a", check_entry_create=fine), make("b", check_entry_create=fine))
    await records.isolate("a", STALLED)
    await records.follow(host)
    assert (host.state("a").state, host.state("b").state) == (State.ISOLATED, State.ACTIVE)
    await records.release("a")
    await records.follow(host)
    assert host.state("a").state is State.ACTIVE


async def test_what_the_supervisor_says_is_remembered_once(records: PluginRecords, store: Store) -> None:
    """A restart of a worker that brings no news moves no revision."""
    await records.remember({"a": STALLED})
    before = await store.fetch_all("SELECT scope, revision FROM maydan_revisions")
    await records.remember({"a": STALLED})
    assert await store.fetch_all("SELECT scope, revision FROM maydan_revisions") == before
    assert (await records.all())["a"].isolation == STALLED
