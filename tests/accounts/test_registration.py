from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from maydan.accounts.addresses import address_key, is_address
from maydan.accounts.attempts import network_key
from maydan.accounts.service import Accounts
from maydan.errors import InvalidInput, TooManyRequests, Unauthenticated
from maydan.storage import Store

pytestmark = pytest.mark.anyio

PASSWORD = "a long walk at dusk"


async def register(accounts: Accounts, email: str = "ann@site.example", **more: Any) -> None:
    """Register somebody and let the mail go out."""
    await accounts.registration.register(email=email, password=PASSWORD, name="Ann", **more)
    await accounts.outbox.deliver_due()


async def test_a_registered_account_verifies_its_address_and_logs_in(accounts: Accounts, letterbox: Any) -> None:
    """The token travels by mail alone, on the instance's own address."""
    await register(accounts)
    (message,) = letterbox.messages
    assert message["To"] == "ann@site.example"
    assert "https://site.example/verify?token=mdn_mt_" in message.get_body(("plain",)).get_content()
    account = await accounts.registration.verify(letterbox.token())
    assert account.verified_at is not None
    assert (await accounts.logins.log_in("ann@site.example", PASSWORD)).access_token


async def test_a_token_from_a_mail_works_once_and_not_for_ever(accounts: Accounts, letterbox: Any, clock: Any) -> None:
    """Used, expired, of another kind or made up: the same 422."""
    await register(accounts)
    token = letterbox.token()
    with pytest.raises(InvalidInput):
        await accounts.registration.reset(token, "another long walk")
    clock.forward(24 * 3600 + 1)
    with pytest.raises(InvalidInput):
        await accounts.registration.verify(token)
    await register(accounts)
    await accounts.registration.verify(letterbox.token())
    for bad in (letterbox.token(), "nonsense", "mdn_mt_" + "a" * 51):
        with pytest.raises(InvalidInput) as refused:
            await accounts.registration.verify(bad)
        assert refused.value.errors[0].pointer == "/token"


async def test_a_taken_address_is_answered_like_a_free_one(accounts: Accounts, letterbox: Any) -> None:
    """Its holder gets mail instead, and keeps password and name."""
    await register(accounts)
    await accounts.registration.verify(letterbox.token())
    for spelling in ("ann@site.example", "ANN@SITE.EXAMPLE", "ａｎｎ@site.example"):
        await accounts.registration.register(email=spelling, password="some other password", name="Mallory")
    await accounts.outbox.deliver_due()
    assert letterbox.subjects()[1:] == ["You already have an account"] * 3
    assert [message["To"] for message in letterbox.messages[1:]] == ["ann@site.example"] * 3
    assert await accounts.people.count() == 1
    await accounts.logins.log_in("ann@site.example", PASSWORD)


async def test_whether_an_address_is_known_changes_neither_hashes_nor_statements(
    accounts: Accounts, open_accounts: Accounts, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Registering, forgetting, logging in: free and taken, known and unknown, wrong and barred take the same work."""
    work: list[int] = []
    commit = store.commit

    async def count_commit(batch: Any) -> None:
        work.append(len(batch))
        await commit(batch)

    def count_hashes(passwords: Any) -> None:
        run = passwords._run

        async def counted(what: Any) -> Any:
            work.append(-1)
            return await run(what)

        monkeypatch.setattr(passwords, "_run", counted)

    async def work_of(doing: Any) -> list[int]:
        work.clear()
        with contextlib.suppress(Unauthenticated):
            await doing
        return list(work)

    monkeypatch.setattr(store, "commit", count_commit)
    for each in (accounts, open_accounts):
        count_hashes(each.passwords)
        emails = ("ann@site.example", "ann@site.example") if each is accounts else ("zoe@site.example",) * 2
        first, again = [
            await work_of(each.registration.register(email=email, password=PASSWORD, name="Ann")) for email in emails
        ]
        assert first == again == [-1, 3]
    bea = await accounts.people.create(email="bea@site.example", password=PASSWORD)
    await accounts.people.suspend(bea, suspended=True)
    everybody = ("zoe@site.example", "ann@site.example", "bea@site.example", "nobody@site.example")
    for email in everybody:
        assert await work_of(accounts.registration.forgot(email=email)) == [1]
        assert await work_of(accounts.logins.log_in(email, "not the password")) == [-1]
    assert await work_of(accounts.logins.log_in("bea@site.example", PASSWORD)) == [-1]
    await open_accounts.stop()


async def test_two_registrations_at_once_make_one_account(accounts: Accounts) -> None:
    """Neither is told."""
    await asyncio.gather(*(register(accounts) for _ in range(4)))
    assert await accounts.people.count() == 1


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"email": "no address"}, "/email"),
        ({"email": "ann@site.example\r\nBcc: all@site.example"}, "/email"),
        ({"email": "ann\u202e@site.example"}, "/email"),
        ({"email": "a" * 250 + "@b.example"}, "/email"),
        ({"name": "Ann\r\nBcc: all@site.example"}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"password": "short"}, "/password"),
        ({"password": "password123"}, "/password"),
        ({"password": "PassWord123"}, "/password"),
        ({"password": "aaaaaaaaaaaa"}, "/password"),
        ({"password": "ann@site.example"}, "/password"),
        ({"password": "x1" * 129}, "/password"),
    ],
)
async def test_what_is_no_address_name_or_password_is_refused(
    accounts: Accounts, more: dict[str, str], pointer: str
) -> None:
    """Before anything is stored."""
    values = {"email": "ann@site.example", "password": PASSWORD, "name": "Ann", **more}
    with pytest.raises(InvalidInput) as refused:
        await accounts.registration.register(**values)
    assert [error.pointer for error in refused.value.errors] == [pointer]
    assert await accounts.people.count() == 0


async def test_registrations_are_limited_per_address(accounts: Accounts, clock: Any) -> None:
    """Sixty an hour from one place, whatever is sent."""
    for _ in range(60):
        with contextlib.suppress(InvalidInput):
            await accounts.registration.register(email="bad", password="", name="", address="10.0.0.1")
    with pytest.raises(TooManyRequests):
        await register(accounts, address="10.0.0.1")
    await register(accounts, address="10.0.0.2")
    clock.forward(3601)
    await register(accounts, "bea@site.example", address="10.0.0.1")


async def test_a_forgotten_password_is_set_anew(accounts: Accounts, letterbox: Any) -> None:
    """It ends every session, makes older links void, and clears the failures that led to it."""
    await accounts.people.create(email="ann@site.example", password=PASSWORD)
    pair = await accounts.logins.log_in("ann@site.example", PASSWORD)
    for _ in range(10):
        with pytest.raises(Unauthenticated):
            await accounts.logins.log_in("ann@site.example", "forgotten it")
    await accounts.registration.forgot(email="Ann@site.example", locale="ar-IQ")
    await accounts.outbox.deliver_due()
    older = letterbox.token()
    await accounts.registration.forgot(email="ann@site.example")
    await accounts.outbox.deliver_due()
    newer = letterbox.token()
    with pytest.raises(InvalidInput) as refused:
        await accounts.registration.reset(newer, "short")
    assert refused.value.errors[0].pointer == "/password"
    await accounts.registration.reset(newer, "an even longer walk")
    for token in (older, newer):
        with pytest.raises(InvalidInput):
            await accounts.registration.reset(token, "yet another long walk")
    with pytest.raises(Unauthenticated):
        await accounts.authenticator.authenticate(pair.access_token)
    with pytest.raises(Unauthenticated):
        await accounts.logins.refresh(pair.refresh_token)
    with pytest.raises(Unauthenticated):
        await accounts.logins.log_in("ann@site.example", PASSWORD)
    await accounts.logins.log_in("ann@site.example", "an even longer walk")


async def test_nobody_gets_mail_about_an_account_that_is_not(accounts: Accounts, letterbox: Any, store: Store) -> None:
    """An unknown address, and one that is suspended, leave nothing behind."""
    await accounts.people.create(email="ann@site.example", password=PASSWORD)
    account = await accounts.people.find_by_email("ann@site.example")
    assert account
    await accounts.people.suspend(account, suspended=True)
    await accounts.registration.forgot(email="nobody@site.example")
    await accounts.registration.forgot(email="ann@site.example")
    await accounts.registration.register(email="ann@site.example", password=PASSWORD, name="")
    await accounts.outbox.deliver_due()
    assert letterbox.messages == []
    assert await store.fetch_all("SELECT id FROM maydan_mail") == []


async def test_a_new_address_counts_once_it_is_verified(accounts: Accounts, letterbox: Any) -> None:
    """The old one gets a notice and works until then; other sessions end."""
    account = await accounts.people.create(email="ann@site.example", password=PASSWORD)
    here = await accounts.logins.log_in("ann@site.example", PASSWORD)
    there = await accounts.logins.log_in("ann@site.example", PASSWORD)
    actor = await accounts.authenticator.authenticate(here.access_token)
    changed = await accounts.profiles.change(
        account, email="new@site.example", current_password=PASSWORD, session_id=actor.credential_id
    )
    assert changed.email == "ann@site.example"
    await accounts.authenticator.authenticate(here.access_token)
    with pytest.raises(Unauthenticated):
        await accounts.authenticator.authenticate(there.access_token)
    await accounts.outbox.deliver_due()
    by_address = {message["To"]: message for message in letterbox.messages}
    assert by_address.keys() == {"ann@site.example", "new@site.example"}
    assert "token=" not in by_address["ann@site.example"].as_string()
    letterbox.messages = [by_address["new@site.example"]]
    assert (await accounts.registration.verify(letterbox.token())).email == "new@site.example"
    await accounts.logins.log_in("new@site.example", PASSWORD)
    with pytest.raises(Unauthenticated):
        await accounts.logins.log_in("ann@site.example", PASSWORD)


async def test_asking_for_a_taken_address_tells_nothing(accounts: Accounts, letterbox: Any) -> None:
    """Somebody who is logged in learns as little about others as somebody who registers."""
    account = await accounts.people.create(email="ann@site.example", password=PASSWORD)
    await accounts.people.create(email="bea@site.example", password=PASSWORD)
    await accounts.profiles.change(account, email="bea@site.example", current_password=PASSWORD)
    await accounts.outbox.deliver_due()
    assert {message["To"]: message["Subject"] for message in letterbox.messages} == {
        "bea@site.example": "You already have an account",
        "ann@site.example": "The e-mail address of your account is being changed",
    }


async def test_a_new_password_or_address_needs_the_present_password(accounts: Accounts) -> None:
    """Which cannot be guessed at leisure by whoever found an open session."""
    account = await accounts.people.create(email="ann@site.example", password=PASSWORD)
    with pytest.raises(InvalidInput) as refused:
        await accounts.profiles.change(account, password="another long walk")
    assert refused.value.errors[0].pointer == "/current_password"
    for _ in range(10):
        with pytest.raises(InvalidInput):
            await accounts.profiles.change(account, password="another long walk", current_password="a guess at it")
    with pytest.raises(TooManyRequests):
        await accounts.profiles.change(account, password="another long walk", current_password=PASSWORD)


async def test_a_new_password_makes_older_links_void(accounts: Accounts, letterbox: Any) -> None:
    """Whoever reads old mail cannot undo it."""
    account = await accounts.people.create(email="ann@site.example", password=PASSWORD)
    await accounts.registration.forgot(email="ann@site.example")
    await accounts.outbox.deliver_due()
    await accounts.profiles.change(account, password="an even longer walk", current_password=PASSWORD)
    with pytest.raises(InvalidInput):
        await accounts.registration.reset(letterbox.token(), "yet another long walk")


async def test_names_and_locales_are_changed_without_it(accounts: Accounts) -> None:
    """And what is not given stays."""
    account = await accounts.people.create(email="ann@site.example", password=PASSWORD, name="Ann")
    changed = await accounts.profiles.change(account, locale="ar-IQ")
    assert (changed.name, changed.locale, changed.version) == ("Ann", "ar-IQ", 2)
    with pytest.raises(InvalidInput):
        await accounts.profiles.change(changed, locale="xx_YY!")


async def test_the_first_administrator_is_made_once(accounts: Accounts) -> None:
    """Repeating it keeps a password that was changed since, and lifts an account that was there already."""
    await accounts.people.create(email="ann@site.example", password=PASSWORD)
    for _ in range(2):
        made = await accounts.people.create_administrator(email="Ann@site.example", password="another long walk")
        assert made.administrator
    assert await accounts.people.count() == 1
    pair = await accounts.logins.log_in("ann@site.example", PASSWORD)
    assert (await accounts.authenticator.authenticate(pair.access_token)).administrator


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("ann@site.example", True), ("ann+tag@sub.site.example", True), ("آن@موقع.example", True), ("a@b", True),
        ("o'neil@site.example", True), ("", False), ("ann", False), ("@site.example", False), ("ann@", False),
        ("ann@@site.example", False), ("a b@site.example", False), ("ann@-site.example", False),
        (".ann@site.example", False), ("a..b@site.example", False), ("ann@site..example", False),
        ("ann@site.example\n", False), ("<ann@site.example>", False), ("ann@[127.0.0.1]", False),
        ("ann@site.example,bea@site.example", False), ("ann\u0000@site.example", False),
    ],
)  # fmt: skip
def test_addresses_are_what_mail_can_be_sent_to(text: str, good: bool) -> None:
    """Without quoted parts, comments, lists and invisible characters."""
    assert is_address(text) is good


def test_one_address_has_one_key() -> None:
    """NFKC and case folding, so that it is the same however it is typed."""
    assert address_key("ANN@Site.Example") == address_key("ａｎｎ@site.example") == "ann@site.example"
    assert address_key("straße@x.example") == address_key("STRASSE@x.example")
    assert address_key("ann@a.example") != address_key("ann@b.example")


def test_a_network_counts_as_whoever_has_it() -> None:
    """One customer has all 64 bits of an IPv6 network; what is no address counts as it is."""
    assert network_key("2001:db8:1:2:3::4") == network_key("2001:db8:1:2:ffff::") == "2001:db8:1:2::/64"
    assert network_key("2001:db8:1:3::1") != network_key("2001:db8:1:2::1")
    assert network_key("::ffff:192.0.2.7") == network_key("192.0.2.7") == "192.0.2.7"
    assert network_key("") == ""
