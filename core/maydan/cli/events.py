"""``maydan events``: who follows the log, how far each is, and handing events over again."""

from __future__ import annotations

import argparse
import asyncio

import msgspec

from maydan.cli.failures import CommandFailed
from maydan.cli.instance import load_settings
from maydan.cli.opening import opened_store
from maydan.events.positions import SubscriberStatus, list_subscribers, replay
from maydan.storage.ports import GuardFailed


def run_list(arguments: argparse.Namespace) -> int:
    """List the subscribers of the log, by name."""
    subscribers = asyncio.run(_subscribers())
    if arguments.json:
        print(msgspec.json.encode(subscribers).decode())
        return 0
    for each in subscribers:
        words = f"{each.name}  position {each.position}, {each.lag} behind, {each.parked} to be tried again"
        words += f", {each.dead_letters} {'dead letter' if each.dead_letters == 1 else 'dead letters'}"
        print(f"{words}  {each.error or ''}".rstrip())
    return 0


def run_replay(arguments: argparse.Namespace) -> int:
    """Let a subscriber begin again after a position; a running worker takes it up within a second."""
    asyncio.run(_replay(arguments.name, arguments.after))
    print(f"{arguments.name} is handed everything after {arguments.after} again.")
    return 0


async def _subscribers() -> list[SubscriberStatus]:
    async with opened_store(load_settings().database) as store:
        return await list_subscribers(store)


async def _replay(name: str, position: int) -> None:
    async with opened_store(load_settings().database) as store:
        try:
            await replay(store, name, position)
        except GuardFailed as error:
            raise CommandFailed(f"nobody called {name} follows the log; see `maydan events list`") from error
