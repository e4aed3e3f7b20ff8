"""Problem details (RFC 9457): the one table from error classes to statuses, and how an error becomes a body."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any, Final

import msgspec

from maydan import errors
from maydan.errors import InputError, MaydanError
from maydan.http.exact_codes import EXACT_CODES
from maydan.locales import add_catalogues, translate

STATUS: Final[dict[type[MaydanError], int]] = {
    errors.Malformed: 400,
    errors.UnsupportedMediaType: 415,
    errors.TooLarge: 413,
    errors.Unauthenticated: 401,
    errors.NotFound: 404,
    errors.Forbidden: 403,
    errors.PreconditionRequired: 428,
    errors.Stale: 412,
    errors.InvalidInput: 422,
    errors.Conflict: 409,
    errors.TooManyRequests: 429,
    errors.Unavailable: 503,
}
"""A class that is not named here has the status of its nearest base; one without any is our fault (500)."""

MEDIA_TYPE: Final = "application/problem+json"
_HIDDEN: Final = frozenset({"rate_limit", "retry_after_s"})
_HIDDEN_OF_PLUGINS: Final = _HIDDEN | {"reason"}
"""The text of a plugin's own exception may hold what only operators may read, such as a database's address."""


add_catalogues(files("maydan.http") / "catalogues")


class MethodNotAllowed(MaydanError):
    """The path exists, the method does not."""

    code = "method_not_allowed"
    title = "The method is not allowed here"


class HeadersTooLarge(MaydanError):
    """The request's line and headers exceed the limit."""

    code = "headers_too_large"
    title = "The request headers are too large"


class Unexpected(MaydanError):
    """Our own fault; says nothing about what happened."""

    code = "internal_error"
    title = "Something went wrong"


STATUS[MethodNotAllowed] = 405
STATUS[HeadersTooLarge] = 431
STATUS[Unexpected] = 500


_NOTHING: Final = errors.NotFound("There is nothing here that you may see.")
"""What does not exist and what is hidden look the same, whatever a route says about it."""


def status_of(error: MaydanError) -> int:
    """Return the status of an error: that of its class, else of the nearest base that has one."""
    return next((STATUS[base] for base in type(error).__mro__ if base in STATUS), 500)  # type: ignore[index]


def list_problems() -> list[dict[str, str | int]]:
    """Return every kind of problem that a request may be answered, with what it means; for the reference page."""
    found: dict[str, dict[str, str | int]] = {}
    for kind in _kinds(MaydanError):
        status = next((STATUS[base] for base in kind.__mro__ if base in STATUS), None)  # type: ignore[index]
        if status is not None:
            about = (kind.__doc__ or "").strip().partition("\n")[0]
            found[kind.code] = {"code": kind.code, "title": kind.title, "status": status, "description": about}
    titles = {each["status"]: each["title"] for each in found.values()}
    for code, (status, about) in EXACT_CODES.items():
        title = found.get(code, {"title": titles.get(status, "")})["title"]
        found[code] = {"code": code, "title": title, "status": status, "description": about}
    return [found[code] for code in sorted(found)]


def _kinds(base: type[MaydanError]) -> Iterator[type[MaydanError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds(kind)


def problem_body(error: MaydanError, *, path: str, request_id: str, languages: Sequence[str] = ()) -> bytes:
    """Return the body for an error; ``path`` becomes ``instance``, without any query."""
    line = error.facts.get("line")
    if isinstance(error, errors.NotFound):
        error = _NOTHING
    problem: dict[str, Any] = {
        "type": f"/docs#problem-{error.error_code}",
        "title": translate(error.title, languages),
        "status": status_of(error),
        "detail": translate(error.detail or error.title, languages),
        "instance": path,
        "code": error.error_code,
        "request_id": request_id,
    }
    if error.errors:
        problem["errors"] = [_translated(place, languages) for place in error.errors]
    if line is not None:
        problem["line"] = line
    hidden = _HIDDEN_OF_PLUGINS if isinstance(error, errors.PluginFailed) else _HIDDEN
    for name, fact in error.facts.items():
        if name not in problem and name not in hidden:
            problem[name] = fact
    return msgspec.json.encode(problem, enc_hook=str)


def _translated(place: InputError, languages: Sequence[str]) -> InputError:
    return InputError(place.pointer, place.code, translate(place.message, languages))


def problem_headers(error: MaydanError) -> list[tuple[str, str]]:
    """Return the headers that belong to an error: when to try again, and how to log in."""
    headers: list[tuple[str, str]] = []
    retry_after_s = error.facts.get("retry_after_s")
    if retry_after_s is None and isinstance(error, (errors.Unavailable, errors.IdempotencyRunning)):
        retry_after_s = 1
    if isinstance(retry_after_s, (int, float)):
        headers.append(("retry-after", str(max(1, round(retry_after_s)))))
    rate_limit = error.facts.get("rate_limit")
    if isinstance(rate_limit, int) and isinstance(retry_after_s, (int, float)):
        # draft-ietf-httpapi-ratelimit-headers-07, the form that clients know.
        headers.append(("ratelimit-limit", str(rate_limit)))
        headers.append(("ratelimit-remaining", "0"))
        headers.append(("ratelimit-reset", str(max(1, round(retry_after_s)))))
    if isinstance(error, errors.Unauthenticated):
        headers.append(("www-authenticate", 'Bearer realm="maydan"'))
    return headers
