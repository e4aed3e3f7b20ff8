"""Members: which account belongs to which space, and with which roles."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from maydan.errors import NotFound, Stale
from maydan.ids import is_id
from maydan.storage.acting import change_statement
from maydan.storage.ports import Duplicate, GuardFailed, Statement
from maydan.storage.registry import space_guard
from maydan.storage.revisions import bump

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from maydan.clock import Clock
    from maydan.storage.ports import Row, Store

_SELECT: Final = (
    "SELECT m.account_id, a.email, a.name, m.roles, m.version, m.created_at "
    "FROM maydan_members m JOIN maydan_accounts a ON a.id = m.account_id WHERE m.space_key = ?"
)
_INSERT: Final = (
    "INSERT INTO maydan_members (space_key, account_id, roles, version, created_at, updated_at) "
    "VALUES (?, ?, ?, 1, ?, ?)"
)


class Member(Struct, frozen=True, kw_only=True):
    """One account in one space."""

    account_id: str
    email: str
    name: str
    roles: tuple[str, ...]
    version: int
    created_at: datetime


class Members:
    """Reads and changes memberships; what changes is in force in every worker within a second."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Keep memberships in this store."""
        self._store = store
        self._clock = clock

    async def page(self, space_key: int, *, limit: int, after: str | None = None, offset: int = 0) -> list[Member]:
        """List the members of a space, newest account first.

        Args:
            space_key: The space.
            limit: How many at most.
            after: The account id of the last member of the page before.
            offset: How many to leave out.
        """
        wanted, args = ("", ()) if after is None else (" AND m.account_id < ?", (after,))
        sql = f"{_SELECT}{wanted} ORDER BY m.account_id DESC LIMIT ? OFFSET ?"
        return [self._read(row) for row in await self._store.fetch_all(sql, space_key, *args, limit, offset)]

    async def count(self, space_key: int) -> int:
        """Return how many members a space has."""
        row = await self._store.fetch_one("SELECT count(*) FROM maydan_members WHERE space_key = ?", space_key)
        return 0 if row is None else int(row[0])

    async def find(self, space_key: int, account_id: str) -> Member | None:
        """Return a member, or ``None``; any text may be asked for."""
        if not is_id(account_id):
            return None
        row = await self._store.fetch_point(f"{_SELECT} AND m.account_id = ?", space_key, account_id)
        return None if row is None else self._read(row)

    async def get(self, space_key: int, account_id: str) -> Member:
        """Return a member.

        Raises:
            NotFound: The account is not in the space.
        """
        member = await self.find(space_key, account_id)
        if member is None:
            raise NotFound
        return member

    async def put(
        self,
        space_key: int,
        account_id: str,
        roles: Iterable[str],
        *,
        known: Member | None,
        guards: Sequence[Statement] = (),
        seal: Sequence[Statement] = (),
    ) -> Member:
        """Take an account into a space, or give a member other roles.

        Args:
            space_key: The space.
            account_id: An account that exists.
            roles: All that the member has from now on.
            known: The membership as it was read; ``None`` where there is none.
            guards: Statements that stop it where what it was judged by is not so any more.
            seal: Statements to store in the same transaction.
        Raises:
            NotFound: The space is gone.
            Stale: Somebody else changed it, or what it was judged by, first.
        """
        wanted = sorted(set(roles))
        change = member_statement(space_key, account_id, wanted, now=self._clock.now(), known=known)
        noted = change_statement(
            "member.changed",
            ("account", account_id),
            at=self._clock.now(),
            space_key=space_key,
            version=1 if known is None else known.version + 1,
            data={"roles": wanted, "before": [] if known is None else sorted(known.roles)},
        )
        await self._commit(space_key, [*guards, change, *seal, noted, bump("accounts")])
        return await self.get(space_key, account_id)

    async def remove(self, space_key: int, known: Member) -> None:
        """Take a member out of a space.

        Raises:
            NotFound: The space is gone.
            Stale: Somebody else changed it first.
        """
        sql = "DELETE FROM maydan_members WHERE space_key = ? AND account_id = ? AND version = ?"
        noted = change_statement(
            "member.deleted",
            ("account", known.account_id),
            at=self._clock.now(),
            space_key=space_key,
            data={"before": sorted(known.roles)},
        )
        gone = Statement(sql, (space_key, known.account_id, known.version), expect=1)
        await self._commit(space_key, [gone, noted, bump("accounts")])

    async def _commit(self, space_key: int, batch: list[Statement]) -> None:
        try:
            await self._store.commit([space_guard(space_key), *batch])
        except (GuardFailed, Duplicate) as error:
            if isinstance(error, GuardFailed) and error.index == 0:
                raise NotFound from error
            raise Stale("The membership was changed in the meantime; read it again.") from error

    def _read(self, row: Row) -> Member:
        return Member(
            account_id=str(row[0]),
            email=row[1],
            name=row[2],
            roles=tuple(json.loads(row[3])),
            version=row[4],
            created_at=self._store.dialect.read_time(row[5]),
        )


def member_statement(
    space_key: int, account_id: str, roles: Iterable[str], *, now: datetime, known: Member | None = None
) -> Statement:
    """Return the part of a batch that makes or changes a membership; the batch also bumps ``accounts``.

    For what makes a space with its first owner in one transaction.
    """
    listed = json.dumps(sorted(set(roles)))
    if known is None:
        return Statement(_INSERT, (space_key, account_id, listed, now, now))
    return Statement(
        "UPDATE maydan_members SET roles = ?, version = version + 1, updated_at = ? "
        "WHERE space_key = ? AND account_id = ? AND version = ?",
        (listed, now, space_key, account_id, known.version),
        expect=1,
    )
