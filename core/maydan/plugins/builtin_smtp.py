"""A plugin of the core's own: sends mail over SMTP, or notes in the log that nothing is set up to send it."""

from __future__ import annotations

from maydan.accounts.mail import Mailer, open_mailer
from maydan.accounts.settings import MailSettings
from maydan.hookspecs import hookimpl


@hookimpl
def provide_mailer(settings: MailSettings) -> Mailer:
    """Offer what the ``[mail]`` section describes."""
    return open_mailer(settings)
