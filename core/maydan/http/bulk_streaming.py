"""A bulk of any length: its lines lie in a file, are carried out a few at a time, and so is the answer written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from itertools import islice
from typing import IO, TYPE_CHECKING

from msgspec import structs

from maydan.errors import Malformed, MaydanError, TooLarge, Unauthenticated
from maydan.http.answers import Answer
from maydan.http.bulk_lines import MEDIA_TYPE, lines_of, read_line
from maydan.http.bulk_progress import Progress
from maydan.http.spooling import KeptElsewhere, LargeAnswer, Spool, is_chunked
from maydan.operations.bulk import LINES_A_COMMIT, Line, LineByLine

if TYPE_CHECKING:
    from maydan.http.call import LargeCall


async def is_streamed(call: LargeCall) -> bool:
    """Tell whether a bulk comes in chunks and has more lines, or bytes, than one that is held in memory may have."""
    if call.spool is not None:
        return True
    most = call.around.server.max_bulk_lines
    if not is_chunked(call.headers) or call.raw.count(b"\n") < most:
        return False
    return await asyncio.to_thread(_has_more_lines, call.raw, most)


async def carry_out_stream(call: LargeCall) -> LargeAnswer:
    """Carry a streamed bulk out, line by line.

    Raises:
        Unauthenticated: Nobody is logged in.
        Malformed: There is no line.
        IdempotencyRunning: Another request goes on with the lines.
    """
    if call.actor.kind == "anonymous":
        raise Unauthenticated("Log in first.")
    answer = Spool()
    try:
        progress = None
        if call.claim is not None:
            progress = Progress(call, call.claim, partial(lines_of, call))
            await progress.load_into(answer)
        await _go_through(call, answer, progress)
    except BaseException:
        answer.close()
        raise
    head = Answer(media_type=MEDIA_TYPE, tag="")
    if call.claim is not None:
        head = KeptElsewhere(media_type=MEDIA_TYPE, tag="", scope=call.claim.scope)
    return LargeAnswer(head, answer)


async def _go_through(call: LargeCall, answer: Spool, progress: Progress | None) -> None:
    going = LineByLine(call.core, call.space, locale=call.query.locale, progress=progress)
    file = BytesIO(call.raw) if call.spool is None else call.spool.file
    file.seek(0)
    texts = _texts(file, call.around.server.max_body_bytes)
    await asyncio.to_thread(_skip, texts, going.done)
    while lines := await asyncio.to_thread(_read_some, texts):
        lines = await _by_rights_of_now(call, lines)
        outcomes = await going.write(call.caller, lines)
        await answer.add(lines_of(call, outcomes))
    if not going.done:
        raise Malformed("A bulk needs at least one line.", code="body_required")


async def _by_rights_of_now(call: LargeCall, lines: list[Line]) -> list[Line]:
    """Return the lines, refused where the caller may not be here any more: a long stream outlives no right."""
    try:
        await call.readmit()
    except MaydanError as error:
        return [structs.replace(line, refusal=line.refusal or error) for line in lines]
    return lines


def _texts(file: IO[bytes], longest_bytes: int) -> Iterator[tuple[int, bytes | None]]:
    """Yield the lines that are not blank with their numbers; ``None`` for one that is too long."""
    number = 0
    while text := file.readline(longest_bytes + 1):
        number += 1
        is_too_long = len(text) > longest_bytes and not text.endswith(b"\n")
        rest = text
        while is_too_long and rest and not rest.endswith(b"\n"):
            rest = file.readline(longest_bytes)
        if text.strip():
            yield number, None if is_too_long else text


def _has_more_lines(raw: bytes, most: int) -> bool:
    return sum(1 for _ in _texts(BytesIO(raw), len(raw))) > most


def _skip(texts: Iterator[tuple[int, bytes | None]], lines: int) -> None:
    for _ in islice(texts, lines):
        pass


def _read_some(texts: Iterator[tuple[int, bytes | None]]) -> list[Line]:
    """Read as many lines as share a commit."""
    return [_read(number, text) for number, text in islice(texts, LINES_A_COMMIT)]


def _read(number: int, text: bytes | None) -> Line:
    if text is None:
        return Line(number=number, refusal=TooLarge("The line is longer than a body may be."))
    return read_line(number, text)
