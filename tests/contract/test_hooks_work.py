"""Every hook does in a running instance what ``hookspecs.py`` says: one scenario each, and none is missing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from probing import COMMENT, Scenario, site_with  # pyright: ignore[reportMissingImports] - tests/support
from probing_bringing import (  # pyright: ignore[reportMissingImports] - tests/support
    brings_content_types,
    brings_demo_content,
    brings_event_types,
    brings_importers,
    brings_jobs,
    brings_roles,
    brings_routes,
    brings_tables,
)
from probing_refusing import (  # pyright: ignore[reportMissingImports] - tests/support
    transforms_input,
    vetoes_commenting,
    vetoes_creating,
    vetoes_deleting,
    vetoes_publishing,
    vetoes_transitions,
    vetoes_unpublishing,
    vetoes_updating,
)

from maydan.errors import PluginFailed
from maydan.operations.erasing import erase, plan_erasure
from maydan.plugin import Health
from maydan.plugins.implementations import hook_arguments
from maydan.testing import Site

pytestmark = pytest.mark.anyio


def hears(hook: str, event: str, do: Callable[[Site, Any], Awaitable[Any]]) -> Scenario:
    """Do something to an entry, and look whether the plugin heard of that once, with its space."""

    async def scenario(folder: Path) -> None:
        heard: list[tuple[str, str, str | None]] = []

        async def listen(space: Any, event: Any) -> None:
            heard.append((space.name, event.type, event.data.get("entry_id", event.subject_id)))

        async with site_with(folder, **{hook: listen}) as site:
            entry = await site.draft("probe.thing", count=1)
            await do(site, entry)
            await site.settled()
            told = [each.data.get("entry_id", each.subject_id) for each in site.events.of(event)]
            assert len(told) == 1
            assert heard == [("demo", event, told[0])]

    return scenario


async def nothing_more(site: Site, entry: Any) -> None:
    """It was created."""


async def patched(site: Site, entry: Any) -> None:
    """Change it."""
    await site.administrator.patch(entry.path, {"count": 2})


async def published(site: Site, entry: Any) -> None:
    """Publish it."""
    await site.publish(entry)


async def unpublished(site: Site, entry: Any) -> None:
    """Publish it and take it back."""
    await site.publish(entry)
    await site.administrator.post(f"{entry.path}/unpublish")


async def deleted(site: Site, entry: Any) -> None:
    """Put it into the trash."""
    await site.administrator.delete(entry.path)


async def restored(site: Site, entry: Any) -> None:
    """Put it into the trash and take it out."""
    await site.administrator.delete(entry.path)
    await site.administrator.post(f"{entry.path}/restore")


async def transitioned(site: Site, entry: Any) -> None:
    """Take it through its workflow."""
    assert (await site.administrator.post(f"{entry.path}/transitions/finish")).is_success


async def commented(site: Site, entry: Any) -> None:
    """Publish it and say something about it."""
    await site.publish(entry)
    await site.administrator.post(f"{entry.path}/comments", COMMENT)


async def is_asked_for_health(folder: Path) -> None:
    """Its answer stands under its name."""

    async def tell() -> Health:
        return Health(status="degraded", detail="the printer does not answer")

    async with site_with(folder, collect_health=tell) as site:
        assert (await site.core.hooks.collect_health())["probe"] == await tell()


async def erases_what_it_keeps(folder: Path) -> None:
    """It is asked until nothing is left, counts alone in a dry run, and a fault stops the erasure before its end."""
    kept, faults = ["scan"] * 3, [RuntimeError("the printer is on fire")]

    async def erase_some(account_id: str, email: str, dry_run: bool) -> int:
        if dry_run:
            return len(kept)
        if faults:
            raise faults.pop()
        return len([kept.pop() for _ in kept[:2]])

    async with site_with(folder, collect_erasures=erase_some) as site:
        people = site.core.accounts.people
        account = await people.create(email="ann@example.org", password="a long and quiet evening")
        assert (await plan_erasure(site.core, account)).counts["of probe"] == 3
        with pytest.raises(PluginFailed, match="probe"):
            await erase(site.core, account)
        again = await people.find_by_email("ann@example.org")
        assert again is not None
        assert (await erase(site.core, again)).counts["of probe"] == 3


async def provides_the_mailer(folder: Path) -> None:
    """It sends the instance's mail, in the place of the core's own."""
    sent: list[str] = []

    class Mailer:
        async def send(self, messages: Sequence[Any]) -> None:
            sent.extend(str(message["To"]) for message in messages)

    def offer() -> Mailer:
        return Mailer()

    async with site_with(folder, provide_mailer=offer) as site:
        body = {"email": "new@example.org", "password": "a long and quiet evening", "name": "New"}
        assert (await site.anonymous.post("/api/auth/register", body)).status_code == 202
        await site.core.accounts.outbox.deliver_due()
        assert sent == ["new@example.org"]


SCENARIOS: Mapping[str, Scenario] = {
    "register_migrations": brings_tables,
    "register_content_types": brings_content_types,
    "register_roles": brings_roles,
    "register_routes": brings_routes,
    "register_importers": brings_importers,
    "register_demo_content": brings_demo_content,
    "register_event_types": brings_event_types,
    "register_jobs": brings_jobs,
    "transform_entry_input": transforms_input,
    "check_entry_create": vetoes_creating,
    "check_entry_update": vetoes_updating,
    "check_entry_publish": vetoes_publishing,
    "check_entry_unpublish": vetoes_unpublishing,
    "check_entry_delete": vetoes_deleting,
    "check_entry_transition": vetoes_transitions,
    "check_comment_create": vetoes_commenting,
    "entry_created": hears("entry_created", "entry.created", nothing_more),
    "entry_updated": hears("entry_updated", "entry.updated", patched),
    "entry_published": hears("entry_published", "entry.published", published),
    "entry_unpublished": hears("entry_unpublished", "entry.unpublished", unpublished),
    "entry_deleted": hears("entry_deleted", "entry.deleted", deleted),
    "entry_restored": hears("entry_restored", "entry.restored", restored),
    "entry_transitioned": hears("entry_transitioned", "entry.transitioned", transitioned),
    "comment_created": hears("comment_created", "comment.created", commented),
    "collect_health": is_asked_for_health,
    "collect_erasures": erases_what_it_keeps,
    "provide_mailer": provides_the_mailer,
}


def test_every_hook_has_its_scenario_and_no_scenario_is_a_ghost() -> None:
    """A new hook comes with one."""
    assert list(SCENARIOS) == list(hook_arguments())


@pytest.mark.parametrize("hook", SCENARIOS)
async def test_the_hook_does_what_it_promises(hook: str, tmp_path: Path) -> None:
    """In a whole instance, over HTTP."""
    await SCENARIOS[hook](tmp_path)
