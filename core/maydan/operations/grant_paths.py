"""Keeping conditions true that look through a relation, when fields get other names, or it leads elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from maydan.access.foreseeing import is_deep
from maydan.content.checking import rewritten
from maydan.content.conditions import Compare, read_condition, write_condition
from maydan.content.kinds import SYSTEM_KINDS
from maydan.content.types import Kind
from maydan.errors import BadParameter
from maydan.operations.grants import renew_roles
from maydan.storage.registry import list_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maydan.content.spaces import Space
    from maydan.content.types import ContentType, Field
    from maydan.storage.ports import Transaction

_SELECT: Final = "SELECT id, v0, v2, v4, v5 FROM maydan_casbin_rules WHERE space_key = ? AND ptype = 'p'"
_DELETE: Final = "DELETE FROM maydan_casbin_rules WHERE space_key = ? AND id = ?"
_UPDATE: Final = "UPDATE maydan_casbin_rules SET v5 = ? WHERE space_key = ? AND id = ?"


class _Lost(Exception):
    """A path names what is gone, or what only some of the types behind a relation still have."""


class _Change(Struct, frozen=True):
    before: ContentType
    after: ContentType | None
    names: Mapping[str, str | None]
    types: Mapping[str, ContentType]

    def followed(self, head: ContentType, path: tuple[str, ...]) -> tuple[str, ...]:
        """Return a path under the new names; its first name was brought up to date before."""
        new, here = [path[0]], head
        for index, step in enumerate(path[:-1]):
            field = here.field(step)
            if field is None or field.kind is not Kind.RELATION:
                return (*new, *path[index + 1 :])
            following = path[index + 1]
            self._require_way(here, field, following)
            if self.before.name in field.to and following in self.names:
                renamed = self.names[following]
                if renamed is None or len(field.to) > 1:
                    raise _Lost
                new.append(renamed)
            else:
                new.append(following)
            behind = field.to[0] if len(field.to) == 1 else ""
            there = self.before if behind == self.before.name else self.types.get(behind)
            if there is None:
                return (*new, *path[index + 2 :])
            here = there
        return tuple(new)

    def _require_way(self, here: ContentType, field: Field, following: str) -> None:
        """Refuse a path through a relation that led to a type which it leads to no more, and to no other as before.

        What it newly leads to does not stand in for that: nobody wrote the condition about those.
        """
        if self.after is None or here.name != self.before.name:
            return
        was, now = (
            next((each for each in one.fields if each.id == field.id), None) for one in (self.before, self.after)
        )
        if was is None or now is None or set(was.to) <= set(now.to):
            return
        if not any(self._has(name, following) for name in was.to if name in now.to):
            raise _Lost

    def _has(self, type_name: str, name: str) -> bool:
        known = self.before if type_name == self.before.name else self.types.get(type_name)
        return name in SYSTEM_KINDS or (known is not None and known.field(name) is not None)


def _narrows(before: ContentType, after: ContentType | None) -> bool:
    """Tell whether a relation leads to fewer types than it did."""
    leads = {field.id: set(field.to) for field in after.fields} if after else {}
    return any(field.id in leads and not set(field.to) <= leads[field.id] for field in before.fields)


async def follow_paths(
    transaction: Transaction,
    space: Space,
    before: ContentType,
    after: ContentType | None,
    names: Mapping[str, str | None],
) -> None:
    """Bring conditions that lead into a type, or on from it, up to date with its new form; ``None`` is none.

    As with a type's own policies, one that allows by what is gone is removed, and one that denies by it denies every
    row. Call it when the type is stored under its new names, and its own policies follow them.
    """
    if not names and not _narrows(before, after):
        return
    types = {each.name: each for each in await list_types(transaction, space)}
    change = _Change(before, after, names, types)
    renewed: set[str] = set()
    for rule_id, role, type_name, effect, text in await transaction.fetch_all(_SELECT, space.key):
        spec: dict[str, Any] = msgspec.json.decode(text)
        condition, head = spec.get("condition"), types.get(type_name)
        if condition is None or head is None or not is_deep(condition):
            continue
        try:
            followed = _followed(change, head, condition)
        except (_Lost, BadParameter):
            if effect == "allow":
                renewed.add(role)
                await transaction.execute(_DELETE, space.key, str(rule_id))
                continue
            followed = None
        if followed != condition:
            renewed.add(role)
            rest = {key: value for key, value in spec.items() if key != "condition"}
            kept = rest if followed is None else {**rest, "condition": followed}
            await transaction.execute(_UPDATE, msgspec.json.encode(kept).decode(), space.key, str(rule_id))
    await renew_roles(transaction, space.key, renewed)


def _followed(change: _Change, head: ContentType, written: dict[str, Any]) -> dict[str, Any]:
    """Return the condition under the new names; the very same where none of them is in it."""
    read = read_condition(written, name="condition")
    if read is None:
        return written

    def follow(compare: Compare) -> Compare:
        return Compare(change.followed(head, compare.path), compare.op, compare.value)

    after = rewritten(read, follow)
    return written if after == read else write_condition(after)
