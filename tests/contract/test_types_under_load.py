"""A content type changes while others write: a real server of two workers, on each engine."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from site_support import open_site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio
TYPE = "/api/spaces/demo/types/coin"
LIST = "/api/spaces/demo/content/coin"
FIELDS: list[dict[str, Any]] = [
    {"name": "mark", "kind": "string"},
    {"name": "worth", "kind": "integer"},
]
WRITERS = 4
CEILING_S = 20.0
"""So long a test waits before it says that something never came; what is promised is two seconds."""


@asynccontextmanager
async def _served(url: str, folder: Path) -> AsyncIterator[str]:
    """Serve a migrated database by two workers, and return where."""
    (folder / "maydan.toml").write_text(f'[database]\nurl = "{url}"\n')
    clean = {name: text for name, text in os.environ.items() if not name.startswith("MAYDAN_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "maydan", "serve", "--port", "0", "--workers", "2",
        cwd=folder, env=clean, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().split()[1]
    finally:
        process.terminate()
        await process.wait()


class _Writer:
    """Creates entries without a pause, and changes every other one; knows what was acknowledged."""

    def __init__(self, number: int, kept: dict[str, tuple[str, int]]) -> None:
        self.number = number
        self.kept = kept
        self.names = ["worth", "value"]

    async def run(self, url: str, headers: dict[str, str], stopped: asyncio.Event) -> None:
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as client:
            for turn in count():
                if stopped.is_set():
                    return
                mark = f"{self.number}-{turn}"
                made = await self.send(client, "POST", LIST, mark, turn)
                self.kept[made] = (mark, turn)
                if turn % 2:
                    await self.send(client, "PATCH", f"{LIST}/{made}", mark, turn + 1)
                    self.kept[made] = (mark, turn + 1)

    async def send(self, client: httpx.AsyncClient, method: str, path: str, mark: str, worth: int) -> str:
        """Write under the name that the field has; while workers differ, that is the one or the other."""
        for _ in range(200):
            body = {"mark": mark, self.names[0]: worth}
            answer = await client.request(method, path, json=body, headers={"if-match": "*"})
            if answer.is_success:
                return answer.json()["id"]
            assert answer.status_code == 422, answer.text
            assert [one["pointer"] for one in answer.json()["errors"]] == [f"/{self.names[0]}"], answer.text
            self.names.reverse()
        raise AssertionError("no worker knows the field by either name")


async def _current_everywhere(url: str, headers: dict[str, str], version: int) -> None:
    """Wait until whoever answers knows the version; each request is a connection of its own."""
    async with asyncio.timeout(CEILING_S):
        alike = 0
        while alike < 12:
            async with httpx.AsyncClient(base_url=url, headers=headers) as client:
                found = (await client.get(TYPE)).json()["version"]
            alike = alike + 1 if found == version else 0
            await asyncio.sleep(0.01)


async def _all(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = await client.get(f"{LIST}?perspective=draft&limit=100{cursor}")
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        if answer.json()["next"] is None:
            return items
        cursor = f"&cursor={answer.json()['next']}"


async def _check_all(client: httpx.AsyncClient, name: str) -> dict[str, tuple[str, int]]:
    """Hold every document to the present form of the type, and return what it says."""
    items = await _all(client)
    wrong = [one for one in items if {"mark", "worth", "value", "extra"} & one.keys() != {"mark", "extra", name}]
    assert not wrong, wrong[0]
    return {one["id"]: (one["mark"], one[name]) for one in items}


async def test_a_type_changes_under_load_and_no_write_is_lost(database_url: str, tmp_path: Path) -> None:
    """Fields are added, made unique, indexed, retyped and renamed; nobody gets a 5xx, no document an old form."""
    async with open_site(database_url) as site:
        await site.define({"name": "coin", "fields": FIELDS})
        headers = site.admin
    kept: dict[str, tuple[str, int]] = {}
    stopped = asyncio.Event()
    async with _served(database_url, tmp_path) as url:
        writers = [asyncio.create_task(_Writer(n, kept).run(url, headers, stopped)) for n in range(WRITERS)]
        async with httpx.AsyncClient(base_url=url, headers={**headers, "if-match": "*"}, timeout=60) as client:
            mark, worth = FIELDS
            extra = {"name": "extra", "kind": "string", "default": "new"}
            meanwhile: list[str] = []
            for version, patch in enumerate(
                (
                    {"fields": [mark, worth, extra]},
                    {"fields": [{**mark, "unique": True}, {**worth, "kind": "number", "indexed": True}, extra]},
                    {"rename": {"worth": "value"}},
                ),
                2,
            ):
                before = len(kept)
                async with asyncio.timeout(CEILING_S):
                    while len(kept) < before + 2 * WRITERS:
                        assert not any(task.done() for task in writers), [task.exception() for task in writers]
                        await asyncio.sleep(0.01)
                known = set(kept)
                changed = await client.patch(TYPE, json=patch)
                assert (changed.status_code, changed.json()["version"]) == (200, version), changed.text
                await _current_everywhere(url, headers, version)
                await _check_all(client, "value" if "rename" in patch else "worth")
                meanwhile += sorted(kept.keys() - known) if version == 3 else []
            stopped.set()
            await asyncio.gather(*writers)
            assert await _check_all(client, "value") == kept
            counted = await client.get(f"{LIST}?perspective=draft&filter[value][gte]=0&count=exact&limit=1")
            assert counted.json()["total"] == len(kept)
            for taken in (min(kept), *meanwhile[:20], max(kept)):
                answer = await client.post(LIST, json={"mark": kept[taken][0]})
                assert answer.status_code == 409, answer.text
