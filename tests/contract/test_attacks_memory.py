"""Memory stays flat, however many strangers come: nothing is remembered of names that mean nothing."""

from __future__ import annotations

import gc
import logging
import os
from collections import deque
from functools import lru_cache
from typing import Any

import psutil
import pytest
from site_support import ARTICLE, Site, open_site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.access.actors import Actor
from maydan.access.bounded import BoundedCache
from maydan.accounts.tokens import TokenKind, new_token
from maydan.ids import new_id
from maydan.operations.core import Caller
from maydan.operations.entries import planning
from maydan.operations.scopes import scope_of

pytestmark = pytest.mark.anyio

STRANGERS = int(os.environ.get("MAYDAN_STRANGERS", "120"))
"""``make soak`` sends 100,000."""
KEPT = 4
"""To this all bounded caches are set, so that few strangers fill them."""


async def _send(
    site: Site, number: int, method: str, url: str, *headers: tuple[bytes, bytes], body: bytes = b""
) -> int:
    path, _, query = url.partition("?")
    lines = [(b"host", b"maydan.test"), *headers]
    if body:
        lines += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "headers": lines,
        "client": (f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", 1), "server": ("127.0.0.1", 80),
        "state": {},
    }  # fmt: skip
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        statuses.append(message.get("status", 0))

    await site.application(scope, receive, send)
    return statuses[0]


async def _stranger(site: Site, number: int) -> None:
    """Come once, with names that nobody has used before."""
    name = new_id()
    bearer = (b"authorization", f"Bearer {new_token(TokenKind.ACCESS)}".encode())
    language = (b"accept-language", f"en-{name[:8]}".encode())
    base, place = "/api/spaces/demo", "/api/spaces/demo/content/article"
    assert await _send(site, number, "GET", f"/api/spaces/{name}/content/article") == 404
    assert await _send(site, number, "GET", f"{base}/content/{name}") == 404
    assert await _send(site, number, "GET", f"{place}/{name}", language) == 404
    assert await _send(site, number, "GET", f"/{name}/{name}") == 404
    assert await _send(site, number, "GET", f"{place}?filter[category][eq]=news&filter[title][eq]={name}") == 200
    assert await _send(site, number, "GET", f"{place}?filter[{name}][eq]=1") == 400
    assert await _send(site, number, "GET", f"{place}/x?share={new_token(TokenKind.SHARE)}") == 404
    assert await _send(site, number, "GET", "/api/me", bearer) == 401
    if number % 2 == 0:
        body = f'{{"email": "{name}@example.org", "password": "{name}"}}'.encode()
        assert await _send(site, number, "POST", "/api/auth/login", body=body) == 401
        assert await _send(site, number, "POST", f"/api/invitations/{name}/accept", body=b"{}") == 404
    caller = Caller(actor=Actor(kind="account", id=name, name=name), request_id=name)
    scope = await scope_of(site.core, caller, site.space, "article")
    for action in ("read", "read_draft", "update", f"transition:{name}", name):
        scope.decide(action)


async def test_nothing_is_kept_of_strangers(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown accounts, spaces, types, tokens, links, languages and actions; from as many addresses."""
    more = {"database": {"url": sqlite_url, "synchronous": "normal"}}
    is_long = STRANGERS >= 50_000
    if not is_long:
        _shrink_caches(monkeypatch)
    logging.disable(logging.CRITICAL)
    try:
        async with open_site(sqlite_url, more=more) as site:
            await site.define(ARTICLE)
            if is_long:
                assert await _grown_resident_bytes(site) < 16 * 2**20
            else:
                assert await _grown(site) < STRANGERS // 3
    finally:
        logging.disable(logging.NOTSET)


def _shrink_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = BoundedCache.__init__

    def begin_small(self: BoundedCache[Any, Any], limit: int) -> None:
        begin(self, min(limit, KEPT))

    monkeypatch.setattr(BoundedCache, "__init__", begin_small)
    monkeypatch.setattr(planning, "_MOST_KEPT", KEPT)


async def _grown(site: Site) -> int:
    """Return how much more containers hold after so many strangers, all bounded caches being full before."""
    for number in range(40):
        await _stranger(site, number)
    before = _held()
    for number in range(STRANGERS):
        await _stranger(site, 1000 + number)
    after = _held()
    return after - before


def _held() -> int:
    """Return how much all dictionaries, sets and lists of the process hold, but for what has a limit of its own."""
    for each in gc.get_objects():
        if isinstance(each, _LRU) and each.cache_info().maxsize is not None:
            each.cache_clear()
    gc.collect()
    tracked = gc.get_objects()
    found: dict[int, int] = {}
    for each in tracked:
        # Dictionaries of plain texts are not tracked, but what holds them is.
        for one in (each, *gc.get_referents(each)):
            if type(one) in (dict, set, list, deque):
                found[id(one)] = len(one)
    return sum(found.values())


_LRU = type(lru_cache(lambda: None))


async def _grown_resident_bytes(site: Site) -> int:
    """Return how much more memory the process has; the caches, of 20,000 names each, were full by then."""
    for number in range(25_000):
        await _stranger(site, number)
    before = _own_bytes()
    for number in range(25_000, STRANGERS):
        await _stranger(site, number)
    return _own_bytes() - before


def _own_bytes() -> int:
    """Return the process's memory without files that are mapped: of the database, which notes refused logins."""
    gc.collect()
    memory = psutil.Process().memory_info()
    return memory.rss - memory.shared
