"""Becoming an account, proving its address, and getting back in without the password."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NoReturn

from msgspec import Struct, structs

from maydan.accounts.addresses import address_key
from maydan.accounts.attempts import Attempt, Limit, network_key
from maydan.accounts.ending import commit_locked, end_access_of, void_links_of
from maydan.accounts.outbox import NOBODY, mail_statement
from maydan.accounts.passwords import check_password
from maydan.accounts.people import check_person, created_statement, insert_account, new_account
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
    password_hash: str | None
    """Of the registration that the mail is about."""
    name: str | None


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

        While nobody has verified the address, each who registers it gets such a mail, and the account is whose mail is
        answered. All take the same steps: one password is hashed, one row is looked for, one transaction of three
        statements is committed.

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
            kind = NOBODY if verified else "verify"
            batch = [insert_account(account), created_statement(account), self._registered(kind, account, locale)]
            try:
                await self._store.commit(batch)
            except Duplicate:
                # Somebody registered the same address a moment ago.
                known = await self._people.find_by_email(email)
        if known is not None:
            kind = _answer_to(known, self._settings)
            again = structs.replace(known, email=email, password_hash=hashed, name=name) if kind == "verify" else known
            mail = self._registered(kind, again, locale)
            await self._store.commit([*_nothing_changed(known, self._clock.now()), mail])

    async def verify(self, token: str) -> Account:
        """Take a token from a mail as proof that its address is the account's.

        Raises:
            InvalidInput: The token is not valid (any more).
            Conflict: Another account has the address by now.
        """
        proof = await self._find_token(token, ("verify", "email"))
        now = self._clock.now()
        change = _moved(proof, now) if proof.purpose == "email" else _proved(proof, now)
        noted = change_statement("account.verified", ("account", proof.account_id), at=now)
        try:
            await commit_locked(self._store, proof.account_id, [_use(proof, now), *change, noted, bump("accounts")])
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
        ended = end_access_of(proof.account_id, now, but_token=proof.hash)
        batch = [_use(proof, now), change, *ended, noted, bump("accounts")]
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
            "SELECT t.account_id, t.purpose, t.expires_at, t.used_at, t.data, a.email_key, a.suspended_at, "
            "a.verified_at FROM maydan_mail_tokens t JOIN maydan_accounts a ON a.id = t.account_id WHERE t.hash = ?",
            token_hash,
        )
        if row is None or row[1] not in purposes or row[3] is not None or row[6] is not None:
            _refuse_token()
        data = json.loads(row[4])
        # A token proves the address that it was sent to, and nothing once the account has another one.
        moved = row[1] != "email" and address_key(data["email"]) != row[5]
        # A registration is over once somebody has proved that the address is theirs, by whichever mail.
        is_over = row[1] == "verify" and row[7] is not None
        if moved or is_over or self._store.dialect.read_time(row[2]) <= self._clock.now():
            _refuse_token()
        return _MailToken(
            hash=token_hash,
            account_id=str(row[0]),
            purpose=row[1],
            email=data["email"],
            password_hash=data.get("password_hash"),
            name=data.get("name"),
        )

    def _registered(self, kind: str, account: Account, locale: str) -> Statement:
        """Return the mail about a registration; its link stands for what was said in it, and for no other one."""
        said = {"password_hash": account.password_hash, "name": account.name} if kind == "verify" else None
        return self._mail(kind, account, locale, said)

    def _mail(self, kind: str, account: Account, locale: str, data: dict[str, str] | None = None) -> Statement:
        return mail_statement(
            kind,
            email=account.email,
            account_id=account.id,
            now=self._clock.now(),
            locale=account.locale or locale,
            data=data,
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


def _use(proof: _MailToken, now: datetime) -> Statement:
    sql = "UPDATE maydan_mail_tokens SET used_at = ? WHERE hash = ? AND used_at IS NULL"
    return Statement(sql, (now, proof.hash), expect=1)


def _moved(proof: _MailToken, now: datetime) -> list[Statement]:
    """Give an account the address that its owner asked for; what other addresses were sent is void."""
    sql = (
        "UPDATE maydan_accounts SET email = ?, email_key = ?, verified_at = coalesce(verified_at, ?), "
        "version = version + 1, updated_at = ? WHERE id = ?"
    )
    change = Statement(sql, (proof.email, address_key(proof.email), now, now, proof.account_id))
    return [change, *void_links_of(proof.account_id, now, but=proof.hash)]


def _proved(proof: _MailToken, now: datetime) -> list[Statement]:
    """Give an account to whoever registered it in the words of the mail, whoever else registered the address."""
    sql = (
        "UPDATE maydan_accounts SET email = ?, password_hash = coalesce(?, password_hash), name = coalesce(?, name), "
        "verified_at = ?, version = version + 1, updated_at = ? WHERE id = ? AND verified_at IS NULL"
    )
    args = (proof.email, proof.password_hash, proof.name, now, now, proof.account_id)
    return [Statement(sql, args, expect=1), *end_access_of(proof.account_id, now, but_token=proof.hash)]


def _refuse_token() -> NoReturn:
    error = InputError("/token", "invalid_token", "The link is not valid, or not any more; ask for a new one.")
    raise InvalidInput("The link is not valid, or not any more; ask for a new one.", errors=(error,))
