"""Failures are counted, exactly; right attempts are not, however many there are at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from maydan.accounts import attempts as counting
from maydan.accounts.attempts import Attempt, Limit
from maydan.accounts.service import Accounts
from maydan.accounts.settings import AuthSettings, MailSettings
from maydan.errors import TooManyRequests, Unauthenticated, Unavailable
from maydan.storage import DatabaseSettings, open_store

pytestmark = pytest.mark.anyio

PASSWORD, WRONG = "a long walk at dusk", "another long walk"
ANN = "ann@site.example"


@pytest.fixture
async def servers(
    accounts: Accounts, database_url: str, auth: AuthSettings, clock: Any, letterbox: Any
) -> AsyncIterator[list[Accounts]]:
    """Two servers over one database, with an account."""
    await accounts.people.create(email=ANN, password=PASSWORD)
    store = open_store(DatabaseSettings(url=database_url))
    await store.open()
    other = Accounts(store, auth=auth, mail=MailSettings(), base_url="", clock=clock, mailer=letterbox)
    yield [accounts, other]
    await other.stop()
    await store.close()


async def log_in(server: Accounts, password: str, email: str = ANN, address: str = "10.0.0.1") -> str:
    """Try to log in, and return what came of it."""
    try:
        await server.logins.log_in(email, password, address=address)
    except (TooManyRequests, Unauthenticated, Unavailable) as error:
        return type(error).__name__
    return "in"


async def test_right_logins_at_once_are_all_let_in(servers: list[Accounts]) -> None:
    """More than an account or a network may fail; those that are under way are no failures."""
    tries = [log_in(server, PASSWORD) for server in servers for _ in range(40)]
    assert await asyncio.gather(*tries) == ["in"] * 80


async def test_wrong_logins_at_once_are_counted_exactly(servers: list[Accounts]) -> None:
    """Over all servers together, ten are judged."""
    tries = [log_in(server, WRONG) for server in servers for _ in range(20)]
    answers = await asyncio.gather(*tries)
    assert (answers.count("Unauthenticated"), answers.count("TooManyRequests")) == (10, 30)


async def test_who_is_held_up_at_a_limit_of_networks_shuts_nobody_out_of_an_account(servers: list[Accounts]) -> None:
    """What is not judged is no failure of the account."""
    here, _ = servers
    for number in range(30):
        await log_in(here, WRONG, f"nobody{number}@site.example", "10.9.9.9")
    for _ in range(12):
        assert await log_in(here, WRONG, ANN, "10.9.9.9") == "TooManyRequests"
    assert await log_in(here, PASSWORD) == "in"
    assert here.attempts._queues == {}


async def test_a_password_that_cannot_be_checked_is_no_failure(
    servers: list[Accounts], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is too busy, and nobody guessed."""
    here, _ = servers

    async def busy(*_: Any) -> bool:
        raise Unavailable("Too many passwords are being checked.", retry_after_s=2)

    with monkeypatch.context() as patched:
        patched.setattr(here.passwords, "verify", busy)
        assert {await log_in(here, PASSWORD) for _ in range(12)} == {"Unavailable"}
    assert await log_in(here, PASSWORD) == "in"


async def test_only_so_many_wait_for_their_turn(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are refused at once, and nothing is kept of those who left."""
    monkeypatch.setattr(counting, "_MOST_WAITING", 3)
    attempt = Attempt(limit=Limit(scope="test", count=10, window_s=60), key="k")
    goes_on = asyncio.Event()

    async def judge() -> None:
        async with accounts.attempts.judging(attempt):
            await goes_on.wait()
            await accounts.attempts.forgive(returned=(attempt,))

    tasks = [asyncio.create_task(judge()) for _ in range(6)]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    tasks[1].cancel()
    goes_on.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer).__name__ for answer in answers] == [
        "NoneType", "CancelledError", "NoneType", "NoneType", "Unavailable", "Unavailable",
    ]  # fmt: skip
    assert accounts.attempts._queues == {}
