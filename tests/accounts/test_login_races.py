"""Logins while the account changes: by another login, a reset, a suspension."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from maydan.accounts.service import Accounts
from maydan.accounts.settings import AuthSettings, MailSettings
from maydan.errors import Unauthenticated
from maydan.storage import Store

pytestmark = pytest.mark.anyio

PASSWORD = "a long walk at dusk"


async def make(accounts: Accounts) -> str:
    """Make an account and return its id."""
    return (await accounts.people.create(email="ann@site.example", password=PASSWORD, name="Ann")).id


def meanwhile(accounts: Accounts, monkeypatch: pytest.MonkeyPatch, change: Callable[[], Awaitable[object]]) -> None:
    """Have something happen once, while the password of the next login is being checked."""
    verify, changes = accounts.passwords.verify, [change]

    async def slow(password: str, stored: str | None) -> bool:
        right = await verify(password, stored)
        if changes:
            await changes.pop()()
        return right

    monkeypatch.setattr(accounts.passwords, "verify", slow)


async def test_a_password_is_hashed_again_when_its_cost_changed(
    accounts: Accounts, store: Store, clock: Any, letterbox: Any
) -> None:
    """At the next login, without anybody noticing."""
    ann = await make(accounts)
    before = (await accounts.people.get(ann)).password_hash
    auth = AuthSettings(hash_memory_kib=128, hash_passes=1)
    dearer = Accounts(store, auth=auth, mail=MailSettings(), base_url="", clock=clock, mailer=letterbox)
    await dearer.logins.log_in("ann@site.example", PASSWORD)
    after = (await accounts.people.get(ann)).password_hash
    assert "m=64," in before
    assert "m=128," in after
    await dearer.logins.log_in("ann@site.example", PASSWORD)
    await dearer.stop()


@pytest.mark.parametrize("memory_kib", [64, 128])
async def test_a_login_goes_on_where_another_one_hashed_the_password_again(
    accounts: Accounts, store: Store, clock: Any, letterbox: Any, monkeypatch: pytest.MonkeyPatch, memory_kib: int
) -> None:
    """The password is still the right one: it is checked against what the other login stored."""
    ann = await make(accounts)
    slow, fast = (
        Accounts(
            store,
            auth=AuthSettings(hash_memory_kib=cost, hash_passes=1),
            mail=MailSettings(),
            base_url="",
            clock=clock,
            mailer=letterbox,
        )
        for cost in (memory_kib, 128)
    )
    meanwhile(slow, monkeypatch, lambda: fast.logins.log_in("ann@site.example", PASSWORD))
    pair = await slow.logins.log_in("ann@site.example", PASSWORD)
    assert (await accounts.authenticator.authenticate(pair.access_token)).id == ann
    assert await accounts.sessions.count_of(ann) == 2
    await slow.stop()
    await fast.stop()


@pytest.mark.parametrize("memory_kib", [64, 128])
async def test_a_login_with_the_old_password_does_not_outlive_a_reset(
    accounts: Accounts, store: Store, clock: Any, letterbox: Any, monkeypatch: pytest.MonkeyPatch, memory_kib: int
) -> None:
    """One that was being checked while the reset ended all sessions gets the answer of a wrong password."""
    ann = await make(accounts)
    await accounts.registration.forgot(email="ann@site.example")
    await accounts.outbox.deliver_due()
    auth = AuthSettings(hash_memory_kib=memory_kib, hash_passes=1)
    other = Accounts(store, auth=auth, mail=MailSettings(), base_url="", clock=clock, mailer=letterbox)
    reset = letterbox.token()
    meanwhile(other, monkeypatch, lambda: accounts.registration.reset(reset, "an entirely other phrase"))
    with pytest.raises(Unauthenticated) as late:
        await other.logins.log_in("ann@site.example", PASSWORD)
    with pytest.raises(Unauthenticated) as wrong:
        await other.logins.log_in("ann@site.example", PASSWORD)
    assert late.value.detail == wrong.value.detail
    assert await accounts.sessions.count_of(ann) == 0
    assert await other.logins.log_in("ann@site.example", "an entirely other phrase")
    await other.stop()


async def test_a_login_does_not_outlive_a_suspension(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is there once the account is let in again."""
    ann = await make(accounts)
    account = await accounts.people.get(ann)
    meanwhile(accounts, monkeypatch, lambda: accounts.people.suspend(account, suspended=True))
    with pytest.raises(Unauthenticated) as refused:
        await accounts.logins.log_in("ann@site.example", PASSWORD)
    assert "do not belong together" in refused.value.detail
    with pytest.raises(Unauthenticated):
        await accounts.logins.begin(account)
    assert await accounts.sessions.count_of(ann) == 0


async def test_a_session_waits_for_a_change_of_password_that_is_under_way(accounts: Accounts, store: Store) -> None:
    """It begins, or not, by what that change leaves."""
    account = await accounts.people.get(await make(accounts))
    changing = asyncio.Event()

    async def begin() -> object:
        await changing.wait()
        return await accounts.logins.begin(account)

    beginning = asyncio.create_task(begin())
    async with store.write_transaction() as transaction:
        await transaction.execute("UPDATE maydan_accounts SET password_hash = 'x' WHERE id = ?", account.id)
        changing.set()
        # However short this is, a session that waits passes; one that does not wait has begun by then.
        await asyncio.wait({beginning}, timeout=1)
    with pytest.raises(Unauthenticated):
        await beginning
    assert await accounts.sessions.count_of(account.id) == 0


async def test_no_login_slips_in_while_a_reset_waits_for_its_mail_token(
    accounts: Accounts, store: Store, letterbox: Any
) -> None:
    """Whichever comes first: the session that the old password began is ended, or it does not begin."""
    ann = await make(accounts)
    await accounts.registration.forgot(email="ann@site.example")
    await accounts.outbox.deliver_due()
    account = await accounts.people.get(ann)
    is_held, waits = asyncio.Event(), asyncio.Event()

    async def reset() -> None:
        await is_held.wait()
        await accounts.registration.reset(letterbox.token(), "an entirely other phrase")

    async def log_in() -> None:
        await waits.wait()
        await accounts.logins.begin(account)

    tasks = [asyncio.create_task(reset()), asyncio.create_task(log_in())]
    async with store.write_transaction() as transaction:
        await transaction.fetch_all("SELECT hash FROM maydan_mail_tokens {for_update}")
        is_held.set()
        # However short these are, it is as it must be; without the lock the login begins a session that stays.
        await asyncio.wait(tasks[:1], timeout=1)
        waits.set()
        await asyncio.wait(tasks[1:], timeout=1)
    await tasks[0]
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await accounts.sessions.count_of(ann) == 0
