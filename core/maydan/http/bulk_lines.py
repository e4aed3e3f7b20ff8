"""The lines of a bulk as they are read, and as they are answered."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Raw, Struct

from maydan.errors import InputError, InvalidInput, Malformed, MaydanError, TooLarge
from maydan.http.bodies import parse_json
from maydan.http.conversion import convert_body
from maydan.http.problems import Unexpected, problem_body, status_of
from maydan.operations.bulk import Line, Op, Outcome

if TYPE_CHECKING:
    from maydan.http.call import Call

_log: Final = logging.getLogger("maydan.http")
MEDIA_TYPE: Final = "application/x-ndjson"
_STATUS: Final = {"created": 201, "changed": 200, "deleted": 204}


class _LineInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    op: Op
    type: str
    id: str | None = None
    data: dict[str, Any] | None = None


class _PublishInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    locales: tuple[str, ...] | None = None
    at: datetime | None = None


class _Result(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the answer."""

    line: int
    status: int
    id: str | None = None
    problem: Raw | None = None


def read_lines(raw: bytes, most: int) -> list[Line]:
    """Read the lines of a body; what is wrong with a line is its refusal. Blank lines count but are left out.

    Raises:
        Malformed: There is no line.
        TooLarge: There are more than ``most``; none of them was read.
    """
    texts = [(number, text) for number, text in enumerate(raw.split(b"\n"), 1) if text.strip()]
    if not texts:
        raise Malformed("A bulk needs at least one line.", code="body_required")
    if len(texts) > most:
        raise too_many_lines(most)
    return [read_line(number, text) for number, text in texts]


def too_many_lines(most: int) -> TooLarge:
    """Return what refuses a bulk with more lines."""
    return TooLarge(
        f"A bulk has at most {most} lines; send several, or stream it, line by line.",
        code="too_many_lines",
        limit_lines=most,
    )


def read_line(number: int, text: bytes) -> Line:
    """Read one line; what is wrong with it is its refusal."""
    try:
        return _read(number, convert_body(parse_json(text), _LineInput))
    except MaydanError as error:
        return Line(number=number, refusal=error)


def _read(number: int, given: _LineInput) -> Line:
    """Hold a line against what its operation takes."""
    creates = given.op == "create"
    if creates and given.id is not None:
        raise _refusal("/id", "read_only", "is made by the system")
    if not creates and not given.id:
        raise _refusal("/id", "required", "must name the entry")
    if given.op in ("create", "update", "replace") and given.data is None:
        raise _refusal("/data", "required", "must be the entry's fields")
    if given.op == "delete" and given.data is not None:
        raise _refusal("/data", "unknown_field", "has no meaning for delete")
    line = Line(number=number, op=given.op, type=given.type, id=given.id or "", data=given.data or {})
    if given.op not in ("publish", "unpublish"):
        return line
    wanted = convert_body(line.data, _PublishInput, ("data",))
    return msgspec.structs.replace(line, data={}, locales=wanted.locales, at=wanted.at)


def _refusal(pointer: str, code: str, message: str) -> InvalidInput:
    return InvalidInput(f"{pointer} {message}.", errors=(InputError(pointer, code, message),))


def lines_of(call: Call, outcomes: Sequence[Outcome]) -> bytes:
    """Return the lines of the answer."""
    return b"".join(msgspec.json.encode(_result(call, outcome)) + b"\n" for outcome in outcomes)


def _result(call: Call, outcome: Outcome) -> _Result:
    if outcome.done is not None:
        return _Result(line=outcome.line, status=_STATUS[outcome.done], id=outcome.id)
    error = outcome.error
    if not isinstance(error, MaydanError):
        _log.error("A line of a bulk failed.", exc_info=error, extra={"request_id": call.request_id})
        error = Unexpected()
    languages = call.caller.languages
    problem = problem_body(error, path=call.url_path, request_id=call.request_id, languages=languages)
    return _Result(line=outcome.line, status=status_of(error), problem=Raw(problem))
