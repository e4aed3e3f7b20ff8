"""Revisions: every worker learns of a change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from maydan.storage import DatabaseSettings, Statement, Store, open_store
from maydan.storage.revisions import Revisions, bump

pytestmark = pytest.mark.anyio


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Store]:
    """A second store on the same database, as another process has it."""
    opened = open_store(DatabaseSettings(url=database_url))
    await opened.open()
    yield opened
    await opened.close()


async def until(heard: list[str]) -> None:
    """Wait for a list to be filled."""
    async with asyncio.timeout(30):
        while not heard:  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0.01)


async def test_a_change_here_is_handled_when_settled_returns(store: Store) -> None:
    """Whoever changed something and waits sees it taken over."""
    revisions = Revisions(store)
    heard: list[str] = []

    async def heed(scope: str) -> None:
        heard.append(scope)

    revisions.on_change("types", heed)
    await revisions.start()
    assert revisions.current("types") == 0
    await store.commit([bump("types")])
    await revisions.settled()
    assert (heard, revisions.current("types")) == (["types"], 1)
    await store.commit([bump("policies")])
    await revisions.settled()
    assert heard == ["types"]
    await revisions.stop()


async def test_a_change_elsewhere_is_noticed(store: Store, other: Store) -> None:
    """Another process' commit is heard without asking."""
    revisions = Revisions(store, poll_s=60)
    heard: list[str] = []

    async def heed(scope: str) -> None:
        heard.append(scope)

    revisions.on_change("spaces", heed)
    await revisions.start()
    await asyncio.sleep(0.3)
    await other.commit([bump("spaces"), bump("accounts")])
    await until(heard)
    assert heard == ["spaces"]
    await revisions.stop()


async def test_the_slow_look_is_the_net_when_no_signal_comes(
    store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hint that is lost costs time and nothing else."""
    revisions = Revisions(store, poll_s=0.05)
    heard: list[str] = []

    async def heed(scope: str) -> None:
        heard.append(scope)

    revisions.on_change("spaces", heed)
    await revisions.start()
    monkeypatch.setattr(store.signals, "send", lambda _names: None)
    await other.commit([bump("spaces")])
    await until(heard)
    await revisions.stop()


async def test_a_callback_that_fails_is_called_again(store: Store) -> None:
    """A change is not forgotten because it could not be taken over at once."""
    revisions = Revisions(store, poll_s=60)
    heard: list[str] = []

    async def heed(scope: str) -> None:
        heard.append(scope)
        if len(heard) == 1:
            raise LookupError

    revisions.on_change("types", heed)
    await revisions.start()
    await store.commit([bump("types")])
    async with asyncio.timeout(30):
        while revisions.current("types") == 0:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.01)
    assert heard == ["types", "types"]
    await revisions.stop()


async def test_stopping_lets_go_whoever_waits(store: Store) -> None:
    """Nothing is looked at any more, and nobody hangs for it."""
    revisions = Revisions(store)
    asked = asyncio.Event()

    async def never_end(_scope: str) -> None:
        asked.set()
        await asyncio.Event().wait()

    revisions.on_change("types", never_end)
    await revisions.start()
    await store.commit([bump("types")])
    waiting = asyncio.create_task(revisions.settled())
    async with asyncio.timeout(30):
        await asked.wait()
        await revisions.stop()
        await waiting
    assert revisions.current("types") == 0


async def test_what_was_undone_changes_no_revision(store: Store) -> None:
    """The counter moves in the transaction of the change."""

    async def fail() -> None:
        async with store.write_transaction() as transaction:
            await transaction.apply([bump("types"), Statement("SELECT 1", expect=1)])
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await store.fetch_all("SELECT * FROM maydan_revisions") == []
