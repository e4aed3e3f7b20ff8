from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from maydan.accounts.mail import LogMailer, SmtpMailer, open_mailer
from maydan.accounts.messages import TEXTS, compose, language_of
from maydan.accounts.outbox import mail_statement
from maydan.accounts.service import Accounts
from maydan.accounts.settings import MailSettings
from maydan.errors import ConfigurationError, Unavailable
from maydan.storage import Store

pytestmark = pytest.mark.anyio

PASSWORD = "a long walk at dusk"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def message(kind: str = "verify", **more: Any) -> Any:
    """Compose a message."""
    values: dict[str, Any] = {
        "to": "ann@site.example", "sender": "Site <no-reply@site.example>", "locale": "en",
        "link": "https://site.example/verify?token=mdn_mt_x", "site": "https://site.example", "now": NOW,
    }  # fmt: skip
    return compose(kind, **{**values, **more})


class Inbox:
    """What an SMTP server hands its messages to."""

    def __init__(self) -> None:
        self.port = 0
        self.something = asyncio.Event()
        self.received: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep a message."""
        parsed = message_from_bytes(envelope.content, policy=policy.default)
        self.received.append((envelope.mail_from, envelope.rcpt_tos, parsed))
        self.something.set()
        return "250 OK"


@pytest.fixture
async def server() -> AsyncIterator[Inbox]:
    """A real SMTP server on a free port of this machine."""
    loop = asyncio.get_running_loop()
    inbox = Inbox()
    listening = await loop.create_server(lambda: SMTP(inbox, loop=loop), "127.0.0.1", 0)
    inbox.port = listening.sockets[0].getsockname()[1]
    yield inbox
    listening.close()
    await listening.wait_closed()


async def test_mail_reaches_a_real_server(server: Inbox) -> None:
    """Both parts, in Arabic as well, from the sender that is set."""
    mailer = open_mailer(MailSettings(url=f"smtp://127.0.0.1:{server.port}"))
    await mailer.send([message(), message("reset", locale="ar-IQ")])
    (sender, recipients, english), (_, _, arabic) = server.received
    assert (sender, recipients) == ("no-reply@site.example", ["ann@site.example"])
    assert english["Subject"] == TEXTS["verify"]["en"].subject
    assert english["Auto-Submitted"] == "auto-generated"
    assert arabic["Subject"] == TEXTS["reset"]["ar"].subject
    assert 'dir="rtl"' in arabic.get_body(("html",)).get_content()
    assert "token=mdn_mt_x" in arabic.get_body(("plain",)).get_content()


async def test_registration_works_from_end_to_end_by_mail(store: Store, server: Inbox, clock: Any, auth: Any) -> None:
    """The background work sends what a registration left, without anybody waiting for it."""
    mail = MailSettings(url=f"smtp://127.0.0.1:{server.port}", from_="no-reply@site.example")
    accounts = Accounts(store, auth=auth, mail=mail, base_url="https://site.example", clock=clock)
    await accounts.start_worker()
    await accounts.registration.register(email="ann@site.example", password=PASSWORD, name="Ann")
    async with asyncio.timeout(30):
        await server.something.wait()
    await accounts.stop()
    _, _, received = server.received[0]
    token = received.get_body(("plain",)).get_content().partition("token=")[2].split()[0]
    assert (await accounts.registration.verify(token)).verified_at is not None


@pytest.mark.parametrize("url", ["http://mail:25", "smtp://", "smtp://host:99999", "smtp://host/path", "mail"])
def test_a_url_that_is_no_mail_server_is_refused(url: str) -> None:
    """At the start, and not with the first message."""
    with pytest.raises(ConfigurationError):
        open_mailer(MailSettings(url=url))


async def test_a_server_that_is_down_is_said_to_be() -> None:
    """So that the message is kept and tried again."""
    with pytest.raises(Unavailable):
        await SmtpMailer(MailSettings(url="smtp://127.0.0.1:9", timeout_s=2)).send([message()])


async def test_without_a_server_the_log_tells_no_token(caplog: pytest.LogCaptureFixture) -> None:
    """A notice that there would have been mail, and what about."""
    assert isinstance(open_mailer(MailSettings()), LogMailer)
    with caplog.at_level(logging.INFO):
        await LogMailer().send([message()])
    assert "Verify your e-mail address" in caplog.text
    assert "token" not in caplog.text
    assert "ann@site.example" not in caplog.text


def test_settings_do_not_show_the_password() -> None:
    """In no log line and no error."""
    shown = repr(MailSettings(url="smtps://user:hunter2@mail.example:465"))
    assert "hunter2" not in shown
    assert "mail.example" in shown


@pytest.mark.parametrize("field", ["to", "sender"])
def test_nobody_writes_headers_through_an_address(field: str) -> None:
    """A line break in an address is refused, and never a header."""
    with pytest.raises(ValueError):  # noqa: PT011 - the e-mail package words it
        message(**{field: "ann@site.example\r\nBcc: all@site.example"})


@pytest.mark.parametrize("kind", sorted(TEXTS))
@pytest.mark.parametrize("locale", ["en", "ar"])
def test_every_message_exists_in_both_languages(kind: str, locale: str) -> None:
    """Plain and HTML; a language without texts gets English."""
    made = message(kind, locale=locale)
    assert made["Subject"] == TEXTS[kind][locale].subject
    assert f'lang="{locale}"' in made.get_body(("html",)).get_content()
    assert made["Content-Language"] == locale
    assert language_of("ku") == "en"


def test_a_link_is_escaped_in_html() -> None:
    """A base URL with odd characters stays text."""
    made = message(link='https://site.example/?a=<b>&c="d"')
    assert "<b>" not in made.get_body(("html",)).get_content()


async def test_mail_that_is_down_fails_no_registration(accounts: Accounts, letterbox: Any, clock: Any) -> None:
    """The message waits, and goes out by itself when the server is back."""
    letterbox.is_down = True
    await accounts.registration.register(email="ann@site.example", password=PASSWORD, name="Ann")
    assert await accounts.outbox.deliver_due() == 0
    letterbox.is_down = False
    assert await accounts.outbox.deliver_due() == 0
    clock.forward(6)
    assert await accounts.outbox.deliver_due() == 1
    assert await accounts.outbox.deliver_due() == 0
    assert (await accounts.registration.verify(letterbox.token())).email == "ann@site.example"


async def test_a_message_is_given_up_after_a_bounded_number_of_tries(
    accounts: Accounts, letterbox: Any, clock: Any, store: Store
) -> None:
    """And stays in the table with its reason."""
    letterbox.is_down = True
    await store.commit([mail_statement("taken", email="ann@site.example", account_id=None, now=clock.now())])
    for _ in range(15):
        await accounts.outbox.deliver_due()
        clock.forward(9 * 3600)
    row = await store.fetch_one("SELECT tries, error, failed_at FROM maydan_mail")
    assert row
    assert row[0] == MailSettings().max_tries
    assert row[1] == "The mail server is down."
    assert row[2] is not None
    letterbox.is_down = False
    assert await accounts.outbox.deliver_due() == 0


async def test_two_processes_do_not_send_the_same_message(
    accounts: Accounts, open_accounts: Accounts, letterbox: Any, clock: Any, store: Store
) -> None:
    """A message is leased to one of them."""
    for number in range(5):
        await store.commit([mail_statement("taken", email=f"a{number}@b.example", account_id=None, now=clock.now())])
    sent = await asyncio.gather(accounts.outbox.deliver_due(), open_accounts.outbox.deliver_due())
    assert sum(sent) == 5
    assert len({each["To"] for each in letterbox.messages}) == len(letterbox.messages) == 5


async def test_no_token_waits_in_the_outbox(accounts: Accounts, store: Store, letterbox: Any) -> None:
    """A token is made when its mail is sent, and only its hash is kept."""
    await accounts.registration.register(email="ann@site.example", password=PASSWORD, name="Ann")
    assert "mdn_mt_" not in str(await store.fetch_all("SELECT * FROM maydan_mail"))
    await accounts.outbox.deliver_due()
    assert letterbox.token() not in str(await store.fetch_all("SELECT * FROM maydan_mail_tokens"))
