"""Accounts: what a person signs in with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from maydan.accounts.addresses import address_key, is_address
from maydan.accounts.ending import commit_locked, end_access_of
from maydan.accounts.passwords import check_password
from maydan.accounts.totp import removal
from maydan.errors import InputError, InvalidInput, NotFound, Stale
from maydan.ids import is_id, new_id
from maydan.storage.acting import change_statement
from maydan.storage.ports import Duplicate, GuardFailed, Statement
from maydan.storage.revisions import bump

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from maydan.accounts.passwords import Passwords
    from maydan.clock import Clock
    from maydan.storage.ports import Reader, Row, Store

COLUMNS: Final = (
    "id, email, email_key, name, locale, password_hash, verified_at, suspended_at, administrator, version, "
    "created_at, updated_at"
)
MAX_NAME: Final = 200
_INSERT: Final = f"INSERT INTO maydan_accounts ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Account(Struct, frozen=True, kw_only=True):
    """One account as it is stored."""

    id: str
    email: str
    email_key: str
    name: str
    locale: str
    """BCP 47; empty where the person chose none."""
    password_hash: str
    """Empty where there is no password to sign in with."""
    verified_at: datetime | None
    suspended_at: datetime | None
    administrator: bool
    version: int
    created_at: datetime
    updated_at: datetime

    def __repr__(self) -> str:
        return f"Account(id={self.id!r}, email={self.email!r})"


class People:
    """Reads and changes accounts."""

    def __init__(self, store: Store, clock: Clock, passwords: Passwords) -> None:
        """Keep accounts in this store."""
        self._store = store
        self._clock = clock
        self._passwords = passwords

    async def find(self, account_id: str) -> Account | None:
        """Return the account, or ``None``; any text may be asked for."""
        if not is_id(account_id):
            return None
        row = await self._store.fetch_point(f"SELECT {COLUMNS} FROM maydan_accounts WHERE id = ?", account_id)
        return None if row is None else read_account(self._store, row)

    async def get(self, account_id: str) -> Account:
        """Return the account.

        Raises:
            NotFound: There is none with that id.
        """
        account = await self.find(account_id)
        if account is None:
            raise NotFound
        return account

    async def find_by_email(self, email: str, reader: Reader | None = None) -> Account | None:
        """Return the account with that address, however it is written; any text may be asked for."""
        if not is_address(email):
            return None
        sql = f"SELECT {COLUMNS} FROM maydan_accounts WHERE email_key = ?"
        row = await (reader or self._store).fetch_one(sql, address_key(email))
        return None if row is None else read_account(self._store, row)

    async def page(self, *, limit: int, after: str | None = None, offset: int = 0) -> list[Account]:
        """List accounts, newest first.

        Args:
            limit: How many at most.
            after: The id of the last account of the page before.
            offset: How many to leave out.
        """
        wanted, args = ("", ()) if after is None else ("WHERE id < ? ", (after,))
        sql = f"SELECT {COLUMNS} FROM maydan_accounts {wanted}ORDER BY id DESC LIMIT ? OFFSET ?"
        return [read_account(self._store, row) for row in await self._store.fetch_all(sql, *args, limit, offset)]

    async def count(self) -> int:
        """Return how many accounts there are."""
        row = await self._store.fetch_one("SELECT count(*) FROM maydan_accounts")
        return 0 if row is None else int(row[0])

    async def create(
        self, *, email: str, password: str, name: str = "", locale: str = "", administrator: bool = False
    ) -> Account:
        """Make an account that counts as verified, as somebody vouches for it.

        Raises:
            InvalidInput: The address, the password or the name is not acceptable, or the address is taken.
        """
        check_person(email=email, password=password, name=name, locale=locale)
        account = new_account(
            self._clock.now(),
            email=email,
            password_hash=await self._passwords.hash(password),
            name=name,
            locale=locale,
            verified=True,
            administrator=administrator,
        )
        try:
            await self._store.commit([insert_account(account), created_statement(account), bump("accounts")])
        except Duplicate as error:
            raise address_taken() from error
        return account

    async def create_administrator(self, *, email: str, password: str, name: str = "") -> Account:
        """Make sure that the account exists and is an administrator; safe to repeat, a known password is kept.

        Where nobody had proved the address yet, whoever chose the password may be somebody else: it is replaced.

        Raises:
            InvalidInput: The address or the password is not acceptable.
        """
        known = await self.find_by_email(email)
        if known is None:
            return await self.create(email=email, password=password, name=name, administrator=True)
        if known.administrator and known.verified_at is not None and known.suspended_at is None:
            return known
        now = self._clock.now()
        hashed, ended = None, list[Statement]()
        if known.verified_at is None:
            check_person(email=email, password=password, name=name)
            hashed, ended = await self._passwords.hash(password), end_access_of(known.id, now)
        sql = (
            "UPDATE maydan_accounts SET administrator = ?, suspended_at = NULL, "
            "password_hash = coalesce(?, password_hash), verified_at = coalesce(verified_at, ?), "
            "version = version + 1, updated_at = ? WHERE id = ?"
        )
        change = Statement(sql, (True, hashed, now, now, known.id), expect=1)
        noted = change_statement("account.changed", ("account", known.id), at=now, data={"fields": ["administrator"]})
        await commit_locked(self._store, known.id, [change, *ended, noted, bump("accounts")])
        return await self.get(known.id)

    async def suspend(self, account: Account, *, suspended: bool, without_totp: bool = False) -> Account:
        """Bar an account from everything within a second, on every session and token; or let it in again.

        Sessions and links in mail are over for ever, API tokens for as long as the account is barred.

        Args:
            account: As it was read; a change since then is refused.
            suspended: Whether it is barred.
            without_totp: Whether it loses its second factor as well.
        Raises:
            Stale: Somebody else changed it first.
            Conflict: Nobody would administer the instance any more (``last_administrator``).
        """
        now = self._clock.now()
        more = end_access_of(account.id, now) if suspended else []
        if without_totp:
            more.append(removal(account.id))
        named = ("totp",) if without_totp else ()
        await self.change(account, {"suspended_at": now if suspended else None}, more=more, named=named)
        return await self.get(account.id)

    async def reset_totp(self, account: Account) -> Account:
        """Remove the second factor of somebody who lost it, on an administrator's word.

        Raises:
            Stale: Somebody else changed the account first.
        """
        await self.change(account, {}, more=[removal(account.id)], named=("totp",))
        return await self.get(account.id)

    async def change(
        self,
        account: Account,
        values: dict[str, Any],
        *,
        more: Sequence[Statement] = (),
        named: Sequence[str] = (),
    ) -> None:
        """Store new values of columns, with whatever belongs to the same change.

        Args:
            account: As it was read.
            values: By column.
            more: Statements to store in the same transaction.
            named: What else of the account these change, for the log.
        Raises:
            Stale: Somebody else changed it first.
            InvalidInput: The new address is taken.
            Conflict: It suspends whom nobody else could let in again (``last_administrator``).
        """
        names = "".join(f"{name} = ?, " for name in values)
        sql = f"UPDATE maydan_accounts SET {names}version = version + 1, updated_at = ? WHERE id = ? AND version = ?"
        now = self._clock.now()
        args = (*values.values(), now, account.id, account.version)
        kind, data = _change_of(values, named)
        noted = change_statement(kind, ("account", account.id), at=now, version=account.version + 1, data=data)
        try:
            batch = [Statement(sql, args, expect=1), *more, noted, bump("accounts")]
            bars_administrator = account.administrator and values.get("suspended_at") is not None
            await commit_locked(self._store, account.id, batch, keep_administrator=bars_administrator)
        except GuardFailed as error:
            raise Stale("The account was changed in the meantime; read it again.") from error
        except Duplicate as error:
            raise address_taken() from error


def _change_of(values: dict[str, Any], also: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Return the type of the event of a change and what it tells: names of what changed, never values."""
    if "suspended_at" in values:
        kind = "account.released" if values["suspended_at"] is None else "account.suspended"
        return kind, {"fields": sorted(also)} if also else {}
    named = {"email_key": "email", "password_hash": "password"}
    return "account.changed", {"fields": sorted({*also, *(named.get(name, name) for name in values)})}


def created_statement(account: Account) -> Statement:
    """Return the part of a batch that notes a new account in the log."""
    return change_statement("account.created", ("account", account.id), at=account.created_at, version=1)


def read_account(store: Store, row: Row) -> Account:
    """Read a row of :data:`COLUMNS`."""
    dialect = store.dialect
    return Account(
        id=str(row[0]),
        email=row[1],
        email_key=row[2],
        name=row[3],
        locale=row[4],
        password_hash=row[5],
        verified_at=dialect.read_optional_time(row[6]),
        suspended_at=dialect.read_optional_time(row[7]),
        administrator=bool(row[8]),
        version=row[9],
        created_at=dialect.read_time(row[10]),
        updated_at=dialect.read_time(row[11]),
    )


def new_account(
    now: datetime,
    *,
    email: str,
    password_hash: str,
    name: str,
    locale: str,
    verified: bool,
    administrator: bool = False,
) -> Account:
    """Return an account that is not stored yet."""
    return Account(
        id=new_id(),
        email=email,
        email_key=address_key(email),
        name=name,
        locale=locale,
        password_hash=password_hash,
        verified_at=now if verified else None,
        suspended_at=None,
        administrator=administrator,
        version=1,
        created_at=now,
        updated_at=now,
    )


def insert_account(account: Account) -> Statement:
    """Return the statement that stores a new account."""
    args = (
        account.id, account.email, account.email_key, account.name, account.locale, account.password_hash,
        account.verified_at, account.suspended_at, account.administrator, account.version, account.created_at,
        account.updated_at,
    )  # fmt: skip
    return Statement(_INSERT, args)


def check_person(*, email: str, password: str | None, name: str, locale: str = "") -> None:
    """Refuse what is not an address, a password or a name.

    Raises:
        InvalidInput: With one error for each of them.
    """
    errors: list[InputError] = []
    if not is_address(email):
        errors.append(InputError("/email", "not_an_address", "This is not an e-mail address."))
    if len(name) > MAX_NAME or not all(char.isprintable() for char in name):
        errors.append(InputError("/name", "not_acceptable", f"Use up to {MAX_NAME} characters on one line."))
    if locale and not is_locale(locale):
        errors.append(InputError("/locale", "not_a_locale", "Use a BCP 47 tag, such as en or ar-IQ."))
    if password is not None:
        try:
            check_password(password, personal=(email, email.partition("@")[0], name))
        except InvalidInput as error:
            errors.extend(error.errors)
    if errors:
        raise InvalidInput("The account's data is not acceptable.", errors=tuple(errors))


def is_locale(text: str) -> bool:
    """Tell whether this has the shape of a BCP 47 tag."""
    head, *rest = text.split("-")
    good = 2 <= len(head) <= 8 and head.isascii() and head.isalpha() and len(text) <= 35
    return good and all(1 <= len(part) <= 8 and part.isascii() and part.isalnum() for part in rest)


def address_taken() -> InvalidInput:
    """Return the refusal of an address that another account has; only for those who may know."""
    error = InputError("/email", "taken", "Another account has this address.")
    return InvalidInput("Another account has this address.", errors=(error,))
