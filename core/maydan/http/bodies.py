"""Reading a request body: its size, its media type, and JSON without any leniency."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from maydan.content.problems import MESSAGES
from maydan.content.scalars import keeps
from maydan.errors import InputError, InvalidInput, Malformed, TooLarge, UnsupportedMediaType
from maydan.http.conversion import sentence
from maydan.http.pointers import pointer_to

if TYPE_CHECKING:
    from litestar.types import Receive

MAX_DEPTH: Final = 64
MAX_VALUES: Final = 500_000
"""Values in a body; 10 MB may hold millions, whose reading would stall the server for seconds."""
MAX_INTEGER: Final = 2**63 - 1
IN_THREAD_BYTES: Final = 256 * 1024
"""Larger bodies are parsed in a thread, so that the loop serves others meanwhile."""

_BROKEN_NAME: Final = "has a member whose name contains control characters or lone surrogates"
_STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKETS: Final = bytes.maketrans(b"[]", b"{}")
_NOT_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"[]{}")
_NUMBERS: Final = bytes.maketrans(b"123456789E", b"000000000e")
_ESCAPES_TO_CHECK: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


def check_media_type(headers: Mapping[bytes, bytes], wanted: str) -> None:
    """Refuse a body that is encoded, or of another media type.

    Raises:
        UnsupportedMediaType: It is.
    """
    if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
        raise UnsupportedMediaType("Send the body without Content-Encoding.")
    if headers.get(b"transfer-encoding", b"chunked").strip().lower() != b"chunked":
        raise UnsupportedMediaType("Send the body without another Transfer-Encoding than chunked.")
    given, _, parameters = headers.get(b"content-type", b"").partition(b";")
    if given.strip().lower() != wanted.encode():
        raise UnsupportedMediaType(f"Send the body with Content-Type: {wanted}.", accepted=wanted)
    charset = re.search(rb"charset\s*=\s*\"?([^\s;\"]*)", parameters.lower())
    if charset and charset[1] not in (b"utf-8", b"utf8"):
        raise UnsupportedMediaType("Send the body in UTF-8.", accepted=wanted)


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, limit_bytes: int) -> bytes:
    """Return the whole body, with or without a ``Content-Length``.

    Raises:
        TooLarge: It exceeds the limit; what is left of it is not read.
        Malformed: The client went away before its end.
    """
    length = headers.get(b"content-length")
    if length is not None and length.isdigit() and int(length) > limit_bytes:
        raise _too_large(limit_bytes)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Malformed("The connection was closed before the body was complete.")
        part = message.get("body", b"")
        size += len(part)
        if size > limit_bytes:
            raise _too_large(limit_bytes)
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(limit_bytes: int) -> TooLarge:
    return TooLarge(f"The body may have at most {limit_bytes} bytes.", limit_bytes=limit_bytes)


async def read_json(raw: bytes) -> Any:
    """Parse JSON strictly; a large body in a thread.

    Returns:
        What it says; or the ``InvalidInput`` of :func:`parse_json`, to be raised by whoever looks into the body, since
        401 to 412 come before 422.

    Raises:
        Malformed: It is not JSON, not UTF-8, too deep, or has a member twice.
    """
    if len(raw) > IN_THREAD_BYTES:
        return await asyncio.to_thread(_parsed_or_refused, raw)
    return _parsed_or_refused(raw)


def _parsed_or_refused(raw: bytes) -> Any:
    try:
        return parse_json(raw)
    except InvalidInput as refusal:
        return refusal


def parse_json(raw: bytes) -> Any:
    """Parse JSON strictly.

    Raises:
        Malformed: It is not JSON, not UTF-8, too deep, or has a member twice.
        InvalidInput: A string holds what no text may hold, or a number is out of range; with the place.
    """
    _check_depth(raw)
    _check_size(raw)
    try:
        value = json.loads(raw.decode(), object_pairs_hook=_object, parse_constant=_constant)
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not UTF-8: byte {error.start}.") from error
    except json.JSONDecodeError as error:
        raise Malformed(f"The body is not JSON: {error.msg} in line {error.lineno}, column {error.colno}.") from error
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:  # an integer of more digits than Python reads
        raise Malformed("The body is not JSON that can be read: a number has too many digits.") from error
    if _is_suspicious(raw):
        errors: list[InputError] = []
        _check_values(value, (), errors)
        if errors:
            raise InvalidInput(sentence(tuple(errors)), errors=tuple(errors))
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object, refusing a member that is given twice."""
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Malformed(f"The member {twice!a} is given twice in one object.", code="duplicate_member")
    return members


def _constant(text: str) -> NoReturn:
    raise Malformed(f"{text} is not JSON; leave the member out, or send null.")


def _too_deep() -> Malformed:
    return Malformed(f"The body is nested deeper than {MAX_DEPTH} levels.", code="too_deep")


def _check_depth(raw: bytes) -> None:
    """Refuse deep nesting; counts exactly only where there are enough brackets for it."""
    if raw.count(b"{") + raw.count(b"[") <= MAX_DEPTH:
        return
    brackets = _STRINGS.sub(b"", raw).translate(_BRACKETS, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        shorter = brackets.replace(b"{}", b"")
        if len(shorter) == len(brackets):
            return  # all closed, or what is left does not match: the parser says where
        brackets = shorter
    if b"{}" in brackets:
        raise _too_deep()


def _check_size(raw: bytes) -> None:
    """Refuse more values than anything has a use for; looks into strings only where there are enough commas for it."""
    if raw.count(b",") > MAX_VALUES and _STRINGS.sub(b"", raw).count(b",") > MAX_VALUES:
        raise Malformed(f"The body has more than {MAX_VALUES} values.", code="too_many_values")


def _is_suspicious(raw: bytes) -> bool:
    """Tell, at the cost of three scans in C, whether the body may hold a value to look at closely."""
    if b"\\u" in raw and _ESCAPES_TO_CHECK.search(raw):
        return True
    numbers = raw.translate(_NUMBERS, b"+")
    return b"0" * 18 in numbers or b"0e00" in numbers


def _check_values(value: Any, path: tuple[str | int, ...], errors: list[InputError]) -> Any:
    """Collect what no text column and no 64-bit integer can hold; a double with all of its digits is made one again."""
    match value:
        case dict():
            for name, member in cast("dict[str, Any]", value).items():
                if _is_broken(name):
                    errors.append(InputError(pointer_to(path), "control_character", _BROKEN_NAME))
                value[name] = _check_values(member, (*path, name), errors)
        case list():
            for index, member in enumerate(cast("list[Any]", value)):
                value[index] = _check_values(member, (*path, index), errors)
        case str() if _is_broken(value):
            errors.append(InputError(pointer_to(path), "control_character", MESSAGES["control_character"]))
        case int() if abs(value) > MAX_INTEGER:
            if keeps(value):  # as PostgreSQL writes 1e25
                return float(value)
            errors.append(InputError(pointer_to(path), "out_of_range", "must fit into 64 bits"))
        case float() if math.isinf(value):
            errors.append(InputError(pointer_to(path), "out_of_range", "must be a finite number"))
        case _:
            pass
    return cast("Any", value)


def _is_broken(text: str) -> bool:
    return "\0" in text or any("\ud800" <= character <= "\udfff" for character in text)
