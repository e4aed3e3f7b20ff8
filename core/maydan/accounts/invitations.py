"""Invitations: somebody is asked by mail to join a space. The token travels by that mail alone."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from maydan.accounts.addresses import address_key
from maydan.accounts.attempts import Attempt, Limit
from maydan.accounts.outbox import INVITATION, mail_statement
from maydan.accounts.people import check_person, created_statement, insert_account, new_account
from maydan.accounts.tokens import TokenKind, hash_token, kind_of
from maydan.errors import Conflict, InputError, InvalidInput, NotFound
from maydan.ids import is_id, new_id
from maydan.storage.acting import change_statement
from maydan.storage.ports import GuardFailed, Statement
from maydan.storage.registry import space_guard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from maydan.accounts.attempts import Attempts
    from maydan.accounts.passwords import Passwords
    from maydan.accounts.people import Account
    from maydan.accounts.settings import AuthSettings
    from maydan.clock import Clock
    from maydan.storage.ports import Row, Store

_SELECT: Final = (
    "SELECT id, space_key, email, roles, inviter_id, created_at, expires_at FROM maydan_invitations "
    "WHERE accepted_at IS NULL AND expires_at > ? "
)
_INSERT: Final = (
    "INSERT INTO maydan_invitations (id, space_key, email, email_key, roles, inviter_id, created_at, expires_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


class Invitation(Struct, frozen=True, kw_only=True):
    """One invitation that is still open."""

    id: str
    space_key: int
    email: str
    roles: tuple[str, ...]
    inviter_id: str
    """The account by whose rights it is judged again when it is accepted."""
    created_at: datetime
    expires_at: datetime


class Invitations:
    """Makes, lists, withdraws and redeems invitations; whoever calls has checked what may be handed out."""

    def __init__(
        self, store: Store, clock: Clock, settings: AuthSettings, passwords: Passwords, attempts: Attempts
    ) -> None:
        """Keep invitations in this store."""
        self._store = store
        self._clock = clock
        self._settings = settings
        self._passwords = passwords
        self._attempts = attempts

    async def create(
        self,
        space_key: int,
        *,
        email: str,
        roles: Sequence[str],
        inviter_id: str,
        locale: str = "",
        guards: Sequence[Statement] = (),
        seal: Callable[[Invitation], Sequence[Statement]] | None = None,
    ) -> Invitation:
        """Invite an address; whether it has an account makes no difference.

        Args:
            space_key: To which space.
            email: Who.
            roles: What they will be.
            inviter_id: The account by whose rights.
            locale: Of the mail.
            guards: Statements that stop it where one of the roles is not there any more.
            seal: What to store with it for the caller.
        Raises:
            InvalidInput: This is not an address, or a role went in the meantime.
            NotFound: The space did.
            TooManyRequests: The inviter has sent as many in an hour as one may.
        """
        check_person(email=email, password=None, name="")
        limit = Limit(scope="invite:account", count=self._settings.invitations_per_hour, window_s=3600)
        await self._attempts.count(Attempt(limit=limit, key=inviter_id))
        now = self._clock.now()
        made = Invitation(
            id=new_id(),
            space_key=space_key,
            email=email,
            roles=tuple(sorted(set(roles))),
            inviter_id=inviter_id,
            created_at=now,
            expires_at=now + timedelta(seconds=self._settings.invitation_s),
        )
        more = () if seal is None else seal(made)
        noted = _noted("invitation.created", made, now)
        try:
            held = [space_guard(space_key), *guards]
            await self._store.commit([*held, _insert(made), _mail(made, locale), *more, noted])
        except GuardFailed as error:
            if error.index == 0:
                raise NotFound from error
            if error.index > len(guards):
                raise
            message = "There is no such role in this space."
            raise InvalidInput(message, errors=(InputError("/roles", "unknown_role", message),)) from error
        return made

    async def page(self, space_key: int, *, limit: int, after: str | None = None, offset: int = 0) -> list[Invitation]:
        """List the open invitations of a space, the newest first.

        Args:
            space_key: The space.
            limit: How many at most.
            after: The id of the last invitation of the page before.
            offset: How many to leave out.
        """
        wanted, args = ("", ()) if after is None else ("AND id < ? ", (after,))
        sql = f"{_SELECT}AND space_key = ? {wanted}ORDER BY id DESC LIMIT ? OFFSET ?"
        rows = await self._store.fetch_all(sql, self._clock.now(), space_key, *args, limit, offset)
        return [self._read(row) for row in rows]

    async def count(self, space_key: int) -> int:
        """Return how many :meth:`page` would list."""
        sql = "SELECT count(*) FROM maydan_invitations WHERE accepted_at IS NULL AND expires_at > ? AND space_key = ?"
        row = await self._store.fetch_one(sql, self._clock.now(), space_key)
        return 0 if row is None else int(row[0])

    async def get(self, space_key: int, invitation_id: str) -> Invitation:
        """Return an open invitation of a space.

        Raises:
            NotFound: The space has none of that id; any text may be asked for.
        """
        row = None
        if is_id(invitation_id):
            sql = f"{_SELECT}AND space_key = ? AND id = ?"
            row = await self._store.fetch_point(sql, self._clock.now(), space_key, invitation_id)
        if row is None:
            raise NotFound
        return self._read(row)

    async def withdraw(self, invitation: Invitation) -> None:
        """Make an invitation void.

        Raises:
            NotFound: It was accepted or withdrawn in the meantime.
        """
        now = self._clock.now()
        gone = Statement(
            "DELETE FROM maydan_invitations WHERE space_key = ? AND id = ? AND accepted_at IS NULL",
            (invitation.space_key, invitation.id),
            expect=1,
        )
        try:
            await self._store.commit([gone, _noted("invitation.deleted", invitation, now)])
        except GuardFailed as error:
            raise NotFound from error

    async def find_by_token(self, token: str) -> Invitation:
        """Return the open invitation that a token is for.

        Raises:
            NotFound: It is none of ours, used, expired or withdrawn.
        """
        row = None
        if kind_of(token) is TokenKind.MAIL:
            row = await self._store.fetch_point(f"{_SELECT}AND token_hash = ?", self._clock.now(), hash_token(token))
        if row is None:
            raise NotFound
        return self._read(row)

    def used(self, invitation: Invitation) -> Statement:
        """Return the part of a batch that uses an invitation up; it fails when somebody else was first."""
        sql = "UPDATE maydan_invitations SET accepted_at = ? WHERE space_key = ? AND id = ? AND accepted_at IS NULL"
        return Statement(sql, (self._clock.now(), invitation.space_key, invitation.id), expect=1)

    async def new_person(self, invitation: Invitation, *, name: str, password: str) -> tuple[Account, list[Statement]]:
        """Return an account for who was invited, and what stores it; the token has proved the address.

        Raises:
            InvalidInput: The password or the name is not acceptable.
        """
        check_person(email=invitation.email, password=password, name=name)
        account = new_account(
            self._clock.now(),
            email=invitation.email,
            password_hash=await self._passwords.hash(password),
            name=name,
            locale="",
            verified=True,
        )
        return account, [insert_account(account), created_statement(account)]

    def _read(self, row: Row) -> Invitation:
        read = self._store.dialect.read_time
        return Invitation(
            id=str(row[0]),
            space_key=row[1],
            email=row[2],
            roles=tuple(json.loads(row[3])),
            inviter_id=str(row[4]),
            created_at=read(row[5]),
            expires_at=read(row[6]),
        )


def void() -> Conflict:
    """Return the refusal of an invitation whose inviter could not make it any more."""
    detail = "Whoever sent the invitation may not hand out these roles any more; ask for a new one."
    return Conflict(detail, code="invitation_void")


def _insert(invitation: Invitation) -> Statement:
    args = (
        invitation.id, invitation.space_key, invitation.email, address_key(invitation.email),
        json.dumps(invitation.roles), invitation.inviter_id, invitation.created_at, invitation.expires_at,
    )  # fmt: skip
    return Statement(_INSERT, args)


def _mail(invitation: Invitation, locale: str) -> Statement:
    data = {"invitation": invitation.id}
    return mail_statement(
        INVITATION, email=invitation.email, account_id=None, now=invitation.created_at, locale=locale, data=data
    )


def _noted(kind: str, invitation: Invitation, now: datetime) -> Statement:
    data = {"roles": list(invitation.roles)}
    return change_statement(kind, ("invitation", invitation.id), at=now, space_key=invitation.space_key, data=data)
