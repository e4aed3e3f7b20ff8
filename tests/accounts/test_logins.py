from __future__ import annotations

import asyncio
from typing import Any

import pytest

from maydan.accounts.service import Accounts
from maydan.accounts.settings import AuthSettings, MailSettings
from maydan.errors import Forbidden, NotFound, TooManyRequests, Unauthenticated
from maydan.storage import Store

pytestmark = pytest.mark.anyio

PASSWORD = "a long walk at dusk"


async def make(accounts: Accounts, email: str = "ann@site.example", **more: Any) -> str:
    """Make an account and return its id."""
    return (await accounts.people.create(email=email, password=PASSWORD, name="Ann", **more)).id


async def test_a_login_gives_tokens_that_say_who_it_is(accounts: Accounts) -> None:
    """However the address is spelt."""
    account_id = await make(accounts, "Ann@Site.Example")
    pair = await accounts.logins.log_in("ann@SITE.example", PASSWORD)
    actor = await accounts.authenticator.authenticate(pair.access_token)
    assert (actor.kind, actor.id, actor.name, actor.administrator) == ("account", account_id, "Ann", False)
    assert pair.expires_in >= 900
    assert PASSWORD not in repr(pair)
    assert pair.access_token not in repr(pair)


@pytest.mark.parametrize("token", ["", "x", "mdn_at_" + "a" * 51, "Bearer x", "eyJhbGciOiJub25lIn0.e30.", "\x00" * 60])
async def test_other_texts_are_no_tokens(accounts: Accounts, token: str) -> None:
    """Whatever else is sent is refused before the database is asked."""
    with pytest.raises(Unauthenticated):
        await accounts.authenticator.authenticate(token)


async def test_a_refresh_token_is_no_access_token(accounts: Accounts) -> None:
    """Nor the other way round."""
    await make(accounts)
    pair = await accounts.logins.log_in("ann@site.example", PASSWORD)
    with pytest.raises(Unauthenticated):
        await accounts.authenticator.authenticate(pair.refresh_token)
    with pytest.raises(Unauthenticated):
        await accounts.logins.refresh(pair.access_token)


async def test_every_wrong_login_gets_the_same_answer(accounts: Accounts) -> None:
    """Unknown, wrong password, suspended: one text, so that nobody learns which addresses have accounts."""
    await make(accounts)
    await make(accounts, "bea@site.example")
    bea = await accounts.people.find_by_email("bea@site.example")
    assert bea
    await accounts.people.suspend(bea, suspended=True)
    details: set[str] = set()
    for email, password in (
        ("nobody@site.example", PASSWORD),
        ("ann@site.example", "another one"),
        ("bea@site.example", PASSWORD),
    ):
        with pytest.raises(Unauthenticated) as refused:
            await accounts.logins.log_in(email, password)
        details.add(refused.value.detail)
    assert len(details) == 1


async def test_an_unverified_account_cannot_log_in(accounts: Accounts, open_accounts: Accounts) -> None:
    """Unless the deployment does not ask for verification."""
    await accounts.registration.register(email="new@site.example", password=PASSWORD, name="New")
    with pytest.raises(Forbidden) as refused:
        await accounts.logins.log_in("new@site.example", PASSWORD)
    assert refused.value.error_code == "email_not_verified"
    pair = await open_accounts.logins.log_in("new@site.example", PASSWORD)
    assert (await open_accounts.authenticator.authenticate(pair.access_token)).name == "New"


async def test_failures_are_limited_per_account_and_address(accounts: Accounts, clock: Any) -> None:
    """Ten for an account wherever from, thirty from an address whatever for; the right password does not help then."""
    await make(accounts)
    for number in range(10):
        with pytest.raises(Unauthenticated):
            await accounts.logins.log_in("ANN@site.example", "wrong one", address=f"10.0.0.{number}")
    with pytest.raises(TooManyRequests) as refused:
        await accounts.logins.log_in("ann@site.example", PASSWORD, address="10.0.0.99")
    assert 0 < int(str(refused.value.facts["retry_after_s"])) <= 300
    clock.forward(301)
    await accounts.logins.log_in("ann@site.example", PASSWORD, address="10.0.0.99")
    for number in range(30):
        with pytest.raises(Unauthenticated):
            await accounts.logins.log_in(f"nobody{number}@site.example", "wrong one", address="10.9.9.9")
    with pytest.raises(TooManyRequests):
        await accounts.logins.log_in("ann@site.example", PASSWORD, address="10.9.9.9")


async def test_many_guesses_at_once_do_not_slip_through(accounts: Accounts) -> None:
    """Guesses are counted before they are checked."""
    await make(accounts)
    guesses = [accounts.logins.log_in("ann@site.example", f"guess {number}") for number in range(25)]
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(answer, Unauthenticated) for answer in answers) == 10
    assert sum(isinstance(answer, TooManyRequests) for answer in answers) == 15


async def test_right_logins_are_not_counted(accounts: Accounts) -> None:
    """An office behind one address logs in as often as it likes."""
    await make(accounts)
    for _ in range(35):
        await accounts.logins.log_in("ann@site.example", PASSWORD, address="10.0.0.1")


async def test_the_limit_survives_a_restart(
    accounts: Accounts, store: Store, clock: Any, letterbox: Any, auth: AuthSettings
) -> None:
    """It is kept in the database, and other processes count with it."""
    for _ in range(10):
        with pytest.raises(Unauthenticated):
            await accounts.logins.log_in("ann@site.example", "wrong one")
    other = Accounts(store, auth=auth, mail=MailSettings(), base_url="", clock=clock, mailer=letterbox)
    with pytest.raises(TooManyRequests):
        await other.logins.log_in("ann@site.example", "wrong one")


async def test_a_refresh_token_is_good_once(accounts: Accounts) -> None:
    """Using it again ends the session with all that came of it, for thief and owner alike."""
    await make(accounts)
    first = await accounts.logins.log_in("ann@site.example", PASSWORD)
    second = await accounts.logins.refresh(first.refresh_token)
    assert (await accounts.authenticator.authenticate(second.access_token)).name == "Ann"
    with pytest.raises(Unauthenticated):
        await accounts.logins.refresh(first.refresh_token)
    with pytest.raises(Unauthenticated):
        await accounts.logins.refresh(second.refresh_token)
    for token in (first.access_token, second.access_token):
        with pytest.raises(Unauthenticated):
            await accounts.authenticator.authenticate(token)


async def test_two_refreshes_at_once_do_not_both_win(accounts: Accounts) -> None:
    """At most one gets tokens, and then the session is over: one of the two was a thief."""
    await make(accounts)
    pair = await accounts.logins.log_in("ann@site.example", PASSWORD)
    answers = await asyncio.gather(
        *(accounts.logins.refresh(pair.refresh_token) for _ in range(5)), return_exceptions=True
    )
    won = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert len(won) <= 1
    for answer in won:
        with pytest.raises(Unauthenticated):
            await accounts.logins.refresh(answer.refresh_token)


async def test_reuse_ends_its_own_session_only(accounts: Accounts) -> None:
    """Being logged in elsewhere goes on."""
    await make(accounts)
    here = await accounts.logins.log_in("ann@site.example", PASSWORD)
    there = await accounts.logins.log_in("ann@site.example", PASSWORD)
    await accounts.logins.refresh(here.refresh_token)
    with pytest.raises(Unauthenticated):
        await accounts.logins.refresh(here.refresh_token)
    assert (await accounts.logins.refresh(there.refresh_token)).access_token


async def test_tokens_end_in_time(accounts: Accounts, clock: Any) -> None:
    """Access tokens after 15 minutes, also when they are cached; a session when it was not refreshed for long."""
    await make(accounts)
    pair = await accounts.logins.log_in("ann@site.example", PASSWORD)
    await accounts.authenticator.authenticate(pair.access_token)
    clock.forward(899)
    await accounts.authenticator.authenticate(pair.access_token)
    clock.forward(2)
    with pytest.raises(Unauthenticated):
        await accounts.authenticator.authenticate(pair.access_token)
    clock.forward(31 * 24 * 3600)
    with pytest.raises(Unauthenticated):
        await accounts.logins.refresh(pair.refresh_token)


async def test_logging_out_ends_the_session(accounts: Accounts) -> None:
    """Its access token, cached or not, and its refresh token."""
    await make(accounts)
    pair = await accounts.logins.log_in("ann@site.example", PASSWORD)
    actor = await accounts.authenticator.authenticate(pair.access_token)
    await accounts.logins.log_out(actor)
    with pytest.raises(Unauthenticated):
        await accounts.authenticator.authenticate(pair.access_token)
    with pytest.raises(Unauthenticated):
        await accounts.logins.refresh(pair.refresh_token)


async def test_sessions_are_listed_and_revoked_by_their_owner_alone(accounts: Accounts) -> None:
    """Somebody else's session does not exist."""
    ann = await make(accounts)
    bea = await make(accounts, "bea@site.example")
    pair = await accounts.logins.log_in("ann@site.example", PASSWORD, address="10.0.0.1", user_agent="Browser")
    (session,) = await accounts.sessions.list_of(ann)
    assert (session.address, session.user_agent) == ("10.0.0.1", "Browser")
    for session_id in (session.id, "nonsense"):
        with pytest.raises(NotFound):
            await accounts.sessions.revoke(bea, session_id)
    await accounts.sessions.revoke(ann, session.id)
    with pytest.raises(NotFound):
        await accounts.sessions.revoke(ann, session.id)
    assert await accounts.sessions.list_of(ann) == []
    with pytest.raises(Unauthenticated):
        await accounts.authenticator.authenticate(pair.access_token)


async def test_a_suspended_account_is_out_at_once(accounts: Accounts) -> None:
    """Its sessions are over, also when it is let in again; API tokens, which it made on purpose, then work again."""
    ann = await make(accounts)
    pair = await accounts.logins.log_in("ann@site.example", PASSWORD)
    await accounts.authenticator.authenticate(pair.access_token)
    _, kept = await accounts.tokens.create(ann, name="t", actions=["read"], expires_in_s=60)
    account = await accounts.people.suspend(await accounts.people.get(ann), suspended=True)
    for is_back in (False, True):
        with pytest.raises(Unauthenticated):
            await accounts.authenticator.authenticate(pair.access_token)
        with pytest.raises(Unauthenticated):
            await accounts.logins.refresh(pair.refresh_token)
        if not is_back:
            with pytest.raises(Unauthenticated):
                await accounts.authenticator.authenticate(kept)
            await accounts.people.suspend(account, suspended=False)
    assert (await accounts.authenticator.authenticate(kept)).id == ann
    assert (await accounts.logins.log_in("ann@site.example", PASSWORD)).access_token


async def test_a_refusal_read_before_a_release_is_not_kept_after_it(
    accounts: Accounts, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that is on its way while an account is let in again is refused alone; the token works from then on."""
    ann = await make(accounts)
    _, token = await accounts.tokens.create(ann, name="t", actions=["read"], expires_in_s=60)
    account = await accounts.people.suspend(await accounts.people.get(ann), suspended=True)
    read, released = asyncio.Event(), asyncio.Event()
    fetch = store.fetch_point

    async def late(sql: str, *args: Any) -> Any:
        row = await fetch(sql, *args)
        read.set()
        await released.wait()
        return row

    with monkeypatch.context() as patched:
        patched.setattr(store, "fetch_point", late)
        asking = asyncio.create_task(accounts.authenticator.authenticate(token))
        async with asyncio.timeout(30):
            await read.wait()
    await accounts.people.suspend(account, suspended=False)
    released.set()
    with pytest.raises(Unauthenticated):
        await asking
    assert (await accounts.authenticator.authenticate(token)).id == ann


async def test_no_token_stands_in_the_database(accounts: Accounts, store: Store) -> None:
    """Only hashes do."""
    ann = await make(accounts)
    pair = await accounts.logins.log_in("ann@site.example", PASSWORD)
    _, text = await accounts.tokens.create(ann, name="t", actions=["read"], expires_in_s=60)
    stored = [
        str(row)
        for table in ("maydan_session_tokens", "maydan_api_tokens", "maydan_sessions", "maydan_accounts")
        for row in await store.fetch_all(f"SELECT * FROM {table}")
    ]
    for secret in (pair.access_token, pair.refresh_token, text, PASSWORD):
        assert not any(secret in row for row in stored)


async def test_what_has_expired_is_cleared_away(accounts: Accounts, store: Store, clock: Any) -> None:
    """Tokens, sessions and counts do not pile up; what is alive stays."""
    await make(accounts)
    await accounts.logins.log_in("ann@site.example", PASSWORD)
    with pytest.raises(Unauthenticated):
        await accounts.logins.log_in("nobody@site.example", PASSWORD)
    clock.forward(40 * 24 * 3600)
    await accounts.logins.log_in("ann@site.example", PASSWORD)
    await accounts.clear_away()
    counts = [
        await store.fetch_one(f"SELECT count(*) FROM {table}")
        for table in ("maydan_sessions", "maydan_session_tokens", "maydan_attempts")
    ]
    assert [row and row[0] for row in counts] == [1, 2, 1]


async def test_unknown_tokens_do_not_grow_memory(accounts: Accounts) -> None:
    """Well-formed tokens of nobody leave a bounded cache behind."""
    from maydan.accounts.tokens import TokenKind, new_token

    for _ in range(300):
        with pytest.raises(Unauthenticated):
            await accounts.authenticator.authenticate(new_token(TokenKind.ACCESS))
    assert len(accounts.authenticator._unknown) <= 300
    assert accounts.authenticator._unknown._limit == 10_000
    assert len(accounts.authenticator._known) == 0
