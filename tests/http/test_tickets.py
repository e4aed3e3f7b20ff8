"""Tickets: once, soon, on streams only, and no longer than what they stand for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from site_support import Site, open_site  # pyright: ignore[reportMissingImports] - tests/support
from streams_support import listening, reading  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio

FEED = "/api/spaces/demo/changes"
STREAM = {"accept": "text/event-stream"}
TICKETS = "/api/auth/tickets"


@pytest.fixture
async def site(sqlite_url: str) -> AsyncIterator[Site]:
    """A site, where the engine makes no difference."""
    async with open_site(sqlite_url) as opened:
        yield opened


@pytest.fixture
async def site_everywhere(database_url: str) -> AsyncIterator[Site]:
    """A site on each engine in turn."""
    async with open_site(database_url) as opened:
        yield opened


async def test_a_ticket_opens_one_stream_as_whoever_asked_for_it(site_everywhere: Site) -> None:
    """Once, over all workers; the stream ends with the session that the ticket stands for."""
    site = site_everywhere
    editor = await site.account("editor@example.org", "manager")
    answer = await site.post(TICKETS, headers=editor)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    ticket = answer.json()["ticket"]
    rows = await site.core.store.fetch_all("SELECT hash FROM maydan_tickets")
    assert len(rows) == 1
    assert ticket not in str(rows)
    async with listening(site.application) as (client, _):
        async with reading(client, since=0, ticket=ticket) as reader:
            await reader.has(1)
            second = await client.get(FEED, params={"ticket": ticket}, headers=STREAM)
            assert (second.status_code, second.json()["code"]) == (401, "bad_ticket")
            assert reader.events[0].event == "space.created"
            await site.post("/api/auth/logout", headers=editor)
            await reader.ends()
        tickets = [(await site.post(TICKETS, headers=site.admin)).json()["ticket"] for _ in range(2)]
        asked = [client.get(FEED, params={"ticket": tickets[0], "limit": 1, "since": 0}, headers=STREAM)] * 1
        asked += [client.get(FEED, params={"ticket": tickets[0], "limit": 1, "since": 0}, headers=STREAM)]
        assert sorted(each.status_code for each in await asyncio.gather(*asked)) == [200, 401]
        site.clock.forward(seconds=31)
        late = await client.get(FEED, params={"ticket": tickets[1]}, headers=STREAM)
        assert late.status_code == 401


async def test_a_ticket_is_taken_on_streams_only_and_alone(site: Site) -> None:
    """What refuses it does not use it up; nobody in particular gets none."""
    assert (await site.post(TICKETS)).status_code == 401
    ticket = (await site.post(TICKETS, headers=site.admin)).json()["ticket"]
    for path, headers in (
        (FEED, {}),
        (FEED, {**STREAM, **site.admin}),
        ("/api/spaces/demo", STREAM),
        ("/api/me", {}),
    ):
        answer = await site.get(path, params={"ticket": ticket}, headers=headers)
        assert answer.status_code == 400, (path, answer.text)
    as_token = await site.get("/api/me", headers={"authorization": f"Bearer {ticket}"})
    assert as_token.status_code == 401
    taken = await site.get(FEED, params={"ticket": ticket, "since": 0, "limit": 1}, headers=STREAM)
    assert taken.status_code == 200
    for bad in ("x", ticket[:-1] + "0", site.admin["authorization"].removeprefix("Bearer ")):
        assert (await site.get(FEED, params={"ticket": bad}, headers=STREAM)).status_code == 401


async def test_a_ticket_of_an_api_token_has_its_limits(site: Site) -> None:
    """Never more than the token, which may be revoked while the stream is open."""
    given = {"name": "feed", "space": "demo", "actions": ["read"], "expires_in": 3600}
    token = (await site.post("/api/tokens", given, headers=site.admin)).json()
    bearer = {"authorization": f"Bearer {token['token']}"}
    ticket = (await site.post(TICKETS, headers=bearer)).json()["ticket"]
    async with listening(site.application) as (client, _), reading(client, since=0, ticket=ticket) as reader:
        await site.delete(f"/api/tokens/{token['id']}", headers=site.admin)
        await reader.ends()
        assert not reader.events
