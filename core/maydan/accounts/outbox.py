"""Mail that waits to be sent: stored with the change that it tells of, tried again while the mail server is down."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from maydan.accounts.messages import compose
from maydan.accounts.tokens import TokenKind, hash_token, new_token
from maydan.accounts.waiting_mail import WaitingMail
from maydan.errors import Unavailable
from maydan.ids import new_id
from maydan.storage.ports import GuardFailed, Statement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from email.message import EmailMessage

    from maydan.accounts.mail import Mailer
    from maydan.accounts.settings import AuthSettings, MailSettings
    from maydan.accounts.waiting_mail import Waiting
    from maydan.clock import Clock
    from maydan.storage.ports import Store

SIGNAL: Final = "mail"
NOBODY: Final = "nobody"
"""Mail that is never sent: it makes asking about an unknown address as much work as about a known one."""

INVITATION: Final = "invitation"

# The lock has whatever makes links void meanwhile find this one, or this find that its mail is gone.
_STORE_LINK: Final = (
    "INSERT INTO maydan_mail_tokens (hash, account_id, purpose, expires_at, data) "
    "SELECT ?, a.id, m.kind, ?, ? FROM maydan_accounts a JOIN maydan_mail m ON m.account_id = a.id "
    "WHERE m.id = ? {for_share}"
)
_LOG: Final = logging.getLogger("maydan.mail")
_BATCH: Final = 20
_POLL_S: Final = 5.0
_ANSWERS: Final = 3
"""A message may take as long as a server may take for so many answers; then the try has failed."""
_SPARE_S: Final = 60.0
"""For how much longer a message is leased than it may take to be sent."""


def mail_statement(
    kind: str,
    *,
    email: str,
    account_id: str | None,
    now: datetime,
    locale: str = "",
    data: Mapping[str, str] | None = None,
) -> Statement:
    """Return the part of a batch that has a mail sent once the batch is committed.

    Tokens are made when it is sent: none is ever stored in a form that would work.
    """
    return Statement(
        "INSERT INTO maydan_mail (id, kind, account_id, email, data, created_at, run_at, tries, error) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, 0, '')",
        (new_id(), kind, account_id, email, json.dumps({**(data or {}), "locale": locale}), now, now),
        signal=SIGNAL,
    )


class Outbox:
    """Sends what waits; several processes may each have one, a message is leased to one of them at a time."""

    def __init__(
        self, store: Store, clock: Clock, mailer: Mailer, auth: AuthSettings, mail: MailSettings, base_url: str
    ) -> None:
        """Send through this mailer, with links that begin with ``base_url``."""
        self._store = store
        self._clock = clock
        self._send_s = _ANSWERS * mail.timeout_s
        self._waiting = WaitingMail(store, clock, lease_s=self._send_s + _SPARE_S, max_tries=mail.max_tries)
        self._mailer = mailer
        self._auth = auth
        self._mail = mail
        self._base_url = base_url.rstrip("/")
        self._awake = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self._stop_listening: Callable[[], None] | None = None

    async def start(self) -> None:
        """Begin to send in the background."""
        self._stop_listening = self._store.signals.listen(self._on_signal)
        self._stopping = False
        self._task = asyncio.create_task(self._run(), name="maydan-outbox")

    async def stop(self) -> None:
        """End; the message that is being sent is sent to its end, what waits stays for the next start."""
        if self._stop_listening is not None:
            self._stop_listening()
        task, self._task = self._task, None
        if task is not None:
            self._stopping = True
            self._awake.set()
            await task

    async def deliver_due(self) -> int:
        """Try everything that is due once, and return how many messages were sent."""
        sent = 0
        for waiting in await self._waiting.due(_BATCH):
            if self._stopping:
                break
            # Only one at a time is taken, as its lease must last until it is sent.
            taken = await self._waiting.take(waiting)
            sent += taken is not None and await self._deliver(taken)
        return sent

    def _on_signal(self, name: str) -> None:
        if name == SIGNAL:
            self._awake.set()

    async def _run(self) -> None:
        while not self._stopping:
            self._awake.clear()
            try:
                while await self.deliver_due() == _BATCH:
                    pass
            except Exception:  # noqa: BLE001 - the database may be down; what waits is still there afterwards
                _LOG.exception("The outbox failed; it goes on in %s s.", _POLL_S)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._awake.wait(), _POLL_S)

    async def _deliver(self, waiting: Waiting) -> bool:
        error = None if waiting.kind == NOBODY else await self._try(waiting)
        if error is None:
            await self._waiting.done(waiting)
        else:
            await self._put_off(waiting, error)
        return error is None

    async def _try(self, waiting: Waiting) -> BaseException | None:
        """Send a message, and return why it was not sent.

        A mailer may be a plugin's: whatever it raises, and however long it takes, the message must not be lost, and
        the others must be sent.
        """
        sending = asyncio.create_task(self._send(waiting), name="maydan-outbox-send")
        try:
            await asyncio.wait({sending}, timeout=self._send_s)
        finally:
            sending.cancel()
        if not sending.done():
            return Unavailable(f"The message was not sent within {self._send_s:g} s.")
        return Unavailable("The mailer cancelled the message.") if sending.cancelled() else sending.exception()

    async def _send(self, waiting: Waiting) -> None:
        try:
            message = await self._compose(waiting)
        except GuardFailed:
            # Its link became void while it waited.
            return
        await self._mailer.send([message])

    async def _compose(self, waiting: Waiting) -> EmailMessage:
        return compose(
            waiting.kind,
            to=waiting.email,
            sender=self._mail.from_,
            locale=str(waiting.data.get("locale", "")),
            link=await self._link(waiting),
            site=self._base_url,
            now=self._clock.now(),
        )

    async def _link(self, waiting: Waiting) -> str | None:
        token = new_token(TokenKind.MAIL)
        if waiting.kind == INVITATION:
            sql = "UPDATE maydan_invitations SET token_hash = ? WHERE id = ?"
            await self._store.commit([Statement(sql, (hash_token(token), str(waiting.data[INVITATION])))])
            return f"{self._base_url}{self._auth.invitation_path}?token={token}"
        if waiting.kind not in ("verify", "email", "reset"):
            return None
        reset = waiting.kind == "reset"
        lives_s = self._auth.reset_token_s if reset else self._auth.mail_token_s
        ends = self._clock.now() + timedelta(seconds=lives_s)
        proof = json.dumps({**waiting.data, "email": waiting.email})
        await self._store.commit([Statement(_STORE_LINK, (hash_token(token), ends, proof, waiting.id), expect=1)])
        path = self._auth.reset_path if reset else self._auth.verify_path
        return f"{self._base_url}{path}?token={token}"

    async def _put_off(self, waiting: Waiting, error: BaseException) -> None:
        reason = error.detail if isinstance(error, Unavailable) else f"{type(error).__name__}: {error}"
        _LOG.warning("A mail was not sent (try %s of %s): %s", waiting.tries, self._mail.max_tries, reason)
        await self._waiting.put_off(waiting, reason)
