"""Includes as they are written: the paths, and how many of a relation's targets come in which order.

``include=author,related&include[related][limit]=3&include[related][sort]=-rating`` in an address is
``{"include": ["author", {"path": "related", "limit": 3, "sort": ["-rating"]}]}`` in a body.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast

from msgspec import Struct

from maydan.content.conditions import refuse
from maydan.content.orders import Sort, read_path, read_sorts, require_distinct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_INCLUDES: Final = 50
DEEPEST_INCLUDE: Final = 4
MOST_OF_ONE: Final = 100
"""Largest ``limit`` of an include, as of a list."""

_OPTION: Final = re.compile(r"include((?:\[[^\[\]]+\]){1,8})\[(limit|sort)\]")
_INTEGER: Final = re.compile(r"0|[1-9][0-9]{0,8}")
_MEMBERS: Final = frozenset({"path", "limit", "sort"})


class Portion(Struct, frozen=True):
    """What of a relation to many is wanted."""

    path: tuple[str, ...]
    limit: int | None = None
    """``None`` is all."""
    sort: tuple[Sort, ...] = ()
    """Empty is the relation's own order, which also decides between equals."""


def option_of(name: str) -> tuple[str, str] | None:
    """Return the path and the option that a parameter ``include[…][limit]`` or ``include[…][sort]`` sets."""
    match = _OPTION.fullmatch(name)
    return None if match is None else (match[1][1:-1].replace("][", "."), match[2])


def read_option(name: str, option: str, value: str) -> Any:
    """Read the value that an option has in an address.

    Raises:
        BadParameter: It is none.
    """
    if value == "":
        raise refuse(name, "empty", "must not be empty")
    if option == "sort":
        return value.split(",")
    if not _INTEGER.fullmatch(value):
        raise refuse(name, "not_an_integer", "must be an integer in plain digits")
    return int(value)


def joined_includes(paths: Sequence[str], options: Mapping[str, dict[str, Any]]) -> list[Any]:
    """Return what an address includes as a body writes it; an option includes its path too."""
    return [*(path for path in paths if path not in options), *({"path": path, **of} for path, of in options.items())]


def unlike_include(value: object) -> tuple[str, str] | None:
    """Return where the ``include`` of a body has a wrong type, and what it must be there."""
    if not isinstance(value, list):
        return "", "a list"
    for index, item in enumerate(cast("list[object]", value)):
        if type(item) is str:
            continue
        if not isinstance(item, dict):
            return f"/{index}", "text, or an object with a path"
        wrong = _unlike_portion(cast("dict[str, object]", item))
        if wrong is not None:
            return f"/{index}{wrong[0]}", wrong[1]
    return None


def _unlike_portion(members: dict[str, object]) -> tuple[str, str] | None:
    for name, value in members.items():
        if name not in _MEMBERS:
            return f"/{name}", "left out: it is not a part of an include"
        if name == "path" and type(value) is not str:
            return "/path", "text"
        if name == "limit" and type(value) is not int:
            return "/limit", "an integer"
        if name == "sort" and not _is_texts(value):
            return "/sort", "a list of text"
    return None if "path" in members else ("/path", "given")


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(type(item) is str for item in cast("list[object]", value))


def read_includes(items: Sequence[Any]) -> tuple[tuple[tuple[str, ...], ...], tuple[Portion, ...]]:
    """Read the items of a body's ``include``: all paths, and the portions that some of them ask for.

    Raises:
        BadParameter: A path is none, too deep or named twice, or there are too many; a limit is out of range.
    """
    if len(items) > MOST_INCLUDES:
        raise refuse("include", "too_many", f"has more than {MOST_INCLUDES} paths")
    texts = [item if isinstance(item, str) else cast("str", item["path"]) for item in items]
    require_distinct("include", texts)
    paths = tuple(read_path("include", text) for text in texts)
    if any(len(path) > DEEPEST_INCLUDE for path in paths):
        raise refuse("include", "too_deep", f"goes deeper than {DEEPEST_INCLUDE} relations")
    portions = [_portion(path, item) for path, item in zip(paths, items, strict=True) if not isinstance(item, str)]
    return paths, tuple(portion for portion in portions if portion.limit is not None or portion.sort)


def _portion(path: tuple[str, ...], members: dict[str, Any]) -> Portion:
    place = f"include[{'.'.join(path)}]"
    limit: int | None = members.get("limit")
    if limit is not None and not 1 <= limit <= MOST_OF_ONE:
        raise refuse(f"{place}[limit]", "out_of_range", f"must be from 1 to {MOST_OF_ONE}")
    return Portion(path, limit, read_sorts(f"{place}[sort]", members.get("sort", ())))
