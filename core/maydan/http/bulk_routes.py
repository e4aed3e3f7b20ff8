"""``POST …/bulk``: many writes as lines of JSON (NDJSON), answered line by line."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from maydan.errors import Unauthenticated
from maydan.http.answers import Answer
from maydan.http.bodies import IN_THREAD_BYTES
from maydan.http.bulk_lines import MEDIA_TYPE, lines_of, read_lines, too_many_lines
from maydan.http.bulk_progress import Progress
from maydan.http.bulk_streaming import carry_out_stream, is_streamed
from maydan.http.routing import BY_OPERATION, LargeRoute, Parameter, Route, route
from maydan.operations import bulk

if TYPE_CHECKING:
    from maydan.http.call import Call, LargeCall
    from maydan.http.spooling import LargeAnswer
    from maydan.operations.bulk import Outcome

ATOMIC: Final = "atomic"


class BulkQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of a bulk."""

    locale: str | None = None
    """The locale of plain values for localised fields; the default locale when absent."""
    dry_run: bool = False
    """Say what would become of each line, and store nothing."""


@route(
    "POST", "/api/spaces/{space}/bulk", permission=BY_OPERATION, body=bytes, media_type=MEDIA_TYPE,
    answer={"type": "string", "description": 'Lines of `{"line", "status", "id"?, "problem"?}`.'},
    answer_media_type=MEDIA_TYPE, query=BulkQuery,
    errors=(400, 401, 403, 404, 409, 413, 422, 503), tags=("entries",),
    headers=(Parameter(name="Prefer", description="`atomic`: all lines or none, with one problem for the first."),),
)  # fmt: skip
async def write_bulk(call: LargeCall) -> Answer | LargeAnswer:
    """Write many entries: a line each of `{"op", "type", "id"?, "data"?}`.

    `op` is `create`, `update` (a JSON Merge Patch), `replace`, `delete`, `publish` or `unpublish`. Lines are carried
    out in their order, and each one that fails leaves the others as they are, unless `Prefer: atomic` is sent.
    A body that is sent in chunks, without a length, may have any number of lines.
    """
    atomic = ATOMIC in preferences(call.header("prefer") or "")
    stores = not call.query.dry_run
    if stores and not atomic and await is_streamed(call):
        return await carry_out_stream(call)
    most = call.around.server.max_bulk_lines
    if call.spool is not None:
        raise too_many_lines(most)
    large = len(call.raw) > IN_THREAD_BYTES
    lines = await asyncio.to_thread(read_lines, call.raw, most) if large else read_lines(call.raw, most)
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
    progress = Progress(call, call.claim, partial(lines_of, call))
    await progress.load()
    return progress


def preferences(header: str) -> frozenset[str]:
    """Return the names of the preferences in a ``Prefer`` header (RFC 7240) that have no value."""
    return frozenset(part.partition(";")[0].strip().lower() for part in header.split(","))


def _answer(call: Call, atomic: bool, before: bytes, outcomes: Sequence[Outcome]) -> Answer:  # noqa: FBT001 - by partial
    failed = [outcome.error for outcome in outcomes if outcome.error is not None]
    first = failed[0] if failed else None
    if isinstance(first, Unauthenticated) and len(failed) == len(outcomes) and not before:
        raise first  # nobody is logged in, and nothing was done
    body = before + lines_of(call, outcomes)
    applied = (("preference-applied", ATOMIC),) if atomic else ()
    return Answer(body=body, media_type=MEDIA_TYPE, tag="", headers=applied)


ROUTES: Final[tuple[Route, ...]] = (LargeRoute.of(write_bulk),)
