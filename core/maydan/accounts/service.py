"""The accounts of one deployment: every service of this room, wired once in ``app.py``."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Final

from maydan.accounts.api_tokens import ApiTokens
from maydan.accounts.attempts import Attempts
from maydan.accounts.identities import Identities
from maydan.accounts.invitations import Invitations
from maydan.accounts.logins import Logins
from maydan.accounts.mail import open_mailer
from maydan.accounts.members import Members
from maydan.accounts.oidc import Providers
from maydan.accounts.outbox import Outbox
from maydan.accounts.passwords import Passwords
from maydan.accounts.people import People
from maydan.accounts.profiles import Profiles
from maydan.accounts.registration import Registration
from maydan.accounts.roles import Roles
from maydan.accounts.sessions import Authenticator, Sessions
from maydan.accounts.tickets import Tickets
from maydan.accounts.totp import SecondFactors
from maydan.storage.ports import Statement

if TYPE_CHECKING:
    from maydan.accounts.mail import Mailer
    from maydan.accounts.oidc_client import Ask
    from maydan.accounts.settings import AuthSettings, MailSettings
    from maydan.clock import Clock
    from maydan.storage.ports import Store

_LOG: Final = logging.getLogger("maydan.accounts")
_NOTE_EVERY_S: Final = 60.0
_ATTEMPTS_KEPT_S: Final = 2 * 3600


class Accounts:
    """People, their sessions and tokens, the members and roles of spaces."""

    def __init__(
        self,
        store: Store,
        *,
        auth: AuthSettings,
        mail: MailSettings,
        base_url: str,
        clock: Clock,
        mailer: Mailer | None = None,
        ask: Ask | None = None,
    ) -> None:
        """Wire the services; nothing runs before :meth:`start_worker`.

        Args:
            store: Where everything is kept.
            auth: ``[auth]``.
            mail: ``[mail]``.
            base_url: ``[server] base_url``, with which every link in mail begins.
            clock: The time.
            mailer: What sends mail; else what ``[mail]`` says.
            ask: Asks the providers through which people sign in; else there are none.
        """
        self.settings = auth
        self.passwords = Passwords(auth)
        self.attempts = Attempts(store, clock)
        self.people = People(store, clock, self.passwords)
        self.sessions = Sessions(store, clock)
        self.authenticator = Authenticator(store, clock, require_verification=auth.require_verification)
        self.tickets = Tickets(store, clock, self.authenticator)
        self.totp = SecondFactors(store, clock, auth, self.attempts, base_url)
        self.logins = Logins(store, clock, auth, self.people, self.passwords, self.attempts, self.totp)
        self.providers = Providers(
            store, clock, auth, self.people, self.logins, self.attempts, base_url=base_url, ask=ask
        )
        self.identities = Identities(store, auth, self.people)
        self.registration = Registration(store, clock, auth, self.people, self.passwords, self.attempts)
        self.profiles = Profiles(clock, auth, self.people, self.passwords, self.attempts)
        self.tokens = ApiTokens(store, clock)
        self.members = Members(store, clock)
        self.invitations = Invitations(store, clock, auth, self.passwords, self.attempts)
        self.roles = Roles(store, clock)
        self.outbox = Outbox(store, clock, mailer or open_mailer(mail), auth, mail, base_url)
        self._store = store
        self._clock = clock
        self._noting: asyncio.Task[None] | None = None

    async def start_worker(self) -> None:
        """Begin the background work: sending mail, and writing down when sessions and tokens were last used."""
        await self.outbox.start()
        self._noting = asyncio.create_task(self._note_uses(), name="maydan-accounts-uses")

    async def stop(self) -> None:
        """End the background work, and what this process still knows is written down."""
        noting, self._noting = self._noting, None
        if noting is not None:
            noting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await noting
        await self.outbox.stop()
        await self.authenticator.store_uses()
        self.passwords.close()

    async def clear_away(self) -> None:
        """Delete tokens, sessions and counts that have expired."""
        now = self._clock.now()
        for table in (
            "maydan_session_tokens",
            "maydan_mail_tokens",
            "maydan_sessions",
            "maydan_tickets",
            "maydan_invitations",
            "maydan_oidc_flows",
        ):
            await self._store.commit([Statement(f"DELETE FROM {table} WHERE expires_at < ?", (now,))])
        await self.attempts.forget_old(older_than_s=_ATTEMPTS_KEPT_S)

    async def _note_uses(self) -> None:
        while True:
            try:
                await self.authenticator.store_uses()
            except Exception:  # noqa: BLE001 - the database may be down; it is tried again
                _LOG.exception("Writing down when tokens were used failed; it is tried again.")
            await asyncio.sleep(_NOTE_EVERY_S)
