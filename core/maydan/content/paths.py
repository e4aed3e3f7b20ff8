"""Where a path leads: to a system field, a field, something inside of one, or through relations into other entries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from maydan.content.conditions import MOST_RELATIONS, Condition, Hop, Target
from maydan.content.fields import block_fields, inner_fields, is_list
from maydan.content.kinds import AUTHORS, SYSTEM_KINDS
from maydan.content.stored import TAGS
from maydan.content.types import ContentType, Field, Kind

_PARTS: Final[dict[Kind, dict[str, Kind]]] = {
    Kind.MONEY: {"amount": Kind.INTEGER, "currency": Kind.STRING},
    Kind.GEO: {"lat": Kind.NUMBER, "lng": Kind.NUMBER},
}


class Reached(Struct, frozen=True):
    """A type behind a relation, as far as whoever asks may read its entries."""

    type: ContentType
    readable: Mapping[str, Condition | None]
    """The names that a path may continue with, each with the condition on the entries that then count."""
    draft: bool | None = None
    """As :attr:`~maydan.content.conditions.Hop.draft`."""


Reach: TypeAlias = Callable[[str], Reached | None]
"""Finds a type by name for whoever asks; ``None`` where there is none, or none of its entries may be read."""


def find_target(
    type: ContentType, path: tuple[str, ...], reach: Reach | None = None, *, relations: int = 0
) -> Target | None:
    """Return what a path of names leads to, or ``None`` where that is nothing that a query can name.

    Secret fields are nothing. A path through a relation to several types leads to those of them that have the rest of
    it, if they agree on its kind.

    Args:
        type: Where the path begins.
        path: The names.
        reach: Finds the types behind relations; without it no path goes through one.
        relations: How many were gone through before.
    """
    system = SYSTEM_KINDS.get(path[0])
    if system is not None:
        return _system_target(path[0], system) if len(path) == 1 else None
    field = type.field(path[0])
    if field is None or field.kind is Kind.SECRET:
        return None
    many, private = [is_list(field)], field.private
    kind = field.kind
    for index, step in enumerate(path[1:], 1):
        if field is None:
            return None
        if field.kind is Kind.RELATION:
            hops = _hops(field, path[index:], reach, relations + 1)
            kinds = {hop.target.kind for hop in hops}
            if len(kinds) != 1:
                return None
            return Target(kinds.pop(), private=private, many=tuple(many), steps=index, hops=hops)
        field, found = _inside(field, step)
        if found is None:
            return None
        kind = found
        many.append(field is not None and is_list(field))
    return Target(kind, private=private, many=tuple(many))


def _hops(field: Field, rest: tuple[str, ...], reach: Reach | None, relations: int) -> tuple[Hop, ...]:
    """Return what the rest of a path means in each type behind a relation."""
    if reach is None or relations > MOST_RELATIONS:
        return ()
    hops: list[Hop] = []
    for name in field.to:
        reached = reach(name)
        if reached is None or rest[0] not in reached.readable:
            continue
        target = find_target(reached.type, rest, reach, relations=relations)
        if target is not None:
            content_type = None if reached.draft is None else reached.type
            hops.append(Hop(name, reached.type.key, target, reached.readable[rest[0]], content_type, reached.draft))
    return tuple(hops)


def _inside(field: Field, step: str) -> tuple[Field | None, Kind | None]:
    """Return the inner field, if it is one, and the kind of what ``step`` names."""
    part = _PARTS.get(field.kind, {}).get(step)
    if part is not None:
        return None, part
    inner = next((one for one in inner_fields(field) if one.name == step), None)
    return inner, inner.kind if inner else None


def _system_target(name: str, kind: Kind) -> Target:
    return Target(kind, private=name in AUTHORS, many=(name == TAGS,), system=True)


def goes_through_lists(target: Target) -> bool:
    """Tell whether a list stands anywhere along a path, so that there may be several values at its end."""
    return any(target.many) or any(goes_through_lists(hop.target) for hop in target.hops)


def relations_at(fields: tuple[Field, ...], path: tuple[str, ...], reach: Reach | None) -> list[Field]:
    """Return the relations that a path of an include leads to: one for each type, component or block that has it.

    It names relations alone, and the components and blocks that they stand in.

    Args:
        fields: Those among which the first name is.
        path: The names; of the fields of other types only those that ``reach`` gives.
        reach: Finds the types behind relations.
    """
    return [found for field in fields if field.name == path[0] for found in _relations_in(field, path[1:], reach)]


def _relations_in(field: Field, rest: tuple[str, ...], reach: Reach | None) -> list[Field]:
    if field.kind is not Kind.RELATION:
        members = (*inner_fields(field), *(one for fields in block_fields(field).values() for one in fields))
        return relations_at(members, rest, reach) if rest else []
    if not rest:
        return [field]
    reached = [reach(name) for name in field.to] if reach else []
    return [
        found
        for one in reached
        if one is not None and rest[0] in one.readable
        for found in relations_at(one.type.fields, rest, reach)
    ]


def find_behind(relations: list[Field], rest: tuple[str, ...], reach: Reach | None) -> Target | None:
    """Return what a path means in the entries that any of the relations leads to, or ``None`` as :func:`find_target`.

    Its ``hops`` are one for each type that has it.
    """
    hops = {hop.type: hop for field in relations for hop in _hops(field, rest, reach, 1)}
    kinds = {hop.target.kind for hop in hops.values()}
    return Target(kinds.pop(), hops=tuple(hops.values())) if len(kinds) == 1 else None
