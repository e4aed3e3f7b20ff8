"""Sending mail: over SMTP, or into the log where no server is set."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from maydan.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from email.message import EmailMessage

    from maydan.accounts.settings import MailSettings

_LOG: Final = logging.getLogger("maydan.mail")
_PORTS: Final = {"smtp": 25, "smtps": 465}


class Mailer(Protocol):
    """Sends mail."""

    async def send(self, messages: Sequence[EmailMessage]) -> None:
        """Hand over messages; returns when the other side has accepted all of them.

        Raises:
            Unavailable: Not now; the caller tries again later.
        """
        ...


class LogMailer:
    """Notes that there would have been mail; neither its text nor its tokens."""

    async def send(self, messages: Sequence[EmailMessage]) -> None:
        """Write one line for each message."""
        for message in messages:
            _LOG.warning("Mail is not set up ([mail] url), so nobody gets: %s", message["Subject"])


class _Server(Struct, frozen=True, kw_only=True):
    host: str
    port: int
    tls: bool
    user: str | None
    password: str | None

    def __repr__(self) -> str:
        return f"_Server({self.host}:{self.port})"


class SmtpMailer:
    """Sends over SMTP; the connection is secured with STARTTLS where the server offers it."""

    def __init__(self, settings: MailSettings) -> None:
        """Take the server from the settings.

        Raises:
            ConfigurationError: The URL is not one of a mail server.
        """
        self._server = _read_url(settings.url or "")
        self._timeout_s = settings.timeout_s

    async def send(self, messages: Sequence[EmailMessage]) -> None:
        """Send messages over one connection."""
        from aiosmtplib import SMTP, SMTPException

        server = self._server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.tls,
            timeout=self._timeout_s,
        )
        try:
            async with client:
                for message in messages:
                    await client.send_message(message)
        except (SMTPException, OSError, ValueError) as error:
            raise Unavailable(f"The mail server did not take the message: {type(error).__name__}: {error}") from error


def open_mailer(settings: MailSettings) -> Mailer:
    """Return what sends mail, by the settings."""
    return LogMailer() if settings.url is None else SmtpMailer(settings)


def _read_url(url: str) -> _Server:
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ConfigurationError("[mail] url: expected smtp://host:port or smtps://user:password@host:port")
    try:
        port = parts.port or _PORTS[parts.scheme]
    except ValueError as error:
        raise ConfigurationError(f"[mail] url: {error}") from error
    return _Server(
        host=parts.hostname,
        port=port,
        tls=parts.scheme == "smtps",
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
    )
