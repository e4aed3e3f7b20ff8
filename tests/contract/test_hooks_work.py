"""Every hook does in a running instance what ``hookspecs.py`` says: one scenario each, and none is missing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import Struct

from maydan.access.actors import ANONYMOUS, system
from maydan.errors import PluginFailed
from maydan.operations.erasing import erase, plan_erasure
from maydan.operations.event_views import event_views
from maydan.plugin import (
    Answer,
    Call,
    ContentType,
    Core,
    DemoContent,
    Event,
    EventType,
    Field,
    Health,
    HookRefused,
    ImportSummary,
    Job,
    JobKind,
    Kind,
    Migration,
    NewJob,
    PolicyInput,
    Role,
    Statement,
    Step,
    Transition,
    Workflow,
    event_statement,
    hookimpl,
    job_statement,
    route,
)
from maydan.plugins.discovery import FoundPlugin
from maydan.plugins.implementations import hook_arguments
from maydan.plugins.manifest import check_manifest
from maydan.storage.log import last_position, read_after
from maydan.storage.migrations import apply
from maydan.testing import Site, open_site

pytestmark = pytest.mark.anyio

THING = ContentType(
    name="probe.thing",
    fields=(Field(name="title", kind=Kind.STRING, localized=True), Field(name="count", kind=Kind.INTEGER)),
    engagement=("comments",),
    workflow=Workflow(
        name="work",
        states=("open", "done"),
        initial="open",
        final=("done",),
        transitions=(Transition(name="finish", sources=("open",), to="done"),),
    ),
)
COMMENT = {"text": "A thought."}
Scenario = Callable[[Path], Awaitable[None]]


@asynccontextmanager
async def site_with(folder: Path, **hooks: Callable[..., Any]) -> AsyncGenerator[Site]:
    """An instance with one plugin that has one content type, and these hooks."""
    hooks.setdefault("register_content_types", lambda: [THING])
    target = SimpleNamespace(**{name: hookimpl(function) for name, function in hooks.items()})
    manifest = check_manifest(
        {"name": "probe", "version": "1.0", "hook_api": ">=1,<2", "content_types": ["probe.thing"]}
    )
    found = [FoundPlugin(name="probe", manifest=manifest, load=lambda: target)]
    async with open_site(folder, ["probe"], found=found) as site:
        yield site


async def refuse() -> None:
    """Say no."""
    raise HookRefused("the probe says no")


def is_refusal(answer: Any) -> bool:
    """Whether the probe said no."""
    return (answer.status_code, answer.json()["detail"]) == (409, "the probe says no")


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


async def transforms_input(folder: Path) -> None:
    """On creating, patching and replacing; what it adds is validated like everything else."""

    async def double(type: ContentType, data: dict[str, Any]) -> dict[str, Any]:
        assert type.name == "probe.thing"
        return data | {"count": data["count"] * 2} if "count" in data else data

    async with site_with(folder, transform_entry_input=double) as site:
        entry = await site.draft("probe.thing", count=2)
        assert entry.data["count"] == 4
        assert (await site.administrator.patch(entry.path, {"count": 5})).json()["count"] == 10
        assert (await site.administrator.post("content/probe.thing", {"count": 2**53})).status_code == 422


async def vetoes_creating(folder: Path) -> None:
    """Nothing is stored and nothing happened."""
    async with site_with(folder, check_entry_create=refuse) as site:
        assert is_refusal(await site.administrator.post("content/probe.thing", site.data("probe.thing")))
        listed = await site.administrator.get("content/probe.thing?perspective=draft&count=exact")
        assert listed.json()["total"] == 0
        await site.settled()
        assert site.events.of("entry.created") == []


async def vetoes_updating(folder: Path) -> None:
    """It sees the entry as it was and as it would be; the old version stays."""
    seen: list[tuple[int, int]] = []

    async def look(before: Any, after: Any) -> None:
        seen.append((before.fields["count"], after.fields["count"]))
        raise HookRefused("the probe says no")

    async with site_with(folder, check_entry_update=look) as site:
        entry = await site.draft("probe.thing", count=1)
        assert is_refusal(await site.administrator.patch(entry.path, {"count": 2}))
        assert seen == [(1, 2)]
        assert (await site.administrator.get(f"{entry.path}?perspective=draft")).json()["count"] == 1


async def vetoes_publishing(folder: Path) -> None:
    """It is told the locales; readers do not get it."""
    seen: list[tuple[str, ...]] = []

    async def look(locales: tuple[str, ...]) -> None:
        seen.append(locales)
        raise HookRefused("the probe says no")

    async with site_with(folder, check_entry_publish=look) as site:
        entry = await site.draft("probe.thing", title={"en": "Hello", "ar": "مرحبا"})
        assert is_refusal(await site.administrator.post(f"{entry.path}/publish", {"locales": ["ar"]}))
        assert seen == [("ar",)]
        assert await site.find(entry) is None


async def vetoes_unpublishing(folder: Path) -> None:
    """It stays published."""
    async with site_with(folder, check_entry_unpublish=refuse) as site:
        entry = await site.published("probe.thing")
        assert is_refusal(await site.administrator.post(f"{entry.path}/unpublish"))
        assert await site.find(entry) is not None


async def vetoes_deleting(folder: Path) -> None:
    """It stays."""
    async with site_with(folder, check_entry_delete=refuse) as site:
        entry = await site.published("probe.thing")
        assert is_refusal(await site.administrator.delete(entry.path))
        assert await site.find(entry) is not None


async def vetoes_transitions(folder: Path) -> None:
    """It sees the entry where it stands, and stays there."""
    seen: list[Any] = []

    async def check(entry: Any, transition: str, to: str) -> None:
        seen.append((entry.state, transition, to))
        await refuse()

    async with site_with(folder, check_entry_transition=check) as site:
        entry = await site.draft("probe.thing")
        assert is_refusal(await site.administrator.post(f"{entry.path}/transitions/finish"))
        assert seen == [("open", "finish", "done")]
        assert (await site.administrator.get(f"{entry.path}?perspective=draft")).json()["state"] == "open"


async def vetoes_commenting(folder: Path) -> None:
    """It sees the comment and what it is on."""
    seen: list[tuple[str, str]] = []

    async def look(comment: Any, entry: Any) -> None:
        seen.append((comment.text, entry.id))
        raise HookRefused("the probe says no")

    async with site_with(folder, check_comment_create=look) as site:
        entry = await site.published("probe.thing")
        assert is_refusal(await site.administrator.post(f"{entry.path}/comments", COMMENT))
        assert seen == [("A thought.", entry.id)]


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
