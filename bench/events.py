"""Measures the log's way to the plugins: events per second through one worker, and what ten observers cost a write.

Prints two numbers: events per second, and how many times as long a create takes beside ten plugins that observe it.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Final

import uvloop

from maydan import app
from maydan.content.types import ContentType, Field, Kind
from maydan.operations import entries
from maydan.operations.core import Core, as_system
from maydan.operations.scopes import scope_of
from maydan.operations.spaces import SpaceInput, create_space
from maydan.operations.types import create_type
from maydan.plugin import hookimpl
from maydan.plugins.guard import Guard
from maydan.plugins.host import PluginHost
from maydan.plugins.implementations import implementations_of
from maydan.plugins.loaded import LoadedPlugin
from maydan.plugins.manifest import Manifest
from maydan.settings import read
from maydan.storage.log import Event, LoggedEvent, event_statement
from maydan.storage.migrations import apply

EVENTS: Final = 20_000
OBSERVERS: Final = 10
CREATES: Final = 1_500
AT_ONCE: Final = 16
ROUNDS: Final = 5
ARTICLE: Final = ContentType(
    name="article",
    slug_from="title",
    fields=(Field(name="title", kind=Kind.STRING, localized=True), Field(name="body", kind=Kind.TEXT, localized=True)),
)


def main() -> None:
    """Print both numbers."""
    logging.disable(logging.INFO)
    url = sys.argv[1] if len(sys.argv) > 1 else ""
    with tempfile.TemporaryDirectory() as folder:
        through = uvloop.run(_dispatched(url or f"sqlite:///{Path(folder) / 'a.db'}"))
        costs: list[float] = []
        for number in range(ROUNDS):
            alone = uvloop.run(_created(url or f"sqlite:///{Path(folder) / f'b{number}.db'}", 0))
            observed = uvloop.run(_created(url or f"sqlite:///{Path(folder) / f'c{number}.db'}", OBSERVERS))
            costs.append(observed / alone)
    print(f"{through:.0f} {median(costs):.2f}")


async def _dispatched(url: str) -> float:
    async with _opened(url, 1) as core:
        at = datetime.now(UTC)
        space = core.registry.spaces()[0]
        for begin in range(0, EVENTS, 100):
            await core.store.commit(
                [
                    event_statement(
                        Event(
                            type="entry.updated", space_key=space.key, subject_type="article",
                            subject_id=str(number % 500), version=number, at=at, data={"fields": ["title"]},
                        )
                    )
                    for number in range(begin, begin + 100)
                ]
            )  # fmt: skip
        started_s = time.perf_counter()
        await core.subscriptions.start()
        await core.subscriptions.settled(600)
        spent_s = time.perf_counter() - started_s
        await core.subscriptions.stop()
        return EVENTS / spent_s


async def _created(url: str, observers: int) -> float:
    """Return the seconds of many creates, one after the other in each of several tasks."""
    async with _opened(url, observers) as core:
        scope = await scope_of(core, as_system("bench"), core.registry.spaces()[0], "article")
        await core.subscriptions.start()

        async def create(first: int) -> None:
            for number in range(first, CREATES, AT_ONCE):
                await entries.create(scope, {"title": f"Article {number}", "body": "word " * 300})

        await create(CREATES - AT_ONCE)  # everything is compiled and warm
        started_s = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for first in range(AT_ONCE):
                group.create_task(create(first))
        spent_s = time.perf_counter() - started_s
        await core.subscriptions.settled(60)
        await core.subscriptions.stop()
        return spent_s


@asynccontextmanager
async def _opened(url: str, observers: int) -> AsyncGenerator[Core]:
    names = [f"bench{number}" for number in range(observers)]
    host = PluginHost([_plugin(name) for name in names], Guard())
    core = app.create_core(read({"database": {"url": url}}, {}), host)
    await core.store.open()
    await apply(core.store, app.needed_migrations(core.store, host))
    async with app.running(core):
        if core.registry.cached_space("bench") is None:
            space = await create_space(core, as_system("bench"), SpaceInput(name="bench", plugins=tuple(names)))
            await create_type(core, as_system("bench"), space, ARTICLE)
        yield core


def _plugin(name: str) -> LoadedPlugin:
    module = ModuleType(name)

    async def observe(event: LoggedEvent) -> None:
        if event.subject_type == name:
            raise AssertionError(event.position)

    for hook in ("entry_created", "entry_updated", "entry_published"):
        setattr(module, hook, hookimpl(observe))
    plugin = LoadedPlugin(Manifest(name=name, version="1", hook_api=">=1,<2"), enabled=True)
    plugin.calls = implementations_of(Guard(), name, module)
    return plugin


if __name__ == "__main__":
    main()
