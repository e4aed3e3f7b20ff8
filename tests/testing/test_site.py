"""The kit for plugin authors, tried as they use it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from maydan.content.types import ContentType, Field, Kind
from maydan.errors import HookRefused, PluginRejected
from maydan.hookspecs import hookimpl
from maydan.plugins.discovery import FoundPlugin
from maydan.plugins.manifest import check_manifest
from maydan.testing import Site, open_site

pytestmark = pytest.mark.anyio

TICKET = ContentType(
    name="tickets.ticket",
    fields=(
        Field(name="title", kind=Kind.STRING, required=True, localized=True),
        Field(name="seat", kind=Kind.STRING, unique=True),
        Field(name="show", kind=Kind.RELATION, to=("tickets.show",), required=True),
    ),
)
SHOW = ContentType(name="tickets.show", fields=(Field(name="title", kind=Kind.STRING, required=True),))


def plugin(name: str, **hooks: Any) -> FoundPlugin:
    """A plugin of a few functions."""
    types = [f"{name}.ticket", f"{name}.show"] if "register_content_types" in hooks else []
    target = SimpleNamespace(**{hook: hookimpl(function) for hook, function in hooks.items()})
    manifest = {"name": name, "version": "1.0", "hook_api": ">=1", "content_types": types}
    return FoundPlugin(name=name, manifest=check_manifest(manifest), load=lambda: target)


async def refuse_green(entry: Any) -> None:
    """Refuse one colour."""
    if entry.fields.get("seat") == "green":
        raise HookRefused("no green seats")


TICKETS = plugin("tickets", register_content_types=lambda: [TICKET, SHOW], check_entry_create=refuse_green)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """An instance with a plugin of this module."""
    async with open_site(tmp_path, ["tickets"], found=[TICKETS, plugin("other")]) as opened:
        yield opened


async def test_only_the_plugin_under_test_is_there(site: Site) -> None:
    """Whatever else is installed."""
    assert site.space.plugins == ("tickets",)


async def test_a_draft_is_unreadable_until_published(site: Site) -> None:
    """What a required relation needs is made too, and published entries are read by everybody."""
    show = await site.published("tickets.show")
    entry = await site.draft("tickets.ticket", show=show.id)
    assert await site.find(entry) is None
    assert await site.find(entry, site.administrator) is None
    await site.publish(entry)
    assert (await site.find(entry) or {})["title"] == entry.data["title"]


async def test_entries_differ_where_they_must(site: Site) -> None:
    """Unique fields do not collide; what is given is taken as it is."""
    made = [await site.draft("tickets.ticket") for _ in range(3)]
    assert len({entry.data["seat"] for entry in made}) == 3
    assert (await site.draft("tickets.ticket", seat="4A")).data["seat"] == "4A"


async def test_hooks_are_called_and_counted(site: Site) -> None:
    """Refusals are answers and no errors."""
    await site.draft("tickets.show")
    refused = await site.administrator.post("content/tickets.ticket", site.data("tickets.ticket", seat="green"))
    assert (refused.status_code, refused.json()["detail"]) == (409, "no green seats")
    health = site.hook("tickets", "check_entry_create")
    assert (health.calls, health.errors) == (2, 0)


async def test_the_log_is_recorded(site: Site) -> None:
    """In order, once, when everybody has heard."""
    entry = await site.published("tickets.show")
    await site.settled()
    assert [event.type for event in site.events.all if event.subject_id == entry.id] == [
        "entry.created",
        "entry.published",
    ]
    assert [event.position for event in site.events.of("entry.created")] != []


async def test_time_stands_still_until_it_is_moved(site: Site) -> None:
    """And everything in the instance goes by it."""
    first = await site.draft("tickets.show")
    site.clock.move(days=2)
    second = await site.draft("tickets.show")
    assert first.data["created_at"].startswith("2026-01-15T12:00:00")
    assert second.data["created_at"].startswith("2026-01-17T12:00:00")


async def test_people_have_the_roles_that_they_are_given(site: Site) -> None:
    """An editor writes, nobody in particular does not."""
    editor = await site.person("editor")
    assert (await editor.post("content/tickets.show", site.data("tickets.show"))).status_code == 201
    assert (await site.anonymous.post("content/tickets.show", site.data("tickets.show"))).status_code == 401


async def test_what_is_wrong_with_the_plugin_is_raised(tmp_path: Path) -> None:
    """A test must not pass because the plugin was not there."""

    def broken() -> list[object]:
        raise RuntimeError("boom")

    with pytest.raises(PluginRejected, match="broken: failed: set-up failed: RuntimeError: boom"):
        async with open_site(tmp_path, ["broken"], found=[plugin("broken", register_routes=broken)]):
            pass
