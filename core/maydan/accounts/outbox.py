"""Mail that waits to be sent: stored with the change that it tells of, tried again while the mail server is down."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from maydan.accounts.messages import compose
from maydan.accounts.tokens import TokenKind, hash_token, new_token
from maydan.errors import Unavailable
from maydan.ids import new_id
from maydan.storage.ports import Statement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from email.message import EmailMessage

    from maydan.accounts.mail import Mailer
    from maydan.accounts.settings import AuthSettings, MailSettings
    from maydan.clock import Clock
    from maydan.storage.ports import Row, Store

SIGNAL: Final = "mail"
NOBODY: Final = "nobody"
"""Mail that is never sent: it makes asking about an unknown address as much work as about a known one."""

INVITATION: Final = "invitation"

_LOG: Final = logging.getLogger("maydan.mail")
_BATCH: Final = 20
_LEASE_S: Final = 120
_POLL_S: Final = 5.0
_WAITS_S: Final = (5, 30, 60, 300, 900, 1800, 3600, 2 * 3600, 4 * 3600, 8 * 3600)
"""Seconds before the next try; the last one holds for all later ones."""


class _Waiting(Struct, frozen=True, kw_only=True):
    id: str
    kind: str
    account_id: str | None
    email: str
    data: dict[str, Any]
    tries: int


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
        """End; what is being sent is sent to its end, what waits stays for the next start."""
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
        for waiting in await self._lease():
            sent += await self._deliver(waiting)
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

    async def _lease(self) -> list[_Waiting]:
        now = self._clock.now()
        due = "run_at <= ? AND failed_at IS NULL AND (lease_until IS NULL OR lease_until < ?)"
        if await self._store.fetch_one(f"SELECT id FROM maydan_mail WHERE {due} LIMIT 1", now, now) is None:
            return []
        async with self._store.write_transaction() as transaction:
            rows = await transaction.fetch_all(
                f"SELECT id, kind, account_id, email, data, tries FROM maydan_mail WHERE {due} "
                "ORDER BY run_at LIMIT ? {for_update} {skip_locked}",
                now,
                now,
                _BATCH,
            )
            for row in rows:
                await transaction.execute(
                    "UPDATE maydan_mail SET lease_until = ?, tries = tries + 1 WHERE id = ?",
                    now + timedelta(seconds=_LEASE_S),
                    str(row[0]),
                )
        return [_read(row) for row in rows]

    async def _deliver(self, waiting: _Waiting) -> int:
        done = Statement("DELETE FROM maydan_mail WHERE id = ?", (waiting.id,))
        if waiting.kind == NOBODY:
            await self._store.commit([done])
            return 1
        try:
            await self._mailer.send([await self._compose(waiting)])
        except Exception as error:  # noqa: BLE001 - whatever a mailer raises, the message must not be lost
            await self._put_off(waiting, error)
            return 0
        await self._store.commit([done])
        return 1

    async def _compose(self, waiting: _Waiting) -> EmailMessage:
        return compose(
            waiting.kind,
            to=waiting.email,
            sender=self._mail.from_,
            locale=str(waiting.data.get("locale", "")),
            link=await self._link(waiting),
            site=self._base_url,
            now=self._clock.now(),
        )

    async def _link(self, waiting: _Waiting) -> str | None:
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
        sql = "INSERT INTO maydan_mail_tokens (hash, account_id, purpose, expires_at, data) VALUES (?, ?, ?, ?, ?)"
        proof = json.dumps({"email": waiting.email})
        args = (hash_token(token), waiting.account_id, waiting.kind, ends, proof)
        await self._store.commit([Statement(sql, args)])
        path = self._auth.reset_path if reset else self._auth.verify_path
        return f"{self._base_url}{path}?token={token}"

    async def _put_off(self, waiting: _Waiting, error: Exception) -> None:
        now = self._clock.now()
        reason = error.detail if isinstance(error, Unavailable) else f"{type(error).__name__}: {error}"
        over = waiting.tries >= self._mail.max_tries
        _LOG.warning("A mail was not sent (try %s of %s): %s", waiting.tries, self._mail.max_tries, reason)
        wait_s = _WAITS_S[min(waiting.tries, len(_WAITS_S)) - 1]
        sql = "UPDATE maydan_mail SET lease_until = NULL, run_at = ?, error = ?, failed_at = ? WHERE id = ?"
        args = (now + timedelta(seconds=wait_s), reason[:500], now if over else None, waiting.id)
        await self._store.commit([Statement(sql, args)])


def _read(row: Row) -> _Waiting:
    return _Waiting(
        id=str(row[0]),
        kind=row[1],
        account_id=None if row[2] is None else str(row[2]),
        email=row[3],
        data=json.loads(row[4]),
        tries=row[5] + 1,
    )
