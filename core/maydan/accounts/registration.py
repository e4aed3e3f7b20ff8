"""Becoming an account, proving its address, and getting back in without the password."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NoReturn

from msgspec import Struct

from maydan.accounts.addresses import address_key
from maydan.accounts.attempts import Attempt, Limit, network_key
from maydan.accounts.ending import commit_locked
from maydan.accounts.outbox import NOBODY, mail_statement
from maydan.accounts.passwords import check_password
from maydan.accounts.people import check_person, created_statement, insert_account, new_account
from maydan.accounts.sessions import end_sessions_of
from maydan.accounts.tokens import TokenKind, hash_token, kind_of
from maydan.errors import Conflict, InputError, InvalidInput
from maydan.storage.acting import change_statement
from maydan.storage.ports import Duplicate, GuardFailed, Statement
from maydan.storage.revisions import bump

if TYPE_CHECKING:
    from datetime import datetime

    from maydan.accounts.attempts import Attempts
    from maydan.accounts.passwords import Passwords
    from maydan.accounts.people import Account, People
    from maydan.accounts.settings import AuthSettings
    from maydan.clock import Clock
    from maydan.storage.ports import Store


class _MailToken(Struct, frozen=True, kw_only=True):
    hash: str
    account_id: str
    purpose: str
    email: str


class Registration:
    """Registers, verifies and resets; nothing here tells whether an address has an account."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        settings: AuthSettings,
        people: People,
        passwords: Passwords,
        attempts: Attempts,
    ) -> None:
        """Keep accounts in this store."""
        self._store = store
        self._clock = clock
        self._settings = settings
        self._people = people
        self._passwords = passwords
        self._attempts = attempts

    async def register(self, *, email: str, password: str, name: str, address: str = "", locale: str = "") -> None:
        """Make an account and send the mail that verifies it; for a taken address, mail to its holder instead.

        Both take the same steps: one password is hashed, one row is looked for, one transaction of three statements is
        committed.

        Args:
            email: The address.
            password: The new password.
            name: How others see the person.
            address: The network address, for the limit.
            locale: BCP 47, of the mail.
        Raises:
            TooManyRequests: Too many from this network address.
            InvalidInput: The address, the password or the name is not acceptable.
        """
        await self._attempts.count(self._attempt("register", address))
        check_person(email=email, password=password, name=name)
        hashed = await self._passwords.hash(password)
        known = await self._people.find_by_email(email)
        if known is None:
            verified = not self._settings.require_verification
            account = new_account(
                self._clock.now(), email=email, password_hash=hashed, name=name, locale="", verified=verified
            )
            mail = self._mail(NOBODY if verified else "verify", account, locale)
            batch = [insert_account(account), created_statement(account), mail]
            try:
                await self._store.commit(batch)
            except Duplicate:
                # Somebody registered the same address a moment ago.
                known = await self._people.find_by_email(email)
        if known is not None:
            mail = self._mail(_answer_to(known, self._settings), known, locale)
            await self._store.commit([*_nothing_changed(known, self._clock.now()), mail])

    async def verify(self, token: str) -> Account:
        """Take a token from a mail as proof that its address is the account's.

        Raises:
            InvalidInput: The token is not valid (any more).
            Conflict: Another account has the address by now.
        """
        proof = await self._find_token(token, ("verify", "email"))
        now = self._clock.now()
        sql = (
            "UPDATE maydan_accounts SET email = ?, email_key = ?, verified_at = coalesce(verified_at, ?), "
            "version = version + 1, updated_at = ? WHERE id = ?"
        )
        args = (proof.email, address_key(proof.email), now, now, proof.account_id)
        try:
            noted = change_statement("account.verified", ("account", proof.account_id), at=now)
            await self._store.commit([*_use(proof, now), Statement(sql, args), noted, bump("accounts")])
        except GuardFailed:
            _refuse_token()
        except Duplicate as error:
            raise Conflict("Another account has this address by now.", code="address_taken") from error
        return await self._people.get(proof.account_id)

    async def forgot(self, *, email: str, address: str = "", locale: str = "") -> None:
        """Send the mail with which a new password can be set, if the address has an account.

        Raises:
            TooManyRequests: Too many from this network address.
        """
        await self._attempts.count(self._attempt("forgot", address))
        known = await self._people.find_by_email(email)
        if known is None or known.suspended_at is not None:
            now = self._clock.now()
            await self._store.commit([mail_statement(NOBODY, email="", account_id=None, now=now, locale=locale)])
            return
        await self._store.commit([self._mail("reset", known, locale)])

    async def reset(self, token: str, password: str) -> None:
        """Set a new password with a token from a mail; ends all sessions, and other such tokens.

        Raises:
            InvalidInput: The token is not valid (any more), or the password is not acceptable.
        """
        proof = await self._find_token(token, ("reset",))
        check_password(password, personal=(proof.email, proof.email.partition("@")[0]))
        hashed = await self._passwords.hash(password)
        now = self._clock.now()
        sql = (
            "UPDATE maydan_accounts SET password_hash = ?, verified_at = coalesce(verified_at, ?), "
            "version = version + 1, updated_at = ? WHERE id = ?"
        )
        change = Statement(sql, (hashed, now, now, proof.account_id))
        noted = change_statement(
            "account.changed", ("account", proof.account_id), at=now, data={"fields": ["password"]}
        )
        batch = [*_use(proof, now), change, end_sessions_of(proof.account_id, now), noted, bump("accounts")]
        try:
            await commit_locked(self._store, proof.account_id, batch)
        except GuardFailed:
            _refuse_token()
        window_s = self._settings.login_window_s
        limit = Limit(scope="login:account", count=self._settings.login_failures_per_account, window_s=window_s)
        await self._attempts.forgive(cleared=[Attempt(limit=limit, key=address_key(proof.email))])

    async def _find_token(self, token: str, purposes: tuple[str, ...]) -> _MailToken:
        if kind_of(token) is not TokenKind.MAIL:
            _refuse_token()
        token_hash = hash_token(token)
        row = await self._store.fetch_point(
            "SELECT t.account_id, t.purpose, t.expires_at, t.used_at, t.data, a.email_key, a.suspended_at "
            "FROM maydan_mail_tokens t JOIN maydan_accounts a ON a.id = t.account_id WHERE t.hash = ?",
            token_hash,
        )
        if row is None or row[1] not in purposes or row[3] is not None or row[6] is not None:
            _refuse_token()
        email = json.loads(row[4])["email"]
        # A token proves the address that it was sent to, and nothing once the account has another one.
        moved = row[1] != "email" and address_key(email) != row[5]
        if moved or self._store.dialect.read_time(row[2]) <= self._clock.now():
            _refuse_token()
        return _MailToken(hash=token_hash, account_id=str(row[0]), purpose=row[1], email=email)

    def _mail(self, kind: str, account: Account, locale: str) -> Statement:
        return mail_statement(
            kind, email=account.email, account_id=account.id, now=self._clock.now(), locale=account.locale or locale
        )

    def _attempt(self, what: str, address: str) -> Attempt:
        limit = Limit(scope=f"{what}:address", count=self._settings.mail_requests_per_hour, window_s=3600)
        return Attempt(limit=limit, key=network_key(address))


def _answer_to(known: Account, settings: AuthSettings) -> str:
    if known.suspended_at is not None:
        return NOBODY
    return "verify" if known.verified_at is None and settings.require_verification else "taken"


def _nothing_changed(known: Account, now: datetime) -> list[Statement]:
    """Return as much work as a new account is, for one that stays as it is; the audit learns that somebody tried."""
    touched = Statement("UPDATE maydan_accounts SET email = email WHERE id = ?", (known.id,))
    return [touched, change_statement("account.registered_again", ("account", known.id), at=now)]


def _use(proof: _MailToken, now: datetime) -> list[Statement]:
    """Use up a token, and all others that would do the same."""
    return [
        Statement(
            "UPDATE maydan_mail_tokens SET used_at = ? WHERE hash = ? AND used_at IS NULL", (now, proof.hash), expect=1
        ),
        Statement(
            "UPDATE maydan_mail_tokens SET used_at = ? "
            "WHERE account_id = ? AND purpose = ? AND hash <> ? AND used_at IS NULL",
            (now, proof.account_id, proof.purpose, proof.hash),
        ),
    ]


def void_mail_tokens(account_id: str, purpose: str, now: datetime) -> Statement:
    """Return the statement that makes the links of earlier mails void."""
    sql = "UPDATE maydan_mail_tokens SET used_at = ? WHERE account_id = ? AND purpose = ? AND used_at IS NULL"
    return Statement(sql, (now, account_id, purpose))


def _refuse_token() -> NoReturn:
    error = InputError("/token", "invalid_token", "The link is not valid, or not any more; ask for a new one.")
    raise InvalidInput("The link is not valid, or not any more; ask for a new one.", errors=(error,))
