"""Where in the body of a query something is wrong: refusals name its parts as an address does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, cast

from msgspec.structs import replace

from maydan.content.conditions import CONNECTIVES
from maydan.errors import BadParameter
from maydan.http.pointers import pointer_to

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_Place: TypeAlias = "tuple[str | int, ...]"


def in_body(error: BadParameter, body: dict[str, Any]) -> BadParameter:
    """Return a refusal whose places are JSON pointers into the body."""
    if not error.errors:
        return error
    errors = tuple(replace(one, pointer=pointer_to(_place(one.pointer, body))) for one in error.errors)
    detail = f"{errors[0].pointer} {errors[0].message}."
    return type(error)(detail, code=error.error_code, errors=errors, **error.facts)


def _place(name: str, body: dict[str, Any]) -> _Place:
    member, *steps = name.removesuffix("]").replace("][", "[").split("[")
    if not steps:
        return (member,)
    if member == "include":
        return (member, *_in_include(steps, body.get(member)))
    return (member, *_in_filter(steps, body.get(member)))


def _in_include(steps: Sequence[str], items: object) -> _Place:
    for index, item in enumerate(cast("list[object]", items) if isinstance(items, list) else ()):
        if isinstance(item, dict) and cast("dict[str, object]", item).get("path") == steps[0]:
            return (index, *steps[1:])
    return tuple(steps)


def _in_filter(steps: Sequence[str], written: object) -> _Place:
    """Find what is named from the top, or what a path and perhaps an operator name, wherever it stands first."""
    if _is_there(steps, written):
        return tuple(steps)
    for path, place in _members(written, (), ()):
        if ".".join(path) == ".".join(steps):
            return place
    return tuple(steps)


def _is_there(steps: Sequence[str], written: object) -> bool:
    for step in steps:
        if isinstance(written, list) and step.isdecimal() and int(step) < len(cast("list[object]", written)):
            written = cast("list[object]", written)[int(step)]
        elif isinstance(written, dict) and step in written:
            written = cast("dict[str, object]", written)[step]
        else:
            return False
    return True


def _members(written: object, path: tuple[str, ...], place: _Place) -> Iterator[tuple[tuple[str, ...], _Place]]:
    """Yield the path of everything in a filter, operators too, and where it stands."""
    if isinstance(written, list):
        for index, item in enumerate(cast("list[object]", written)):
            yield from _members(item, path, (*place, index))
    elif isinstance(written, dict):
        for key, value in cast("dict[str, object]", written).items():
            inner = path if not path and key in CONNECTIVES else (*path, key)
            yield inner, (*place, key)
            yield from _members(value, inner, (*place, key))
