"""``POST …/bulk``: many writes as lines of JSON (NDJSON), answered line by line."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Raw, Struct

from maydan.errors import InputError, InvalidInput, Malformed, MaydanError, TooLarge, Unauthenticated
from maydan.http.answers import Answer
from maydan.http.bodies import IN_THREAD_BYTES, parse_json
from maydan.http.bulk_progress import Progress
from maydan.http.conversion import convert_body
from maydan.http.problems import Unexpected, problem_body, status_of
from maydan.http.routing import BY_OPERATION, Parameter, Route, route
from maydan.operations import bulk
from maydan.operations.bulk import Line, Op, Outcome

if TYPE_CHECKING:
    from maydan.http.call import Call

_log: Final = logging.getLogger("maydan.http")
MEDIA_TYPE: Final = "application/x-ndjson"
ATOMIC: Final = "atomic"
_STATUS: Final = {"created": 201, "changed": 200, "deleted": 204}


class BulkQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of a bulk."""

    locale: str | None = None
    """The locale of plain values for localised fields; the default locale when absent."""
    dry_run: bool = False
    """Say what would become of each line, and store nothing."""


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


@route(
    "POST", "/api/spaces/{space}/bulk", permission=BY_OPERATION, body=bytes, media_type=MEDIA_TYPE,
    answer={"type": "string", "description": 'Lines of `{"line", "status", "id"?, "problem"?}`.'},
    answer_media_type=MEDIA_TYPE, query=BulkQuery, errors=(400, 401, 403, 404, 409, 413, 422, 503), tags=("entries",),
    headers=(Parameter(name="Prefer", description="`atomic`: all lines or none, with one problem for the first."),),
)  # fmt: skip
async def write_bulk(call: Call) -> Answer:
    """Write many entries: a line each of `{"op", "type", "id"?, "data"?}`.

    `op` is `create`, `update` (a JSON Merge Patch), `replace`, `delete`, `publish` or `unpublish`. Lines are carried
    out in their order, and each one that fails leaves the others as they are, unless `Prefer: atomic` is sent.
    """
    large = len(call.raw) > IN_THREAD_BYTES
    most = call.around.server.max_bulk_lines
    lines = await asyncio.to_thread(read_lines, call.raw, most) if large else read_lines(call.raw, most)
    atomic = ATOMIC in preferences(call.header("prefer") or "")
    stores = not call.query.dry_run
    progress = await _progress(call) if stores and not atomic else None
    seal = call.seal(partial(_answer, call, atomic, progress.answer if progress else b""))
    outcomes = await bulk.run(
        call.core, call.caller, call.space, lines, locale=call.query.locale, atomic=atomic,
        dry_run=call.query.dry_run, seal=seal.statements if stores and atomic else None, progress=progress,
    )  # fmt: skip
    return seal.answer(outcomes)


async def _progress(call: Call) -> Progress | None:
    """Return where a request with the same key has ended; ``None`` without a key."""
    if call.claim is None:
        return None
    progress = Progress(call, call.claim, partial(_lines_of, call))
    await progress.load()
    return progress


def preferences(header: str) -> frozenset[str]:
    """Return the names of the preferences in a ``Prefer`` header (RFC 7240) that have no value."""
    return frozenset(part.partition(";")[0].strip().lower() for part in header.split(","))


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
        raise TooLarge(f"A bulk has at most {most} lines; send several.", code="too_many_lines", limit_lines=most)
    return [_line(number, text) for number, text in texts]


def _line(number: int, text: bytes) -> Line:
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
    wanted = convert_body(line.data, _PublishInput)
    if wanted.at is not None and wanted.at.tzinfo is None:
        raise _refusal("/data/at", "invalid_datetime", "must have an offset, such as Z")
    return msgspec.structs.replace(line, data={}, locales=wanted.locales, at=wanted.at)


def _refusal(pointer: str, code: str, message: str) -> InvalidInput:
    return InvalidInput(f"{pointer} {message}.", errors=(InputError(pointer, code, message),))


def _answer(call: Call, atomic: bool, before: bytes, outcomes: Sequence[Outcome]) -> Answer:  # noqa: FBT001 - by partial
    failed = [outcome.error for outcome in outcomes if outcome.error is not None]
    first = failed[0] if failed else None
    if isinstance(first, Unauthenticated) and len(failed) == len(outcomes) and not before:
        raise first  # nobody is logged in, and nothing was done
    body = before + _lines_of(call, outcomes)
    applied = (("preference-applied", ATOMIC),) if atomic else ()
    return Answer(body=body, media_type=MEDIA_TYPE, tag="", headers=applied)


def _lines_of(call: Call, outcomes: Sequence[Outcome]) -> bytes:
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


ROUTES: Final[tuple[Route, ...]] = (write_bulk,)
