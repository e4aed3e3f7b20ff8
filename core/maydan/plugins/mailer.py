"""A mailer that a plugin offers, run as the plugin's code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maydan.plugins.guard import Guarding

if TYPE_CHECKING:
    from collections.abc import Sequence
    from email.message import EmailMessage

    from maydan.accounts.mail import Mailer
    from maydan.plugins.guard import Guard


class GuardedMailer:
    """Sends through a plugin's mailer; a loop in it is blamed on the plugin."""

    def __init__(self, mailer: Mailer, guard: Guard, plugin: str) -> None:
        """Send through this mailer of this plugin."""
        self._mailer = mailer
        self._guarding = Guarding(guard, plugin, "mailer")

    async def send(self, messages: Sequence[EmailMessage]) -> None:
        """Hand over messages; raises whatever the plugin's mailer raises."""
        await self._guarding.guarded(self._mailer.send)(messages)
