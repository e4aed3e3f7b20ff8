"""What a suspension does, does not do, and never does: leave nobody who administers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from accounts_site import Site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.accounts.service import Accounts
from maydan.accounts.settings import AuthSettings, MailSettings
from maydan.errors import Conflict
from maydan.storage import DatabaseSettings, Store, open_store
from maydan.storage.log import last_position, read_after
from maydan.storage.ports import Statement

pytestmark = pytest.mark.anyio

PASSWORD = "a long walk at dusk"
_SECOND_FACTOR = (
    "INSERT INTO maydan_totp (account_id, secret, created_at, confirmed_at, last_step) "
    "VALUES (?, 'ABCDEFGHIJKLMNOP', ?, ?, 0)"
)


async def with_second_factor(site: Site, account_id: str) -> None:
    """Give an account a second factor."""
    now = site.core.clock.now()
    await site.core.store.commit([Statement(_SECOND_FACTOR, (account_id, now, now))])


async def test_a_refused_change_of_an_account_changes_nothing(site: Site) -> None:
    """Nobody suspends themselves, and what else the same request asks for does not happen either."""
    boss, token = await site.person("boss", administrator=True)
    await with_second_factor(site, boss)
    body = {"suspended": True, "totp": False}
    refused = await site.call(token, "PATCH", f"/api/users/{boss}", body, if_match="*")
    assert (refused.status_code, refused.json()["code"]) == (409, "own_account")
    assert await site.core.accounts.totp.is_on(boss)
    assert (await site.call(token, "GET", f"/api/users/{boss}")).json()["version"] == 1


async def test_an_account_is_suspended_and_loses_its_second_factor_in_one_change(site: Site) -> None:
    """One version, and one line in the log that tells both."""
    _, token = await site.person("boss", administrator=True)
    ann, _ = await site.person("ann")
    await with_second_factor(site, ann)
    before = await last_position(site.core.store)
    body = {"suspended": True, "totp": False}
    changed = await site.call(token, "PATCH", f"/api/users/{ann}", body, if_match='"1"')
    assert (changed.status_code, changed.json()["suspended"], changed.json()["version"]) == (200, True, 2)
    assert not await site.core.accounts.totp.is_on(ann)
    (event,) = await read_after(site.core.store, before, 10)
    assert (event.type, event.data) == ("account.suspended", {"fields": ["totp"]})


async def test_who_is_let_in_again_logs_in_anew(site: Site) -> None:
    """Old access and refresh tokens are over, as somebody else may have them."""
    _, root = await site.person("boss", administrator=True)
    ann, _ = await site.person("ann")
    login = {"email": "ann@site.example", "password": PASSWORD}
    old = (await site.call("", "POST", "/api/auth/login", login)).json()
    for suspended in (True, False):
        answer = await site.call(root, "PATCH", f"/api/users/{ann}", {"suspended": suspended}, if_match="*")
        assert answer.status_code == 200
    assert (await site.call(old["access_token"], "GET", "/api/me")).status_code == 401
    again = await site.call("", "POST", "/api/auth/refresh", {"refresh_token": old["refresh_token"]})
    assert again.status_code == 401
    assert (await site.call("", "POST", "/api/auth/login", login)).status_code == 200


async def test_two_administrators_do_not_bar_each_other_at_once(
    accounts: Accounts, store: Store, database_url: str, auth: AuthSettings, clock: Any, letterbox: Any
) -> None:
    """On two servers at the same moment: one of them stays, whoever was first."""
    other_store = open_store(DatabaseSettings(url=database_url))
    await other_store.open()
    other = Accounts(other_store, auth=auth, mail=MailSettings(), base_url="", clock=clock, mailer=letterbox)
    both = [
        await accounts.people.create(email=f"{name}@site.example", password=PASSWORD, administrator=True)
        for name in ("ann", "bea")
    ]
    begun = asyncio.Event()

    async def bar(server: Accounts, number: int) -> None:
        await begun.wait()
        await server.people.suspend(both[number], suspended=True)

    tasks = [asyncio.create_task(bar(server, number)) for number, server in enumerate((accounts, other))]
    async with store.write_transaction() as transaction:
        await transaction.fetch_all("SELECT id FROM maydan_accounts ORDER BY id {for_update}")
        begun.set()
        # However short this is, it is as it must be; the longer, the more surely do both wait for the lock.
        await asyncio.wait(tasks, timeout=0.5)
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    await other.stop()
    await other_store.close()
    (refused,) = [answer for answer in answers if answer is not None]
    assert isinstance(refused, Conflict)
    assert refused.error_code == "last_administrator"
    left = [each for each in both if (await accounts.people.get(each.id)).suspended_at is None]
    assert len(left) == 1


async def test_an_administrator_is_suspended_while_another_one_is_left(accounts: Accounts) -> None:
    """Who is suspended already does not count, nor does anybody else."""
    ann, bea, zoe = [
        await accounts.people.create(email=f"{name}@site.example", password=PASSWORD, administrator=name != "zoe")
        for name in ("ann", "bea", "zoe")
    ]
    barred = await accounts.people.suspend(ann, suspended=True)
    with pytest.raises(Conflict):
        await accounts.people.suspend(bea, suspended=True)
    assert (await accounts.people.suspend(zoe, suspended=True)).suspended_at
    await accounts.people.suspend(barred, suspended=False)
    assert (await accounts.people.suspend(bea, suspended=True)).suspended_at
