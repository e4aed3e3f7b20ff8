"""Signing in through a real provider that runs beside the test."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from msgspec import to_builtins
from site_support import PASSWORD, Site, open_site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.errors import ConfigurationError
from maydan.settings import read
from maydan.storage.ports import Statement

pytestmark = pytest.mark.anyio

START = "/api/auth/oidc/test/start"
PEOPLE = [
    {"sub": "ann", "email": "ann@example.org", "email_verified": True, "name": "Ann"},
    {"sub": "bea", "email": "bea@example.org", "email_verified": True, "name": "Bea"},
    {"sub": "eve", "email": "ann@example.org", "email_verified": False},
    {"sub": "zoe", "email": "zoe@example.org", "email_verified": True},
]
WAIT_S = 20


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider on this machine, in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    users = [part for person in PEOPLE for part in ("--user-claims", json.dumps(person))]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), *users]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url, ends = f"http://127.0.0.1:{port}", time.monotonic() + WAIT_S
    try:
        while time.monotonic() < ends:
            try:
                httpx.get(f"{url}/.well-known/openid-configuration").raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.05)
        yield url
    finally:
        process.kill()
        process.wait(WAIT_S)


def settings(issuer: str, **more: Any) -> dict[str, Any]:
    """Return the tables of an instance that knows the provider."""
    provider = {"issuer": issuer, "client_id": "maydan", "client_secret": "s", "allow_private": True, **more}
    return {"auth": {"hash_memory_kib": 64, "hash_passes": 1, "oidc": {"test": provider}}}


async def depart(site: Site) -> tuple[str, dict[str, str]]:
    """Begin a login, and return where the browser goes and its cookie."""
    site.client.cookies.clear()
    started = await site.get(START)
    assert started.status_code == 302, started.text
    cookie = started.headers["set-cookie"]
    assert "HttpOnly; SameSite=Lax" in cookie
    site.client.cookies.clear()
    return started.headers["location"], {"cookie": cookie.partition(";")[0]}


async def arrive(url: str, who: str) -> str:
    """Sign in at the provider, and return the path at which the browser comes back."""
    async with httpx.AsyncClient() as browser:
        answer = await browser.post(url, data={"sub": who})
    assert answer.status_code in (302, 303), answer.text
    back = urlsplit(answer.headers["location"])
    return f"{back.path}?{back.query}"


def note_forms(site: Site) -> list[dict[str, list[str]]]:
    """Keep what is sent to the provider from now on."""
    client = site.core.accounts.providers._clients["test"]
    ask, sent = client._ask, []

    async def noting(method: str, url: str, **more: Any) -> tuple[int, bytes]:
        if method == "POST":
            sent.append(parse_qs(more["content"].decode()))
        return await ask(method, url, **more)

    client._ask = noting
    return sent


async def sign_in(site: Site, who: str) -> httpx.Response:
    """Go the whole way."""
    url, cookie = await depart(site)
    return await site.get(await arrive(url, who), headers=cookie)


async def test_an_identity_signs_in_to_the_account_with_its_verified_address(issuer: str, database_url: str) -> None:
    """Once it is linked, by the identity alone; an address that nobody verified links nothing."""
    async with open_site(database_url, more=settings(issuer, link_by_email=True)) as site:
        await site.account("ann@example.org")
        ann = await site.core.accounts.people.find_by_email("ann@example.org")
        url, cookie = await depart(site)
        asked = parse_qs(urlsplit(url).query)
        assert (asked["response_type"], asked["code_challenge_method"], asked["client_id"]) == (
            ["code"], ["S256"], ["maydan"],
        )  # fmt: skip
        assert asked["redirect_uri"][0].endswith("/api/auth/oidc/test/callback")
        back = await arrive(url, "ann")
        for headers in ({}, {"cookie": "maydan_oidc=another"}):
            stolen = await site.get(back, headers=headers)
            assert (stolen.status_code, stolen.json()["code"]) == (401, "provider_refused")
        sent = note_forms(site)
        entered = await site.get(f"{back}&session_state=x", headers=cookie)
        verifier = sent[0]["code_verifier"][0]
        digest = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        assert asked["code_challenge"] == [digest]
        assert entered.status_code == 200, entered.text
        assert entered.headers["cache-control"] == "no-store"
        me = {"authorization": f"Bearer {entered.json()['access_token']}"}
        assert (await site.get("/api/me", headers=me)).json()["id"] == ann.id
        assert (await site.get(back, headers=cookie)).status_code == 401
        ann = await site.core.accounts.people.get(ann.id)
        await site.core.accounts.people.change(ann, {"email": "a@b.example", "email_key": "a@b.example"})
        assert (await sign_in(site, "ann")).status_code == 200
        for who in ("eve", "bea"):
            refused = await sign_in(site, who)
            assert (refused.status_code, refused.json()["code"]) == (403, "not_linked")
        changed = await site.core.accounts.people.get(ann.id)
        await site.core.accounts.people.suspend(changed, suspended=True)
        assert (await sign_in(site, "ann")).status_code == 401


async def test_accounts_are_made_and_linked_only_where_the_settings_say_so(issuer: str, sqlite_url: str) -> None:
    """An account that is made has no password; one that somebody had prepared loses the password they chose."""
    async with open_site(sqlite_url, more=settings(issuer, create_accounts=True, link_by_email=True)) as site:
        assert (await sign_in(site, "bea")).status_code == 200
        bea = await site.core.accounts.people.find_by_email("bea@example.org")
        assert (bea.name, bea.password_hash, bea.verified_at is None) == ("Bea", "", False)
        await site.core.accounts.registration.register(email="zoe@example.org", password=PASSWORD, name="Mallory")
        assert (await sign_in(site, "zoe")).status_code == 200
        login = await site.post("/api/auth/login", {"email": "zoe@example.org", "password": PASSWORD})
        assert login.status_code == 401


async def test_answers_that_are_none_are_refused(issuer: str, sqlite_url: str) -> None:
    """Made up, refused by the provider, too late, for another provider; and an address inside is not asked."""
    tables = settings(issuer)
    tables["auth"]["oidc"]["inside"] = {"issuer": issuer, "client_id": "maydan"}
    async with open_site(sqlite_url, more=tables) as site:
        await site.account("ann@example.org")
        for who in ("ann", "bea"):
            assert (await sign_in(site, who)).json()["code"] == "not_linked"
        base = "/api/auth/oidc/test/callback"
        for query in ("?state=a&state=b", f"?state={'x' * 5000}"):
            assert (await site.get(base + query)).status_code == 400, query
        for query in ("", "?code=x", "?state=&code=x"):
            assert (await site.get(base + query)).status_code == 401, query
        assert (await site.get(f"{base}?state=%00&code=x")).status_code in (400, 401)
        for path in ("/api/auth/oidc/none/start", "/api/auth/oidc/none/callback?state=x"):
            assert (await site.get(path)).status_code == 404
        assert (await site.get("/api/auth/oidc/inside/start")).status_code == 503
        url, cookie = await depart(site)
        state = parse_qs(urlsplit(url).query)["state"][0]
        assert (await site.get(f"{base}?state={state}&error=access_denied", headers=cookie)).status_code == 401
        url, cookie = await depart(site)
        state = parse_qs(urlsplit(url).query)["state"][0]
        assert (await site.get(f"{base}?state={state}&code=made-up", headers=cookie)).status_code == 401
        url, cookie = await depart(site)
        back = await arrive(url, "ann")
        site.clock.forward(seconds=601)
        assert (await site.get(back, headers=cookie)).status_code == 401


def from_variable(issuer: str, **more: Any) -> dict[str, Any]:
    """Return the tables as an instance without a file has them: the provider stands in the environment."""
    provider = settings(issuer, **more)["auth"]["oidc"]
    variables = {"MAYDAN_DATABASE_URL": "sqlite:///x.db", "MAYDAN_AUTH_OIDC": json.dumps(provider)}
    read_back = read({}, variables).auth.oidc
    return {"auth": {"hash_memory_kib": 64, "hash_passes": 1, "oidc": {
        name: {**to_builtins(each, enc_hook=lambda secret: secret.reveal()), "allow_private": each.allow_private}
        for name, each in read_back.items()
    }}}  # fmt: skip


async def test_identities_are_unlinked_but_for_the_last_way_in(issuer: str, sqlite_url: str) -> None:
    """A password, or another identity of a provider that is still known, is a way; two at once leave one."""
    async with open_site(sqlite_url, more=settings(issuer, create_accounts=True)) as site:
        entered = await sign_in(site, "bea")
        bea = {"authorization": f"Bearer {entered.json()['access_token']}"}
        (held,) = (await site.get("/api/me/identities", headers=bea)).json()["items"]
        assert (held["provider"], held["issuer"], held["subject"]) == ("test", issuer, "bea")
        path = f"/api/me/identities/{held['id']}"
        others = await site.account("ann@example.org")
        assert (await site.delete(path, headers=others)).status_code == 404
        assert (await site.delete(path)).status_code == 401
        last = await site.delete(path, headers=bea)
        assert (last.status_code, last.json()["code"]) == (409, "last_identity")
        account = await site.core.accounts.people.find_by_email("bea@example.org")
        more = "INSERT INTO maydan_identities (issuer, subject, account_id, created_at) VALUES (?, ?, ?, ?)"
        now = site.core.clock.now()
        for other in ("https://forgotten.example", issuer):
            await site.core.store.commit([Statement(more, (other, f"bea at {other}", account.id, now))])
            page = (await site.get("/api/me/identities?limit=2&count=exact", headers=bea)).json()
            assert page["items"][-1]["created_at"] <= page["items"][0]["created_at"]
            if other != issuer:
                assert page["items"][0]["provider"] is None
                assert (await site.delete(path, headers=bea)).status_code == 409
        rest = (await site.get(f"/api/me/identities?limit=2&cursor={page['next']}", headers=bea)).json()
        assert (page["total"], len(page["items"]) + len(rest["items"])) == (3, 3)
        known = [one["id"] for one in (*page["items"], *rest["items"]) if one["provider"] is not None]
        gone = await asyncio.gather(*(site.delete(f"/api/me/identities/{one}", headers=bea) for one in known))
        assert sorted(answer.status_code for answer in gone) == [204, 409]
        assert (await site.core.accounts.identities.count_of(account.id)) == 2
        await site.core.accounts.people.change(
            await site.core.accounts.people.get(account.id), {"password_hash": "something"}
        )
        for one in (await site.get("/api/me/identities", headers=bea)).json()["items"]:
            assert (await site.delete(f"/api/me/identities/{one['id']}", headers=bea)).status_code == 204


async def test_a_provider_may_stand_in_the_environment(issuer: str, sqlite_url: str) -> None:
    """As JSON, strictly read: what a table may not hold is one clear line."""
    async with open_site(sqlite_url, more=from_variable(issuer, create_accounts=True)) as site:
        assert (await sign_in(site, "bea")).status_code == 200
    for text, line in (
        ("test=https://x", "MAYDAN_AUTH_OIDC: expected tables by name as JSON"),
        ('{"test": {"issuer": "https://x"}}', "MAYDAN_AUTH_OIDC: object missing required field"),
        ('{"test": {"issuer": "https://x", "client_id": "m", "nothing": 1}}', "MAYDAN_AUTH_OIDC: object contains"),
        ('{"test": {"issuer": "https://x", "client_id": "m", "algorithms": ["none"]}}', "MAYDAN_AUTH_OIDC: algorithms"),
    ):
        with pytest.raises(ConfigurationError, match=line):
            read({}, {"MAYDAN_DATABASE_URL": "sqlite:///x.db", "MAYDAN_AUTH_OIDC": text})
