"""Sessions, and the authenticator that turns a bearer token into an actor."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from maydan.access.actors import Actor, TokenScope
from maydan.access.bounded import BoundedCache
from maydan.access.policies import Role
from maydan.accounts.tokens import TokenKind, hash_token, kind_of
from maydan.errors import NotFound, Unauthenticated
from maydan.ids import is_id
from maydan.storage.ports import Statement
from maydan.storage.revisions import bump

if TYPE_CHECKING:
    from datetime import datetime

    from maydan.clock import Clock
    from maydan.storage.ports import Row, Store

_MAX_ACTORS: Final = 10_000
_MAX_UNKNOWN: Final = 10_000
_KEPT_S: Final = 30
"""A cached actor is read again after this, should a revision ever be missed."""

_SESSION_COLUMNS: Final = 8

_BY_SESSION: Final = """
SELECT a.id, a.name, a.administrator, a.verified_at, a.suspended_at, t.expires_at, s.id, s.revoked_at
FROM maydan_session_tokens t
JOIN maydan_sessions s ON s.id = t.session_id
JOIN maydan_accounts a ON a.id = s.account_id
WHERE t.hash = ? AND t.kind = 'access'
"""
_BY_API_KEY: Final = """
SELECT a.id, a.name, a.administrator, a.verified_at, a.suspended_at, t.expires_at, t.id, t.revoked_at,
       t.space_key, t.actions, t.types
FROM maydan_api_tokens t
JOIN maydan_accounts a ON a.id = t.account_id
WHERE t.hash = ?
"""

_SESSION: Final = """
SELECT a.id, a.name, a.administrator, a.verified_at, a.suspended_at, s.expires_at, s.id, s.revoked_at
FROM maydan_sessions s
JOIN maydan_accounts a ON a.id = s.account_id
WHERE s.id = ?
"""
_ACCOUNT: Final = """
SELECT id, name, administrator, verified_at, suspended_at, NULL, NULL, NULL FROM maydan_accounts WHERE id = ?
"""
_API_KEY: Final = """
SELECT a.id, a.name, a.administrator, a.verified_at, a.suspended_at, t.expires_at, t.id, t.revoked_at,
       t.space_key, t.actions, t.types
FROM maydan_api_tokens t
JOIN maydan_accounts a ON a.id = t.account_id
WHERE t.id = ?
"""


class Session(Struct, frozen=True, kw_only=True):
    """One place in which somebody is logged in."""

    id: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    user_agent: str
    address: str


class _Known(Struct, frozen=True):
    actor: Actor
    until: datetime


class _Maker(NamedTuple):
    """Who once asked for work."""

    account_id: str
    scope: TokenScope | None
    token_id: str | None


class Authenticator:
    """Knows who is behind a token; a look-up in memory when warm.

    :meth:`forget` belongs to the revisions of accounts (in ``app.py``), so that a revoked right or a suspended
    account is gone from every worker within a second.
    """

    def __init__(self, store: Store, clock: Clock, *, require_verification: bool = True) -> None:
        """Read from this store."""
        self._store = store
        self._clock = clock
        self._require_verification = require_verification
        self._known: BoundedCache[str, _Known] = BoundedCache(_MAX_ACTORS)
        self._unknown: BoundedCache[str, bool] = BoundedCache(_MAX_UNKNOWN)
        self._accounts: BoundedCache[_Maker, _Known] = BoundedCache(_MAX_ACTORS)
        self._generation = 0
        self._used: dict[str, datetime] = {}
        store.signals.listen(self._on_signal)

    async def authenticate(self, token: str) -> Actor:
        """Return who is behind a bearer token.

        Raises:
            Unauthenticated: It is none of ours, expired, revoked, or its account is suspended.
        """
        now = self._clock.now()
        known = self._known.get(token)
        if known is not None and now < known.until:
            return known.actor
        kind = kind_of(token)
        if kind not in (TokenKind.ACCESS, TokenKind.API) or self._unknown.get(token):
            raise _refusal()
        generation = self._generation
        found = await (self._by_session(token) if kind is TokenKind.ACCESS else self._by_api_token(token))
        # What was read before a change must not be kept after it: neither who it is, nor that it is nobody.
        may_keep = generation == self._generation
        if found is None or found.until <= now:
            if may_keep:
                self._unknown.put(token, True)
            raise _refusal()
        if may_keep:
            until = min(found.until, now + timedelta(seconds=_KEPT_S))
            self._known.put(token, _Known(found.actor, until))
        if kind is TokenKind.API and found.actor.credential_id is not None:
            self._note_use(found.actor.credential_id, now)
        return found.actor

    async def of_credential(self, credential_id: str, *, is_session: bool) -> Actor:
        """Return who signs in with a session or an API token of that id, read anew: as long as it lives, so do rights.

        Raises:
            Unauthenticated: It is expired or revoked, or its account is suspended.
        """
        row = await self._store.fetch_point(_SESSION if is_session else _API_KEY, credential_id)
        known = None if row is None else await self._known_of(row)
        if known is None or known.until <= self._clock.now():
            raise _refusal()
        return known.actor

    async def end_of(self, actor: Actor, token: str | None) -> datetime | None:
        """Return when an actor's proof of who they are expires; ``None`` where there is none, or none any more.

        Args:
            actor: Who signed in.
            token: By which bearer token; ``None`` stands for a ticket, which counts as long as what it was made from.
        """
        if actor.credential_id is None:
            return None
        if actor.kind == "token":
            row = await self._store.fetch_point(_API_KEY, actor.credential_id)
        elif token is None:
            row = await self._store.fetch_point(_SESSION, actor.credential_id)
        else:
            row = await self._store.fetch_point(_BY_SESSION, hash_token(token))
        return None if row is None else self._store.dialect.read_time(row[5])

    async def of_account(
        self, account_id: str, scope: TokenScope | None = None, *, token_id: str | None = None
    ) -> Actor | None:
        """Return the account as who it may be now, for work that it once asked for; a look-up in memory when warm.

        Args:
            account_id: Whose work it is.
            scope: The limits of the API token with which it was asked for.
            token_id: That token, where the work ends with it.
        Returns:
            None where the account is suspended or gone, or the token expired or revoked.
        """
        now, maker = self._clock.now(), _Maker(account_id, scope, token_id)
        known = self._accounts.get(maker)
        if known is None or known.until <= now:
            generation = self._generation
            known = await self._read_maker(maker, now)
            if known is None or known.until <= now:
                return None
            if generation == self._generation:
                self._accounts.put(maker, known)
        return known.actor

    async def _read_maker(self, maker: _Maker, now: datetime) -> _Known | None:
        until = now + timedelta(seconds=_KEPT_S)
        if maker.token_id is not None:
            row = await self._store.fetch_point(_API_KEY, maker.token_id)
            known = None if row is None else await self._known_of(row)
            return None if known is None else _Known(known.actor, min(known.until, until))
        row = await self._store.fetch_point(_ACCOUNT, maker.account_id)
        if row is None or not self._may_sign_in(row):
            return None
        return _Known(await self._actor(row, maker.scope), until)

    def forget(self) -> None:
        """Read every actor again at its next request, because accounts or memberships changed."""
        self._generation += 1
        self._known.clear()
        self._unknown.clear()
        self._accounts.clear()

    async def on_change(self, scope: str) -> None:
        """Forget; what the revisions call."""
        self.forget()

    def _on_signal(self, name: str) -> None:
        # What this process has committed counts at once, without waiting for the revisions.
        if name == "revision:accounts":
            self.forget()

    async def store_uses(self) -> None:
        """Write down when API tokens were last used; called by the background work once a minute or so."""
        used, self._used = self._used, {}
        if used:
            sql = "UPDATE maydan_api_tokens SET last_used_at = ? WHERE id = ?"
            await self._store.commit([Statement(sql, (moment, token_id)) for token_id, moment in used.items()])

    def _note_use(self, token_id: str, now: datetime) -> None:
        if len(self._used) < _MAX_ACTORS:
            self._used[token_id] = now

    async def _by_session(self, token: str) -> _Known | None:
        row = await self._store.fetch_point(_BY_SESSION, hash_token(token))
        return None if row is None else await self._known_of(row)

    async def _by_api_token(self, token: str) -> _Known | None:
        row = await self._store.fetch_point(_BY_API_KEY, hash_token(token))
        return None if row is None else await self._known_of(row)

    async def _known_of(self, row: Row) -> _Known | None:
        """Read an actor; the row of an API token also has its scope."""
        if not self._may_sign_in(row):
            return None
        scope: TokenScope | None = None
        if len(row) > _SESSION_COLUMNS:
            types = None if row[10] is None else frozenset[str](json.loads(row[10]))
            scope = TokenScope(space_key=row[8], actions=frozenset(json.loads(row[9])), types=types)
        return _Known(await self._actor(row, scope), self._store.dialect.read_time(row[5]))

    def _may_sign_in(self, row: Row) -> bool:
        verified, suspended, revoked = row[3], row[4], row[7]
        return suspended is None and revoked is None and (verified is not None or not self._require_verification)

    async def _actor(self, row: Row, scope: TokenScope | None) -> Actor:
        account_id, administrator = str(row[0]), bool(row[2])
        members = await self._store.fetch_all(
            "SELECT space_key, roles FROM maydan_members WHERE account_id = ?", account_id
        )
        return Actor(
            kind="account" if scope is None else "token",
            id=account_id,
            name=row[1],
            administrator=administrator and (scope is None or scope.is_unlimited),
            everywhere=frozenset({Role.ADMINISTRATOR.value}) if administrator and scope else frozenset(),
            roles={space_key: frozenset[str](json.loads(roles)) for space_key, roles in members},
            scope=scope,
            credential_id=None if row[6] is None else str(row[6]),
        )


class Sessions:
    """Lists and ends the sessions of one account."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Keep sessions in this store."""
        self._store = store
        self._clock = clock

    async def list_of(
        self, account_id: str, *, limit: int = 100, after: str | None = None, offset: int = 0
    ) -> list[Session]:
        """List the sessions of an account that are alive, the newest first.

        Args:
            account_id: Whose.
            limit: How many at most.
            after: The id of the last session of the page before.
            offset: How many to leave out.
        """
        wanted, args = ("", ()) if after is None else ("AND id < ? ", (after,))
        sql = (
            "SELECT id, created_at, last_used_at, expires_at, user_agent, address FROM maydan_sessions "
            f"WHERE account_id = ? AND revoked_at IS NULL AND expires_at > ? {wanted}ORDER BY id DESC LIMIT ? OFFSET ?"
        )
        rows = await self._store.fetch_all(sql, account_id, self._clock.now(), *args, limit, offset)
        read = self._store.dialect.read_time
        return [
            Session(
                id=str(row[0]),
                created_at=read(row[1]),
                last_used_at=read(row[2]),
                expires_at=read(row[3]),
                user_agent=row[4],
                address=row[5],
            )
            for row in rows
        ]

    async def count_of(self, account_id: str) -> int:
        """Return how many :meth:`list_of` would list."""
        sql = "SELECT count(*) FROM maydan_sessions WHERE account_id = ? AND revoked_at IS NULL AND expires_at > ?"
        row = await self._store.fetch_one(sql, account_id, self._clock.now())
        return 0 if row is None else int(row[0])

    async def revoke(self, account_id: str, session_id: str) -> None:
        """End one session of an account.

        Raises:
            NotFound: The account has no such session.
        """
        alive = await self._store.fetch_point(
            "SELECT id FROM maydan_sessions WHERE id = ? AND account_id = ? AND revoked_at IS NULL",
            session_id if is_id(session_id) else "00000000-0000-0000-0000-000000000000",
            account_id,
        )
        if alive is None:
            raise NotFound
        await self._store.commit([end_session(session_id, self._clock.now()), bump("accounts")])


def end_session(session_id: str, now: datetime) -> Statement:
    """Return the statement that ends one session."""
    return Statement("UPDATE maydan_sessions SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (now, session_id))


def end_sessions_of(account_id: str, now: datetime, *, but: str | None = None) -> Statement:
    """Return the statement that ends an account's sessions, all of them or all but one."""
    sql = "UPDATE maydan_sessions SET revoked_at = ? WHERE account_id = ? AND revoked_at IS NULL"
    if but is None:
        return Statement(sql, (now, account_id))
    return Statement(f"{sql} AND id <> ?", (now, account_id, but))


def _refusal() -> Unauthenticated:
    return Unauthenticated("The token is not valid, or not any more; log in again.")
