"""Tickets: what a browser shows instead of a header it cannot send, once and soon."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from maydan.accounts.tokens import TokenKind, hash_token, kind_of, new_token
from maydan.errors import Forbidden, Unauthenticated
from maydan.storage.ports import GuardFailed, Statement

if TYPE_CHECKING:
    from maydan.access.actors import Actor
    from maydan.accounts.sessions import Authenticator
    from maydan.clock import Clock
    from maydan.storage.ports import Store

_INSERT: Final = "INSERT INTO maydan_tickets (hash, credential_id, is_session, expires_at) VALUES (?, ?, ?, ?)"
_FIND: Final = "SELECT credential_id, is_session, expires_at FROM maydan_tickets WHERE hash = ?"
_USE: Final = "DELETE FROM maydan_tickets WHERE hash = ?"


class Tickets:
    """Issues tickets and takes them back; kept as hashes in the database, so that every worker knows them."""

    def __init__(self, store: Store, clock: Clock, authenticator: Authenticator) -> None:
        """Keep tickets in this store."""
        self._store = store
        self._clock = clock
        self._authenticator = authenticator

    async def issue(self, actor: Actor, *, lifetime_s: int) -> str:
        """Return a ticket that stands for the session or the API token with which the actor signed in.

        Raises:
            Forbidden: The actor signed in with neither.
        """
        if actor.credential_id is None:
            raise Forbidden("A ticket needs a session or an API token.")
        ticket = new_token(TokenKind.TICKET)
        expires_at = self._clock.now() + timedelta(seconds=lifetime_s)
        args = (hash_token(ticket), actor.credential_id, actor.kind == "account", expires_at)
        await self._store.commit([Statement(_INSERT, args, expect=1)])
        return ticket

    async def redeem(self, ticket: str) -> Actor:
        """Return who a ticket stands for; it is used up, whoever comes second gets nothing.

        Raises:
            Unauthenticated: It is none of ours, used or expired, or what it stands for ended.
        """
        row = None
        if kind_of(ticket) is TokenKind.TICKET:
            row = await self._store.fetch_point(_FIND, hash_token(ticket))
        if row is None:
            raise _refusal()
        try:
            await self._store.commit([Statement(_USE, (hash_token(ticket),), expect=1)])
        except GuardFailed:
            raise _refusal() from None
        if self._store.dialect.read_time(row[2]) <= self._clock.now():
            raise _refusal()
        return await self._authenticator.of_credential(str(row[0]), is_session=bool(row[1]))

    async def renew(self, actor: Actor) -> Actor:
        """Return, by the rights of now, the actor that a ticket gave.

        Raises:
            Unauthenticated: What the ticket stood for ended.
        """
        return await self._authenticator.of_credential(actor.credential_id or "", is_session=actor.kind == "account")


def _refusal() -> Unauthenticated:
    return Unauthenticated("The ticket is not valid, or not any more; get another one.", code="bad_ticket")
