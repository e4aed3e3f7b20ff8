"""Code of a plugin that goes on after its hook has returned is still known to be the plugin's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from probing import site_with  # pyright: ignore[reportMissingImports] - tests/support

from maydan.plugin import Call, Outlet, Stream, StreamQuery, route
from maydan.plugins.notes import pack
from maydan.testing import Site

pytestmark = pytest.mark.anyio


class Notebook:
    """Reads what is noted as running."""

    def __init__(self) -> None:
        self.site: Site | None = None
        self.read: dict[str, bytes] = {}

    def look(self, when: str) -> None:
        """Read it now."""
        assert self.site is not None
        self.read[when] = self.site.core.host.guard.notes.running


async def test_a_streams_producer_is_the_plugins_code(tmp_path: Path) -> None:
    """A loop in it is blamed on the plugin and on the route, also after the handler has answered."""
    notebook = Notebook()

    @route("GET", "/api/spaces/{space}/probe/bell", public=True, query=StreamQuery, stream=True)
    async def ring(_call: Call) -> Stream:
        """Ring once."""

        async def produce(_outlet: Outlet) -> None:
            notebook.look("produce")
            await asyncio.sleep(0)
            notebook.look("after a wait")

        return Stream(produce=produce, on_caller=lambda _caller: notebook.look("on_caller"))

    async with site_with(tmp_path, register_routes=lambda: [ring]) as site:
        notebook.site = site
        answer = await site.anonymous.get("probe/bell", headers={"accept": "text/event-stream"})
        assert answer.status_code == 200
        note = pack("probe", "route GET /api/spaces/{space}/probe/bell")
        assert notebook.read == dict.fromkeys(("on_caller", "produce", "after a wait"), note)


async def test_a_stream_whose_producer_was_cancelled_from_within_ends(tmp_path: Path) -> None:
    """It would be kept open by heartbeats, and nobody would write to it any more."""

    @route("GET", "/api/spaces/{space}/probe/bell", public=True, query=StreamQuery, stream=True)
    async def ring(_call: Call) -> Stream:
        """Wait for something that was cancelled."""

        async def produce(_outlet: Outlet) -> None:
            raise asyncio.CancelledError

        return Stream(produce=produce)

    async with site_with(tmp_path, register_routes=lambda: [ring]) as site, asyncio.timeout(60):
        assert (await site.anonymous.get("probe/bell", headers={"accept": "text/event-stream"})).status_code == 200


async def test_a_plugins_mailer_is_the_plugins_code(tmp_path: Path) -> None:
    """A loop in it is blamed on the plugin."""
    notebook = Notebook()

    class Mailer:
        async def send(self, messages: Sequence[Any]) -> None:
            notebook.look("send")

    async with site_with(tmp_path, provide_mailer=lambda: Mailer()) as site:  # noqa: PLW0108 - hooks are functions
        notebook.site = site
        body = {"email": "new@example.org", "password": "a long and quiet evening", "name": "New"}
        assert (await site.anonymous.post("/api/auth/register", body)).status_code == 202
        await site.core.accounts.outbox.deliver_due()
        assert notebook.read == {"send": pack("probe", "mailer")}
