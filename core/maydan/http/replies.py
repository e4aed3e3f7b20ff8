"""From an answer or an error to what goes over the wire; every header that all answers share is put here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from maydan.errors import MaydanError
from maydan.http import problems
from maydan.http.answers import Answer, Cache
from maydan.http.conditions import is_fresh, tag_of
from maydan.locales import message_language

if TYPE_CHECKING:
    from collections.abc import Sequence

    from litestar.types import Send

    from maydan.http.call import Call

RawHeaders = list[tuple[bytes, bytes]]

COMMON: Final[RawHeaders] = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
_PUBLIC: Final[RawHeaders] = [
    *COMMON, (b"cache-control", b"public, no-cache"), (b"vary", b"Accept-Language")
]  # fmt: skip
_PRIVATE: Final[RawHeaders] = [*COMMON, (b"cache-control", b"private, no-store"), (b"vary", b"Authorization")]
_SECRET: Final[RawHeaders] = [*COMMON, (b"cache-control", b"no-store"), (b"vary", b"Authorization")]
_OF: Final = {Cache.PUBLIC: _PUBLIC, Cache.PRIVATE: _PRIVATE, Cache.SECRET: _SECRET}
_JSON: Final = (b"content-type", b"application/json")


def _spelled(name: str) -> str:
    return "".join(f"(?:{letter}|%{ord(letter):x})" for letter in name)


def _spelling(*names: str) -> re.Pattern[bytes]:
    return re.compile(f"&(?:{'|'.join(_spelled(name) for name in names)})=[^&]*".encode(), re.IGNORECASE)


_PLACES: Final = {"cursor": _spelling("cursor", "offset"), "since": _spelling("since")}
"""What of a query string says where a page begins, percent-encoded or not, by the parameter that takes its place."""


class Reply:
    """A status, encoded headers and a body, ready to be sent."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: RawHeaders, body: bytes) -> None:
        """Keep the three."""
        self.status = status
        self.headers = headers
        self.body = body

    async def send(self, send: Send, *, head: bool = False) -> None:
        """Send it; for HEAD without the body, but with its length."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": b"" if head else self.body, "more_body": False})


def reply_to(call: Call, answer: Answer) -> Reply:
    """Build the reply for an answer, or 304 where the client has it already."""
    cache = Cache.SECRET if call.route.secret_answer else answer.cache
    if cache is Cache.PUBLIC and call.caller.actor.kind != "anonymous":
        cache = Cache.PRIVATE
    kept = _OF[cache]
    if answer.tags and cache is Cache.PUBLIC:
        kept = [*COMMON, *call.around.sharing.headers(answer.tags)]
    headers = [*kept, (b"x-request-id", call.request_id.encode())]
    status = answer.status or call.route.status
    body = answer.body
    tag = answer.tag
    if tag is None:
        tag = tag_of(body, answer.tag_prefix) if body else ""
    if tag:
        headers.append((b"etag", f'"{tag}"'.encode()))
        known = call.headers.get(b"if-none-match") if status == 200 and call.route.method == "GET" else None
        if known is not None and is_fresh(known.decode("latin-1"), tag):
            return Reply(304, headers, b"")
    _add_rest(headers, answer, call)
    if body:
        json = answer.media_type == "application/json"
        headers.append(_JSON if json else (b"content-type", answer.media_type.encode()))
    if status != 204:
        headers.append((b"content-length", b"%d" % len(body)))
    return Reply(status, headers, body)


def _add_rest(headers: RawHeaders, answer: Answer, call: Call) -> None:
    """Add what only some answers have."""
    if answer.language:
        headers.append((b"content-language", answer.language.encode()))
    if answer.location:
        headers.append((b"location", answer.location.encode()))
    if answer.next_cursor:
        headers.append((b"link", next_link(call, answer.next_cursor).encode()))
    for name, value in answer.headers:
        headers.append((name.lower().encode(), value.encode("latin-1")))


def next_link(call: Call, place: str, *, parameter: Literal["cursor", "since"] = "cursor") -> str:
    """Return a ``Link`` to the next page: this one's root-relative URL, with the place where that one begins."""
    kept = _PLACES[parameter].sub(b"", b"&" + call.query_string).strip(b"&").decode("latin-1")
    return f'<{call.url_path}?{kept}{"&" if kept else ""}{parameter}={place}>; rel="next"'


def answer_of_error(error: MaydanError, call: Call) -> Answer:
    """Return the problem as an answer that can be kept and repeated."""
    body = problems.problem_body(error, path=call.url_path, request_id=call.request_id, languages=call.caller.languages)
    return Answer(
        body=body,
        status=problems.status_of(error),
        media_type=problems.MEDIA_TYPE,
        tag="",
        language=message_language(call.caller.languages),
        headers=tuple(problems.problem_headers(error)),
    )


def reply_to_error(
    error: MaydanError,
    *,
    path: str,
    request_id: str,
    languages: Sequence[str] = (),
    more: Sequence[tuple[str, str]] = (),
) -> Reply:
    """Build the reply for an error: a problem that nobody may keep."""
    body = problems.problem_body(error, path=path, request_id=request_id, languages=languages)
    headers: RawHeaders = [
        *_PRIVATE,
        (b"x-request-id", request_id.encode()),
        (b"content-type", problems.MEDIA_TYPE.encode()),
        (b"content-language", message_language(languages).encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    for name, value in (*problems.problem_headers(error), *more):
        headers.append((name.encode(), value.encode("latin-1")))
    return Reply(problems.status_of(error), headers, body)
