"""Nobody learns who has an account, and nobody guesses more often than is allowed, however they spell themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import argon2
import httpx
import pytest
from site_support import ARTICLE, PASSWORD, Site, open_site  # pyright: ignore[reportMissingImports] - tests/support

from maydan import app
from maydan.plugins.host import PluginHost
from maydan.settings import read

pytestmark = pytest.mark.anyio

VARYING = frozenset({"content-length", "x-request-id", "ratelimit-remaining", "ratelimit-reset", "retry-after"})
HEADERS = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP")
SPELLINGS = ("ann@example.org", "ANN@EXAMPLE.ORG", "Ann@Example.org", "ａｎｎ@example.org", "ann@ｅｘａｍｐｌｅ.org",
             "aNN@example\uff0eorg", "𝐚𝐧𝐧@example.org")  # fmt: skip


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every use of argon2 from now on."""
    done: list[str] = []
    for name in ("hash", "verify"):
        plain: Callable[..., Any] = getattr(argon2.PasswordHasher, name)

        def counted(*given: Any, _plain: Callable[..., Any] = plain, **more: Any) -> Any:
            done.append("argon2")
            return _plain(*given, **more)

        monkeypatch.setattr(argon2.PasswordHasher, name, counted)
    return done


async def _people(site: Site) -> None:
    """Make Ann, Sue who is suspended, and Uma who never verified her address."""
    people = site.core.accounts.people
    for name in ("ann", "sue"):
        await site.account(f"{name}@example.org")
    sue = await people.find_by_email("sue@example.org")
    assert sue is not None
    await people.suspend(sue, suspended=True)
    answer = await site.post("/api/auth/register", {"email": "uma@example.org", "password": PASSWORD, "name": "Uma"})
    assert answer.status_code == 202


async def _alike(hashes: list[str], asks: list[Callable[[], Awaitable[httpx.Response]]]) -> httpx.Response:
    """Send requests; each takes as many hashes as the first, and gets the same bytes."""
    told: list[Any] = []
    answer = httpx.Response(500)
    for ask in asks:
        hashes.clear()
        answer = await ask()
        body = {name: value for name, value in answer.json().items() if name not in ("request_id", "instance")}
        headers = {name: value for name, value in answer.headers.items() if name not in VARYING}
        told.append((answer.status_code, headers, body, len(hashes)))
    assert all(each == told[0] for each in told), told
    return answer


async def test_known_and_unknown_addresses_get_the_same_answer_for_the_same_work(
    sqlite_url: str, hashes: list[str]
) -> None:
    """Registering, logging in, forgetting, new addresses, and tokens of mails: by bytes, and by uses of argon2."""
    async with open_site(sqlite_url) as site:
        await _people(site)
        everybody = [f"{name}@example.org" for name in ("nobody", "ann", "sue", "uma")]

        def to(path: str, **body: Any) -> Callable[[], Awaitable[httpx.Response]]:
            return lambda: site.post(path, body)

        wrong = [to("/api/auth/login", email=each, password="not the password") for each in everybody]
        assert (await _alike(hashes, wrong)).status_code == 401
        right = [to("/api/auth/login", email="sue@example.org", password=PASSWORD)]
        assert (await _alike(hashes, [wrong[0], *right])).status_code == 401
        forgot = [to("/api/auth/password/forgot", email=each) for each in everybody]
        assert (await _alike(hashes, forgot)).status_code == 202
        new = [to("/api/auth/register", email=each, password=PASSWORD, name="N") for each in everybody]
        assert (await _alike(hashes, new)).status_code == 202
        tokens = ["mdn_mt_" + "a" * 43, "nothing", "", "mdn_at_" + "b" * 43]
        reset = [to("/api/auth/password/reset", token=each, password=PASSWORD) for each in tokens]
        assert (await _alike(hashes, reset)).status_code == 422
        assert (await _alike(hashes, [to("/api/auth/verify", token=each) for each in tokens])).status_code == 422
        ann = await site.log_in("ann@example.org")
        change = {"current_password": PASSWORD}
        moved = [
            lambda each=each: site.patch("/api/me", {**change, "email": each}, headers=ann)
            for each in ("free@example.org", "uma@example.org")
        ]
        assert (await _alike(hashes, moved)).status_code == 200


async def test_invitations_and_links_tell_nothing_of_what_is_not_there(sqlite_url: str, hashes: list[str]) -> None:
    """Tokens that are none, are used or withdrawn; links to entries that are not there or are somebody else's."""
    async with open_site(sqlite_url) as site:
        await site.define(ARTICLE)
        await site.account("ann@example.org")
        base = "/api/spaces/demo"
        keys = set[tuple[str, ...]]()
        for email in ("ann@example.org", "nobody@example.org"):
            hashes.clear()
            made = await site.post(f"{base}/invitations", {"email": email, "roles": ["editor"]}, headers=site.admin)
            keys.add((str(made.status_code), *sorted(made.json()), *hashes))
        assert len(keys) == 1
        accept = [
            lambda token=token: site.post(f"/api/invitations/{token}/accept", {"name": "N", "password": PASSWORD})
            for token in ("mdn_mt_" + "a" * 43, "nothing", "%20", "mdn_rt_" + "b" * 43)
        ]
        assert (await _alike(hashes, accept)).status_code == 404
        draft = await site.entry({"title": "Draft"}, publish=False)
        wish = {"link": True, "rights": "view", "password": "sesame"}
        path = f"{base}/content/article/{draft['id']}"
        share = (await site.post(f"{path}/shares", wish, headers=site.admin)).json()
        other = f"{base}/content/article/{(await site.entry({'title': 'Other'}, publish=False))['id']}"
        made_up = share["token"][:-4] + "aaaa"
        given = {"share-password": "sesame"}
        nowhere = [
            lambda url=url: site.get(url, headers=given)
            for url in (f"{path}?share={made_up}", f"{other}?share={made_up}", f"{other}?share={share['token']}",
                        f"{base}/content/article/nothing?share={share['token']}")
        ]  # fmt: skip
        assert (await _alike(hashes, nowhere)).status_code == 404
        counts: list[int] = []
        for password in ("sesame", "wrong", "x" * 100_000):
            hashes.clear()
            await site.get(f"{path}?share={share['token']}", headers={"share-password": password})
            counts.append(len(hashes))
        assert counts == [1, 1, 1]


@asynccontextmanager
async def _another_process(url: str, address: str = "127.0.0.1") -> AsyncIterator[httpx.AsyncClient]:
    """Serve the same database again, as another worker does, or the same one after a restart."""
    settings = read({"database": {"url": url}, "auth": {"hash_passes": 1, "hash_memory_kib": 64}}, {})
    application = app.create_app(app.create_core(settings, PluginHost.empty()), work=False)
    async with application.lifespan():
        transport = httpx.ASGITransport(cast("Any", application), client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://maydan.test") as client:
            yield client


async def test_no_header_no_spelling_no_worker_and_no_restart_gives_more_guesses(sqlite_url: str) -> None:
    """Ten wrong passwords for an account, thirty from an address: together in two workers, and after a restart."""

    async def guess(client: httpx.AsyncClient, email: str, number: int) -> int:
        spoofed = {HEADERS[number % len(HEADERS)]: f"203.0.113.{number}"}
        if "Forwarded" in spoofed:
            spoofed = {"Forwarded": f"for=203.0.113.{number}"}
        body = {"email": email, "password": f"guess {number}"}
        return (await client.post("/api/auth/login", json=body, headers=spoofed)).status_code

    async with open_site(sqlite_url) as site, _another_process(sqlite_url) as second:
        await site.account("ann@example.org")
        clients = (site.client, second)
        seen = [await guess(clients[each % 2], SPELLINGS[each % len(SPELLINGS)], each) for each in range(12)]
        assert seen == [401] * 10 + [429] * 2
        right = {"email": "Ann@example.org", "password": PASSWORD}
        assert (await second.post("/api/auth/login", json=right)).status_code == 429
        seen = [await guess(clients[each % 2], f"nobody{each}@example.org", each) for each in range(20)]
        assert seen.index(429) in (17, 18)
        async with _another_process(sqlite_url) as restarted:
            assert await guess(restarted, "ann@example.org", 1) == 429
            assert await guess(restarted, "somebody@example.org", 2) == 429
        async with _another_process(sqlite_url, "198.51.100.7") as elsewhere:
            assert await guess(elsewhere, "ann@example.org", 3) == 429
            assert await guess(elsewhere, "somebody@example.org", 4) == 401


async def test_passwords_of_links_are_not_guessed_from_a_whole_network(sqlite_url: str) -> None:
    """Thirty tries from the 64 bits that one customer of IPv6 has, on however many links."""
    async with open_site(sqlite_url) as site:
        await site.define(ARTICLE)
        draft = await site.entry({"title": "Draft"}, publish=False)
        path = f"/api/spaces/demo/content/article/{draft['id']}"
        wish = {"link": True, "rights": "view", "password": "sesame"}
        tokens = [(await site.post(f"{path}/shares", wish, headers=site.admin)).json()["token"] for _ in range(4)]
        seen: list[int] = []
        for number in range(31):
            transport = httpx.ASGITransport(cast("Any", site.application), client=(f"2001:db8::{number:x}", 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://maydan.test") as client:
                url = f"{path}?share={tokens[number % 4]}"
                seen.append((await client.get(url, headers={"share-password": f"guess {number}"})).status_code)
        assert seen == [401] * 30 + [429]
