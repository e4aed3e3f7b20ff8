"""Query strings: syntax first, then the strict conversion to the Struct that a route declares."""

from __future__ import annotations

import re
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Struct

from maydan.errors import BadParameter, InputError, Malformed
from maydan.http.conversion import LOOSE_MOMENT, is_loose_moment, read_message, sentence

S = TypeVar("S", bound=Struct)

MAX_PARAMETERS: Final = 500
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}
_EMPTY: Final = ("empty", "must not be empty")


def parse_pairs(query: bytes) -> list[tuple[str, str]]:
    """Return the parameters of a query string in their order.

    Raises:
        Malformed: It is not percent-encoded UTF-8, holds a control character, or more than 500 parameters.
    """
    if not query:
        return []
    parts = query.split(b"&")
    if len(parts) > MAX_PARAMETERS:
        raise Malformed(f"The query has more than {MAX_PARAMETERS} parameters.")
    pairs: list[tuple[str, str]] = []
    for part in parts:
        if part:
            name, _, value = part.partition(b"=")
            pairs.append((_text(name), _text(value)))
    return pairs


def _text(raw: bytes) -> str:
    """Decode one name or value."""
    if not raw.isalnum():
        raw = unquote_to_bytes(raw.replace(b"+", b" "))
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise Malformed("The query string is not UTF-8.") from error
    if "\0" in text:
        raise Malformed("The query string contains a NUL character.")
    return text


def convert_query(pairs: list[tuple[str, str]], wanted: type[S]) -> S:
    """Convert parameters to a Struct; nothing unknown, nothing twice, no loose conversion.

    A field of type ``tuple[str, ...]`` takes a list separated by commas.

    Raises:
        BadParameter: With one error for each parameter that is not acceptable.
    """
    types = field_types(wanted)
    values: dict[str, Any] = {}
    errors: list[InputError] = []
    for name, text in pairs:
        if name not in types:
            errors.append(InputError(name, "unknown_parameter", "is not a parameter here"))
        elif name in values:
            errors.append(InputError(name, "repeated", "is given more than once"))
        else:
            values[name], problem = _convert(text, types[name])
            if problem is not None:
                errors.append(InputError(name, *problem))
    if errors:
        raise BadParameter(sentence(tuple(errors)), errors=tuple(errors))
    return _build(values, wanted)


def _build(values: dict[str, Any], wanted: type[S]) -> S:
    """Build the Struct, which checks limits and what is required."""
    try:
        return msgspec.convert(values, wanted, strict=True)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$.")
        if place:
            name = place.rstrip("`").partition("[")[0]
            errors = (InputError(name, *read_message(message, field_types(wanted).get(name))),)
        else:
            errors = (InputError(message.partition("`")[2].partition("`")[0], "parameter_required", "is required"),)
        raise BadParameter(sentence(errors), errors=errors) from error


@lru_cache(maxsize=512)
def field_types(wanted: type[Struct]) -> dict[str, Any]:
    """Return the type of each field by its name outside, without ``None``."""
    hints = get_type_hints(wanted, include_extras=True)
    return {field.encode_name: _without_none(hints[field.name]) for field in msgspec.structs.fields(wanted)}


def _without_none(kind: Any) -> Any:
    if get_origin(kind) in (Union, UnionType):
        members = [member for member in get_args(kind) if member not in (NoneType, msgspec.UnsetType)]
        return members[0] if len(members) == 1 else kind
    return kind


def _convert(text: str, kind: Any) -> tuple[Any, tuple[str, str] | None]:
    """Return the value of a parameter, and the code and words of what is wrong with it."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]  # its limits are checked when the Struct is built
    if text == "":
        return None, _EMPTY
    if kind is str:
        return text, None
    if kind is int:
        if _INTEGER.fullmatch(text):
            return int(text), None
        return None, ("not_an_integer", "must be an integer in plain digits")
    if kind is bool:
        value = _BOOLEANS.get(text)
        return value, ("not_a_boolean", "must be true or false (or 1 or 0)") if value is None else None
    if get_origin(kind) is tuple:
        members = tuple(text.split(","))
        return members, None if all(members) else _EMPTY
    try:
        value = msgspec.convert(text, kind, strict=True)
    except msgspec.ValidationError as error:
        return None, read_message(str(error), kind)
    return value, LOOSE_MOMENT if is_loose_moment(value, text) else None
