"""Logging in, staying logged in, logging out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct, structs

from maydan.accounts.addresses import address_key
from maydan.accounts.attempts import Attempt, Limit, network_key
from maydan.accounts.sessions import end_session
from maydan.accounts.tokens import TokenKind, hash_token, kind_of, new_token
from maydan.errors import Forbidden, Unauthenticated
from maydan.ids import new_id
from maydan.storage.guarded import committed
from maydan.storage.ports import GuardFailed, Statement
from maydan.storage.revisions import bump

if TYPE_CHECKING:
    from datetime import datetime

    from maydan.access.actors import Actor
    from maydan.accounts.attempts import Attempts
    from maydan.accounts.passwords import Passwords
    from maydan.accounts.people import Account, People
    from maydan.accounts.settings import AuthSettings
    from maydan.accounts.totp import SecondFactors
    from maydan.clock import Clock
    from maydan.storage.ports import Store

MAX_USER_AGENT: Final = 300
_RACES: Final = 5
"""How often a login tries to begin while other logins have the same password hashed anew."""

# The lock has PostgreSQL wait for a change of the account that is under way, and look at what it leaves.
_BEGIN: Final = (
    "INSERT INTO maydan_sessions (id, account_id, created_at, last_used_at, expires_at, user_agent, address) "
    "SELECT ?, id, ?, ?, ?, ?, ? FROM maydan_accounts "
    "WHERE id = ? AND password_hash = ? AND suspended_at IS NULL {for_share}"
)


class TokenPair(Struct, frozen=True, kw_only=True):
    """What a login gives; the field names are those of RFC 6749, section 5.1."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - a kind of token
    expires_in: int
    """Seconds."""
    refresh_token: str

    def __repr__(self) -> str:
        return "TokenPair(***)"


class Logins:
    """Begins, renews and ends sessions."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        settings: AuthSettings,
        people: People,
        passwords: Passwords,
        attempts: Attempts,
        totp: SecondFactors,
    ) -> None:
        """Keep sessions in this store."""
        self._store = store
        self._clock = clock
        self._settings = settings
        self._people = people
        self._passwords = passwords
        self._attempts = attempts
        self._totp = totp

    async def log_in(
        self, email: str, password: str, *, code: str | None = None, address: str = "", user_agent: str = ""
    ) -> TokenPair:
        """Begin a session.

        Whether the address is unknown, the password wrong or the account suspended: the answer and the time it takes
        are the same.

        Args:
            email: In any spelling.
            password: As it was typed.
            code: Of the second factor, where the account has one; ignored where it has none.
            address: The network address, for the limit and the list of sessions.
            user_agent: As the client calls itself, for the list of sessions.
        Raises:
            TooManyRequests: Too many failures for this account or from this network address.
            Unauthenticated: Address and password do not belong together; or they do, but the account needs a code
                (``code_required``), or this is not it (``wrong_code``).
            Forbidden: They do, but the address is not verified yet (``email_not_verified``).
        """
        for_account, for_address = self._attempts_of(email, address)
        async with self._attempts.judging(for_address, for_account):
            account = await self._prove(await self._people.find_by_email(email), password)
            await self._attempts.forgive(cleared=(for_account,), returned=(for_address,))
        if account.verified_at is None and self._settings.require_verification:
            raise Forbidden("Verify the e-mail address first, with the link in the mail.", code="email_not_verified")
        await self._check_code(account, code)
        return await self._begin_with(account, password, address=address, user_agent=user_agent)

    async def _prove(self, account: Account | None, password: str) -> Account:
        """Return the account if this is its password; it takes as long where there is none."""
        right = await self._passwords.verify(password, None if account is None else account.password_hash)
        if account is None or not right or account.suspended_at is not None:
            raise _wrong()
        return account

    async def _check_code(self, account: Account, code: str | None) -> None:
        """Ask for the second factor of somebody whose password is right."""
        if not await self._totp.is_on(account.id):
            return
        if code is None:
            raise Unauthenticated("This account needs the code of its authenticator app too.", code="code_required")
        if not await self._totp.use(account.id, code):
            raise Unauthenticated("This is not the present code, or it was used already.", code="wrong_code")

    async def _begin_with(self, account: Account, password: str, *, address: str, user_agent: str) -> TokenPair:
        """Begin a session, unless the password that was right is not the account's any more."""
        for _ in range(_RACES):
            account = await self._hashed_anew(account, password)
            pair = await self._try_begin(account, address=address, user_agent=user_agent)
            if pair is not None:
                return pair
            account = await self._prove(await self._people.find(account.id), password)
        raise _wrong()

    async def begin(self, account: Account, *, address: str = "", user_agent: str = "") -> TokenPair:
        """Begin a session of somebody who has already proved who they are.

        Args:
            account: As it was read when they proved it.
            address: For the list of sessions.
            user_agent: For the list of sessions.
        Raises:
            Unauthenticated: The account was suspended, or got another password, since then.
        """
        pair = await self._try_begin(account, address=address, user_agent=user_agent)
        if pair is None:
            raise Unauthenticated("The account was changed in the meantime; log in again.")
        return pair

    async def _try_begin(self, account: Account, *, address: str, user_agent: str) -> TokenPair | None:
        """Begin a session; ``None`` where whatever ended the account's sessions meanwhile would not end this one."""
        now = self._clock.now()
        session_id = new_id()
        ends = now + timedelta(seconds=self._settings.refresh_token_s)
        args = (session_id, now, now, ends, user_agent[:MAX_USER_AGENT], address, account.id, account.password_hash)
        pair, tokens = self._new_pair(session_id, now)
        return pair if await committed(self._store, [Statement(_BEGIN, args, expect=1), tokens]) else None

    async def refresh(self, refresh_token: str) -> TokenPair:
        """Exchange a refresh token for new tokens; each is good once, and using it again ends its session.

        Raises:
            Unauthenticated: It is not valid (any more).
        """
        now = self._clock.now()
        if kind_of(refresh_token) is not TokenKind.REFRESH:
            raise _refused()
        token_hash = hash_token(refresh_token)
        row = await self._store.fetch_point(
            "SELECT t.session_id, t.expires_at, t.used_at, s.revoked_at, a.suspended_at FROM maydan_session_tokens t "
            "JOIN maydan_sessions s ON s.id = t.session_id JOIN maydan_accounts a ON a.id = s.account_id "
            "WHERE t.hash = ? AND t.kind = 'refresh'",
            token_hash,
        )
        if row is None or row[3] is not None or row[4] is not None or self._store.dialect.read_time(row[1]) <= now:
            raise _refused()
        session_id = str(row[0])
        if row[2] is not None:
            await self._end(session_id)
            raise _refused()
        pair, tokens = self._new_pair(session_id, now)
        try:
            await self._store.commit([*self._used(token_hash, session_id, now), tokens])
        except GuardFailed as error:
            # Somebody used the same token at the same moment, or the session has just ended.
            await self._end(session_id)
            raise _refused() from error
        return pair

    async def log_out(self, actor: Actor) -> None:
        """End the session with which the actor is logged in; an API token has none and stays."""
        if actor.kind == "account" and actor.credential_id is not None:
            await self._end(actor.credential_id)

    def _used(self, token_hash: str, session_id: str, now: datetime) -> list[Statement]:
        """Use up a refresh token, and let its session live on."""
        ends = now + timedelta(seconds=self._settings.refresh_token_s)
        return [
            Statement(
                "UPDATE maydan_session_tokens SET used_at = ? WHERE hash = ? AND used_at IS NULL",
                (now, token_hash),
                expect=1,
            ),
            Statement(
                "UPDATE maydan_sessions SET last_used_at = ?, expires_at = ? WHERE id = ? AND revoked_at IS NULL",
                (now, ends, session_id),
                expect=1,
            ),
        ]

    def _new_pair(self, session_id: str, now: datetime) -> tuple[TokenPair, Statement]:
        access, refresh = new_token(TokenKind.ACCESS), new_token(TokenKind.REFRESH)
        access_ends = now + timedelta(seconds=self._settings.access_token_s)
        refresh_ends = now + timedelta(seconds=self._settings.refresh_token_s)
        statement = Statement(
            "INSERT INTO maydan_session_tokens (hash, session_id, kind, expires_at) VALUES (?, ?, ?, ?), (?, ?, ?, ?)",
            (
                hash_token(access), session_id, "access", access_ends,
                hash_token(refresh), session_id, "refresh", refresh_ends,
            ),
        )  # fmt: skip
        pair = TokenPair(access_token=access, expires_in=self._settings.access_token_s, refresh_token=refresh)
        return pair, statement

    async def _end(self, session_id: str) -> None:
        await self._store.commit([end_session(session_id, self._clock.now()), bump("accounts")])

    async def _hashed_anew(self, account: Account, password: str) -> Account:
        """Return the account, its password hashed at the cost that is set now; as it is where somebody was faster."""
        if not self._passwords.needs_rehash(account.password_hash):
            return account
        hashed = await self._passwords.hash(password)
        sql = "UPDATE maydan_accounts SET password_hash = ? WHERE id = ? AND password_hash = ?"
        change = Statement(sql, (hashed, account.id, account.password_hash), expect=1)
        stored = await committed(self._store, [change])
        return structs.replace(account, password_hash=hashed) if stored else account

    def _attempts_of(self, email: str, address: str) -> tuple[Attempt, Attempt]:
        settings = self._settings
        window_s = settings.login_window_s
        account = Limit(scope="login:account", count=settings.login_failures_per_account, window_s=window_s)
        network = Limit(scope="login:address", count=settings.login_failures_per_address, window_s=window_s)
        return Attempt(limit=account, key=address_key(email)), Attempt(limit=network, key=network_key(address))


def _wrong() -> Unauthenticated:
    return Unauthenticated("The e-mail address and the password do not belong together.")


def _refused() -> Unauthenticated:
    return Unauthenticated("The refresh token is not valid, or not any more; log in again.")
