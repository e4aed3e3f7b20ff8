"""The background work of one worker, in a process that a test may kill: ``python delivering.py URL``."""

from __future__ import annotations

import asyncio
import sys

from maydan.app import background_work, create_core, running
from maydan.plugins.host import PluginHost
from maydan.settings import read


async def main() -> None:
    """Work until killed; others take over within two seconds."""
    settings = read(
        {
            "database": {"url": sys.argv[1]},
            "webhooks": {"allow_private": True, "lease_s": 2.0},
            "events": {"lease_s": 2.0},
        }
    )
    core = create_core(settings, PluginHost.empty())
    async with running(core), background_work(core):
        await asyncio.Event().wait()


asyncio.run(main())
