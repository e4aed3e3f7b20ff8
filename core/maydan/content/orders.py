"""Orders: the keys of a sort as they are written, for lists and for what an include brings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from maydan.content.conditions import LONGEST_PATH, Target, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST_SORTS: Final = 8


class Sort(Struct, frozen=True):
    """One key of an order."""

    path: tuple[str, ...]
    descending: bool = False
    target: Target | None = None
    """``None`` until it is checked against a type."""


def read_sorts(name: str, items: Sequence[str]) -> tuple[Sort, ...]:
    """Read keys such as ``-rating``.

    Args:
        name: How a refusal names the list of them.
        items: The keys as they are written.
    Raises:
        BadParameter: There are too many, one names no path, or one names it a second time.
    """
    if len(items) > MOST_SORTS:
        raise refuse(name, "too_many", f"has more than {MOST_SORTS} keys")
    require_distinct(name, items, lambda item: item.removeprefix("-"))
    return tuple(Sort(read_path(name, item.removeprefix("-")), item.startswith("-")) for item in items)


def read_path(name: str, text: str) -> tuple[str, ...]:
    """Read a dotted path.

    Raises:
        BadParameter: A name is empty, or there are too many.
    """
    path = tuple(text.split("."))
    if not all(path) or len(path) > LONGEST_PATH:
        raise refuse(name, "bad_path", f"must name paths of at most {LONGEST_PATH} names")
    return path


def require_distinct(name: str, items: Sequence[str], key: Callable[[str], str] = str) -> None:
    """Refuse a list that has an empty item, or one twice.

    Raises:
        BadParameter: It has.
    """
    if not all(items):
        raise refuse(name, "empty", "has an empty item")
    if len({key(item) for item in items}) != len(items):
        raise refuse(name, "repeated", "names something twice")
