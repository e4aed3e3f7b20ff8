"""Entries go through the workflow of their type: who may, what it needs, what follows, and what happens by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from site_support import Site, open_site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.app import create_core, running
from maydan.errors import Conflict
from maydan.operations.core import as_system
from maydan.operations.schedules import run_due
from maydan.operations.scopes import scope_of
from maydan.operations.transitions import transition
from maydan.plugins.host import PluginHost
from maydan.settings import read
from maydan.storage.log import read_after

pytestmark = pytest.mark.anyio

LIST = "/api/spaces/demo/content/case"
TYPES = "/api/spaces/demo/types/case"
DESK: dict[str, Any] = {
    "name": "desk",
    "states": ["new", "open", "shown", "closed"],
    "initial": "new",
    "final": ["closed"],
    "transitions": [
        {"name": "accept", "from": ["new"], "to": "open", "required": ["title"], "effects": [{"set": {"at": "$now"}}]},
        {"name": "show", "from": ["open"], "to": "shown", "roles": ["editor"], "effects": ["publish"]},
        {"name": "hide", "from": ["shown"], "to": "open", "effects": ["unpublish", {"set": {"note": "hidden"}}]},
        {"name": "close", "from": ["new", "open", "shown"], "to": "closed"},
        {"name": "expire", "from": ["open"], "to": "closed", "after": "PT24H"},
    ],
}
CASE: dict[str, Any] = {
    "name": "case",
    "fields": [
        {"name": "title", "kind": "string", "localized": True},
        {"name": "note", "kind": "string"},
        {"name": "at", "kind": "datetime"},
    ],
    "workflow": DESK,
}


@pytest.fixture
async def one_site(sqlite_url: str) -> AsyncIterator[Site]:
    """A site for rules that no engine has a part in."""
    async with open_site(sqlite_url) as opened:
        yield opened


async def case(site: Site, title: str | None = "Lost keys") -> str:
    """Make an entry; returns its path."""
    made = await site.entry({"title": title} if title else {}, type="case", publish=False)
    return f"{LIST}/{made['id']}"


async def step(site: Site, path: str, name: str, **more: Any) -> Any:
    """Take a step as the administrator."""
    return await site.post(f"{path}/transitions/{name}", headers={**site.admin, **more})


async def state(site: Site, path: str) -> str:
    """The state in which an entry is."""
    return (await site.get(f"{path}?perspective=draft", headers=site.admin)).json()["state"]


async def events(site: Site, path: str) -> list[tuple[str, dict[str, Any]]]:
    """What the log says of an entry."""
    entry_id = path.rpartition("/")[2]
    logged = await read_after(site.core.store, 0, 1000)
    return [(event.type, event.data) for event in logged if event.subject_id == entry_id]


async def test_an_entry_goes_from_state_to_state_with_the_effects_of_each_step(site: Site) -> None:
    """All in one transaction, told by one event each; a step sets fields, publishes and unpublishes."""
    await site.define(CASE)
    path = await case(site)
    assert await state(site, path) == "new"
    accepted = await step(site, path, "accept")
    assert accepted.status_code == 200
    assert (accepted.json()["state"], accepted.json()["version"]) == ("open", 2)
    assert accepted.json()["at"] is not None
    assert (await site.get(path)).status_code == 404
    shown = await step(site, path, "show")
    assert (shown.json()["state"], shown.json()["status"], shown.json()["version"]) == ("shown", "published", 2)
    assert (await site.get(path)).json()["state"] == "shown"
    hidden = await step(site, path, "hide")
    assert (hidden.json()["state"], hidden.json()["note"]) == ("open", "hidden")
    assert (await site.get(path)).status_code == 404
    told = await events(site, path)
    assert [kind for kind, _ in told] == [
        "entry.created",
        "entry.transitioned",
        "entry.updated",
        "entry.transitioned",
        "entry.published",
        "entry.transitioned",
        "entry.updated",
        "entry.unpublished",
    ]
    assert told[1][1] == {"transition": "accept", "from": "new", "to": "open"}
    assert told[4][1] == {"locales": ["en"]}


async def test_what_may_be_done_is_told_and_all_else_refused(one_site: Site) -> None:
    """An illegal step is 409 with what is allowed, a missing field 422, an unknown step 404; nothing is changed."""
    site = one_site
    await site.define(CASE)
    path = await case(site, title=None)
    found = (await site.get(f"{path}/transitions", headers=site.admin)).json()
    assert (found["state"], [item["name"] for item in found["items"]]) == ("new", ["accept", "close"])
    refused = await step(site, path, "show")
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_transition")
    assert (refused.json()["allowed"], refused.json()["state"]) == (["accept", "close"], "new")
    incomplete = await step(site, path, "accept")
    assert incomplete.status_code == 422
    assert [error["pointer"] for error in incomplete.json()["errors"]] == ["/title"]
    assert (await step(site, path, "fly")).status_code == 404
    assert (await step(site, f"{LIST}/01a205a9-3fcf-7094-a5af-39927a08eb43", "accept")).status_code == 404
    assert (await site.post(f"{path}/transitions/accept")).status_code == 401
    assert await state(site, path) == "new"
    document = (await site.get("/api/spaces/demo/openapi.json", headers=site.admin)).json()
    assert document["components"]["schemas"]["Entry.case"]["properties"]["state"]["enum"] == DESK["states"]
    assert f"{LIST}/{{entry}}/transitions/{{transition}}" in document["paths"]
    ignored = await step(site, path, "close", **{"if-match": '"9-x"'})
    assert ignored.status_code == 200, "a POST ignores If-Match"
    assert (await step(site, path, "close")).json()["allowed"] == []
    writing = await site.patch(path, {"state": "open"}, headers=site.admin)
    assert writing.status_code == 422


async def test_permission_and_role_are_both_needed(one_site: Site) -> None:
    """A policy names ``transition:<name>``, the step may name roles besides; 403 otherwise, and it is not listed."""
    site = one_site
    await site.define(CASE)
    clerk = {
        "policies": [
            {"effect": "allow", "type": "case", "actions": ["read", "read_draft"], "fields": ["*"]},
            {"effect": "allow", "type": "case", "actions": ["transition:accept", "transition:show"]},
        ]
    }
    assert (await site.put("/api/spaces/demo/roles/clerk", clerk, headers=site.admin)).status_code == 201
    ann = await site.account("ann@example.org", "clerk")
    path = await case(site)
    found = (await site.get(f"{path}/transitions", headers=ann)).json()
    assert [item["name"] for item in found["items"]] == ["accept"]
    assert (await site.post(f"{path}/transitions/close", headers=ann)).status_code == 403
    assert (await site.post(f"{path}/transitions/accept", headers=ann)).status_code == 200
    assert (await site.post(f"{path}/transitions/show", headers=ann)).status_code == 403
    bob = await site.account("bob@example.org", "editor")
    assert (await site.post(f"{path}/transitions/show", headers=bob)).status_code == 200


async def test_of_rivals_exactly_one_wins(site: Site, database_url: str) -> None:
    """Also between workers; the others are told that the entry is elsewhere by now. Lists go by the state."""
    await site.define(CASE)
    path = await case(site)
    settings = read({"database": {"url": database_url}}, {})
    async with running(create_core(settings, PluginHost.empty())) as other_worker:
        space = await other_worker.registry.find_space("demo")
        assert space is not None
        there = await scope_of(other_worker, as_system("test"), space, "case")

        async def elsewhere() -> int:
            try:
                await transition(there, path.rpartition("/")[2], "accept")
            except Conflict as error:
                return 409 if error.error_code == "invalid_transition" else 500
            return 200

        async def here() -> int:
            return (await step(site, path, "accept")).status_code

        rivals = [call() for _ in range(4) for call in (here, elsewhere)]
        assert sorted(await asyncio.gather(*rivals)) == [200] + [409] * 7
    assert [kind for kind, _ in await events(site, path)].count("entry.transitioned") == 1
    other = await case(site)
    listed = await site.get(f"{LIST}?perspective=draft&filter[state][eq]=open", headers=site.admin)
    assert [item["id"] for item in listed.json()["items"]] == [path.rpartition("/")[2]]
    listed = await site.get(f"{LIST}?perspective=draft&sort=state", headers=site.admin)
    assert [item["id"] for item in listed.json()["items"]] == [each.rpartition("/")[2] for each in (other, path)]


async def test_time_takes_a_step_unless_the_entry_has_left(site: Site) -> None:
    """Counted from the moment at which it came into the state; also past the trash; once."""
    await site.define(CASE)
    waits, leaves, gone = [await case(site) for _ in range(3)]
    for path in (waits, leaves, gone):
        await step(site, path, "accept")
    planned = (await site.get(f"{waits}/transitions", headers=site.admin)).json()["planned"]
    assert [plan["name"] for plan in planned] == ["expire"]
    await step(site, leaves, "show")
    await site.delete(gone, headers=site.admin)
    site.clock.forward(hours=23)
    assert await run_due(site.core) == 0
    site.clock.forward(hours=2)
    site.admin = await site.log_in("admin@example.org")
    assert await run_due(site.core) == 1
    assert (await state(site, waits), await state(site, leaves)) == ("closed", "shown")
    await site.post(f"{gone}/restore", headers=site.admin)
    assert await run_due(site.core) == 1
    assert await state(site, gone) == "closed"
    assert await run_due(site.core) == 0
    jobs = (await site.get("/api/spaces/demo/jobs?kind=transition", headers=site.admin)).json()["items"]
    assert {job["status"] for job in jobs} == {"done"}


async def test_a_changed_workflow_takes_its_entries_along(site: Site) -> None:
    """Entries get the first state with the first workflow; states that go need a mapping while entries sit there."""
    await site.define({**CASE, "workflow": None})
    path = await case(site)
    assert (await site.get(f"{TYPES}/workflow", headers=site.admin)).status_code == 404
    assert "state" not in (await site.get(f"{path}?perspective=draft", headers=site.admin)).json()
    made = await site.put(f"{TYPES}/workflow", DESK, headers=site.admin)
    assert (made.status_code, made.json()) == (201, DESK)
    assert await state(site, path) == "new"
    assert (await step(site, path, "accept")).status_code == 200
    renamed: dict[str, Any] = {
        "name": "desk", "states": ["new", "working", "closed"], "initial": "new", "final": ["closed"],
        "transitions": [
            {"name": "accept", "from": ["new"], "to": "working"},
            {"name": "finish", "from": ["working"], "to": "closed", "after": "PT1H"},
        ],
    }  # fmt: skip
    assert (await site.put(f"{TYPES}/workflow", renamed, headers=site.admin)).status_code == 428
    matched = {**site.admin, "if-match": made.headers["etag"]}
    refused = await site.put(f"{TYPES}/workflow", renamed, headers=matched)
    assert (refused.status_code, refused.json()["code"]) == (409, "states_in_use")
    assert refused.json()["states"] == {"open": 1}
    wrong = await site.put(f"{TYPES}/workflow", {**renamed, "mapping": {"new": "closed"}}, headers=matched)
    assert [error["pointer"] for error in wrong.json()["errors"]] == ["/mapping/new"]
    mapped = await site.put(f"{TYPES}/workflow", {**renamed, "mapping": {"open": "working"}}, headers=matched)
    assert (mapped.status_code, mapped.json()) == (200, renamed)
    assert await state(site, path) == "working"
    listed = await site.get(f"{LIST}?perspective=draft&filter[state][eq]=working", headers=site.admin)
    assert len(listed.json()["items"]) == 1
    site.clock.forward(hours=2)
    site.admin = await site.log_in("admin@example.org")
    assert await run_due(site.core) == 1
    assert (await site.get(TYPES, headers=site.admin)).json()["workflow"] == renamed


async def test_a_type_with_a_workflow_that_cannot_work_is_not_stored(one_site: Site) -> None:
    """The pointer leads to the place, also when the change is one of fields; a rename is followed."""
    site = one_site
    broken: dict[str, Any] = {**DESK, "transitions": [{"name": "go", "from": ["new"], "to": "nowhere"}]}
    refused = await site.post("/api/spaces/demo/types", {**CASE, "workflow": broken}, headers=site.admin)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/workflow/transitions/0/to"
    value = {"name": "go", "from": ["new"], "to": "closed", "effects": [{"set": {"at": "soon"}}], "roles": ["nobody"]}
    two: dict[str, Any] = {"name": "two", "states": ["new", "closed"], "initial": "new", "final": ["closed"]}
    await site.define({**CASE, "workflow": None})
    refused = await site.put(f"{TYPES}/workflow", {**two, "transitions": [value]}, headers=site.admin)
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/transitions/0/roles/0"]
    value["roles"] = []
    refused = await site.put(f"{TYPES}/workflow", {**two, "transitions": [value]}, headers=site.admin)
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/transitions/0/effects/0/set/at"]
    assert (await site.put(f"{TYPES}/workflow", DESK, headers=site.admin)).status_code == 201
    fields = [field for field in CASE["fields"] if field["name"] != "title"]
    refused = await site.client.patch(
        f"{TYPES}?allow_drop=true", json={"fields": fields}, headers={**site.admin, "if-match": "*"}
    )
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/workflow/transitions/0/required/0"]
    renamed = await site.patch(TYPES, {"rename": {"title": "subject"}}, headers=site.admin)
    assert renamed.json()["workflow"]["transitions"][0]["required"] == ["subject"]
