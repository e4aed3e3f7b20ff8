"""Workers of a supervisor with two observing plugins: ``observing.py URL FILE`` supervises, each worker imports it.

``bad`` does what the event's subject says; ``good`` writes down every event. Both write what they took into the file.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from maydan.app import create_app, create_core
from maydan.cli.supervisor import ServeOptions, Supervisor
from maydan.hookspecs import hookimpl
from maydan.plugins.discovery import FoundPlugin
from maydan.plugins.dispatcher import Deadlines
from maydan.plugins.host import HostOptions, PluginHost
from maydan.plugins.manifest import Manifest
from maydan.plugins.settings import PluginSettings
from maydan.settings import read
from maydan.storage.log import LoggedEvent

NAMES = ("bad", "good")


def note(plugin: str, event: LoggedEvent) -> None:
    """Write down that a plugin took an event."""
    with Path(os.environ["OBSERVED"]).open("ab", buffering=0) as file:
        file.write(f"{plugin} {event.subject_id}\n".encode())


async def misbehave(event: LoggedEvent) -> None:
    """Do what the subject says."""
    match event.subject_id:
        case "raise":
            raise LookupError("there is nothing here")
        case "sleep":
            await asyncio.sleep(60)
        case "exit":
            os._exit(0)
        case "loop":
            while True:
                pass
        case _:
            note("bad", event)


async def behave(event: LoggedEvent) -> None:
    """Take everything."""
    note("good", event)


def plugins(guard: Any, isolated: Any) -> PluginHost:
    """Load both."""
    found = [
        FoundPlugin(
            name=name,
            manifest=Manifest(name=name, version="1.0", hook_api=">=1"),
            load=lambda hook=hook: SimpleNamespace(entry_created=hookimpl(hook)),
        )
        for name, hook in zip(NAMES, (misbehave, behave), strict=True)
    ]
    options = HostOptions(isolated=isolated, deadlines=Deadlines(observe_s=0.2))
    return PluginHost.load(PluginSettings(enabled=NAMES), found=found, guard=guard, options=options)


def factory(*, guard: Any, isolated: Any, background: bool) -> Any:
    """Make one worker's application, in which two tries are all."""
    events = {"tries": 2, "first_pause_s": 0.1, "lease_s": 1.0}
    settings = read({"database": {"url": os.environ["DATABASE"]}, "events": events}, {})
    return create_app(create_core(settings, plugins(guard, isolated)), work=background)


if __name__ == "__main__":
    os.environ["DATABASE"], os.environ["OBSERVED"] = sys.argv[1:3]
    sys.exit(Supervisor(ServeOptions(host=None, factory="observing:factory", stalled_s=1.5)).run())
