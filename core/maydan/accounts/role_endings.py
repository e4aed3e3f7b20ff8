"""What ends with a role: its place in memberships and open invitations, and what was shared with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from maydan.storage.acting import change_statement
from maydan.storage.ports import Statement
from maydan.storage.registry import SHARED
from maydan.storage.revisions import bump
from maydan.storage.shares import delete_share

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from maydan.storage.ports import Reader, Row

# The text of a list of names is the same on both engines but for blanks; `_` fits more than itself.
_NAMED: Final = "CAST(roles AS {text}) LIKE ?"
_MEMBERS: Final = (
    f"SELECT account_id, roles, version FROM maydan_members WHERE space_key = ? AND {_NAMED} {{for_update}}"
)
_CHANGE_MEMBER: Final = (
    "UPDATE maydan_members SET roles = ?, version = version + 1, updated_at = ? "
    "WHERE space_key = ? AND account_id = ? AND version = ?"
)
_INVITATIONS: Final = (
    f"SELECT id, roles FROM maydan_invitations WHERE space_key = ? AND accepted_at IS NULL AND {_NAMED} {{for_update}}"
)
_CHANGE_INVITATION: Final = (
    "UPDATE maydan_invitations SET roles = ? WHERE space_key = ? AND id = ? AND accepted_at IS NULL"
)
_END_INVITATION: Final = "DELETE FROM maydan_invitations WHERE space_key = ? AND id = ? AND accepted_at IS NULL"
_SHARES: Final = (
    "SELECT s.id, s.entry_id, s.rights, t.name FROM maydan_shares AS s JOIN maydan_types AS t ON t.key = s.type_key"
    f" WHERE s.space_key = ? AND t.space_key IN ({SHARED}, s.space_key) AND s.kind = 'role' AND s.target = ?"
)


async def role_endings(reader: Reader, space_key: int, role: str, *, now: datetime) -> list[Statement]:
    """Return what takes a role that is deleted from all who have it; one made again under its name starts with nobody.

    An invitation that has no role left is ended. Guarded against memberships that change at the same moment.

    Args:
        reader: The transaction that deletes it.
        space_key: The space.
        role: Its name.
        now: When it is deleted.
    """
    like = f'%"{role}"%'
    members = _having(role, await reader.fetch_all(_MEMBERS, space_key, like))
    invitations = _having(role, await reader.fetch_all(_INVITATIONS, space_key, like))
    shares = await reader.fetch_all(_SHARES, space_key, role)
    return [
        *_left_by(space_key, role, members, now),
        *_uninvited(space_key, role, invitations, now),
        *_unshared(space_key, role, shares, now),
    ]


def _having(role: str, rows: Sequence[Row]) -> list[tuple[Row, list[str]]]:
    """Return the rows that name the role, each with its other roles."""
    found = [(row, json.loads(row[1])) for row in rows]
    return [(row, [name for name in names if name != role]) for row, names in found if role in names]


def _left_by(space_key: int, role: str, members: list[tuple[Row, list[str]]], now: datetime) -> list[Statement]:
    changes = [
        Statement(_CHANGE_MEMBER, (json.dumps(left), now, space_key, str(row[0]), row[2]), expect=1)
        for row, left in members
    ]
    noted = [
        change_statement(
            "member.changed", ("account", str(row[0])), at=now, space_key=space_key, version=row[2] + 1,
            data={"roles": left, "before": sorted([*left, role])},
        )
        for row, left in members
    ]  # fmt: skip
    return [*changes, *noted, bump("accounts")] if members else []


def _uninvited(space_key: int, role: str, invitations: list[tuple[Row, list[str]]], now: datetime) -> list[Statement]:
    changes = [
        Statement(_CHANGE_INVITATION, (json.dumps(left), space_key, str(row[0])))
        if left
        else Statement(_END_INVITATION, (space_key, str(row[0])))
        for row, left in invitations
    ]
    noted = [
        change_statement(
            "invitation.deleted", ("invitation", str(row[0])), at=now, space_key=space_key, data={"roles": [role]}
        )
        for row, left in invitations
        if not left
    ]
    return [*changes, *noted]


def _unshared(space_key: int, role: str, shares: Sequence[Row], now: datetime) -> list[Statement]:
    noted = [
        change_statement(
            "share.deleted", ("share", str(row[0])), at=now, space_key=space_key,
            data={"entry": str(row[1]), "type": row[3], "kind": "role", "rights": row[2], "target": role},
        )
        for row in shares
    ]  # fmt: skip
    return [*(delete_share(space_key, str(row[0])) for row in shares), *noted, bump("shares")] if shares else []
