"""Handing out rights, and taking denials back: nobody gives what they lack, and nobody is locked out for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from site_support import Site, open_articles  # pyright: ignore[reportMissingImports] - tests/support

from maydan.errors import Conflict
from maydan.operations.core import Caller, as_system
from maydan.operations.policy_files import import_policies

pytestmark = pytest.mark.anyio

ROLES = "/api/spaces/demo/roles"
MEMBERS = "/api/spaces/demo/members"
INVITATIONS = "/api/spaces/demo/invitations"
ARTICLES = "/api/spaces/demo/content/article"
NO_TITLES = {"effect": "deny", "type": "article", "actions": ["read"], "fields": ["title"]}
NO_PUBLISHING = {"effect": "deny", "type": "article", "actions": ["publish"]}
FLOW = {
    "name": "flow", "states": ["new", "old"], "initial": "new", "final": ["old"],
    "transitions": [{"name": "age", "from": ["new"], "to": "old", "roles": ["board"]}],
}  # fmt: skip


@pytest.fixture
async def site(database_url: str) -> AsyncIterator[Site]:
    """A space with articles and persons."""
    async with open_articles(database_url) as opened:
        yield opened


async def put_role(site: Site, who: dict[str, str], name: str, *policies: Any, **more: Any) -> httpx.Response:
    """Write a role, whatever it was."""
    path = f"{ROLES}/{name}"
    known = (await site.get(path, headers=site.admin)).status_code == 200
    headers = who | ({"if-match": "*"} if known else {})
    return await site.put(path, {"policies": list(policies), **more}, headers=headers)


async def put_member(site: Site, by: dict[str, str], who: dict[str, str], *roles: str) -> httpx.Response:
    """Give somebody other roles."""
    path = f"{MEMBERS}/{(await site.get('/api/me', headers=who)).json()['id']}"
    known = (await site.get(path, headers=site.admin)).status_code == 200
    return await site.put(path, {"roles": list(roles)}, headers=by | ({"if-match": "*"} if known else {}))


@pytest.mark.parametrize("name", ["anonymous", "member", "editor"])
async def test_a_denial_is_taken_back_by_those_it_hits(site: Site, name: str) -> None:
    """Owners and administrators, with the role as it was before: they are judged as they are without the denial."""
    owner = await site.account("owner@example.org", "owner")
    for who in (owner, site.admin):
        before = (await site.get(f"{ROLES}/{name}", headers=who)).json()["policies"]
        assert (await put_role(site, who, name, *before, NO_TITLES)).is_success
        undone = await put_role(site, who, name, *before)
        assert undone.status_code == 200, undone.text
        assert undone.json()["policies"] == before


async def test_roles_that_deny_are_emptied_deleted_and_taken_from_members_by_those_they_hit(site: Site) -> None:
    """By who manages roles; else whoever is frozen stays so, whatever they may do with members."""
    owner = await site.account("owner@example.org", "owner")
    manager = await site.account("manager@example.org", "manager")
    assert (await put_role(site, owner, "frozen", NO_PUBLISHING)).status_code == 201
    assert (await put_role(site, owner, "cold", inherits=["frozen"])).status_code == 201
    for who, role in ((owner, "owner"), (manager, "manager")):
        assert (await put_member(site, site.admin, who, role, "cold")).status_code == 200
    assert (await put_member(site, manager, manager, "manager")).status_code == 403
    assert (await put_member(site, owner, manager, "manager")).status_code == 200
    assert (await put_member(site, owner, owner, "owner")).status_code == 200
    assert (await put_member(site, owner, owner, "owner", "cold")).status_code == 200
    assert (await put_role(site, owner, "cold")).status_code == 200
    assert (await put_role(site, owner, "cold", inherits=["frozen"])).status_code == 200
    assert (await site.delete(f"{ROLES}/cold", headers=owner)).status_code == 204
    assert (await put_member(site, owner, owner, "owner", "frozen")).status_code == 200
    assert (await put_role(site, owner, "frozen")).status_code == 200
    assert (await site.delete(f"{ROLES}/frozen", headers=owner)).status_code == 204


async def test_a_denial_is_taken_back_by_nobody_who_has_no_more_without_it(site: Site) -> None:
    """Whoever manages roles, but may not publish anyway, frees nobody to publish."""
    manages = {"effect": "allow", "type": "*", "actions": ["manage:roles"]}
    assert (await put_role(site, site.admin, "clerk", manages)).status_code == 201
    assert (await put_role(site, site.admin, "frozen", NO_PUBLISHING)).status_code == 201
    clerk = await site.account("clerk@example.org", "clerk", "frozen")
    assert (await put_role(site, clerk, "frozen")).status_code == 403
    assert (await site.delete(f"{ROLES}/frozen", headers=clerk)).status_code == 403
    assert (await put_role(site, site.admin, "cold", inherits=["frozen"])).status_code == 201
    assert (await site.delete(f"{ROLES}/cold", headers=clerk)).status_code == 403


@pytest.mark.parametrize("actions", [["*"], ["manage:roles"], ["read", "read_draft"]])
async def test_nobody_locks_themselves_out(site: Site, actions: list[str]) -> None:
    """A role after which its writer could not manage roles, or not see the space, is refused and not stored."""
    denied = {"effect": "deny", "type": "*", "actions": actions}
    before = (await site.get(f"{ROLES}/anonymous", headers=site.admin)).json()
    refused = await put_role(site, site.admin, "anonymous", denied)
    assert (refused.status_code, refused.json()["code"]) == (409, "locked_out")
    assert (await site.get(f"{ROLES}/anonymous", headers=site.admin)).json() == before
    owner = await site.account("owner@example.org", "owner")
    refused = await put_role(site, owner, "member", denied)
    assert (refused.status_code, refused.json()["code"]) == (409, "locked_out")
    assert (await put_role(site, site.admin, "member", denied)).status_code == 200
    assert (await put_role(site, site.admin, "member")).status_code == 200


async def test_nobody_deletes_the_role_by_which_they_manage_roles(site: Site) -> None:
    """Who may do it by another one, does."""
    manages = {"effect": "allow", "type": "*", "actions": ["manage:roles"]}
    assert (await put_role(site, site.admin, "clerk", manages)).status_code == 201
    clerk = await site.account("clerk@example.org", "clerk")
    refused = await site.delete(f"{ROLES}/clerk", headers=clerk)
    assert (refused.status_code, refused.json()["code"]) == (409, "locked_out")
    assert (await site.delete(f"{ROLES}/clerk", headers=site.admin)).status_code == 204


async def test_nobody_locks_themselves_out_by_a_file(site: Site) -> None:
    """All of a file counts, and none of it is stored; the system is never locked out."""
    token = site.admin["authorization"].removeprefix("Bearer ")
    caller = Caller(actor=await site.core.authenticator.authenticate(token))
    text = "p, role:anonymous, demo, *, *, deny, {%22n%22:0%2C%22fields%22:[%22*%22]}\n"
    with pytest.raises(Conflict, match="lock yourself out"):
        await import_policies(site.core, caller, site.space, text)
    assert (await site.get(f"{ROLES}/anonymous", headers=site.admin)).json()["version"] == 0
    assert await import_policies(site.core, as_system("test"), site.space, text) == ["anonymous"]


async def _named(site: Site, how: str) -> None:
    """Make the name of the role ``board`` mean something."""
    if how == "a step":
        answer = await site.put("/api/spaces/demo/types/article/workflow", FLOW, headers=site.admin)
    elif how == "a share":
        entry = (await site.entry({"title": "One"}, publish=False))["id"]
        wish = {"role": "board", "rights": "edit"}
        answer = await site.post(f"{ARTICLES}/{entry}/shares", wish, headers=site.admin)
    else:
        allowed = {"effect": "allow", "type": "article", "actions": ["read_draft"]}
        policy = {**allowed, "condition": {"not": {"code": {"nin": "$actor.roles"}}}}
        answer = await put_role(site, site.admin, "readers", policy)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("how", ["a step", "a share", "a condition"])
async def test_a_role_whose_name_gives_rights_is_given_by_those_who_hold_it(site: Site, how: str) -> None:
    """By them, and by who manages roles; a member with ``manage:members`` alone gives it to nobody, also in another."""
    mel, bob = await site.account("mel@example.org", "manager"), await site.account("bob@example.org")
    assert (await put_role(site, site.admin, "board")).status_code == 201
    assert (await put_role(site, site.admin, "chair", inherits=["board"])).status_code == 201
    for roles in (["board"], ["chair"], []):
        assert (await put_member(site, mel, bob, *roles)).is_success
    await _named(site, how)
    for role in ("board", "chair"):
        for who, roles in ((mel, ["manager", role]), (bob, [role])):
            refused = await put_member(site, mel, who, *roles)
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), role
        invited = await site.post(INVITATIONS, {"email": "eve@example.org", "roles": [role]}, headers=mel)
        assert invited.status_code == 403
    assert (await put_member(site, mel, bob, "editor")).status_code == 200
    assert (await put_member(site, site.admin, bob, "editor", "board")).status_code == 200
    assert (await put_member(site, mel, bob, "manager", "board")).status_code == 200
    assert (await put_member(site, mel, bob, "manager")).status_code == 403
    path = f"{MEMBERS}/{(await site.get('/api/me', headers=bob)).json()['id']}"
    assert (await site.delete(path, headers=mel)).status_code == 403
    assert (await put_member(site, site.admin, mel, "manager", "board")).status_code == 200
    assert (await put_member(site, mel, bob, "manager")).status_code == 200
    invited = await site.post(INVITATIONS, {"email": "eve@example.org", "roles": ["board"]}, headers=mel)
    assert invited.status_code == 201
    wish = {"name": "few", "space": "demo", "actions": ["manage:members"], "expires_in": 3600}
    token = (await site.post("/api/tokens", wish, headers=mel)).json()["token"]
    narrow = {"authorization": f"Bearer {token}"}
    assert (await put_member(site, narrow, bob, "manager", "board")).status_code == 403
