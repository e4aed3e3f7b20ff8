"""Shares while their role, their entry or the room for them goes at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.operations import shares

pytestmark = pytest.mark.anyio

LIST = "/api/spaces/demo/content/article"
ROLES = "/api/spaces/demo/roles"


async def draft(site: Site) -> str:
    """Make a draft; returns its path."""
    return f"{LIST}/{(await site.entry({'title': 'Plans'}, publish=False))['id']}"


def once_checked(monkeypatch: pytest.MonkeyPatch, change: Callable[[], Awaitable[Any]]) -> None:
    """Have something happen once the next share has been found good, and before it is stored."""
    check, changes = shares._check, [change]  # pyright: ignore[reportPrivateUsage] - as another process would

    async def late(*args: Any) -> None:
        await check(*args)
        if changes:
            assert (await changes.pop()()).is_success

    monkeypatch.setattr(shares, "_check", late)


async def test_a_role_that_is_deleted_meanwhile_is_shared_with_by_nobody(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The share is refused as of a role that never was: who gets a new one of that name sees nothing."""
    path = await draft(site)
    assert (await site.put(f"{ROLES}/desk", {"policies": []}, headers=site.admin)).is_success
    once_checked(monkeypatch, lambda: site.delete(f"{ROLES}/desk", headers=site.admin))
    refused = await site.post(f"{path}/shares", {"role": "desk", "rights": "edit"}, headers=site.admin)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "unknown_role"), refused.text
    assert (await site.get(f"{path}/shares", headers=site.admin)).json()["items"] == []
    assert (await site.put(f"{ROLES}/desk", {"policies": []}, headers=site.admin)).is_success
    desk = await site.account("desk@example.org", "desk")
    assert (await site.get(f"{path}?perspective=draft", headers=desk)).status_code == 404


async def test_a_role_that_is_being_shared_with_is_deleted_with_the_share(site: Site) -> None:
    """Who deletes the role waits for shares that are under way, and ends them."""
    path, begun = await draft(site), asyncio.Event()
    assert (await site.put(f"{ROLES}/desk", {"policies": []}, headers=site.admin)).is_success

    async def delete() -> Any:
        await begun.wait()
        return await site.delete(f"{ROLES}/desk", headers=site.admin)

    deleting = asyncio.create_task(delete())
    async with site.core.store.write_transaction():
        made = await site.post(f"{path}/shares", {"role": "desk", "rights": "edit"}, headers=site.admin)
        assert made.status_code == 201, made.text
        begun.set()
        # However short this is, it is as it must be; a deletion that does not wait overlooks the share.
        await asyncio.wait({deleting}, timeout=0.5)
    assert (await deleting).status_code == 204
    assert (await site.get(f"{path}/shares", headers=site.admin)).json()["items"] == []


@pytest.mark.parametrize("purge", ["?purge=1", ""])
async def test_an_entry_that_is_deleted_meanwhile_is_not_shared(
    site: Site, monkeypatch: pytest.MonkeyPatch, purge: str
) -> None:
    """It is not found, and no share of it is left."""
    path = await draft(site)
    once_checked(monkeypatch, lambda: site.delete(f"{path}{purge}", headers=site.admin))
    refused = await site.post(f"{path}/shares", {"link": True, "rights": "view"}, headers=site.admin)
    assert refused.status_code == 404, refused.text
    assert await site.core.store.fetch_all("SELECT id FROM maydan_shares") == []


@pytest.mark.parametrize(
    ("limit", "given", "elsewhere"),
    [("MOST_OF_ENTRY", {"link": True}, False), ("MOST_NAMED", {"role": "editor"}, True)],
    ids=["of an entry", "of a space"],
)
async def test_there_are_never_more_shares_than_there_may_be(
    site: Site, monkeypatch: pytest.MonkeyPatch, limit: str, given: dict[str, Any], *, elsewhere: bool
) -> None:
    """Who makes another one while the last that there is room for is being stored waits, and is refused."""
    monkeypatch.setattr(shares, limit, 1)
    path, begun = await draft(site), asyncio.Event()
    other, wish = await draft(site) if elsewhere else path, {**given, "rights": "view"}

    async def share() -> Any:
        await begun.wait()
        return await site.post(f"{other}/shares", wish, headers=site.admin)

    sharing = asyncio.create_task(share())
    async with site.core.store.write_transaction():
        made = await site.post(f"{path}/shares", wish, headers=site.admin)
        assert made.status_code == 201, made.text
        begun.set()
        # However short this is, it is as it must be; one that does not wait counts without the other.
        await asyncio.wait({sharing}, timeout=0.5)
    refused = await sharing
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_shares"), refused.text
    assert len(await site.core.store.fetch_all("SELECT id FROM maydan_shares")) == 1
