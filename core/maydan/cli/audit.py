"""``maydan audit``: whether somebody changed the audit behind our back."""

from __future__ import annotations

import argparse
import asyncio

from maydan.cli.failures import CommandFailed
from maydan.cli.instance import load_settings
from maydan.cli.opening import opened_store
from maydan.events.audit import INSTANCE
from maydan.events.audit_rows import check_chain, list_chains
from maydan.storage.registry import list_spaces


def run_verify(_arguments: argparse.Namespace) -> int:
    """Check every chain; one line each, with the end, which is worth noting elsewhere."""
    lines, broken = asyncio.run(_check())
    for line in lines:
        print(line)
    if broken:
        raise CommandFailed(f"{broken} of {len(lines)} chains do not hold")
    return 0


async def _check() -> tuple[list[str], int]:
    lines: list[str] = []
    broken = 0
    async with opened_store(load_settings().database) as store:
        names = {space.key: space.name for space in await list_spaces(store)} | {INSTANCE: "(instance)"}
        for chain in await list_chains(store):
            checked = await check_chain(store, chain)
            name = names.get(chain, f"(deleted space {chain})")
            lines.append(f"{name}  {checked.rows} rows hold, the last is {checked.head.hash}")
            if checked.broken is not None:
                broken += 1
                lines[-1] += f"; row {checked.broken.seq}: {checked.broken.reason}"
    return lines, broken
