"""Accounts over both engines, with a cheap hash, a clock that stands still and a mailer that keeps what it gets."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from accounts_site import Site, opened  # pyright: ignore[reportMissingImports] - tests/support

from maydan.accounts.service import Accounts
from maydan.accounts.settings import AuthSettings, MailSettings
from maydan.errors import Unavailable
from maydan.storage import Store

PASSWORD = "a long walk at dusk"


class StillClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the moment at which the clock stands."""
        return self.moment

    def forward(self, seconds: float) -> None:
        """Move on."""
        self.moment += timedelta(seconds=seconds)


class Letterbox:
    """A mailer that keeps messages, or refuses them while it is down."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.is_down = False

    async def send(self, messages: Sequence[EmailMessage]) -> None:
        """Keep messages."""
        if self.is_down:
            raise Unavailable("The mail server is down.")
        self.messages += messages

    def token(self) -> str:
        """Return the token in the newest message."""
        body: Any = self.messages[-1].get_body(("plain",))
        found = re.search(r"token=(\S+)", body.get_content())
        assert found
        return found[1]

    def subjects(self) -> list[str]:
        """Return what the messages are about."""
        return [message["Subject"] for message in self.messages]


@pytest.fixture
def clock() -> StillClock:
    """A clock that stands still."""
    return StillClock()


@pytest.fixture
def letterbox() -> Letterbox:
    """Where mail arrives."""
    return Letterbox()


@pytest.fixture
def auth() -> AuthSettings:
    """Settings with a hash that takes no time."""
    return AuthSettings(hash_memory_kib=64, hash_passes=1)


@pytest.fixture
async def accounts(
    store: Store, clock: StillClock, letterbox: Letterbox, auth: AuthSettings
) -> AsyncIterator[Accounts]:
    """All services, with mail delivered when a test asks for it."""
    made = Accounts(
        store, auth=auth, mail=MailSettings(), base_url="https://site.example", clock=clock, mailer=letterbox
    )
    yield made
    await made.stop()


@pytest.fixture
def open_accounts(store: Store, clock: StillClock, letterbox: Letterbox) -> Accounts:
    """The same, where every account counts as verified."""
    return Accounts(
        store,
        auth=AuthSettings(hash_memory_kib=64, hash_passes=1, require_verification=False),
        mail=MailSettings(),
        base_url="https://site.example",
        clock=clock,
        mailer=letterbox,
    )


@pytest.fixture
async def site(database_url: str, letterbox: Letterbox) -> AsyncIterator[Site]:
    """A whole instance on each engine in turn, with the space ``demo`` and the type ``article``."""
    async with opened(database_url, letterbox) as site:
        yield site
