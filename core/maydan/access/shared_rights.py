"""Shared rights: what somebody may do with a few entries because somebody else, who may do it, lets them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from maydan.access.conditions import NEVER, all_of, any_of
from maydan.access.decisions import AUTHORS, DENIED_DECISION, Decision, Grant
from maydan.content.conditions import Compare, Condition, Target
from maydan.content.kinds import SYSTEM_KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.access.actors import Actor
    from maydan.content.types import ContentType

SHARED_ACTIONS: Final[dict[str, frozenset[str]]] = {
    "view": frozenset({"read", "read_draft"}),
    "comment": frozenset({"read", "read_draft", "comment"}),
    "edit": frozenset({"read", "read_draft", "comment", "update"}),
}
"""What each kind of rights in a share lets somebody do."""


class SharedRight(Struct, frozen=True, kw_only=True):
    """Actions on a few entries of one type, by the rights that whoever shares them has at this moment."""

    maker: Actor
    actions: frozenset[str]
    ids: tuple[str, ...]
    """Of the entries."""
    by_link: bool = False
    """Whether whoever has a link has them; then no authors are told."""
    rights: str = ""
    """As the shares call them."""
    shares: tuple[tuple[str, str], ...] = ()
    """The ids of the shares that give them, each with its entry's; for explanations."""


def id_in(ids: tuple[str, ...]) -> Condition:
    """Return the condition that an entry is one of these."""
    return Compare(("id",), "in", ids, Target(SYSTEM_KINDS["id"], many=(False,), system=True))


def restricted(decision: Decision, ids: tuple[str, ...], content_type: ContentType, *, by_link: bool) -> Decision:
    """Return of the maker's decision what is shared: the entries named, without private fields."""
    if decision.denied:
        return DENIED_DECISION
    only = id_in(ids)
    row = all_of((decision.row, only))
    if row == NEVER:
        return DENIED_DECISION
    kept_back = frozenset(field.name for field in content_type.fields if field.private)
    kept_back |= AUTHORS if by_link else frozenset[str]()
    grants = [
        Grant(rest, all_of((grant.condition, only))) for grant in decision.grants if (rest := grant.fields - kept_back)
    ]
    return Decision(row=row, grants=tuple(grants), envelope=decision.envelope, whole=decision.whole)


def united(decisions: Sequence[Decision]) -> Decision:
    """Return what at least one of the decisions allows, row by row and field by field."""
    held = [decision for decision in decisions if not decision.denied]
    if len(held) < 2:
        return held[0] if held else DENIED_DECISION
    row = any_of(decision.row for decision in held)
    conditions: dict[str, list[Condition | None]] = {}
    for part, grant in [(decision, grant) for decision in held for grant in decision.grants]:
        # A field of one decision is not granted on the rows of another.
        condition = all_of((part.row, grant.condition))
        for name in grant.fields:
            conditions.setdefault(name, []).append(condition)
    envelope = frozenset[str]().union(*(decision.envelope for decision in held))
    return Decision(
        row=row,
        grants=_grouped({name: any_of(parts) for name, parts in conditions.items()}),
        envelope=envelope,
        private=frozenset[str]().union(*(decision.private for decision in held)),
        whole=all(decision.whole for decision in held) or any(one.whole and one.row is None for one in held),
    )


def common(one: Decision, other: Decision) -> Decision:
    """Return what both decisions allow, row by row and field by field."""
    row = NEVER if one.denied or other.denied else all_of((one.row, other.row))
    if row == NEVER:
        return DENIED_DECISION
    fields = {
        name: all_of((grant.condition, facing.condition))
        for grant in one.grants
        for facing in other.grants
        for name in grant.fields & facing.fields
    }
    return Decision(
        row=row,
        grants=_grouped({name: condition for name, condition in fields.items() if condition != NEVER}),
        envelope=one.envelope & other.envelope,
        private=one.private & other.private,
        whole=one.whole and other.whole,
    )


def _grouped(fields: dict[str, Condition | None]) -> tuple[Grant, ...]:
    groups: list[tuple[Condition | None, set[str]]] = []
    for name in sorted(fields):
        group = next((names for condition, names in groups if condition == fields[name]), None)
        if group is None:
            groups.append((fields[name], {name}))
        else:
            group.add(name)
    return tuple(Grant(frozenset(names), condition) for condition, names in groups)
