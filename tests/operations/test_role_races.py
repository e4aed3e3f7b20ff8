"""Roles that are written or deleted while a type that they name changes: no grant or denial outlives what it names."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.errors import InvalidInput
from maydan.http import roles_routes
from maydan.operations import policy_files
from maydan.operations.core import as_system
from maydan.operations.policy_files import export_policies, import_policies

pytestmark = pytest.mark.anyio

SPACE = "/api/spaces/demo"
WAGE = f"{SPACE}/types/wage"
CLERK = f"{SPACE}/roles/clerk"
NAME, SALARY = {"name": "name", "kind": "string"}, {"name": "salary", "kind": "integer"}
READS: dict[str, Any] = {"effect": "allow", "type": "wage", "actions": ["read_draft"]}
BUT_SALARIES = {**READS, "effect": "deny", "fields": ["salary"]}

Change = Callable[[Site], Awaitable[Any]]


async def rename(site: Site) -> Any:
    """Call the field otherwise."""
    return await site.patch(WAGE, {"rename": {"salary": "pay"}}, headers=site.admin)


async def drop_field(site: Site) -> Any:
    """Take the field out of the type."""
    return await site.patch(f"{WAGE}?allow_drop=true", {"fields": [NAME]}, headers=site.admin)


async def drop_type(site: Site) -> Any:
    """Delete the type with its entries."""
    return await site.delete(f"{WAGE}?allow_drop=true", headers=site.admin)


CHANGES = pytest.mark.parametrize("change", [rename, drop_field, drop_type])
LEFT: dict[Change, list[list[str]]] = {rename: [["*"], ["pay"]], drop_field: [["*"]], drop_type: []}
"""The fields of the policies that are left of those below."""


async def wages(site: Site) -> str:
    """Make the type and an entry of it; returns its path."""
    made = await site.post(f"{SPACE}/types", {"name": "wage", "fields": [NAME, SALARY]}, headers=site.admin)
    assert made.status_code == 201, made.text
    entry = await site.post(f"{SPACE}/content/wage", {"name": "Ann", "salary": 4711}, headers=site.admin)
    return f"{SPACE}/content/wage/{entry.json()['id']}"


def once_granter_is_known(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, site: Site, change: Change) -> None:
    """Have something happen once it is known who writes the next role, and before it is checked and stored."""
    find, changes = getattr(module, name), [change]

    async def late(*args: Any) -> Any:
        granter = await find(*args)
        if changes:
            assert (await changes.pop()(site)).is_success
        return granter

    monkeypatch.setattr(module, name, late)


@CHANGES
async def test_a_role_that_names_what_has_just_gone_is_refused(
    site: Site, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    """Its denial would stay on a name that is nobody's, while the value is read under the new one."""
    await wages(site)
    once_granter_is_known(monkeypatch, roles_routes, "granter_of", site, change)
    refused = await site.put(CLERK, {"policies": [READS, BUT_SALARIES]}, headers=site.admin)
    assert refused.status_code == 422, refused.text
    assert refused.json()["errors"][-1]["code"] in ("unknown_field", "unknown_type")
    assert (await site.get(CLERK, headers=site.admin)).status_code == 404


@CHANGES
async def test_a_role_that_is_under_way_follows_the_type(site: Site, change: Change) -> None:
    """Who changes the type waits for the role, and takes its grants and denials along."""
    path, begun = await wages(site), asyncio.Event()

    async def later() -> Any:
        await begun.wait()
        return await change(site)

    changing = asyncio.create_task(later())
    async with site.core.store.write_transaction():
        made = await site.put(CLERK, {"policies": [READS, BUT_SALARIES]}, headers=site.admin)
        assert made.status_code == 201, made.text
        begun.set()
        # However short this is, it is as it must be; a change that does not wait overlooks the role.
        await asyncio.wait({changing}, timeout=0.5)
    assert (await changing).is_success
    fields = [policy["fields"] for policy in (await site.get(CLERK, headers=site.admin)).json()["policies"]]
    assert fields == LEFT[change]
    clerk = await site.account("clerk@example.org", "clerk")
    seen = await site.get(f"{path}?perspective=draft", headers=clerk)
    assert "pay" not in seen.json()


async def test_a_denial_of_what_was_just_renamed_is_lifted_by_nobody_who_lacks_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A role is deleted by who holds what it denies, under the name that this now has."""
    await wages(site)
    manages = {"effect": "allow", "type": "*", "actions": ["manage:roles"]}
    names = {**READS, "fields": ["name"]}
    assert (await site.put(f"{SPACE}/roles/desk", {"policies": [manages, names]}, headers=site.admin)).is_success
    assert (await site.put(CLERK, {"policies": [BUT_SALARIES]}, headers=site.admin)).is_success
    desk = await site.account("desk@example.org", "desk")
    once_granter_is_known(monkeypatch, roles_routes, "granter_of", site, rename)
    assert (await site.delete(CLERK, headers=desk)).status_code == 403
    assert (await site.get(CLERK, headers=site.admin)).json()["policies"][0]["fields"] == ["pay"]


@CHANGES
async def test_a_file_of_roles_that_names_what_has_just_gone_is_refused(
    site: Site, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    """Lines are checked as a role over HTTP is."""
    await wages(site)
    assert (await site.put(CLERK, {"policies": [READS, BUT_SALARIES]}, headers=site.admin)).is_success
    text = await export_policies(site.core, site.space)
    assert (await site.delete(CLERK, headers=site.admin)).is_success
    once_granter_is_known(monkeypatch, policy_files, "find_granter", site, change)
    with pytest.raises(InvalidInput):
        await import_policies(site.core, as_system("a test"), site.space, text)
    assert "clerk" not in await export_policies(site.core, site.space)


async def test_many_roles_types_and_changes_of_the_space_all_come_through(site: Site) -> None:
    """They take turns; nobody waits for somebody who waits for them."""
    await wages(site)
    names = {**READS, "fields": ["name"]}
    answers = await asyncio.gather(
        *(site.put(f"{SPACE}/roles/r{number}", {"policies": [names]}, headers=site.admin) for number in range(8)),
        *(site.patch(WAGE, {"title": f"T{number}"}, headers=site.admin) for number in range(6)),
        *(site.patch(f"{SPACE}/types/article", {"title": f"T{number}"}, headers=site.admin) for number in range(6)),
        *(site.patch(SPACE, {"title": f"S{number}"}, headers=site.admin) for number in range(6)),
    )
    assert [answer.status_code for answer in answers] == [201] * 8 + [200] * 18, [answer.text for answer in answers]
