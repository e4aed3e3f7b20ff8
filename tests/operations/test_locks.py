"""Edit locks: a lease that every verb respects, and that frees itself by the clock."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from site_support import ARTICLE, PERSON, Site, open_site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.operations import entries
from maydan.operations.core import as_system
from maydan.operations.scopes import scope_of

pytestmark = pytest.mark.anyio

LIST = "/api/spaces/demo/content/article"
PEOPLE = "/api/spaces/demo/content/person"
WORKFLOW: dict[str, Any] = {
    "name": "desk", "states": ["new", "done"], "initial": "new", "final": ["done"],
    "transitions": [{"name": "close", "from": ["new"], "to": "done"}],
}  # fmt: skip


@pytest.fixture
async def one_site(sqlite_url: str) -> AsyncIterator[Site]:
    """A site for rules that no engine has a part in."""
    async with open_site(sqlite_url) as opened:
        await opened.define(PERSON)
        await opened.define({**ARTICLE, "workflow": WORKFLOW})
        yield opened


async def test_no_verb_changes_what_somebody_else_has_locked(site: Site) -> None:
    """Patch, put, delete, purge, publish now and later, restore: 409 with until when; the holder goes on."""
    path = f"{LIST}/{(await site.entry({'title': 'Mine'}))['id']}"
    ann, bob = await site.account("ann@example.org", "editor"), await site.account("bob@example.org", "editor")
    taken = await site.post(f"{path}/lock", headers=ann)
    assert taken.status_code == 200, taken.text
    assert taken.json()["holder"]["name"] == "ann"
    assert taken.json()["is_yours"] is True
    before = (await site.get(f"{path}?perspective=draft", headers=bob)).content
    later = {"at": "2040-01-01T00:00:00Z"}
    for answer in (
        await site.patch(path, {"title": "Yours"}, headers=bob),
        await site.put(path, {"title": "Yours"}, headers={**bob, "if-match": "*"}),
        await site.delete(path, headers=bob),
        await site.delete(f"{path}?purge=true", headers=bob),
        await site.post(f"{path}/publish", headers=bob),
        await site.post(f"{path}/publish", later, headers=bob),
        await site.post(f"{path}/unpublish", headers=bob),
        await site.post(f"{path}/versions/1/restore", headers=bob),
        await site.post(f"{path}/lock", headers=bob),
    ):
        assert answer.status_code == 409, (answer.request.method, answer.request.url, answer.text)
        problem = answer.json()
        assert (problem["code"], problem["expires_at"]) == ("locked", taken.json()["expires_at"])
        assert problem["holder"]["name"] == "ann"
    assert (await site.get(f"{path}?perspective=draft", headers=bob)).content == before
    assert (await site.get(f"{path}/status", headers=bob)).json()["items"][0].get("publish_at") is None
    assert (await site.patch(path, {"title": "Still mine"}, headers=ann)).status_code == 200
    assert (await site.post(f"{path}/publish", headers=ann)).status_code == 200


async def test_a_lock_frees_itself_and_may_be_renewed_or_let_go(site: Site) -> None:
    """The clock ends a lease; a renewal moves its end and keeps its beginning."""
    path = f"{LIST}/{(await site.entry({'title': 'Mine'}))['id']}"
    ann, bob = await site.account("ann@example.org", "editor"), await site.account("bob@example.org", "editor")
    first = (await site.post(f"{path}/lock", {"ttl": 60}, headers=ann)).json()
    site.clock.forward(seconds=50)
    again = (await site.post(f"{path}/lock", {"ttl": 60}, headers=ann)).json()
    assert again["taken_at"] == first["taken_at"]
    assert again["expires_at"] > first["expires_at"]
    site.clock.forward(seconds=50)
    assert (await site.patch(path, {"title": "Too soon"}, headers=bob)).json()["code"] == "locked"
    site.clock.forward(seconds=11)
    assert (await site.get(f"{path}/lock", headers=bob)).status_code == 404
    assert (await site.patch(path, {"title": "Now"}, headers=bob)).status_code == 200
    assert (await site.post(f"{path}/lock", headers=bob)).json()["taken_at"] > first["taken_at"]
    assert (await site.delete(f"{path}/lock", headers=ann)).status_code == 403
    assert (await site.delete(f"{path}/lock", headers=bob)).status_code == 204
    assert (await site.delete(f"{path}/lock", headers=bob)).status_code == 204
    assert (await site.patch(path, {"title": "Free"}, headers=ann)).status_code == 200


async def test_who_manages_the_space_takes_a_lock_over(one_site: Site) -> None:
    """Others may not; whoever lost it is then stopped as anybody."""
    site = one_site
    path = f"{LIST}/{(await site.entry({'title': 'Mine'}))['id']}"
    ann, bob = await site.account("ann@example.org", "editor"), await site.account("bob@example.org", "editor")
    boss = await site.account("boss@example.org", "manager")
    await site.post(f"{path}/lock", headers=ann)
    assert (await site.post(f"{path}/lock", {"take_over": True}, headers=bob)).status_code == 403
    assert (await site.post(f"{path}/lock", headers=boss)).json()["code"] == "locked"
    taken = await site.post(f"{path}/lock", {"take_over": True}, headers=boss)
    assert taken.json()["holder"]["name"] == "boss"
    assert (await site.patch(path, {"title": "Lost"}, headers=ann)).json()["holder"]["name"] == "boss"
    await site.post(f"{path}/lock", {"take_over": True}, headers=boss)
    assert (await site.delete(f"{path}/lock", headers=boss)).status_code == 204
    assert (await site.patch(path, {"title": "Back"}, headers=ann)).status_code == 200


async def test_a_lock_says_nothing_to_those_who_may_not_know(one_site: Site) -> None:
    """Readers cannot lock or see it, and who writes without reading drafts is not told who holds it."""
    site = one_site
    path = f"{LIST}/{(await site.entry({'title': 'Mine'}))['id']}"
    ann, reader = await site.account("ann@example.org", "editor"), await site.account("cleo@example.org", "member")
    policy = {"effect": "allow", "type": "article", "actions": ["update"]}
    await site.put("/api/spaces/demo/roles/fixer", {"policies": [policy]}, headers=site.admin)
    fixer = await site.account("dan@example.org", "fixer")
    await site.post(f"{path}/lock", headers=ann)
    refused = await site.patch(path, {"title": "No"}, headers=fixer)
    assert (refused.json()["code"], "holder" in refused.json()) == ("locked", False)
    assert (await site.get(f"{path}/lock", headers=fixer)).json()["holder"] is None
    for method in ("GET", "POST", "DELETE"):
        assert (await site.client.request(method, f"{path}/lock", headers=reader)).status_code == 403
        assert (await site.client.request(method, f"{path}/lock")).status_code == 401
        gone = f"{LIST}/0190a8b0-0000-7000-8000-000000000000/lock"
        assert (await site.client.request(method, gone, headers=ann)).status_code == 404
    draft = f"{LIST}/{(await site.entry({'title': 'Hidden'}, publish=False))['id']}/lock"
    assert (await site.post(draft, headers=reader)).status_code == 404
    assert (await site.post(f"{path}/lock", {"ttl": 0}, headers=ann)).json()["errors"][0]["pointer"] == "/ttl"
    assert (await site.post(f"{path}/lock", {"by": "me"}, headers=ann)).status_code == 422


async def test_other_refusals_come_before_a_lock(one_site: Site) -> None:
    """412 and 422 come before 409, as everywhere."""
    site = one_site
    path = f"{LIST}/{(await site.entry({'title': 'Mine'}))['id']}"
    ann, bob = await site.account("ann@example.org", "editor"), await site.account("bob@example.org", "editor")
    await site.post(f"{path}/lock", headers=ann)
    assert (await site.patch(path, {"title": "x"}, tag='"9-x"', headers=bob)).status_code == 412
    assert (await site.patch(path, {"title": "x"}, tag=None, headers=bob)).status_code == 428
    assert (await site.patch(path, {"rating": 9}, headers=bob)).status_code == 422


async def test_a_bulk_and_a_transition_meet_locks_and_the_system_does_not(one_site: Site) -> None:
    """Only the locked line of a bulk fails; what was planned is carried out."""
    site = one_site
    mine = (await site.entry({"title": "Mine"}))["id"]
    free = (await site.entry({"title": "Free"}))["id"]
    ann, bob = await site.account("ann@example.org", "editor"), await site.account("bob@example.org", "editor")
    await site.post(f"{LIST}/{mine}/lock", headers=ann)
    assert (await site.post(f"{LIST}/{mine}/transitions/close", headers=bob)).json()["code"] == "locked"
    lines = [{"op": "update", "type": "article", "id": one, "data": {"rating": 1}} for one in (mine, free)]
    answer = await site.client.post(
        "/api/spaces/demo/bulk", content="\n".join(json.dumps(line) for line in lines),
        headers={**bob, "content-type": "application/x-ndjson"},
    )  # fmt: skip
    results = [json.loads(line) for line in answer.text.splitlines()]
    assert [result["status"] for result in results] == [409, 200]
    assert results[0]["problem"]["code"] == "locked"
    scope = await scope_of(site.core, as_system("planned"), site.space, "article")
    await entries.unpublish(scope, mine)
    assert (await site.get(f"{LIST}/{mine}", headers=bob)).status_code == 404


async def test_a_deletion_leaves_alone_what_is_locked_beside_it(one_site: Site) -> None:
    """Taking the link out of a locked entry is a change of it; nothing is deleted then. A lock ends with its entry."""
    site = one_site
    author = (await site.entry({"name": "Ann"}, type="person", publish=False))["id"]
    path = f"{LIST}/{(await site.entry({'title': 'By Ann', 'author': author}))['id']}"
    ann, bob = await site.account("ann@example.org", "editor"), await site.account("bob@example.org", "editor")
    await site.post(f"{path}/lock", headers=ann)
    assert (await site.delete(f"{PEOPLE}/{author}", headers=bob)).json()["code"] == "locked"
    assert (await site.get(f"{path}?perspective=draft", headers=bob)).json()["author"] == author
    assert (await site.delete(f"{PEOPLE}/{author}", headers=ann)).status_code == 204
    assert (await site.delete(path, headers=ann)).status_code == 204
    assert (await site.post(f"{path}/restore", headers=bob)).status_code == 200
    assert (await site.patch(path, {"title": "Bob's"}, headers=bob)).status_code == 200


async def test_nothing_is_written_beside_a_lock_that_was_given(site: Site) -> None:
    """Whatever others had begun is stored before the lock is given, or refused."""
    path = f"{LIST}/{(await site.entry({'title': 'Mine', 'rating': 0}))['id']}"
    ann, bob = await site.account("ann@example.org", "editor"), await site.account("bob@example.org", "editor")

    async def lock() -> int:
        await asyncio.sleep(0.005)
        assert (await site.post(f"{path}/lock", headers=ann)).status_code == 200
        return (await site.get(f"{path}?perspective=draft", headers=ann)).json()["version"]

    writes = [site.patch(path, {"title": f"By {number}"}, headers=bob) for number in range(8)]
    answers, seen = await asyncio.gather(asyncio.gather(*writes), lock())
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert (await site.get(f"{path}?perspective=draft", headers=ann)).json()["version"] == seen


ENDS: dict[str, tuple[str, str, dict[str, Any] | None]] = {
    "leaves the space": ("DELETE", "/api/spaces/demo/members/{id}", None),
    "has another role": ("PUT", "/api/spaces/demo/members/{id}", {"roles": ["member"]}),
    "is suspended": ("PATCH", "/api/users/{id}", {"suspended": True}),
}
"""Requests after which somebody may not update entries any more."""


@pytest.mark.parametrize("how", ENDS)
async def test_a_lock_of_somebody_who_may_not_write_any_more_stops_nobody(site: Site, how: str) -> None:
    """Whoever may writes, locks, frees and deletes, also what it is linked from; nobody is told of the lock."""
    person = (await site.entry({"name": "Ann"}, type="person", publish=False))["id"]
    entries = [await site.entry({"title": title}) for title in ("One", "Two", "Three", "Four", "Five")]
    paths = [f"{LIST}/{entry['id']}" for entry in entries]
    await site.patch(paths[4], {"author": person}, headers=site.admin)
    ann, bob = await site.account("ann@example.org", "editor"), await site.account("bob@example.org", "editor")
    for path in paths:
        assert (await site.post(f"{path}/lock", {"ttl": 86_400}, headers=ann)).status_code == 200
    assert (await site.patch(paths[0], {"rating": 1}, headers=bob)).json()["code"] == "locked"
    method, place, body = ENDS[how]
    place = place.format(id=(await site.get("/api/me", headers=ann)).json()["id"])
    ended = await site.client.request(method, place, json=body, headers={**site.admin, "if-match": "*"})
    assert ended.is_success, ended.text
    assert (await site.get(f"{paths[0]}/lock", headers=bob)).status_code == 404
    for answer in (
        await site.patch(paths[0], {"rating": 1}, headers=bob),
        await site.post(f"{paths[1]}/publish", {"at": "2040-01-01T00:00:00Z"}, headers=bob),
        await site.post(f"{paths[2]}/lock", headers=bob),
        await site.delete(f"{paths[3]}/lock", headers=bob),
        await site.delete(f"{PEOPLE}/{person}", headers=bob),
    ):
        assert answer.is_success, (answer.request.method, answer.request.url, answer.text)
    assert (await site.get(f"{paths[2]}/lock", headers=bob)).json()["is_yours"] is True
    left = await site.core.store.fetch_all("SELECT entry_id FROM maydan_locks ORDER BY entry_id")
    assert [str(row[0]) for row in left] == [entries[2]["id"]]


async def test_a_lock_counts_by_what_its_holder_may_do_with_the_entry(one_site: Site) -> None:
    """By a role's condition or by a share, whatever they may do with other entries."""
    site = one_site
    mine, shared = [f"{LIST}/{(await site.entry({'title': title}))['id']}" for title in ("Mine", "Shared")]
    policy = {"effect": "allow", "type": "article", "actions": ["update"], "condition": {"rating": {"eq": 1}}}
    await site.put("/api/spaces/demo/roles/ones", {"policies": [policy]}, headers=site.admin)
    await site.patch(mine, {"rating": 1}, headers=site.admin)
    ann, bob = await site.account("ann@example.org", "ones"), await site.account("bob@example.org", "editor")
    user = (await site.get("/api/me", headers=ann)).json()["id"]
    share = (await site.post(f"{shared}/shares", {"user": user, "rights": "edit"}, headers=site.admin)).json()
    for path in (mine, shared):
        assert (await site.post(f"{path}/lock", headers=ann)).status_code == 200
        assert (await site.patch(path, {"code": path}, headers=bob)).json()["code"] == "locked"
    others = {"policies": [{**policy, "condition": {"rating": {"eq": 2}}}]}
    await site.put("/api/spaces/demo/roles/ones", others, headers={**site.admin, "if-match": "*"})
    await site.delete(f"{shared}/shares/{share['id']}", headers=site.admin)
    for path in (mine, shared):
        assert (await site.patch(path, {"code": path}, headers=bob)).status_code == 200
