"""Streams across two workers of a real server, one of which is killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from httpx_sse import aconnect_sse

pytestmark = pytest.mark.anyio

CLEAN = {name: text for name, text in os.environ.items() if not name.startswith("MAYDAN_")}
EMAIL, PASSWORD = "owner@example.org", "a long and quiet evening"
FEED = "/api/spaces/demo/changes"
READERS, ENTRIES = 6, 12
WAIT_S = 40


class Server:
    """``maydan serve --workers 2`` in a folder."""

    def __init__(self, folder: Path, url: str) -> None:
        self._environment = {**CLEAN, "MAYDAN_DATABASE_URL": url}
        self._folder = folder
        self._run("init", "--admin-email", EMAIL, "--admin-password", PASSWORD)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "maydan", "serve", "--port", "0", "--workers", "2"],
            cwd=folder, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().split()[1]
        self.process.stdout.close()

    def _run(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "maydan", *arguments]
        subprocess.run(command, cwd=self._folder, env=self._environment, check=True, capture_output=True)

    def workers_with_streams(self) -> list[tuple[int, psutil.Process]]:
        """Return the workers with the number of their connections, the busiest first."""
        workers = psutil.Process(self.process.pid).children()
        counted = [(len([each for each in worker.net_connections() if each.raddr]), worker) for worker in workers]
        return sorted(counted, key=lambda each: each[0], reverse=True)


@pytest.fixture
async def server(database_url: str, tmp_path: Path) -> AsyncIterator[Server]:
    """A server on each engine in turn."""
    started = await asyncio.to_thread(Server, tmp_path, database_url)
    yield started
    if started.process.poll() is None:
        started.process.kill()
    started.process.wait(WAIT_S)


async def read(client: httpx.AsyncClient, headers: dict[str, str], since: int, count: int) -> list[str]:
    """Read that many changes as a browser would: again from the last one whenever the stream is lost."""
    last, seen = str(since), list[str]()
    while len(seen) < count:
        try:
            sent = {**headers, "last-event-id": last}
            async with aconnect_sse(client, "GET", FEED, headers=sent, params={"since": since}) as source:
                if source.response.status_code != 200:
                    continue
                async for event in source.aiter_sse():
                    if event.data:
                        last = event.id
                        seen.append(f"{event.id} {event.event} {json.loads(event.data)['subject']}")
                    if len(seen) == count:
                        break
        except httpx.TransportError:
            await asyncio.sleep(0.05)
    return seen


async def test_a_killed_worker_costs_its_readers_nothing(server: Server) -> None:
    """Wherever a change is made, every reader hears it; who lost the stream goes on from the last id, without gap."""
    async with httpx.AsyncClient(base_url=server.url, timeout=WAIT_S) as client, asyncio.timeout(WAIT_S):
        answer = await client.post("/api/auth/login", json={"email": EMAIL, "password": PASSWORD})
        headers = {"authorization": f"Bearer {answer.json()['access_token']}"}
        await made(client, "/api/spaces", {"name": "demo", "title": "Demo", "locales": ["en"]}, headers)
        definition = {"name": "article", "fields": [{"name": "title", "kind": "string"}]}
        await made(client, "/api/spaces/demo/types", definition, headers)
        start = int((await client.get(FEED, headers=headers)).json()["items"][-1]["id"])
        readers = [asyncio.create_task(read(client, headers, start, ENTRIES)) for _ in range(READERS)]
        await asyncio.sleep(0.3)
        for number in range(ENTRIES):
            if number == ENTRIES // 2:
                busiest = server.workers_with_streams()[0][1]
                busiest.send_signal(signal.SIGKILL)
            await made(client, "/api/spaces/demo/content/article", {"title": f"Article {number}"}, headers)
        told = await asyncio.gather(*readers)
        feed = (await client.get(FEED, params={"since": start, "limit": 100}, headers=headers)).json()["items"]
        expected = [f"{each['id']} {each['type']} {each['subject']}" for each in feed]
        assert all(seen == expected for seen in told)
        async with client.stream("GET", FEED, headers={**headers, "accept": "text/event-stream"}) as stream:
            server.process.send_signal(signal.SIGTERM)
            assert b": open" in b"".join([part async for part in stream.aiter_raw()])
    assert await asyncio.to_thread(server.process.wait, WAIT_S) == 0


async def made(client: httpx.AsyncClient, path: str, body: Any, headers: dict[str, str]) -> None:
    """Create something, by whichever worker answers; what a killed one had not answered is asked again."""
    key = {"idempotency-key": os.urandom(8).hex()}
    while True:
        try:
            answer = await client.post(path, json=body, headers={**headers, **key, "connection": "close"})
        except httpx.TransportError:
            continue
        if answer.status_code == 409:
            await asyncio.sleep(0.1)
            continue
        assert answer.status_code == 201, answer.text
        return
