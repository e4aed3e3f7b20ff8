"""``maydan jobs``: what waits, what failed."""

from __future__ import annotations

import argparse
import asyncio

import msgspec

from maydan.cli.failures import CommandFailed
from maydan.cli.instance import load_settings
from maydan.cli.opening import opened_store
from maydan.clock import to_text
from maydan.events.jobs import INSTANCE, Job, list_jobs
from maydan.storage.registry import list_spaces

_OPEN = ("running", "waiting", "failed")
"""What is listed unless a status is asked for: what an operator may have to do something about."""


def run_list(arguments: argparse.Namespace) -> int:
    """List jobs, the newest first."""
    rows = asyncio.run(_rows(arguments))
    if arguments.json:
        print(msgspec.json.encode(rows).decode())
        return 0
    for row in rows:
        words = [row["run_at"], row["status"], f"{row['tries']}/{row['max_tries']}", row["kind"]]
        words += [row["space"] or "-", row["entry"] or "-", row["error"] or ""]
        print("  ".join(str(word) for word in words).rstrip())
    return 0


async def _rows(arguments: argparse.Namespace) -> list[dict[str, object]]:
    async with opened_store(load_settings().database) as store:
        spaces = {space.key: space.name for space in await list_spaces(store)}
        key = next((key for key, name in spaces.items() if name == arguments.space), None)
        if arguments.space is not None and key is None:
            raise CommandFailed(f"there is no space called {arguments.space}")
        found: list[Job] = []
        for status in _OPEN if arguments.status is None else (arguments.status,):
            found += await list_jobs(store, space_key=key, status=status, limit=arguments.limit)
    found.sort(key=lambda job: job.id, reverse=True)
    return [_row(job, spaces) for job in found[: arguments.limit]]


def _row(job: Job, spaces: dict[int, str]) -> dict[str, object]:
    return {
        "id": job.id,
        "kind": job.kind,
        "status": job.status.value,
        "space": None if job.space_key == INSTANCE else spaces.get(job.space_key),
        "entry": job.subject_id,
        "run_at": to_text(job.run_at),
        "tries": job.tries,
        "max_tries": job.max_tries,
        "error": job.error,
    }
