"""Measures what ten plugins that all want to be asked cost a write: one veto hook of ten plugins, in microseconds."""

from __future__ import annotations

import asyncio
import time
from statistics import median
from types import ModuleType
from typing import Final

import uvloop

from maydan.content.spaces import Space
from maydan.plugin import Actor, hookimpl
from maydan.plugins.dispatcher import Dispatcher
from maydan.plugins.guard import Guard
from maydan.plugins.hooks import Hooks
from maydan.plugins.implementations import implementations_of
from maydan.plugins.loaded import LoadedPlugin
from maydan.plugins.manifest import Manifest
from maydan.plugins.views import EntryState

PLUGINS: Final = 10
CALLS: Final = 2_000
ROUNDS: Final = 7


def main() -> None:
    """Print the median of the rounds."""
    print(f"{uvloop.run(_measure()):.1f}")


async def _measure() -> float:
    names = tuple(f"bench{number}" for number in range(PLUGINS))
    space = Space(key=1, name="bench", title="Bench", locales=("en",), default_locale="en", plugins=names)
    hooks = Hooks(Dispatcher([_plugin(name) for name in names]))
    entry = EntryState(id="1", type="article", space="bench", version=1, fields={}, slug={})
    actor = Actor(kind="anonymous", id=None)
    spent: list[float] = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for _ in range(CALLS):
            await hooks.check_entry_create(space, entry, actor)
        spent.append((time.perf_counter() - begin) / CALLS * 1e6)
        await asyncio.sleep(0)
    return median(spent)


def _plugin(name: str) -> LoadedPlugin:
    module = ModuleType(name)

    @hookimpl
    async def check_entry_create(space: Space, entry: EntryState, actor: Actor) -> None:
        if entry.type == name:
            raise AssertionError(space.name, actor.id)

    module.check_entry_create = check_entry_create  # type: ignore[attr-defined]
    manifest = Manifest(name=name, version="1", hook_api=">=1,<2")
    plugin = LoadedPlugin(manifest, enabled=True)
    plugin.calls = implementations_of(Guard(), name, module)
    return plugin


if __name__ == "__main__":
    main()
