"""Webhooks as those who make them meet them: what is asked, refused, and never dialled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import httpcore
import httpx
import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support
from webhooks_site import EVENTS, HOOKS, deliveries, hook, opened, publish, settled  # pyright: ignore[reportMissingImports] - tests/support

from maydan import app
from maydan.events.outbound.pinning import Door

pytestmark = pytest.mark.anyio


@pytest.fixture
async def lite(sqlite_url: str) -> AsyncIterator[Site]:
    """A site on SQLite, for what no engine changes."""
    async with opened(sqlite_url) as site:
        yield site


class Recorder(httpcore.AsyncNetworkBackend):
    """Notes who is called, and dials nobody."""

    def __init__(self) -> None:
        self.called: list[str] = []

    async def connect_tcp(self, host: str, port: int, **_: Any) -> httpcore.AsyncNetworkStream:  # type: ignore[override]
        self.called.append(host)
        raise httpcore.ConnectError("nobody is there")


async def test_nothing_connects_inward(sqlite_url: str) -> None:
    """Not for a URL, not for a name, and not for a name that means something else the second time."""
    addresses = {
        "inside.example": ["10.0.0.7"],
        "turning.example": ["93.184.216.34"],
        "mix.example": ["::1", "8.8.8.8"],
    }

    async def resolve(host: str, port: int) -> Sequence[str]:
        if host not in addresses:
            raise OSError("no such name")
        return addresses[host]

    network = Recorder()
    async with opened(sqlite_url, allow_private=False) as site:
        site.core.outbound.door = Door(allow_private=False, resolve=resolve, network=network)
        for url in (
            "http://127.0.0.1:8000/", "http://[::ffff:10.0.0.1]/", "http://2130706433/", "http://0177.0.0.1/",
            "https://inside.example/", "https://mix.example/", "ftp://example.com/", "http://169.254.169.254/", "x",
        ):  # fmt: skip
            answer = await site.post(HOOKS, {"url": url, "events": EVENTS}, headers=site.admin)
            assert answer.status_code == 422, url
            assert [each["pointer"] for each in answer.json()["errors"]] == ["/url"]
        made = await hook(site, "https://turning.example/", events=["entry.created"])
        await hook(site, "https://unknown.example/", events=["entry.created"])
        addresses["turning.example"] = ["127.0.0.1"]
        await publish(site, "One")
        await settled(site)
        (delivery,) = await deliveries(site, made)
        assert delivery["http_status"] is None
        assert "private or reserved network" in delivery["error"]
        answer = await site.patch(f"{HOOKS}/{made['id']}", {"url": "http://10.0.0.1/"}, headers=site.admin)
        assert answer.status_code == 422
    assert network.called == []


async def test_what_is_asked_is_checked_in_order(lite: Site) -> None:
    """401, 404, 403, 428, 412, 422, each with its reason; others' webhooks look like none."""
    nobody = await lite.account("nobody@example.org", "editor")
    good = {"url": "https://example.com/", "events": ["entry.created"]}
    assert (await lite.post(HOOKS, good)).status_code == 401
    assert (await lite.post(HOOKS, good, headers=nobody)).status_code == 403
    for body, pointers in (
        ({"url": "https://example.com/"}, ["/events"]),
        ({**good, "events": []}, ["/events"]),
        ({**good, "events": ["entry.created", "entry.exploded"]}, ["/events/1"]),
        ({**good, "events": ["*"]}, ["/events/0"]),
        ({**good, "events": ["space.updated", "space.deleted"]}, ["/events/1"]),
        ({**good, "events": ["entry.created"] * 101}, ["/events"]),
        ({**good, "types": ["article", "page"]}, ["/types/1"]),
        ({**good, "types": []}, ["/types"]),
        ({**good, "secret": "whsec_mine"}, ["/secret"]),
        ({**good, "url": 7}, ["/url"]),
    ):
        answer = await lite.post(HOOKS, body, headers=lite.admin)
        assert answer.status_code == 422, body
        assert [each["pointer"] for each in answer.json()["errors"]] == pointers
    made = await hook(lite, "https://example.com/", events=["entry.created", "entry.created"])
    assert made["events"] == ["entry.created"]
    path = f"{HOOKS}/{made['id']}"
    assert (await lite.get(path)).status_code == 401
    assert (await lite.get(path, headers=nobody)).status_code == 403
    absent = "00000000-0000-7000-8000-000000000000"
    for other in (absent, "x"):
        for method, tail in (("GET", ""), ("GET", "/deliveries"), ("DELETE", ""), ("POST", "/rotate")):
            answer = await lite.client.request(method, f"{HOOKS}/{other}{tail}", headers=lite.admin)
            assert answer.status_code == 404
        replayed = await lite.post(f"{HOOKS}/{other}/replay", {"since": 1}, headers=lite.admin)
        assert replayed.status_code == 404, "before anything is said of the body"
    assert (await lite.patch(path, {"url": "x"}, headers=lite.admin, tag=None)).status_code == 428
    assert (await lite.patch(path, {"url": "x"}, headers=lite.admin, tag='"9-0000000000000000"')).status_code == 412
    tag = (await lite.get(path, headers=lite.admin)).headers["etag"]
    assert (await lite.patch(path, {"active": False}, headers=lite.admin, tag=tag)).json()["status"] == "disabled"
    assert (await lite.patch(path, {"types": None}, headers=lite.admin, tag=tag)).status_code == 412
    for since in ("-1", "1.5", "x", "", "9" * 30, "9" * 19, "0" * 5000):
        answer = await lite.post(f"{path}/replay", {"since": since}, headers=lite.admin)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/since")
    page = (await lite.get(f"{HOOKS}?limit=1&count=exact", headers=lite.admin)).json()
    assert (len(page["items"]), page["next"], page["total"]) == (1, None, 1)


async def test_two_servers_make_no_webhook_too_many(database_url: str) -> None:
    """However many are asked for at the same moment."""
    body = {"url": "https://93.184.216.34/", "events": ["entry.created"]}
    async with opened(database_url, max_each_space=3) as site:
        second = app.create_app(app.create_core(site.core.settings, site.core.host), work=False)
        async with second.lifespan():
            transport = httpx.ASGITransport(cast("Any", second), raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://maydan.test") as client:
                answers = await asyncio.gather(
                    *(each.post(HOOKS, json=body, headers=site.admin) for each in [site.client, client] * 4)
                )
        assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 5
        page = (await site.get(f"{HOOKS}?count=exact", headers=site.admin)).json()
        assert page["total"] == 3


async def test_a_key_makes_one_webhook_and_keeps_its_secret_hidden(sqlite_url: str) -> None:
    """The secret is in no table as it is, and a space has only so many webhooks."""
    async with opened(sqlite_url, max_each_space=1) as site:
        body = {"url": "https://example.com/", "events": ["entry.created"]}
        headers = {**site.admin, "idempotency-key": "one"}
        first, again = [await site.post(HOOKS, body, headers=headers) for _ in range(2)]
        assert first.json() == again.json()
        refused = await site.post(HOOKS, body, headers=site.admin)
        assert (refused.status_code, refused.json()["code"]) == (409, "too_many_webhooks")
        secret = first.json()["secret"]
        tables = await site.core.store.fetch_all("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in tables:
            if not table.startswith("sqlite_"):
                rows = await site.core.store.fetch_all(f"SELECT * FROM {table}")
                assert secret not in str(rows)
                assert secret.removeprefix("whsec_") not in str(rows)
