"""Rows of shares and previews: who shared what, with whom, until when."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
from msgspec import Struct

from maydan.access.actors import TokenScope
from maydan.storage.ports import Statement

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from maydan.storage.ports import Reader, Row, Store

ShareKind = Literal["user", "role", "link"]
Rights = Literal["view", "comment", "edit"]

_SELECT: Final = (
    "SELECT id, space_key, type_key, entry_id, kind, target, rights, password, maker_id, maker_scope, created_at,"
    " expires_at FROM maydan_shares"
)


class Share(Struct, frozen=True, kw_only=True):
    """What one account lets another, a role, or whoever has a link do with one entry."""

    id: str
    space_key: int
    type_key: int
    entry_id: str
    kind: ShareKind
    target: str | None
    """The account's id or the role's name; ``None`` for a link."""
    rights: Rights
    password: str | None
    """Hash of a link's password."""
    maker_id: str
    maker_scope: TokenScope | None
    """The limits of the API token with which it was made."""
    maker_token: str | None
    """That token's id: what was made with it ends with it. Rows from before it was kept have none."""
    created_at: datetime
    expires_at: datetime | None


class Preview(Struct, frozen=True, kw_only=True):
    """A link to the draft of one entry, for a while."""

    id: str
    space_key: int
    type_key: int
    entry_id: str
    maker_id: str
    maker_scope: TokenScope | None
    maker_token: str | None
    created_at: datetime
    expires_at: datetime


def insert_share(share: Share, *, token_hash: str | None) -> Statement:
    """Return the statement that stores a share."""
    return Statement(
        "INSERT INTO maydan_shares (id, space_key, type_key, entry_id, kind, target, rights, token_hash, password,"
        " maker_id, maker_scope, created_at, expires_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            share.id, share.space_key, share.type_key, share.entry_id, share.kind, share.target, share.rights,
            token_hash, share.password, share.maker_id, _scope_text(share.maker_scope, share.maker_token),
            share.created_at, share.expires_at,
        ),
    )  # fmt: skip


def delete_share(space_key: int, share_id: str) -> Statement:
    """Return the guarded statement that ends a share."""
    return Statement("DELETE FROM maydan_shares WHERE space_key = ? AND id = ?", (space_key, share_id), expect=1)


async def find_by_token(store: Store, space_key: int, token_hash: str) -> Share | None:
    """Read the share of a link."""
    row = await store.fetch_point(f"{_SELECT} WHERE space_key = ? AND token_hash = ?", space_key, token_hash)
    return None if row is None else _share(store, row)


async def list_of_entry(reader: Reader, store: Store, space_key: int, entry_id: str) -> list[Share]:
    """Read the shares of an entry, the newest first."""
    sql = f"{_SELECT} WHERE space_key = ? AND entry_id = ? ORDER BY id DESC"
    return [_share(store, row) for row in await reader.fetch_all(sql, space_key, entry_id)]


async def list_named(reader: Reader, store: Store, space_key: int, *, at: datetime) -> list[Share]:
    """Read a space's shares with accounts and roles that are not over."""
    sql = f"{_SELECT} WHERE space_key = ? AND kind IN ('user', 'role') AND (expires_at IS NULL OR expires_at > ?)"
    return [_share(store, row) for row in await reader.fetch_all(f"{sql} ORDER BY id", space_key, at)]


async def roles_with_shares(reader: Reader, space_key: int, *, at: datetime) -> frozenset[str]:
    """Read the names of the roles with which something is shared that is not over."""
    sql = (
        "SELECT DISTINCT target FROM maydan_shares WHERE space_key = ? AND kind = 'role'"
        " AND (expires_at IS NULL OR expires_at > ?)"
    )
    return frozenset(row[0] for row in await reader.fetch_all(sql, space_key, at))


async def count_named(reader: Reader, space_key: int, *, at: datetime) -> int:
    """Count what :func:`list_named` would read."""
    sql = (
        "SELECT count(*) FROM maydan_shares WHERE space_key = ? AND kind IN ('user', 'role')"
        " AND (expires_at IS NULL OR expires_at > ?)"
    )
    row = await reader.fetch_one(sql, space_key, at)
    return 0 if row is None else int(row[0])


def insert_preview(preview: Preview) -> Sequence[Statement]:
    """Return what stores a preview, and forgets those of the entry that are over."""
    over = "DELETE FROM maydan_previews WHERE space_key = ? AND entry_id = ? AND expires_at <= ?"
    values = (
        preview.id, preview.space_key, preview.type_key, preview.entry_id, preview.maker_id,
        _scope_text(preview.maker_scope, preview.maker_token), preview.created_at, preview.expires_at,
    )  # fmt: skip
    return [
        Statement(over, (preview.space_key, preview.entry_id, preview.created_at)),
        Statement(
            "INSERT INTO maydan_previews (id, space_key, type_key, entry_id, maker_id, maker_scope, created_at,"
            " expires_at) VALUES (?,?,?,?,?,?,?,?)",
            values,
        ),
    ]


def delete_preview(preview: Preview) -> Statement:
    """Return the guarded statement that ends a preview."""
    sql = "DELETE FROM maydan_previews WHERE space_key = ? AND id = ?"
    return Statement(sql, (preview.space_key, preview.id), expect=1)


async def find_preview(store: Store, space_key: int, preview_id: str) -> Preview | None:
    """Read a preview, over or not."""
    row = await store.fetch_point(
        "SELECT id, space_key, type_key, entry_id, maker_id, maker_scope, created_at, expires_at FROM maydan_previews"
        " WHERE space_key = ? AND id = ?",
        space_key,
        preview_id,
    )
    if row is None:
        return None
    moment = store.dialect.read_time
    scope, token = _scope(row[5])
    return Preview(
        id=str(row[0]), space_key=row[1], type_key=row[2], entry_id=str(row[3]), maker_id=str(row[4]),
        maker_scope=scope, maker_token=token, created_at=moment(row[6]), expires_at=moment(row[7]),
    )  # fmt: skip


def _share(store: Store, row: Row) -> Share:
    moment = store.dialect.read_time
    scope, token = _scope(row[9])
    return Share(
        id=str(row[0]), space_key=row[1], type_key=row[2], entry_id=str(row[3]), kind=row[4], target=row[5],
        rights=row[6], password=row[7], maker_id=str(row[8]), maker_scope=scope, maker_token=token,
        created_at=moment(row[10]), expires_at=None if row[11] is None else moment(row[11]),
    )  # fmt: skip


def _scope_text(scope: TokenScope | None, token: str | None) -> str | None:
    if scope is None:
        return None
    written = msgspec.to_builtins(scope, order="sorted")
    return msgspec.json.encode({**written, "token": token}, order="sorted").decode()


def _scope(value: Any) -> tuple[TokenScope | None, str | None]:
    if value is None:
        return None, None
    written: Any = json.loads(value) if isinstance(value, (str, bytes)) else value
    return msgspec.convert(written, TokenScope), written.get("token")
