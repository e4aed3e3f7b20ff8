"""Queries: what an address or a body asks of a list, as one tree, and its check against a type."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from msgspec import Struct

from maydan.content.conditions import And, Compare, Condition, Not, Or, Target, read_condition, refuse
from maydan.content.includes import Portion, joined_includes, option_of, read_includes, read_option, unlike_include
from maydan.content.matching import matches
from maydan.content.orders import Sort, read_sorts, require_distinct
from maydan.errors import InputError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "LIST_PARAMETERS",
    "READ_PARAMETERS",
    "And",
    "Compare",
    "Condition",
    "Not",
    "Or",
    "Portion",
    "Query",
    "Sort",
    "Target",
    "matches",
    "parse_body",
    "parse_parameters",
]

MOST_ITEMS: Final = 100
"""Largest ``limit``."""
LARGEST_OFFSET: Final = 1_000_000
LONGEST_CURSOR: Final = 4096


class Query(Struct, frozen=True, kw_only=True):
    """What is asked of one content type."""

    filter: Condition | None = None
    sort: tuple[Sort, ...] = ()
    """Empty is newest first."""
    fields: tuple[str, ...] | None = None
    """``None`` is all that may be read."""
    include: tuple[tuple[str, ...], ...] = ()
    portions: tuple[Portion, ...] = ()
    """Of the relations to many among what is included."""
    limit: int = 25
    cursor: str | None = None
    offset: int = 0
    count: bool = False
    """Whether the exact total is asked for."""
    perspective: str = "published"
    """``published`` or ``draft``."""
    locale: str | None = None
    """``None`` leaves it to the caller's languages; ``*`` is every locale."""
    fallback: bool = True
    status: str | None = None
    text_values: bool = False
    """Whether the filter's values are text from an address, not yet of their fields' kinds."""

    def fingerprint(self) -> bytes:
        """Return 16 bytes that differ between queries whose cursors must not be exchanged."""
        asked = (self.filter, self.sort, self.perspective, self.locale, self.fallback, self.status)
        return hashlib.blake2b(msgspec.msgpack.encode(asked), digest_size=16).digest()


READ_PARAMETERS: Final = frozenset({"fields", "include", "perspective", "locale", "fallback"})
"""Of reading a single entry."""
LIST_PARAMETERS: Final = READ_PARAMETERS | {"filter", "sort", "limit", "cursor", "offset", "count", "status"}

_FILTER: Final = re.compile(r"filter((?:\[[^\[\]]+\]){1,64})")
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,3}")
_INTEGER: Final = re.compile(r"0|[1-9][0-9]{0,8}")
_STATUSES: Final = ("draft", "published", "changed", "trashed")
_LISTS: Final = frozenset({"sort", "fields", "include"})
_INTEGERS: Final = frozenset({"limit", "offset"})


def parse_parameters(pairs: Sequence[tuple[str, str]], *, allowed: frozenset[str] = LIST_PARAMETERS) -> Query:
    """Read a query from the decoded parameters of an address.

    Args:
        pairs: Names and values in their order.
        allowed: The parameters that the route takes.
    Raises:
        BadParameter: One is unknown, repeated or unreadable.
    """
    members: dict[str, Any] = {}
    conditions: dict[str, Any] = {}
    portions: dict[str, dict[str, Any]] = {}
    for name, value in pairs:
        match = _FILTER.fullmatch(name) if "filter" in allowed else None
        if match is not None:
            _nest(conditions, match[1][1:-1].split("]["), value, name)
        elif "include" in allowed and (option := option_of(name)) is not None:
            of = portions.setdefault(option[0], {})
            if option[1] in of:
                raise refuse(name, "repeated", "is given more than once")
            of[option[1]] = read_option(name, option[1], value)
        elif name not in allowed or name == "filter":
            raise refuse(name, "unknown_parameter", "is not a parameter here")
        elif name in members:
            raise refuse(name, "repeated", "is given more than once")
        else:
            members[name] = _from_text(name, value)
    if conditions:
        members["filter"] = _with_lists(conditions)
    if portions:
        members["include"] = joined_includes(members.get("include", []), portions)
    return _query(members, text_values=True)


def parse_body(body: dict[str, Any]) -> Query:
    """Read a query from the body of ``POST …/query``.

    Raises:
        BadParameter: A part of the query is not acceptable; as in an address.
        InvalidInput: A member is unknown or of a wrong type.
    """
    errors: list[InputError] = []
    members: dict[str, Any] = {}
    for name, value in body.items():
        if name not in LIST_PARAMETERS:
            errors.append(InputError(f"/{name}", "unknown_field", "is not a part of a query"))
        elif name == "include":
            members[name] = value
            if (wrong := unlike_include(value)) is not None:
                errors.append(InputError(f"/include{wrong[0]}", "wrong_type", f"must be {wrong[1]}"))
        elif (expected := _unlike(name, value)) is not None:
            errors.append(InputError(f"/{name}", "wrong_type", f"must be {expected}"))
        else:
            members[name] = value
    if errors:
        raise InvalidInput(f"{errors[0].pointer} {errors[0].message}.", errors=tuple(errors))
    return _query(members, text_values=False)


def _unlike(name: str, value: Any) -> str | None:
    """Return what a member of a body must be, where it is not."""
    if name == "filter":
        return None if isinstance(value, dict) else "an object"
    if name in _LISTS:
        items = cast("list[object]", value) if isinstance(value, list) else [None]
        return None if all(type(item) is str for item in items) else "a list of text"
    if name in _INTEGERS:
        return None if type(value) is int else "an integer"
    return None if type(value) is str else "text"


def _from_text(name: str, value: str) -> Any:
    if value == "":
        raise refuse(name, "empty", "must not be empty")
    if name in _LISTS:
        return value.split(",")
    if name in _INTEGERS:
        if not _INTEGER.fullmatch(value):
            raise refuse(name, "not_an_integer", "must be an integer in plain digits")
        return int(value)
    return value


def _nest(conditions: dict[str, Any], steps: list[str], value: str, name: str) -> None:
    """Put the value of ``filter[a][b][eq]`` where JSON has it."""
    inner = conditions
    for step in steps[:-1]:
        deeper: object = inner.setdefault(step, {})
        if not isinstance(deeper, dict):
            raise refuse(name, "contradiction", "goes into what another parameter gives a value")
        inner = cast("dict[str, Any]", deeper)
    if steps[-1] in inner:
        raise refuse(name, "repeated", "is given more than once")
    inner[steps[-1]] = value


def _with_lists(written: dict[str, Any]) -> Any:
    """Turn the indexes under ``and``, ``or``, ``in`` and ``nin`` into lists."""
    turned: dict[str, Any] = {}
    for key, value in written.items():
        if not isinstance(value, dict):
            turned[key] = value
            continue
        members = cast("dict[str, Any]", value)
        indexed = all(_INDEX.fullmatch(index) for index in members)
        inner = _with_lists(members)
        listed = indexed and key in ("and", "or", "in", "nin")
        turned[key] = [inner[index] for index in sorted(inner, key=int)] if listed else inner
    return turned


def _query(members: dict[str, Any], *, text_values: bool) -> Query:
    """Build the query from its JSON form."""
    limit, offset, cursor = members.get("limit", 25), members.get("offset", 0), members.get("cursor")
    if not 1 <= limit <= MOST_ITEMS:
        raise refuse("limit", "out_of_range", f"must be from 1 to {MOST_ITEMS}")
    if not 0 <= offset <= LARGEST_OFFSET:
        raise refuse("offset", "out_of_range", f"must be from 0 to {LARGEST_OFFSET}; use cursor to go further")
    if cursor is not None and not 0 < len(cursor) <= LONGEST_CURSOR:
        raise refuse("cursor", "bad_cursor", "is not a cursor")
    if cursor is not None and "offset" in members:
        raise refuse("offset", "contradiction", "does not go together with cursor")
    include, portions = read_includes(members.get("include", []))
    return Query(
        filter=read_condition(members["filter"]) if "filter" in members else None,
        sort=read_sorts("sort", members.get("sort", [])),
        fields=_fields(members["fields"]) if "fields" in members else None,
        include=include,
        portions=portions,
        limit=limit,
        cursor=cursor,
        offset=offset,
        count=_choice(members, "count", ("exact",)) is not None,
        perspective=_choice(members, "perspective", ("published", "draft")) or "published",
        locale=members.get("locale"),
        fallback=_choice(members, "fallback", ("none",)) is None,
        status=_choice(members, "status", _STATUSES),
        text_values=text_values,
    )


def _choice(members: dict[str, Any], name: str, choices: tuple[str, ...]) -> str | None:
    value = members.get(name)
    if value is not None and value not in choices:
        raise refuse(name, "invalid_choice", f"must be one of: {', '.join(choices)}")
    return value


def _fields(items: list[str]) -> tuple[str, ...]:
    require_distinct("fields", items)
    return tuple(items)
