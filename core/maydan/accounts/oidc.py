"""Signing in through a provider (OpenID Connect, authorization code with PKCE), and which account that is."""

from __future__ import annotations

import secrets
from datetime import timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, Final, cast

from msgspec import Struct

from maydan.accounts.attempts import Attempt, Limit, network_key
from maydan.accounts.ending import end_access_of
from maydan.accounts.oidc_client import ProviderClient
from maydan.accounts.oidc_tokens import refused
from maydan.accounts.people import COLUMNS, created_statement, insert_account, new_account, read_account
from maydan.errors import Forbidden, NotFound, Unauthenticated
from maydan.storage.acting import change_statement
from maydan.storage.ports import Duplicate, GuardFailed, Statement
from maydan.storage.revisions import bump

if TYPE_CHECKING:
    from maydan.accounts.attempts import Attempts
    from maydan.accounts.logins import Logins, TokenPair
    from maydan.accounts.oidc_client import Ask
    from maydan.accounts.oidc_tokens import Identity
    from maydan.accounts.people import Account, People
    from maydan.accounts.settings import AuthSettings, OidcProvider
    from maydan.clock import Clock
    from maydan.storage.ports import Store

FLOW_S: Final = 600
"""Seconds within which somebody must come back from the provider."""
_OF_IDENTITY: Final = (
    f"SELECT {', '.join(f'a.{column}' for column in COLUMNS.split(', '))} FROM maydan_identities i "
    "JOIN maydan_accounts a ON a.id = i.account_id WHERE i.issuer = ? AND i.subject = ?"
)


class Departure(Struct, frozen=True, kw_only=True):
    """Where to send a browser, and what it must bring back beside the provider's answer."""

    url: str
    browser: str
    """For a cookie: it binds the answer to the browser that asked."""

    def __repr__(self) -> str:
        return "Departure(***)"


class Providers:
    """Signs people in with identities of the providers in ``[auth.oidc.<name>]``."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        settings: AuthSettings,
        people: People,
        logins: Logins,
        attempts: Attempts,
        *,
        base_url: str,
        ask: Ask | None,
    ) -> None:
        """Keep flows and identities in this store; without ``ask`` there are no providers."""
        self._store = store
        self._clock = clock
        self._settings = settings
        self._people = people
        self._logins = logins
        self._attempts = attempts
        self._base_url = base_url.rstrip("/")
        given = {} if ask is None else {name: ProviderClient(each, ask) for name, each in settings.oidc.items()}
        self._clients = given

    async def start(self, name: str, *, address: str = "") -> Departure:
        """Begin a login.

        Raises:
            NotFound: There is no such provider.
            TooManyRequests: Too many from this network address.
            Unavailable: The provider cannot be reached.
        """
        client, provider = self._get(name)
        limit = Limit(scope="oidc:address", count=self._settings.oidc_starts_per_hour, window_s=3600)
        await self._attempts.count(Attempt(limit=limit, key=network_key(address)))
        endpoints = await client.endpoints()
        state, browser, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(4))
        ends = self._clock.now() + timedelta(seconds=FLOW_S)
        sql = (
            "INSERT INTO maydan_oidc_flows (state_hash, provider, browser_hash, nonce, verifier, expires_at) "
            "VALUES (?, ?, ?, ?, ?, ?)"
        )
        await self._store.commit([Statement(sql, (_hash(state), name, _hash(browser), nonce, verifier, ends))])
        url = _departure_url(
            endpoints.authorization_endpoint, provider, self._redirect_uri(name), state=state, nonce=nonce,
            verifier=verifier,
        )  # fmt: skip
        return Departure(url=url, browser=browser)

    async def finish(
        self,
        name: str,
        *,
        state: str,
        code: str | None,
        browser: str,
        issuer: str | None = None,
        address: str = "",
        user_agent: str = "",
    ) -> TokenPair:
        """Begin a session with the provider's answer; each is good once, in the browser that asked.

        Args:
            name: The provider.
            state: As it came back.
            code: ``None`` where the provider refused.
            browser: What :meth:`start` gave the browser to keep.
            issuer: Who says that it answers (RFC 9207), where it says so.
            address: For the list of sessions.
            user_agent: For the list of sessions.
        Raises:
            NotFound: There is no such provider.
            Unauthenticated: The answer is not one to a login of this browser, or does not verify.
            Forbidden: The identity has no account here (``not_linked``).
            Unavailable: The provider cannot be reached.
        """
        client, provider = self._get(name)
        nonce, verifier = await self._take_flow(name, state, browser)
        if code is None or (issuer is not None and issuer != provider.issuer):
            raise refused()
        identity = await client.identify(
            code, verifier=verifier, nonce=nonce, redirect_uri=self._redirect_uri(name), now=self._clock.now()
        )
        account = await self._account_of(identity, provider)
        if account.suspended_at is not None:
            raise Unauthenticated("The account cannot sign in.")
        return await self._logins.begin(account, address=address, user_agent=user_agent)

    def _get(self, name: str) -> tuple[ProviderClient, OidcProvider]:
        client = self._clients.get(name)
        if client is None:
            raise NotFound
        return client, self._settings.oidc[name]

    def _redirect_uri(self, name: str) -> str:
        return f"{self._base_url}{self._settings.oidc[name].redirect_path or f'/api/auth/oidc/{name}/callback'}"

    async def _take_flow(self, name: str, state: str, browser: str) -> tuple[str, str]:
        """Use a flow up, and return its nonce and its verifier."""
        row = await self._store.fetch_point(
            "SELECT provider, browser_hash, nonce, verifier, expires_at FROM maydan_oidc_flows WHERE state_hash = ?",
            _hash(state),
        )
        if row is None or row[0] != name or not compare_digest(str(row[1]), _hash(browser)):
            raise refused()
        used = Statement("DELETE FROM maydan_oidc_flows WHERE state_hash = ?", (_hash(state),), expect=1)
        try:
            await self._store.commit([used])
        except GuardFailed as error:
            raise refused() from error
        if self._store.dialect.read_time(row[4]) <= self._clock.now():
            raise refused()
        return str(row[2]), str(row[3])

    async def _account_of(self, identity: Identity, provider: OidcProvider) -> Account:
        """Return whose identity it is; a new one belongs to an address only by the provider's settings."""
        row = await self._store.fetch_one(_OF_IDENTITY, identity.issuer, identity.subject)
        if row is not None:
            return read_account(self._store, row)
        known = None if identity.email is None else await self._people.find_by_email(identity.email)
        if known is not None and provider.link_by_email and self._settings.require_verification:
            return await self._link(identity, known)
        if known is None and identity.email is not None and provider.create_accounts:
            return await self._create(identity, identity.email)
        raise Forbidden("No account here belongs to this identity; ask an administrator.", code="not_linked")

    async def _link(self, identity: Identity, known: Account) -> Account:
        """Give an identity to the account with its address.

        Where nobody had proved the address yet, whoever chose the password may be somebody else: it is taken away.
        """
        now = self._clock.now()
        more = [self._identity(identity, known.id)]
        values: dict[str, object] = {}
        if known.verified_at is None:
            values = {"verified_at": now, "password_hash": ""}
            more += end_access_of(known.id, now)
        try:
            await self._people.change(known, values, more=more, named=("identity",))
        except Duplicate as error:
            raise refused() from error
        return await self._people.get(known.id)

    async def _create(self, identity: Identity, email: str) -> Account:
        account = new_account(
            self._clock.now(), email=email, password_hash="", name=identity.name, locale="", verified=True
        )
        batch = [insert_account(account), created_statement(account), self._identity(identity, account.id)]
        noted = change_statement(
            "account.changed", ("account", account.id), at=account.created_at, data={"fields": ["identity"]}
        )
        try:
            await self._store.commit([*batch, noted, bump("accounts")])
        except Duplicate as error:
            # The same identity, or the address, came at the same moment by another way.
            raise refused() from error
        return account

    def _identity(self, identity: Identity, account_id: str) -> Statement:
        sql = "INSERT INTO maydan_identities (issuer, subject, account_id, created_at) VALUES (?, ?, ?, ?)"
        return Statement(sql, (identity.issuer, identity.subject, account_id, self._clock.now()))


def _departure_url(
    endpoint: str, provider: OidcProvider, redirect_uri: str, *, state: str, nonce: str, verifier: str
) -> str:
    from authlib.oauth2.rfc6749 import parameters
    from authlib.oauth2.rfc7636 import challenge

    # authlib has no types.
    prepare, challenge_of = cast("Any", parameters).prepare_grant_uri, cast("Any", challenge).create_s256_code_challenge
    url: str = prepare(
        endpoint, provider.client_id, "code", redirect_uri=redirect_uri, scope=" ".join(provider.scopes), state=state,
        nonce=nonce, code_challenge=challenge_of(verifier), code_challenge_method="S256",
    )  # fmt: skip
    return url


def _hash(text: str) -> str:
    return sha256(text.encode(errors="surrogatepass")).hexdigest()
