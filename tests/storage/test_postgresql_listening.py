"""Listening on PostgreSQL: how often a server is asked that refuses it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from maydan.storage.postgresql.listening import Listening
from maydan.storage.signals import ELSEWHERE, Signals

pytestmark = pytest.mark.anyio


class Refusing:
    """A connection whose server refuses the second LISTEN; or takes both, and is lost right then."""

    def __init__(self, *, is_lost: bool) -> None:
        self._is_lost = is_lost

    def get_server_pid(self) -> int:
        """Return a number."""
        return 1

    async def add_listener(self, channel: str, _told: Any) -> None:
        """Refuse hints about the log, as a proxy does that shares connections."""
        if channel == "maydan_log" and not self._is_lost:
            raise ConnectionError("LISTEN is not supported")

    def add_termination_listener(self, ended: Any) -> None:
        """End at once."""
        ended(self)

    async def execute(self, *_args: str) -> None:
        """Say that the connection has ended."""
        raise ConnectionError("connection is closed")

    def terminate(self) -> None:
        """Do nothing: there is no server."""


async def test_a_server_that_refuses_is_asked_less_and_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses double up to five seconds, and are short again once both channels were listened to."""
    signals, heard, pauses = Signals(), list[str](), list[float]()
    signals.listen(heard.append)
    done, sleep = asyncio.Event(), asyncio.sleep
    connections = 0

    async def connect() -> Any:
        nonlocal connections
        connections += 1
        await sleep(0)
        if connections == 10:
            done.set()
        return Refusing(is_lost=connections == 8)

    async def note_pause(pause_s: float) -> None:
        pauses.append(pause_s)

    monkeypatch.setattr(asyncio, "sleep", note_pause)
    listening = asyncio.create_task(Listening(connect, signals).run())
    async with asyncio.timeout(60):
        await done.wait()
    listening.cancel()
    assert pauses[:9] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 0.1, 0.2]
    assert heard == [ELSEWHERE]
