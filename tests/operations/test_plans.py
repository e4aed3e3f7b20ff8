"""Plans to publish and unpublish beside other requests, and when they cannot be carried out any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.events.jobs import NewJob, job_statement
from maydan.operations.entries import publishing
from maydan.operations.entries.storing import store
from maydan.operations.plans import PUBLICATIONS
from maydan.operations.schedules import run_due

pytestmark = pytest.mark.anyio
SPACE = "/api/spaces/demo"
LIST = f"{SPACE}/content/article"
FIRST, SECOND = datetime(2100, 1, 1, tzinfo=UTC), datetime(2101, 6, 1, tzinfo=UTC)


async def written(site: Site) -> str:
    """Make an entry with content in two locales; returns its path."""
    made = await site.entry({"title": {"en": "Hello", "ar": "مرحبا"}}, publish=False)
    return f"{LIST}/{made['id']}"


async def plan(site: Site, path: str, at: datetime, **more: Any) -> None:
    """Plan to publish an entry."""
    answer = await site.post(f"{path}/publish", {"at": at.isoformat(), **more}, headers=site.admin)
    assert answer.status_code == 200, answer.text


async def planned(site: Site, path: str) -> dict[str, int]:
    """Return the year in which each locale is planned to be published."""
    items = (await site.get(f"{path}/status", headers=site.admin)).json()["items"]
    return {item["locale"]: datetime.fromisoformat(item["publish_at"]).year for item in items if item["publish_at"]}


async def jobs(site: Site, path: str, status: str) -> list[dict[str, Any]]:
    """Return the jobs of an entry that stand so."""
    query = f"entry={path.rpartition('/')[2]}&status={status}"
    return (await site.get(f"{SPACE}/jobs?{query}", headers=site.admin)).json()["items"]


def once_after(change: Callable[[], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Return what stores as ever, but the first time after a change of somebody else."""
    left = [change]

    async def late(*args: Any, **more: Any) -> None:
        if left:
            await left.pop()()
        await store(*args, **more)

    return late


async def test_a_plan_that_was_accepted_is_not_lost_to_a_publication(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Publishing one locale at the same moment leaves the others to the new plan, and the old one does not return."""
    path = await written(site)
    await plan(site, path, FIRST)
    monkeypatch.setattr(publishing, "store", once_after(lambda: plan(site, path, SECOND)))
    answer = await site.post(f"{path}/publish", {"locales": ["en"]}, headers=site.admin)
    assert answer.status_code == 200, answer.text
    assert await planned(site, path) == {"ar": SECOND.year}
    assert (await site.get(path)).status_code == 200


async def test_a_plan_that_is_cancelled_meanwhile_stays_cancelled(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left of it is not planned again by a publication that had read it before."""
    path = await written(site)
    await plan(site, path, FIRST)

    async def cancel() -> None:
        (job,) = await jobs(site, path, "waiting")
        assert (await site.post(f"{SPACE}/jobs/{job['id']}/cancel", headers=site.admin)).is_success

    monkeypatch.setattr(publishing, "store", once_after(cancel))
    answer = await site.post(f"{path}/publish", {"locales": ["en"]}, headers=site.admin)
    assert answer.status_code == 200, answer.text
    assert await planned(site, path) == {}
    assert len(await jobs(site, path, "cancelled")) == 1


async def test_of_plans_at_the_same_moment_one_is_left(site: Site) -> None:
    """A later plan replaces an earlier one, also where none had seen the other."""
    path = await written(site)
    hold = "UPDATE maydan_entries SET revision = revision WHERE id = ?"
    async with site.core.store.write_transaction() as transaction:
        await transaction.execute(hold, path.rpartition("/")[2])
        plans = [asyncio.create_task(plan(site, path, at), context=Context()) for at in (FIRST, SECOND)]
        await asyncio.sleep(0.2)
    await asyncio.gather(*plans)
    assert len(await jobs(site, path, "waiting")) == 1


async def test_a_plan_for_locales_that_are_gone_is_cancelled(site: Site) -> None:
    """It is not tried again and again: no try could do it. The locales that are left are published."""
    gone, some = await written(site), await written(site)
    at = site.clock.now() + timedelta(hours=1)
    await plan(site, gone, at, locales=["ar"])
    await plan(site, some, at)
    space = (await site.get(SPACE, headers=site.admin)).json()
    locales = [locale for locale in space["locales"] if locale != "ar"]
    fallbacks = {locale: None for locale, others in space["fallbacks"].items() if "ar" in (locale, *others)}
    changes = {"locales": locales, "fallbacks": fallbacks}
    answer = await site.patch(f"{SPACE}?allow_drop=true", changes, headers=site.admin)
    assert answer.status_code == 200, answer.text
    site.clock.forward(hours=2)
    await run_due(site.core)
    site.admin = await site.log_in("admin@example.org")
    (job,) = await jobs(site, gone, "cancelled")
    assert (job["tries"], job["error"]) == (1, "The space has none of its locales any more.")
    assert len(await jobs(site, some, "done")) == 1
    assert (await site.get(some)).json()["title"] == "Hello"


async def test_a_plan_that_outlives_the_drafts_of_its_type_is_cancelled(site: Site) -> None:
    """Entries of such a type are readable as soon as they are stored: there is nothing to publish or to unpublish."""
    ann = (await site.entry({"name": "Ann"}, type="person", publish=False))["id"]
    path = f"{SPACE}/content/person/{ann}"
    payload = {"type": "person", "locales": list(site.space.locales), "by": None}
    where: dict[str, Any] = {"space_key": site.space.key, "subject_id": ann, "payload": payload}
    plans = [NewJob(kind=kind, run_at=site.clock.now(), **where) for kind in PUBLICATIONS]
    await site.core.store.commit([job_statement(job) for job in plans])
    await run_due(site.core)
    ended = await jobs(site, path, "cancelled")
    assert [(job["tries"], job["error"]) for job in ended] == [(1, "The content type has no drafts.")] * 2
    assert (await site.get(path, headers=site.admin)).status_code == 200


async def test_unpublishing_a_locale_ends_the_plans_for_that_locale_alone(site: Site) -> None:
    """Two editors of two languages do not undo each other; without locales all plans end."""
    path = await written(site)
    for locale, at in (("ar", SECOND), ("en", None)):
        body = {"locales": [locale], **({"at": at.isoformat()} if at else {})}
        assert (await site.post(f"{path}/publish", body, headers=site.admin)).status_code == 200
    assert (await site.post(f"{path}/unpublish", {"locales": ["en"]}, headers=site.admin)).status_code == 200
    assert await planned(site, path) == {"ar": 2101}
    assert (await site.post(f"{path}/unpublish", {"locales": ["ar"]}, headers=site.admin)).status_code == 200
    assert await planned(site, path) == {}
    await plan(site, path, FIRST)
    assert (await site.post(f"{path}/unpublish", headers=site.admin)).status_code == 200
    assert await planned(site, path) == {}


async def test_an_event_of_unpublishing_names_what_readers_got_and_get_no_more(site: Site) -> None:
    """What was never published is taken from nobody, whatever was asked for; an edit lock counts all the same."""
    path = await written(site)
    before = (await site.get(f"{path}?perspective=draft", headers=site.admin)).json()
    for body in (None, {"locales": ["ar"]}):
        answer = await site.post(f"{path}/unpublish", body, headers=site.admin)
        assert (answer.status_code, answer.json()) == (200, before)
    await site.post(f"{path}/publish", {"locales": ["en"]}, headers=site.admin)
    for body in ({"locales": ["ar"]}, None):
        assert (await site.post(f"{path}/unpublish", body, headers=site.admin)).status_code == 200
    feed = (await site.get(f"{SPACE}/changes?limit=100", headers=site.admin)).json()["items"]
    told = [event["data"]["locales"] for event in feed if event["type"] == "entry.unpublished"]
    assert told == [["en"]]
    ann, ben = await site.account("ann@example.org", "editor"), await site.account("ben@example.org", "editor")
    assert (await site.post(f"{path}/lock", headers=ann)).is_success
    assert (await site.post(f"{path}/unpublish", headers=ben)).status_code == 409
