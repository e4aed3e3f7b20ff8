"""Differences between two JSON objects, as JSON Patch (RFC 6902)."""

from __future__ import annotations

from typing import Any, Final, TypeAlias, cast

from maydan.content.problems import child

Operation: TypeAlias = dict[str, Any]
"""``op`` (``add``, ``remove``, ``replace``), ``path`` (RFC 6901) and, but for ``remove``, ``value``."""

_NOTHING: Final = object()


def json_patch(before: dict[str, Any], after: dict[str, Any]) -> list[Operation]:
    """Return what, applied in order to ``before``, makes it ``after``; ``[]`` where they are the same.

    Objects are compared member by member in the order of their names. Of lists, the common beginning and end stay and
    what is between is changed item by item.
    """
    operations: list[Operation] = []
    _object(before, after, "", operations)
    return operations


def _object(before: dict[str, Any], after: dict[str, Any], pointer: str, operations: list[Operation]) -> None:
    for name in sorted({*before, *after}):
        old, new = before.get(name, _NOTHING), after.get(name, _NOTHING)
        place = child(pointer, name)
        if new is _NOTHING:
            operations.append({"op": "remove", "path": place})
        elif old is _NOTHING:
            operations.append({"op": "add", "path": place, "value": new})
        else:
            _value(old, new, place, operations)


def _value(old: Any, new: Any, pointer: str, operations: list[Operation]) -> None:
    if _same(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        _object(cast("dict[str, Any]", old), cast("dict[str, Any]", new), pointer, operations)
    elif isinstance(old, list) and isinstance(new, list):
        _list(cast("list[Any]", old), cast("list[Any]", new), pointer, operations)
    else:
        operations.append({"op": "replace", "path": pointer, "value": new})


def _list(old: list[Any], new: list[Any], pointer: str, operations: list[Operation]) -> None:
    shorter = min(len(old), len(new))
    start = 0
    while start < shorter and _same(old[start], new[start]):
        start += 1
    end = 0
    while end < shorter - start and _same(old[-1 - end], new[-1 - end]):
        end += 1
    paired = shorter - end
    for index in range(start, paired):
        _value(old[index], new[index], child(pointer, index), operations)
    gone = range(len(old) - end - 1, paired - 1, -1)
    operations += [{"op": "remove", "path": child(pointer, index)} for index in gone]
    made = range(paired, len(new) - end)
    operations += [{"op": "add", "path": child(pointer, index), "value": new[index]} for index in made]


def _same(old: Any, new: Any) -> bool:
    """Tell whether two JSON values are the same; in Python ``True == 1``, in JSON not."""
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    if isinstance(old, dict) and isinstance(new, dict):
        one, other = cast("dict[str, Any]", old), cast("dict[str, Any]", new)
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    if isinstance(old, list) and isinstance(new, list):
        items, others = cast("list[Any]", old), cast("list[Any]", new)
        return len(items) == len(others) and all(map(_same, items, others))
    return bool(old == new)
