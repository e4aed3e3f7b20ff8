"""Roles as the space has them, with what hangs on them: on each engine, over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx
import pytest
from site_support import Site, open_articles, open_site  # pyright: ignore[reportMissingImports] - tests/support

from maydan import app
from maydan.plugins.host import PluginHost
from maydan.settings import read

pytestmark = pytest.mark.anyio

ROLES = "/api/spaces/demo/roles"
MEMBERS = "/api/spaces/demo/members"
INVITATIONS = "/api/spaces/demo/invitations"
ARTICLES = "/api/spaces/demo/content/article"
READ = {"effect": "allow", "type": "article", "actions": ["read"]}
IF_MATCH = {"if-match": "*"}


@pytest.fixture
async def site(database_url: str) -> AsyncIterator[Site]:
    """A space with articles and persons."""
    async with open_articles(database_url) as opened:
        yield opened


@asynccontextmanager
async def other_process(url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the same database a second time."""
    settings = read({"database": {"url": url}, "auth": {"hash_passes": 1, "hash_memory_kib": 64}}, {})
    application = app.create_app(app.create_core(settings, PluginHost.empty()), work=False)
    async with application.lifespan():
        transport = httpx.ASGITransport(cast("Any", application), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://maydan.test") as client:
            yield client


async def role(site: Site, name: str, *policies: dict[str, Any], inherits: tuple[str, ...] = ()) -> dict[str, Any]:
    """Write a role as the administrator."""
    body = {"policies": list(policies), "inherits": list(inherits)}
    answer = await site.put(f"{ROLES}/{name}", body, headers={**site.admin})
    assert answer.is_success, answer.text
    return answer.json()


async def id_of(site: Site, who: dict[str, str]) -> str:
    """Return somebody's id."""
    return (await site.get("/api/me", headers=who)).json()["id"]


async def test_a_role_without_policies_is_a_role_everywhere(site: Site) -> None:
    """Members, shares, workflows, explanations and conditions take its name as that of any other."""
    await role(site, "badge")
    ann = await site.account("ann@example.org", "badge")
    entry = (await site.entry({"title": "One"}))["id"]
    shared = await site.post(f"{ARTICLES}/{entry}/shares", {"role": "badge", "rights": "view"}, headers=site.admin)
    assert shared.status_code == 201, shared.text
    asked = "/api/spaces/demo/access/explain?role=badge&action=read&type=article"
    assert (await site.get(asked, headers=site.admin)).status_code == 200
    flow = {
        "name": "flow", "states": ["new", "old"], "initial": "new", "final": ["old"],
        "transitions": [{"name": "age", "from": ["new"], "to": "old", "roles": ["badge"]}],
    }  # fmt: skip
    path = "/api/spaces/demo/types/article/workflow"
    made = await site.put(path, flow, headers=site.admin)
    assert made.status_code == 201, made.text
    await role(site, "anonymous", {**READ, "condition": {"code": {"in": "$actor.roles"}}})
    await site.entry({"title": "Two", "code": "badge"})
    assert [each["title"] for each in (await site.get(ARTICLES, headers=ann)).json()["items"]] == ["Two", "One"]


async def test_members_lose_a_role_that_is_deleted(site: Site) -> None:
    """It made again under the same name starts with nobody; other roles, and those of similar names, stay."""
    for name in ("a_b", "axb", "a_bc"):
        await role(site, name)
    ann = await site.account("ann@example.org", "a_b", "axb", "a_bc", "editor")
    path = f"{MEMBERS}/{await id_of(site, ann)}"
    before = (await site.get(path, headers=site.admin)).json()
    assert (await site.delete(f"{ROLES}/a_b", headers=site.admin)).status_code == 204
    after = await site.get(path, headers=site.admin)
    assert after.json() == {**before, "roles": ["a_bc", "axb", "editor"], "version": before["version"] + 1}
    assert (await site.get("/api/me", headers=ann)).json()["roles"] == {"demo": ["a_bc", "axb", "editor"]}
    same = await site.put(path, after.json(), headers={**site.admin, "if-match": after.headers["etag"]})
    assert same.status_code == 200, same.text
    await role(site, "a_b")
    assert (await site.get("/api/me", headers=ann)).json()["roles"] == {"demo": ["a_bc", "axb", "editor"]}
    sql = "SELECT data FROM maydan_log WHERE type = 'member.changed' ORDER BY position"
    rows = await site.core.store.fetch_all(sql)
    noted = json.loads(rows[-2][0])
    assert (noted["roles"], noted["before"]) == (["a_bc", "axb", "editor"], ["a_b", "a_bc", "axb", "editor"])


async def test_invitations_lose_a_role_that_is_deleted(site: Site) -> None:
    """Those to nothing else end; those to no role at all, and the others, stay."""
    await role(site, "desk")
    for name, roles in (("one", ["desk"]), ("two", ["desk", "editor"]), ("three", ["editor"]), ("four", [])):
        body = {"email": f"{name}@example.org", "roles": roles}
        assert (await site.post(INVITATIONS, body, headers=site.admin)).status_code == 201
    assert (await site.delete(f"{ROLES}/desk", headers=site.admin)).status_code == 204
    left = (await site.get(INVITATIONS, headers=site.admin)).json()["items"]
    assert {each["email"].partition("@")[0]: each["roles"] for each in left} == {
        "two": ["editor"], "three": ["editor"], "four": [],
    }  # fmt: skip


async def test_what_was_shared_with_a_role_ends_with_it(site: Site) -> None:
    """At once, and for good: the role made again has none of it."""
    await role(site, "desk")
    ann = await site.account("ann@example.org", "desk")
    entry = (await site.entry({"title": "One"}, publish=False))["id"]
    path = f"{ARTICLES}/{entry}"
    for body in ({"role": "desk", "rights": "view"}, {"role": "editor", "rights": "view"}):
        assert (await site.post(f"{path}/shares", body, headers=site.admin)).status_code == 201
    assert (await site.get(f"{path}?perspective=draft", headers=ann)).status_code == 200
    assert (await site.delete(f"{ROLES}/desk", headers=site.admin)).status_code == 204
    assert (await site.get(f"{path}?perspective=draft", headers=ann)).status_code == 404
    left = (await site.get(f"{path}/shares", headers=site.admin)).json()["items"]
    assert [each["role"] for each in left] == ["editor"]
    await role(site, "desk")
    await site.put(f"{MEMBERS}/{await id_of(site, ann)}", {"roles": ["desk"]}, headers={**site.admin, "if-match": "*"})
    assert (await site.get(f"{path}?perspective=draft", headers=ann)).status_code == 404


async def test_roles_that_are_written_at_the_same_moment_make_no_circle(database_url: str) -> None:
    """By two processes: each looks at the other's role, not only at its own."""
    async with open_site(database_url) as site, other_process(database_url) as other:
        for number in range(8):
            one, two = f"a{number}", f"b{number}"
            await role(site, one)
            await role(site, two)
            answers = await asyncio.gather(
                site.put(f"{ROLES}/{one}", {"policies": [], "inherits": [two]}, headers=IF_MATCH | site.admin),
                other.put(f"{ROLES}/{two}", json={"policies": [], "inherits": [one]}, headers=IF_MATCH | site.admin),
            )
            assert sorted(each.status_code for each in answers) == [200, 422], [each.text for each in answers]


async def test_a_role_that_is_deleted_at_the_same_moment_is_contained_in_none(database_url: str) -> None:
    """By two processes: either it is contained and stays, or it goes and is not found."""
    async with open_site(database_url) as site, other_process(database_url) as other:
        for number in range(8):
            one, two = f"a{number}", f"b{number}"
            await role(site, one)
            await role(site, two)
            put, gone = await asyncio.gather(
                site.put(f"{ROLES}/{one}", {"policies": [], "inherits": [two]}, headers=IF_MATCH | site.admin),
                other.delete(f"{ROLES}/{two}", headers=site.admin),
            )
            assert (put.status_code, gone.status_code) in ((200, 409), (422, 204)), (put.text, gone.text)


async def test_a_role_that_is_deleted_at_the_same_moment_is_given_to_nobody(database_url: str) -> None:
    """By two processes: either the member has it first and loses it, or it comes too late."""
    async with open_site(database_url) as site, other_process(database_url) as other:
        ann = await id_of(site, await site.account("ann@example.org", "editor"))
        path = f"{MEMBERS}/{ann}"
        for number in range(8):
            await role(site, name := f"a{number}")
            put, gone = await asyncio.gather(
                site.put(path, {"roles": ["editor", name]}, headers=IF_MATCH | site.admin),
                other.delete(f"{ROLES}/{name}", headers=site.admin),
            )
            assert (put.status_code in (200, 412, 422), gone.status_code) == (True, 204), (put.text, gone.text)
            assert (await site.get(path, headers=site.admin)).json()["roles"] == ["editor"]


async def test_a_role_that_went_since_its_giver_was_judged_is_not_given(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when another process deletes it before the membership is stored."""
    await role(site, "desk")
    ann = await id_of(site, await site.account("ann@example.org", "editor"))
    put = site.core.accounts.members.put

    async def late(*args: Any, **more: Any) -> Any:
        assert (await site.delete(f"{ROLES}/desk", headers=site.admin)).status_code == 204
        return await put(*args, **more)

    monkeypatch.setattr(site.core.accounts.members, "put", late)
    refused = await site.put(f"{MEMBERS}/{ann}", {"roles": ["desk"]}, headers=IF_MATCH | site.admin)
    assert refused.status_code == 412, refused.text
    assert (await site.get(f"{MEMBERS}/{ann}", headers=site.admin)).json()["roles"] == ["editor"]
