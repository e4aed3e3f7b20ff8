"""The document in which ``maydan schema`` writes and reads the content types of spaces."""

from __future__ import annotations

import json
from typing import Final

import msgspec
from msgspec import Struct

from maydan.content.types import ContentType
from maydan.errors import InvalidInput

FORMAT: Final = 1
"""Grows when an older Maydan could not read a document as it is meant."""


class SpaceSchema(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A space with the types that were defined in it; those of plugins come with the plugins."""

    name: str
    title: str = ""
    locales: tuple[str, ...] = ("en",)
    default_locale: str | None = None
    fallbacks: dict[str, tuple[str, ...]] = {}
    timezone: str = "UTC"
    currency: str = "USD"
    plugins: tuple[str, ...] = ()
    types: tuple[ContentType, ...] = ()
    """By name; fields with their ids, by which a changed name is known to be a rename."""


class Schema(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The types of some spaces."""

    maydan_schema: int
    """The format: :data:`FORMAT`."""
    spaces: tuple[SpaceSchema, ...]
    """By name."""


def read(text: bytes) -> Schema:
    """Read a document.

    Raises:
        InvalidInput: It is no such document; the message says where.
    """
    try:
        found = msgspec.json.decode(text, type=Schema)
        json.loads(text, object_pairs_hook=_once)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"not a schema: {error}") from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"not JSON: {error}") from error
    if found.maydan_schema != FORMAT:
        raise InvalidInput(f"maydan_schema is {found.maydan_schema}; this Maydan reads {FORMAT}")
    for kind, names in _repeated_names(found):
        raise InvalidInput(f"{kind} occurs more than once: {', '.join(names)}")
    return found


def _once(pairs: list[tuple[str, object]]) -> None:
    """Refuse a member that is given twice, of which one would be lost."""
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
    if twice is not None:
        raise InvalidInput(f"the member {twice!a} is given twice in one object")


def _repeated_names(found: Schema) -> list[tuple[str, list[str]]]:
    lists = [("a space", [one.name for one in found.spaces])]
    lists += [(f"a type of {one.name}", [each.name for each in one.types]) for one in found.spaces]
    repeated = [(kind, sorted({name for name in names if names.count(name) > 1})) for kind, names in lists]
    return [(kind, names) for kind, names in repeated if names]


def text_of(schema: Schema) -> bytes:
    """Write a document; the same schema always gives the same bytes."""
    return msgspec.json.format(msgspec.json.encode(schema, order="deterministic"), indent=2) + b"\n"
