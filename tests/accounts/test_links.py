"""What a link from a mail stands for, and what makes it void."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from accounts_site import Site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.accounts.ending import end_access_of
from maydan.accounts.outbox import mail_statement
from maydan.accounts.service import Accounts
from maydan.errors import InvalidInput, Unauthenticated
from maydan.storage import Store

pytestmark = pytest.mark.anyio

PASSWORD, OTHER, THIRD = "a long walk at dusk", "an entirely other phrase", "some third long phrase"
ANN, EVIL = "ann@site.example", "evil@site.example"

Change = Callable[[Accounts, Any], Awaitable[object]]


async def token_for(accounts: Accounts, letterbox: Any, email: str) -> str:
    """Let the mail go out, and return the token in the newest message to an address."""
    await accounts.outbox.deliver_due()
    letterbox.messages.sort(key=lambda message: message["To"] == email)
    return letterbox.token()


async def reset(accounts: Accounts, letterbox: Any) -> None:
    """Set a password with a mail."""
    await accounts.registration.forgot(email=ANN)
    await accounts.registration.reset(await token_for(accounts, letterbox, ANN), OTHER)


async def change(accounts: Accounts, _: Any) -> None:
    """Set a password with the present one."""
    account = await accounts.people.find_by_email(ANN)
    assert account
    await accounts.profiles.change(account, password=OTHER, current_password=PASSWORD)


async def suspend_and_release(accounts: Accounts, _: Any) -> None:
    """Bar the account for a while."""
    account = await accounts.people.find_by_email(ANN)
    assert account
    account = await accounts.people.suspend(account, suspended=True)
    await accounts.people.suspend(account, suspended=False)


@pytest.mark.parametrize("ending", [reset, change, suspend_and_release])
async def test_a_new_password_calls_off_a_change_of_address(accounts: Accounts, letterbox: Any, ending: Change) -> None:
    """Whoever knew the old password keeps nothing of it; a suspension does the same."""
    account = await accounts.people.create(email=ANN, password=PASSWORD)
    await accounts.profiles.change(account, email=EVIL, current_password=PASSWORD)
    token = await token_for(accounts, letterbox, EVIL)
    await ending(accounts, letterbox)
    with pytest.raises(InvalidInput):
        await accounts.registration.verify(token)
    assert await accounts.people.find_by_email(EVIL) is None


@pytest.mark.parametrize("ending", [change, suspend_and_release])
async def test_mail_whose_link_became_void_is_not_sent(accounts: Accounts, letterbox: Any, ending: Change) -> None:
    """The notice to the old address is, as somebody did ask for the change."""
    account = await accounts.people.create(email=ANN, password=PASSWORD)
    await accounts.registration.forgot(email=ANN)
    await accounts.profiles.change(account, email=EVIL, current_password=PASSWORD)
    await ending(accounts, letterbox)
    await accounts.outbox.deliver_due()
    assert letterbox.subjects() == ["The e-mail address of your account is being changed"]


async def test_the_address_asked_for_last_is_the_one_that_counts(accounts: Accounts, letterbox: Any) -> None:
    """An older wish is void, and the newer one comes true."""
    account = await accounts.people.create(email=ANN, password=PASSWORD)
    await accounts.profiles.change(account, email=EVIL, current_password=PASSWORD)
    older = await token_for(accounts, letterbox, EVIL)
    account = await accounts.people.get(account.id)
    await accounts.profiles.change(account, email="new@site.example", current_password=PASSWORD)
    with pytest.raises(InvalidInput):
        await accounts.registration.verify(older)
    token = await token_for(accounts, letterbox, "new@site.example")
    assert (await accounts.registration.verify(token)).email == "new@site.example"


async def test_no_link_comes_to_life_while_links_become_void(
    accounts: Accounts, store: Store, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mail that is being sent at that moment is not sent, or its link is void as well."""
    account = await accounts.people.create(email=ANN, password=PASSWORD)
    await store.commit([mail_statement("email", email=EVIL, account_id=account.id, now=clock.now())])
    take = accounts.outbox._waiting.take
    is_taken, goes_on = asyncio.Event(), asyncio.Event()

    async def taken(waiting: Any) -> Any:
        found = await take(waiting)
        is_taken.set()
        await goes_on.wait()
        return found

    monkeypatch.setattr(accounts.outbox._waiting, "take", taken)
    sending = asyncio.create_task(accounts.outbox.deliver_due())
    await is_taken.wait()
    async with store.write_transaction() as transaction:
        await transaction.fetch_one("SELECT id FROM maydan_accounts WHERE id = ? {for_update}", account.id)
        await transaction.apply(end_access_of(account.id, clock.now()))
        goes_on.set()
        # However short this is, it is as it must be; without the lock the link is stored meanwhile, and stays good.
        await asyncio.wait({sending}, timeout=0.5)
    await sending
    assert await store.fetch_all("SELECT hash FROM maydan_mail_tokens WHERE used_at IS NULL") == []
    assert await store.fetch_all("SELECT id FROM maydan_mail") == []


async def register(accounts: Accounts, letterbox: Any, password: str, name: str, email: str = ANN) -> str:
    """Register the address, and return the token in the mail."""
    await accounts.registration.register(email=email, password=password, name=name)
    return await token_for(accounts, letterbox, email)


async def refused(accounts: Accounts, *passwords: str) -> None:
    """See that none of them is the password."""
    for password in passwords:
        with pytest.raises(Unauthenticated):
            await accounts.logins.log_in(ANN, password)


@pytest.mark.parametrize("holder", [0, 1, 2])
async def test_an_account_is_whose_mail_is_answered(accounts: Accounts, letterbox: Any, holder: int) -> None:
    """Each mail stands for its own registration, before and after others of the same address."""
    passwords, names = (PASSWORD, OTHER, THIRD), ("First", "Second", "Third")
    tokens = [
        await register(accounts, letterbox, password, name) for password, name in zip(passwords, names, strict=True)
    ]
    assert (await accounts.registration.verify(tokens[holder])).name == names[holder]
    await refused(accounts, *(each for each in passwords if each != passwords[holder]))
    assert (await accounts.logins.log_in(ANN, passwords[holder])).access_token
    for token in tokens:
        with pytest.raises(InvalidInput):
            await accounts.registration.verify(token)
    assert (await accounts.logins.log_in(ANN, passwords[holder])).access_token


async def test_the_address_is_written_as_its_holder_writes_it(accounts: Accounts, letterbox: Any) -> None:
    """Not as somebody wrote it who registered it first."""
    await register(accounts, letterbox, PASSWORD, "Mallory", "ａｎｎ@site.example")
    assert (await accounts.registration.verify(await register(accounts, letterbox, OTHER, "Ann"))).email == ANN


async def test_a_registration_is_over_once_the_address_is_verified_in_another_way(
    accounts: Accounts, letterbox: Any
) -> None:
    """A link that still comes does not bring back the password of an earlier registration."""
    token = await register(accounts, letterbox, PASSWORD, "Mallory")
    await accounts.registration.register(email=ANN, password=PASSWORD, name="Mallory")
    await reset(accounts, letterbox)
    messages = len(letterbox.messages)
    await accounts.outbox.deliver_due()
    assert len(letterbox.messages) == messages
    with pytest.raises(InvalidInput):
        await accounts.registration.verify(token)
    await refused(accounts, PASSWORD)
    assert (await accounts.logins.log_in(ANN, OTHER)).access_token


async def test_no_administrator_has_the_password_of_who_registered_the_address_before(
    accounts: Accounts, letterbox: Any
) -> None:
    """The operator's counts, and no mail changes it."""
    token = await register(accounts, letterbox, PASSWORD, "Mallory")
    assert (await accounts.people.create_administrator(email=ANN, password=OTHER)).administrator
    await refused(accounts, PASSWORD)
    with pytest.raises(InvalidInput):
        await accounts.registration.verify(token)
    assert (await accounts.logins.log_in(ANN, OTHER)).access_token


async def test_a_reset_takes_an_account_back(site: Site) -> None:
    """Over HTTP: the link that a thief of the password asked for does nothing any more."""
    _, thief = await site.person("ann")
    wish = {"email": EVIL, "current_password": PASSWORD}
    assert (await site.call(thief, "PATCH", "/api/me", wish, if_match="*")).status_code == 200
    accounts, letterbox = site.core.accounts, site.letterbox
    stolen = await token_for(accounts, letterbox, EVIL)
    assert (await site.call("", "POST", "/api/auth/password/forgot", {"email": ANN})).status_code == 202
    body = {"token": await token_for(accounts, letterbox, ANN), "password": OTHER}
    assert (await site.call("", "POST", "/api/auth/password/reset", body)).status_code == 200
    late = await site.call("", "POST", "/api/auth/verify", {"token": stolen})
    assert (late.status_code, late.json()["errors"][0]["code"]) == (422, "invalid_token")
    login = await site.call("", "POST", "/api/auth/login", {"email": ANN, "password": OTHER})
    assert login.status_code == 200
