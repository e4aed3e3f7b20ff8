"""Deliveries survive the worker that makes them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from site_support import ARTICLE, open_site  # pyright: ignore[reportMissingImports] - tests/support
from webhook_receiver import Got, Receiver, receiving, says  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio

SCRIPT = Path(__file__).parents[1] / "support/delivering.py"
ENTRIES = 40
KILL_AFTER = 20
KINDS = ["entry.created", "entry.published"]


def worker(url: str) -> subprocess.Popen[bytes]:
    """Start a process that does the background work."""
    return subprocess.Popen([sys.executable, str(SCRIPT), url], stdin=subprocess.DEVNULL)


def end(process: subprocess.Popen[bytes]) -> None:
    """End it without a word (``kill -9``)."""
    process.kill()
    process.wait(timeout=10)


async def slowly(got: Got, writer: asyncio.StreamWriter) -> None:
    """Take long enough that something is always under way."""
    await asyncio.sleep(0.02)
    await says(200)(got, writer)


async def all_of(receiver: Receiver, entries: list[str]) -> None:
    """Wait until everything about these has come, at least once."""
    wanted = {(entry, kind) for entry in entries for kind in KINDS}
    count = len(receiver.got)
    while not wanted <= {(each.event["data"]["id"], each.event["type"]) for each in receiver.got}:
        await receiver.wait(count + 1, timeout_s=60)
        count += 1


async def test_of_two_workers_one_may_die_at_any_moment(sqlite_url: str) -> None:
    """Every event arrives at least once, in order for each entry; what comes twice has the same ``webhook-id``."""
    async with (
        receiving(slowly) as receiver,
        open_site(sqlite_url, more={"webhooks": {"allow_private": True}}) as site,
    ):
        await site.define(ARTICLE)
        hook = {"url": receiver.url, "events": KINDS}
        secret = (await site.post("/api/spaces/demo/webhooks", hook, headers=site.admin)).json()["secret"]
        first, second = worker(sqlite_url), worker(sqlite_url)
        try:
            written = [(await site.entry({"title": {"en": f"Article {number}"}}))["id"] for number in range(ENTRIES)]
            await receiver.wait(KILL_AFTER, timeout_s=60)
            end(first)
            first = worker(sqlite_url)
            await receiver.wait(2 * KILL_AFTER, timeout_s=60)
            end(second)
            await all_of(receiver, written)
        finally:
            end(first)
            end(second)
    for each in receiver.got:
        each.verified(secret)
    events = {each.message: each.event["id"] for each in receiver.got}
    assert len(events) == len(set(events.values())) == 2 * ENTRIES
    # No more came twice than was under way when a worker died.
    assert len(receiver.got) - len(Counter(each.message for each in receiver.got)) <= 2 * 8
    for entry in written:
        mine = [int(each.event["id"]) for each in receiver.got if each.event["data"]["id"] == entry]
        assert sorted(mine) == mine
