"""What the probe may bring along: a scenario for each hook that registers something."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from probing import site_with

from maydan.access.actors import ANONYMOUS, system
from maydan.operations.event_views import event_views
from maydan.plugin import (
    Answer,
    Call,
    Core,
    DemoContent,
    Event,
    EventType,
    ImportSummary,
    Job,
    JobKind,
    Migration,
    NewJob,
    PolicyInput,
    Role,
    Statement,
    Step,
    event_statement,
    job_statement,
    route,
)
from maydan.storage.log import last_position, read_after
from maydan.storage.migrations import apply


async def brings_tables(folder: Path) -> None:
    """Its migration runs limited to its prefix."""
    table = "CREATE TABLE IF NOT EXISTS probe_scans (id {uuid} PRIMARY KEY)"
    brought = Migration(app="probe", name="0001_scans", steps=(Step("probe_scans", table),))
    async with site_with(folder, register_migrations=lambda: [brought]) as site:
        await apply(site.core.store, site.core.host.registered()["probe"].migrations)
        assert await site.core.store.fetch_all("SELECT id FROM probe_scans") == []


async def brings_content_types(folder: Path) -> None:
    """Entries of it can be written and read."""
    async with site_with(folder) as site:
        entry = await site.published("probe.thing", count=3)
        assert (await site.find(entry) or {})["count"] == 3


async def brings_roles(folder: Path) -> None:
    """Members can hold it, and it allows what it says."""
    creating = PolicyInput(effect="allow", type="probe.thing", actions=("read", "read_draft", "create"))
    role = Role(name="probe.maker", title="Makes", policies=(creating,))
    async with site_with(folder, register_roles=lambda: [role]) as site:
        maker, member = await site.person("probe.maker"), await site.person("member")
        data = site.data("probe.thing")
        assert (await maker.post("content/probe.thing", data)).status_code == 201
        assert (await member.post("content/probe.thing", data)).status_code == 403


async def brings_routes(folder: Path) -> None:
    """They answer where the plugin is active, and 404 where it is not."""

    @route("GET", "/api/spaces/{space}/probe/echo", public=True)
    async def echo(call: Call) -> Answer:
        """Say where we are."""
        return Answer.json({"space": call.space.name})

    async with site_with(folder, register_routes=lambda: [echo]) as site:
        assert (await site.anonymous.get("probe/echo")).json() == {"space": "demo"}
        await site.administrator.patch("/api/spaces/demo", {"plugins": []})
        assert (await site.anonymous.get("probe/echo")).status_code == 404


async def brings_importers(folder: Path) -> None:
    """The host knows it by its format."""

    class Importer:
        name = "probe-csv"

        async def run(self, path: Path, target: Any, options: Mapping[str, str]) -> ImportSummary:
            return ImportSummary()

    async with site_with(folder, register_importers=lambda: [Importer()]) as site:
        brought = site.core.host.registered()["probe"].importers
        assert [importer.name for importer in brought] == ["probe-csv"]


async def brings_demo_content(folder: Path) -> None:
    """The host has it for the demo."""
    content = DemoContent(entries=())
    async with site_with(folder, register_demo_content=lambda: [content]) as site:
        assert site.core.host.registered()["probe"].demo_content == (content,)


async def brings_event_types(folder: Path) -> None:
    """Who has the permission in the space is told of them, as CloudEvents; others are not."""

    class Ring(Struct, frozen=True):
        times: int

    kind = EventType(name="bell.rung", summary="The bell rang.", data=Ring, permission="manage:space")
    async with site_with(folder, register_event_types=lambda: [kind]) as site:
        core, space = site.core, site.core.registry.spaces()[0]
        rung = Event(
            type="bell.rung", space_key=space.key, subject_type="bell", subject_id="1", at=core.clock.now(),
            data={"times": 3},
        )  # fmt: skip
        await core.store.commit([event_statement(rung)])
        events = await read_after(core.store, await last_position(core.store) - 1, 1)
        (told,) = await event_views(core, system("test"), space, events)
        assert told is not None
        assert (told.type, told.data) == ("bell.rung", {"id": "1", "times": 3})
        assert await event_views(core, ANONYMOUS, space, events) == [None]


async def brings_jobs(folder: Path) -> None:
    """A stored one is done by its handler, and one with a cron expression at its tick."""
    done: list[tuple[str, Any]] = []

    async def run(core: Core, job: Job, finished: Statement) -> None:
        done.append((job.kind, job.payload.get("seat")))
        await core.store.commit([finished])

    kinds = [JobKind(name="probe.remind", run=run), JobKind(name="probe.tidy", run=run, cron="0 3 * * *")]
    async with site_with(folder, register_jobs=lambda: kinds) as site:
        key = site.space.key
        job = NewJob(kind="probe.remind", space_key=key, payload={"seat": 4}, run_at=site.clock.now())
        await site.core.store.commit([job_statement(job)])
        await site.core.jobs.run_due()
        site.clock.move(days=1)
        await site.core.jobs.run_due()
        assert done == [("probe.remind", 4), ("probe.tidy", None)]
