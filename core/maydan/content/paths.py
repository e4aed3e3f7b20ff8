"""Where a path leads in the documents of a type: to a system field, a field, or something inside of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from maydan.content.conditions import Target
from maydan.content.fields import inner_fields, is_list
from maydan.content.kinds import AUTHORS, SYSTEM_KINDS
from maydan.content.stored import TAGS
from maydan.content.types import Kind

if TYPE_CHECKING:
    from maydan.content.types import ContentType, Field

_PARTS: Final[dict[Kind, dict[str, Kind]]] = {
    Kind.MONEY: {"amount": Kind.INTEGER, "currency": Kind.STRING},
    Kind.GEO: {"lat": Kind.NUMBER, "lng": Kind.NUMBER},
}


def find_target(type: ContentType, path: tuple[str, ...]) -> Target | None:
    """Return what a path of names leads to, or ``None`` where that is nothing that a query can name.

    Secret fields are nothing. Paths through relations are none yet.
    """
    system = SYSTEM_KINDS.get(path[0])
    if system is not None:
        return _system_target(path[0], system) if len(path) == 1 else None
    field = type.field(path[0])
    if field is None or field.kind is Kind.SECRET:
        return None
    many, private = [is_list(field)], field.private
    kind = field.kind
    for step in path[1:]:
        if field is None:
            return None
        field, found = _inside(field, step)
        if found is None:
            return None
        kind = found
        many.append(field is not None and is_list(field))
    return Target(kind, private=private, many=tuple(many))


def _inside(field: Field, step: str) -> tuple[Field | None, Kind | None]:
    """Return the inner field, if it is one, and the kind of what ``step`` names."""
    part = _PARTS.get(field.kind, {}).get(step)
    if part is not None:
        return None, part
    inner = next((one for one in inner_fields(field) if one.name == step), None)
    return inner, inner.kind if inner else None


def _system_target(name: str, kind: Kind) -> Target:
    return Target(kind, private=name in AUTHORS, many=(name == TAGS,), system=True)


def sort_path(type: ContentType, path: tuple[str, ...]) -> tuple[str, ...]:
    """Return the path that sorting and indexing by a field means: money goes by its amount."""
    field = type.field(path[0])
    return (*path, "amount") if field is not None and len(path) == 1 and field.kind is Kind.MONEY else path
