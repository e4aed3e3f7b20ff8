"""Processes on one SQLite file wake each other; a hint may be lost, and is never a file name."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from maydan.storage import DatabaseSettings, Store, open_store
from maydan.storage.log import Event, event_statement
from maydan.storage.revisions import bump
from maydan.storage.signals import ELSEWHERE, Signals
from maydan.storage.sqlite.waking import Waking

pytestmark = pytest.mark.anyio

EVENT = event_statement(
    Event(type="entry.created", space_key=1, subject_type="t", subject_id="a", at=datetime.now(UTC))
)


class Hearing:
    """A process that listens, as far as this module is concerned."""

    def __init__(self, database: Path) -> None:
        self.signals = Signals()
        self.heard = 0
        self.signals.listen(self.hear)
        self.waking = Waking(str(database), self.signals)
        self.waking.tell_others()
        self.waking.listen()

    def hear(self, signal: str) -> None:
        self.heard += signal == ELSEWHERE

    async def count(self) -> int:
        """Wait until something was heard, and some more; return how often that was."""
        async with asyncio.timeout(30):
            while not self.heard:  # noqa: ASYNC110 - a number has no event
                await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        return self.heard


@pytest.fixture
async def stores(sqlite_url: str) -> AsyncIterator[tuple[Store, Store]]:
    """Two stores on one file, as two processes have them."""
    opened = [open_store(DatabaseSettings(url=sqlite_url)) for _ in range(2)]
    for store in opened:
        await store.open()
    yield opened[0], opened[1]
    for store in opened:
        await store.close()


def names(folder: Path) -> list[str]:
    """Return what lies in a folder."""
    return sorted(each.name for each in folder.iterdir())


def block(folder: Path) -> None:
    """Put a file where the folder would be."""
    folder.write_text("a file stands in the way")


async def test_a_commit_wakes_the_other_process_and_not_its_own(stores: tuple[Store, Store]) -> None:
    """What nobody waits for wakes nobody; many commits are a few hints; who only writes also tells."""
    writer, reader = stores
    folder = Path(f"{getattr(reader, 'path')}.signals")  # noqa: B009 - of this store, not of the port
    heard: list[str] = []
    writer.signals.listen(heard.append)
    listening = Hearing(folder.with_suffix(""))
    for number in range(20):
        await writer.commit([EVENT if number % 2 else bump("types")])
    assert 1 <= await listening.count() <= 20
    assert ELSEWHERE not in heard
    listening.waking.close()
    assert names(folder) == []


async def test_what_ended_without_leaving_is_cleared_away_and_strangers_are_left_alone(tmp_path: Path) -> None:
    """A dead process' socket is removed by the first that writes to it; other files are neither used nor touched."""
    database = tmp_path / ("a-long-name-" * 8)
    folder = Path(f"{database}.signals")
    first, second = Hearing(database), Hearing(database)
    assert len(str(folder / first.waking.__dict__["_name"])) > 108
    dead = folder / "0123456789abcdef"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ended:
        ended.bind(f"/proc/self/fd/{first.waking.__dict__['_folder_fd']}/{dead.name}")
    outside = tmp_path / "outside"
    outside.write_text("kept")
    (folder / "fedcba9876543210").symlink_to(outside)
    (folder / "notes.txt").write_text("kept")
    first.signals.send(("log",))
    assert await second.count() == 1
    assert first.heard == 0
    assert not dead.exists()
    assert outside.read_text() == "kept"
    assert (folder / "notes.txt").exists()
    first.waking.close()
    second.waking.close()
    assert names(folder) == ["fedcba9876543210", "notes.txt"]


async def test_where_there_can_be_no_sockets_everything_else_goes_on(tmp_path: Path) -> None:
    """A folder that cannot be made costs the hints, not the database."""
    database = tmp_path / "maydan.db"
    block(Path(f"{database}.signals"))
    lonely = Hearing(database)
    lonely.signals.send(("log",))
    lonely.waking.close()
    assert lonely.heard == 0
