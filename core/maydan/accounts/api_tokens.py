"""API tokens: what programs sign in with; never more than their maker's own rights."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from maydan.access.actions import is_action
from maydan.accounts.tokens import TokenKind, hash_token, new_token
from maydan.errors import InputError, InvalidInput, NotFound
from maydan.ids import is_id, new_id
from maydan.storage.acting import change_statement
from maydan.storage.ports import GuardFailed, Statement
from maydan.storage.registry import space_guard
from maydan.storage.revisions import bump

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from maydan.clock import Clock
    from maydan.storage.ports import Row, Store

MAX_EXPIRES_S: Final = 10 * 366 * 24 * 3600
MAX_LISTED: Final = 100
"""Actions, or types, of one token."""
_COLUMNS: Final = "id, name, prefix, space_key, actions, types, created_at, expires_at, last_used_at"


class ApiToken(Struct, frozen=True, kw_only=True):
    """One token, without what it takes to use it."""

    id: str
    name: str
    prefix: str
    """The token's first characters, by which its holder knows it again."""
    space_key: int | None
    actions: tuple[str, ...]
    types: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


class ApiTokens:
    """Makes, lists and revokes the API tokens of accounts."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Keep tokens in this store."""
        self._store = store
        self._clock = clock

    async def create(
        self,
        account_id: str,
        *,
        name: str,
        actions: Sequence[str],
        expires_in_s: int,
        space_key: int | None = None,
        types: Sequence[str] | None = None,
        seal: Callable[[tuple[ApiToken, str]], Sequence[Statement]] | None = None,
    ) -> tuple[ApiToken, str]:
        """Make a token and return it with its text, which is nowhere else.

        That its maker holds the actions is checked by the caller (``access.granting``); when it is used, what the
        maker may do then limits it again.

        Raises:
            InvalidInput: A name, an action or the time is not acceptable, or the space went in the meantime.
        """
        check_token(name=name, actions=actions, types=types, expires_in_s=expires_in_s)
        text = new_token(TokenKind.API)
        now = self._clock.now()
        token = ApiToken(
            id=new_id(),
            name=name,
            prefix=text[:12],
            space_key=space_key,
            actions=tuple(dict.fromkeys(actions)),
            types=None if types is None else tuple(dict.fromkeys(types)),
            created_at=now,
            expires_at=now + timedelta(seconds=expires_in_s),
            last_used_at=None,
        )
        more = () if seal is None else seal((token, text))
        data = {"account": account_id, "actions": list(token.actions)}
        noted = change_statement("token.created", ("token", token.id), at=now, data=data)
        held = [] if space_key is None else [space_guard(space_key)]
        try:
            await self._store.commit([*held, _insert(token, account_id, text), *more, noted])
        except GuardFailed as error:
            if error.index >= len(held):
                raise
            gone = InputError("/space", "unknown_space", "is no space")
            raise InvalidInput("There is no such space.", errors=(gone,)) from error
        return token, text

    async def list_of(
        self, account_id: str, *, limit: int = 100, after: str | None = None, offset: int = 0
    ) -> list[ApiToken]:
        """List an account's tokens that are good, the newest first.

        Args:
            account_id: Whose.
            limit: How many at most.
            after: The id of the last token of the page before.
            offset: How many to leave out.
        """
        wanted, args = ("", ()) if after is None else ("AND id < ? ", (after,))
        sql = (
            f"SELECT {_COLUMNS} FROM maydan_api_tokens WHERE account_id = ? AND revoked_at IS NULL AND expires_at > ? "
            f"{wanted}ORDER BY id DESC LIMIT ? OFFSET ?"
        )
        rows = await self._store.fetch_all(sql, account_id, self._clock.now(), *args, limit, offset)
        return [self._read(row) for row in rows]

    async def count_of(self, account_id: str) -> int:
        """Return how many :meth:`list_of` would list."""
        sql = "SELECT count(*) FROM maydan_api_tokens WHERE account_id = ? AND revoked_at IS NULL AND expires_at > ?"
        row = await self._store.fetch_one(sql, account_id, self._clock.now())
        return 0 if row is None else int(row[0])

    async def get(self, account_id: str, token_id: str) -> ApiToken:
        """Return a token of an account that is good.

        Raises:
            NotFound: The account has no such token.
        """
        if not is_id(token_id):
            raise NotFound
        sql = (
            f"SELECT {_COLUMNS} FROM maydan_api_tokens WHERE id = ? AND account_id = ? AND revoked_at IS NULL"
            " AND expires_at > ?"
        )
        row = await self._store.fetch_point(sql, token_id, account_id, self._clock.now())
        if row is None:
            raise NotFound
        return self._read(row)

    async def revoke(self, account_id: str, token_id: str) -> None:
        """End a token of an account.

        Raises:
            NotFound: The account has no such token.
        """
        if not is_id(token_id):
            raise NotFound
        sql = "SELECT id FROM maydan_api_tokens WHERE id = ? AND account_id = ? AND revoked_at IS NULL"
        if await self._store.fetch_point(sql, token_id, account_id) is None:
            raise NotFound
        now = self._clock.now()
        end = Statement("UPDATE maydan_api_tokens SET revoked_at = ? WHERE id = ?", (now, token_id))
        noted = change_statement("token.revoked", ("token", token_id), at=now, data={"account": account_id})
        await self._store.commit([end, noted, bump("accounts")])

    def _read(self, row: Row) -> ApiToken:
        dialect = self._store.dialect
        return ApiToken(
            id=str(row[0]),
            name=row[1],
            prefix=row[2],
            space_key=row[3],
            actions=tuple(json.loads(row[4])),
            types=None if row[5] is None else tuple(json.loads(row[5])),
            created_at=dialect.read_time(row[6]),
            expires_at=dialect.read_time(row[7]),
            last_used_at=dialect.read_optional_time(row[8]),
        )


def check_token(*, name: str, actions: Sequence[str], types: Sequence[str] | None, expires_in_s: int) -> None:
    """Refuse what is no token.

    Raises:
        InvalidInput: With one error for each place.
    """
    errors: list[InputError] = []
    if not 1 <= len(name) <= 200 or not name.isprintable():
        errors.append(InputError("/name", "not_acceptable", "Use 1 to 200 characters on one line."))
    if not 1 <= len(actions) <= MAX_LISTED:
        errors.append(InputError("/actions", "not_acceptable", f"Name 1 to {MAX_LISTED} actions."))
    errors.extend(
        InputError(f"/actions/{place}", "unknown_action", "This is no action.")
        for place, action in enumerate(actions[:MAX_LISTED])
        if not is_action(action)
    )
    if types is not None and not 1 <= len(types) <= MAX_LISTED:
        errors.append(InputError("/types", "not_acceptable", f"Name 1 to {MAX_LISTED} types, or leave them out."))
    if not 1 <= expires_in_s <= MAX_EXPIRES_S:
        errors.append(InputError("/expires_in", "out_of_range", f"Use 1 to {MAX_EXPIRES_S} seconds."))
    if errors:
        raise InvalidInput("The token's data is not acceptable.", errors=tuple(errors))


def _insert(token: ApiToken, account_id: str, text: str) -> Statement:
    types = None if token.types is None else json.dumps(token.types)
    return Statement(
        "INSERT INTO maydan_api_tokens (id, account_id, name, hash, prefix, space_key, actions, types, created_at, "
        "expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            token.id, account_id, token.name, hash_token(text), token.prefix, token.space_key,
            json.dumps(token.actions), types, token.created_at, token.expires_at,
        ),
    )  # fmt: skip
