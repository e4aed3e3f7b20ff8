"""Keeping grants true to types: one that names a field or a type ends with it, and follows it through a rename."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maydan.storage.ports import Transaction

_SELECT: Final = "SELECT id, v0, v4, v5 FROM maydan_casbin_rules WHERE space_key = ? AND ptype = 'p' AND v2 = ?"
_DELETE: Final = "DELETE FROM maydan_casbin_rules WHERE space_key = ? AND id = ?"
_UPDATE: Final = "UPDATE maydan_casbin_rules SET v5 = ? WHERE space_key = ? AND id = ?"

Names = Mapping[str, str | None]
"""Old field names to new ones; ``None`` for a field that is gone."""


async def forget_type(transaction: Transaction, space_key: int, type_name: str) -> None:
    """Remove every policy of the space that names the type, so that one made again starts without any."""
    rows = await transaction.fetch_all(_SELECT, space_key, type_name)
    await renew_roles(transaction, space_key, (row[1] for row in rows))
    await transaction.execute(
        "DELETE FROM maydan_casbin_rules WHERE space_key = ? AND ptype = 'p' AND v2 = ?", space_key, type_name
    )


async def follow_fields(transaction: Transaction, space_key: int, type_name: str, names: Names) -> None:
    """Bring the policies that name a type up to date with the new names of its fields.

    A policy that names no field any more is removed. One that allows under a condition on a field that is gone is
    removed too; one that denies so then denies every row: closed, not open.
    """
    if not names:
        return
    renewed: set[str] = set()
    for rule_id, role, effect, text in await transaction.fetch_all(_SELECT, space_key, type_name):
        spec: dict[str, Any] = msgspec.json.decode(text)
        changed = _followed(spec, names, denies=effect != "allow")
        if changed == spec:
            continue
        renewed.add(role)
        if changed is None:
            await transaction.execute(_DELETE, space_key, str(rule_id))
        else:
            await transaction.execute(_UPDATE, msgspec.json.encode(changed).decode(), space_key, str(rule_id))
    await renew_roles(transaction, space_key, renewed)


async def renew_roles(transaction: Transaction, space_key: int, roles: Iterable[str]) -> None:
    """Give the roles of rules that are rewritten their next version: whoever has read them has them as they were.

    Args:
        transaction: In which the rules are rewritten.
        space_key: The space.
        roles: The roles, as rules name them.
    """
    for role in sorted({*roles}):
        sql = "UPDATE maydan_roles SET version = version + 1 WHERE space_key = ? AND name = ?"
        await transaction.execute(sql, space_key, role.removeprefix("role:"))


def _followed(spec: dict[str, Any], names: Names, *, denies: bool) -> dict[str, Any] | None:
    fields = [new for name in spec["fields"] if (new := names.get(name, name)) is not None]
    condition, is_lost = _renamed(spec.get("condition"), names)
    if not fields or (is_lost and not denies):
        return None
    rest = {key: value for key, value in spec.items() if key not in ("fields", "condition")}
    kept = condition is not None and not is_lost
    return {**rest, "fields": fields, **({"condition": condition} if kept else {})}


def _renamed(written: dict[str, Any] | None, names: Names) -> tuple[dict[str, Any] | None, bool]:
    """Return a condition under the fields' new names, and whether it is about one that is gone."""
    if written is None:
        return None, False
    renamed: dict[str, Any] = {}
    is_lost = False
    for key, value in written.items():
        if key not in ("and", "or", "not"):
            head, dot, rest = key.partition(".")
            new = names.get(head, head)
            is_lost = is_lost or new is None
            renamed[f"{new}{dot}{rest}"] = value
            continue
        parts = cast("list[dict[str, Any]]", [value] if key == "not" else value)
        done = [_renamed(part, names) for part in parts]
        is_lost = is_lost or any(lost for _, lost in done)
        renamed[key] = done[0][0] if key == "not" else [part for part, _ in done]
    return renamed, is_lost
