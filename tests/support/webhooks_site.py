"""A site that may deliver webhooks to loopback, and what its administrator does and looks at."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from site_support import ARTICLE, PERSON, Site, open_site

HOOKS = "/api/spaces/demo/webhooks"
ARTICLES = "/api/spaces/demo/content/article"
EVENTS = ["entry.created", "entry.updated", "entry.published", "entry.unpublished", "entry.deleted"]

DUE = (
    "SELECT 1 FROM maydan_deliveries AS d WHERE state = 'waiting' AND due_at <= ? AND NOT EXISTS (SELECT 1"
    " FROM maydan_deliveries AS earlier WHERE earlier.webhook_id = d.webhook_id AND earlier.subject = d.subject"
    " AND earlier.state = 'waiting' AND earlier.position < d.position)"
)
"""Whether there is a delivery that is to be tried now, and that waits for no other."""


@contextlib.asynccontextmanager
async def opened(url: str, **webhooks: Any) -> AsyncIterator[Site]:
    """A site whose background work runs, and that may deliver to loopback."""
    async with open_site(url, work=True, more={"webhooks": {"allow_private": True, **webhooks}}) as site:
        await site.define(PERSON)
        await site.define(ARTICLE)
        yield site


async def hook(site: Site, url: str, who: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """Make a webhook."""
    answer = await site.post(HOOKS, {"url": url, "events": EVENTS, **more}, headers=who or site.admin)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def shown(site: Site, made: dict[str, Any]) -> dict[str, Any]:
    """The webhook as it is now."""
    return (await site.get(f"{HOOKS}/{made['id']}", headers=site.admin)).json()


async def deliveries(site: Site, made: dict[str, Any]) -> list[dict[str, Any]]:
    """Its deliveries, the oldest first."""
    answer = await site.get(f"{HOOKS}/{made['id']}/deliveries", headers=site.admin)
    return answer.json()["items"][::-1]


async def until(site: Site, made: dict[str, Any], *states: str) -> list[dict[str, Any]]:
    """Return its deliveries once they are in these states."""
    async with asyncio.timeout(20):
        while True:
            found = await deliveries(site, made)
            if [each["state"] for each in found] == list(states):
                return found
            await asyncio.sleep(0.02)


async def settled(site: Site) -> None:
    """Wait until everything that happened was taken up, and whatever is due was tried."""
    await site.core.subscriptions.settled()
    row: Any = (1,)
    async with asyncio.timeout(20):
        while row is not None:
            await asyncio.sleep(0.02)
            row = await site.core.store.fetch_one(DUE, site.clock.now())


async def later(site: Site, **parts: float) -> None:
    """Let time pass, and whoever waited for it know."""
    site.clock.forward(**parts)
    site.admin = await site.log_in("admin@example.org")
    site.core.webhooks.wake()


async def publish(site: Site, title: str) -> str:
    """Write and publish an article; returns its id."""
    return (await site.entry({"title": {"en": title}, "note": "between us", "key": "hush"}))["id"]
