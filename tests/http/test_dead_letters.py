"""What a subscriber could not take is shown to who manages webhooks, and handed over again when asked."""

from __future__ import annotations

import pytest
from site_support import ARTICLE, open_site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.events.dead_letters import letter_statement
from maydan.events.positions import Positions, replay
from maydan.events.settings import EventsSettings
from maydan.events.subscriptions import Subscriptions
from maydan.storage.log import LoggedEvent, last_position, read_after

pytestmark = pytest.mark.anyio

LETTERS = "/api/spaces/demo/dead-letters"


class Picky:
    """Takes nothing at first."""

    name = "plugin.picky"

    def __init__(self) -> None:
        self.seen: list[int] = []

    async def handle(self, event: LoggedEvent) -> None:
        self.seen.append(event.position)
        if len(self.seen) <= 2:
            raise LookupError("not yet")


async def test_dead_letters_are_listed_and_tried_again(database_url: str) -> None:
    """By who manages webhooks alone; of other spaces, and made-up ones, there are none."""
    async with open_site(database_url) as site:
        await site.define(ARTICLE)
        store, before = site.core.store, await last_position(site.core.store)
        editor = await site.account("editor@example.org", "editor")
        manager = await site.account("manager@example.org", "manager")
        entry = await site.entry({"title": "First"}, publish=False)
        event = (await read_after(store, before, 100))[-1]
        picky = Picky()
        await Positions(store, picky.name, "test", 1).add()
        await replay(store, picky.name, await last_position(store))
        await store.commit([letter_statement(picky.name, event, 5, "LookupError: not yet")])
        await store.commit([letter_statement("plugin.other", event, 5, "x")])
        figures = (await site.get("/metrics", headers=site.admin)).text
        assert f'maydan_log_dead_letters{{subscriber="{picky.name}"}} 1.0' in figures
        refused = [(await site.get(LETTERS, headers=who)).status_code for who in ({}, editor)]
        assert refused == [401, 403]
        page = await site.get(f"{LETTERS}?limit=1&count=exact", headers=manager)
        assert page.json()["total"] == 2
        assert page.json()["items"][0]["subscriber"] == "plugin.other"
        page = await site.get(f"{LETTERS}?limit=1&cursor={page.json()['next']}", headers=manager)
        (letter,) = page.json()["items"]
        assert page.json()["next"] is None
        assert (letter["subscriber"], letter["attempts"], letter["error"]) == (picky.name, 5, "LookupError: not yet")
        assert letter["event"]["data"] == {"id": entry["id"], "type": "article", "version": 1}
        for unknown in ("nonsense", "0198f6c2-1c3d-7a52-9a51-5b0d3a1f7e11"):
            assert (await site.post(f"{LETTERS}/{unknown}/retry", headers=manager)).status_code == 404
        assert (await site.post(f"{LETTERS}/{letter['id']}/retry", headers=editor)).status_code == 403
        again = await site.post(f"{LETTERS}/{letter['id']}/retry", headers=manager)
        assert (again.status_code, again.json()) == (200, letter)
        assert (await site.post(f"{LETTERS}/{letter['id']}/retry", headers=manager)).status_code == 404
        worker = Subscriptions(store, EventsSettings(first_pause_s=0.001, poll_s=0.05))
        worker.add(picky)
        await worker.start()
        await worker.settled()
        await worker.stop()
        assert picky.seen == [event.position] * 3
        left = (await site.get(LETTERS, headers=manager)).json()["items"]
        assert [each["subscriber"] for each in left] == ["plugin.other"]
