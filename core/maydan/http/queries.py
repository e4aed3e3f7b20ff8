"""Query strings: syntax first, then the strict conversion to the Struct that a route declares."""

from __future__ import annotations

import re
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Struct

from maydan.errors import BadParameter, InputError, Malformed

S = TypeVar("S", bound=Struct)

MAX_PARAMETERS: Final = 500
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_BOOLEANS: Final = {"true": True, "false": False}


def parse_pairs(query: bytes) -> list[tuple[str, str]]:
    """Return the parameters of a query string in their order.

    Raises:
        Malformed: It is not percent-encoded UTF-8, holds a NUL, or more than 500 parameters.
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
            errors.append(_unknown(name, types))
        elif name in values:
            errors.append(InputError(name, "repeated", "Give this parameter once."))
        else:
            values[name] = _convert(name, text, types[name], errors)
    if not errors:
        return _finish(values, wanted)
    raise BadParameter(_sentence(errors), errors=tuple(errors))


def _finish(values: dict[str, Any], wanted: type[S]) -> S:
    """Build the Struct, which checks limits and what is required."""
    try:
        return msgspec.convert(values, wanted, strict=True, str_keys=True)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$.")
        name = place.rstrip("`") or message.partition("`")[2].partition("`")[0]
        errors = (InputError(name, "not_acceptable", message + "."),)
        raise BadParameter(_sentence(errors), errors=errors) from error


def _sentence(errors: list[InputError] | tuple[InputError, ...]) -> str:
    return " ".join(f"{error.pointer}: {error.message}" for error in errors)


def _unknown(name: str, types: dict[str, Any]) -> InputError:
    known = f"Known are: {', '.join(types)}." if types else "This route takes none."
    return InputError(name, "unknown_parameter", f"There is no such parameter. {known}")


@lru_cache(maxsize=512)
def field_types(wanted: type[Struct]) -> dict[str, Any]:
    """Return the type of each field by its name outside, without ``None``."""
    hints = get_type_hints(wanted)
    return {field.encode_name: _without_none(hints[field.name]) for field in msgspec.structs.fields(wanted)}


def _without_none(kind: Any) -> Any:
    if get_origin(kind) in (Union, UnionType):
        members = [member for member in get_args(kind) if member not in (NoneType, msgspec.UnsetType)]
        return members[0] if len(members) == 1 else kind
    return kind


def _convert(name: str, text: str, kind: Any, errors: list[InputError]) -> Any:
    """Convert one value; what is wrong is added to ``errors``."""
    if kind is str:
        if text == "":
            errors.append(InputError(name, "empty", "Must not be empty."))
        return text
    if kind is int:
        if _INTEGER.fullmatch(text):
            return int(text)
        errors.append(InputError(name, "not_an_integer", "Must be an integer in plain digits."))
    elif kind is bool:
        if text in _BOOLEANS:
            return _BOOLEANS[text]
        errors.append(InputError(name, "not_a_boolean", "Must be true or false."))
    elif get_origin(kind) is Literal:
        if text in get_args(kind):
            return text
        allowed = ", ".join(map(str, get_args(kind)))
        errors.append(InputError(name, "not_allowed", f"Must be one of: {allowed}."))
    elif get_origin(kind) is tuple:
        members = tuple(text.split(","))
        if all(members):
            return members
        errors.append(InputError(name, "empty", "Must be names separated by commas, none of them empty."))
    else:
        return _convert_text(name, text, kind, errors)
    return text


def _convert_text(name: str, text: str, kind: Any, errors: list[InputError]) -> Any:
    """Convert times, enums and what else has one text form."""
    try:
        return msgspec.convert(text, kind, strict=True)
    except msgspec.ValidationError as error:
        errors.append(InputError(name, "not_acceptable", f"{error}."))
        return text
