"""Rights across two workers of a real server: what is taken away ends streams and stops writes in both."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

pytestmark = pytest.mark.anyio

EMAIL, PASSWORD = "owner@example.org", "a long and quiet evening"
SPACE = "/api/spaces/demo"
CLEAN = {name: text for name, text in os.environ.items() if not name.startswith("MAYDAN_")}
WAIT_S, PROMISED_S = 60, 5
LEAST_STREAMS, WRITERS, ROUNDS = 3, 4, 5
SLOW = """
import sys
if "maydan.cli.worker" in sys.orig_argv:
    import asyncio
    from maydan.operations.entries import changing
    stored = changing.store

    async def store(scope, *args, **more):
        if scope.type.name == "article":
            await asyncio.sleep(0.03)
        await stored(scope, *args, **more)

    changing.store = store
"""
"""What workers begin with: between judging an article's change and storing it there is time for others."""
BY_ANN = {"author": {"name": {"eq": "Ann"}}}


class Served:
    """``maydan serve --workers 2`` in a folder, and a client that opens a connection for every request."""

    def __init__(self, folder: Path, url: str) -> None:
        (folder / "sitecustomize.py").write_text(SLOW)
        variables = {"MAYDAN_DATABASE_URL": url, "MAYDAN_AUTH_REQUIRE_VERIFICATION": "false"}
        environment = {**CLEAN, **variables, "PYTHONPATH": str(folder)}
        program = [sys.executable, "-m", "maydan"]
        init = [*program, "init", "--admin-email", EMAIL, "--admin-password", PASSWORD]
        subprocess.run(init, cwd=folder, env=environment, check=True, capture_output=True)
        self.process = subprocess.Popen(
            [*program, "serve", "--port", "0", "--workers", "2"], cwd=folder, env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().split()[1]
        self.process.stdout.close()
        self.client = httpx.AsyncClient(
            base_url=self.url, timeout=WAIT_S, limits=httpx.Limits(max_keepalive_connections=0)
        )

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Send a request; whichever worker takes the connection answers."""
        more = {"if-match": "*"} if method in ("PATCH", "PUT") and "unmatched" not in headers else {}
        headers.pop("unmatched", "")
        return await self.client.request(method, path, json=body, headers={**headers, **more})

    async def done(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a request that must succeed."""
        answer = await self.call(method, path, body, **headers)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None

    async def log_in(self, email: str) -> dict[str, str]:
        """Return the headers of somebody."""
        pair = await self.done("POST", "/api/auth/login", {"email": email, "password": PASSWORD})
        return {"authorization": f"Bearer {pair['access_token']}"}

    async def person(self, email: str, role: str, admin: dict[str, str]) -> tuple[str, dict[str, str]]:
        """Register somebody with a role; returns the id and the headers."""
        await self.done("POST", "/api/auth/register", {"email": email, "password": PASSWORD, "name": "X"})
        headers = await self.log_in(email)
        identity = (await self.done("GET", "/api/me", **headers))["id"]
        await self.done("PUT", f"{SPACE}/members/{identity}", {"roles": [role]}, unmatched="", **admin)
        return identity, headers

    def workers_with_streams(self) -> int:
        """Count the workers that hold connections to clients."""
        workers = psutil.Process(self.process.pid).children()
        ports = (int(self.url.rpartition(":")[2]),)
        return sum(any(each.raddr and each.laddr.port in ports for each in one.net_connections()) for one in workers)


@pytest.fixture
async def served(database_url: str, tmp_path: Path) -> AsyncIterator[Served]:
    """A server on each engine in turn."""
    started = await asyncio.to_thread(Served, tmp_path, database_url)
    yield started
    await started.client.aclose()
    started.process.send_signal(signal.SIGTERM)
    try:
        await asyncio.to_thread(started.process.wait, 10)
    except subprocess.TimeoutExpired:
        started.process.kill()
        started.process.wait(WAIT_S)


class Follower:
    """One open stream, and the types of the entries that it told of."""

    def __init__(self, served: Served, headers: dict[str, str]) -> None:
        self.told: list[str] = []
        self.is_open = asyncio.Event()
        self.task = asyncio.create_task(self._follow(served, headers))

    async def _follow(self, served: Served, headers: dict[str, str]) -> None:
        accept = {"accept": "text/event-stream"}
        with suppress(httpx.TransportError):
            async with served.client.stream("GET", f"{SPACE}/changes", headers={**headers, **accept}) as answer:
                assert answer.status_code == 200
                async for line in answer.aiter_lines():
                    self.is_open.set()
                    if line.startswith("data: "):
                        self.told.append(json.loads(line[6:])["data"].get("type", ""))


async def test_what_is_taken_away_ends_in_every_worker(served: Served) -> None:
    """A suspension, a role, and what a condition looks at: within seconds on streams, at once for writes."""
    admin = await served.log_in(EMAIL)
    await prepared(served, admin)
    await streams_follow_rights(served, admin)
    await no_write_is_judged_by_what_was(served, admin)


async def prepared(served: Served, admin: dict[str, str]) -> None:
    """Make a space with roles whose rights can be taken away."""
    await served.done("POST", "/api/spaces", {"name": "demo", "title": "D", "locales": ["en"]}, **admin)
    name, author = {"name": "name", "kind": "string"}, {"name": "author", "kind": "relation", "to": ["person"]}
    for definition in (
        {"name": "person", "drafts": False, "fields": [name]},
        {"name": "article", "fields": [{"name": "rating", "kind": "integer"}, author]},
        {"name": "note", "fields": [name]},
    ):
        await served.done("POST", f"{SPACE}/types", definition, **admin)
    rights: dict[str, Any] = {"effect": "allow", "type": "article", "actions": ["read_draft", "update"]}
    for role, policy in (("desk", {**rights, "condition": BY_ANN}), ("reader", rights)):
        await served.done("PUT", f"{SPACE}/roles/{role}", {"policies": [policy]}, unmatched="", **admin)


async def streams_follow_rights(served: Served, admin: dict[str, str]) -> None:
    """Streams of a suspended account end, and those of one that lost a role tell no more of what it read by it."""
    eve, of_eve = await served.person("eve@example.org", "reader", admin)
    bob, of_bob = await served.person("bob@example.org", "reader", admin)
    ending, staying = list[Follower](), list[Follower]()
    async with asyncio.timeout(WAIT_S):
        while len(ending) < LEAST_STREAMS or served.workers_with_streams() < 2:
            ending.append(Follower(served, of_eve))
            staying.append(Follower(served, of_bob))
            await ending[-1].is_open.wait()
            await staying[-1].is_open.wait()
        await told_of(served, admin, [*ending, *staying], "article", "note")
    await served.done("PATCH", f"/api/users/{eve}", {"suspended": True}, **admin)
    ended, _ = await asyncio.wait([one.task for one in ending], timeout=PROMISED_S)
    assert len(ended) == len(ending)
    await served.done("PUT", f"{SPACE}/members/{bob}", {"roles": ["member"]}, **admin)
    loop = asyncio.get_running_loop()
    promised = loop.time() + PROMISED_S
    while True:
        for one in staying:
            one.told.clear()
        in_time = loop.time() < promised
        async with asyncio.timeout(WAIT_S):
            await told_of(served, admin, staying, "note")
        if all("article" not in one.told for one in staying):
            break
        assert in_time
    assert not any(one.task.done() for one in staying)
    for one in staying:
        one.task.cancel()


async def told_of(served: Served, admin: dict[str, str], followers: list[Follower], *types: str) -> None:
    """Write an article and publish a note, and wait until everybody was told of the types."""
    await served.done("POST", f"{SPACE}/content/article", {"rating": 1}, **admin)
    note = await served.done("POST", f"{SPACE}/content/note", {"name": "n"}, **admin)
    await served.done("POST", f"{SPACE}/content/note/{note['id']}/publish", **admin)
    while not all(set(types) <= set(one.told) for one in followers):  # noqa: ASYNC110 - it is the streams that are waited for
        await asyncio.sleep(0.02)


async def no_write_is_judged_by_what_was(served: Served, admin: dict[str, str]) -> None:
    """Once a change of what a condition looks at is acknowledged, no write that was judged before it is stored."""
    _, desk = await served.person("desk@example.org", "desk", admin)
    author = await served.done("POST", f"{SPACE}/content/person", {"name": "Ann"}, **admin)
    person = f"{SPACE}/content/person/{author['id']}"
    made = [
        await served.done("POST", f"{SPACE}/content/article", {"rating": 0, "author": author["id"]}, **admin)
        for _ in range(WRITERS)
    ]
    articles = [f"{SPACE}/content/article/{each['id']}" for each in made]
    statuses: list[int] = []
    is_over = False

    async def write(article: str) -> None:
        number = 0
        while not is_over:
            number += 1
            statuses.append((await served.call("PATCH", article, {"rating": number}, **desk)).status_code)

    async def versions() -> list[int]:
        answers = [await served.done("GET", f"{each}?perspective=draft", **admin) for each in articles]
        return [each["version"] for each in answers]

    writing = [asyncio.create_task(write(article)) for article in articles]
    for number in range(ROUNDS):
        await asyncio.sleep(0.05)
        await served.done("PATCH", person, {"name": "Bob"}, **admin)
        closed = await versions()
        await asyncio.sleep(0.05)
        assert await versions() == closed, number
        await served.done("PATCH", person, {"name": "Ann"}, **admin)
    is_over = True
    await asyncio.gather(*writing)
    assert statuses.count(200) >= ROUNDS
    assert set(statuses) <= {200, 404, 409}
    assert 404 in statuses
