"""Which statuses a route can answer, and what each means."""

from __future__ import annotations

from typing import Final

from maydan.http.openapi.schemas import REFERENCE
from maydan.http.openapi.shapes import Json
from maydan.http.problems import MEDIA_TYPE
from maydan.http.routing import BY_OPERATION, LOGGED_IN, PUBLIC, Route

MEANINGS: Final = {
    400: "The path, a query parameter, a header or the syntax of the body cannot be read.",
    401: "Nobody is logged in, or the token is not valid.",
    403: "The caller may see it but not do this.",
    404: "It does not exist, or the caller may not see it.",
    409: "The present state or a rule refuses, or the first request with this Idempotency-Key is still running.",
    410: "It existed and was revoked.",
    412: "Somebody else changed it first: If-Match names another version.",
    413: "The body is too large.",
    415: "The body is not of the media type that the route takes, or has a Content-Encoding.",
    422: "A value is not acceptable; `errors` names each place.",
    428: "If-Match is missing.",
    429: "Faster than the limit; Retry-After says when to try again, and RateLimit-* which limit it was.",
    500: "An error of the server.",
    503: "Temporarily unavailable; Retry-After says when to try again.",
}
_RETRY: Final = frozenset({409, 429, 503})

PROBLEM: Final[Json] = {
    "title": "Problem",
    "description": "Problem details (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "description": "Where the code is explained, root-relative."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened and what to do."},
        "instance": {"type": "string", "description": "The path of the request."},
        "code": {"type": "string", "description": "Stable, for machines."},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "message"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "RFC 6901 pointer into the body, or the name of a query parameter.",
                    },
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}

HEADERS: Final[dict[str, Json]] = {
    "ContentLanguage": {"description": "The language of the answer.", "schema": {"type": "string"}},
    "ETag": {"description": "Identifies this state of the resource.", "schema": {"type": "string"}},
    "IdempotencyReplayed": {
        "description": "`true` where this is the answer of an earlier request with the same key.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Link": {"description": "`rel=next`: the next page, root-relative.", "schema": {"type": "string"}},
    "Location": {"description": "Where it is, root-relative.", "schema": {"type": "string"}},
    "RateLimitLimit": {"description": "How many are allowed in the time.", "schema": {"type": "integer"}},
    "RateLimitRemaining": {"description": "How many are left.", "schema": {"type": "integer"}},
    "RateLimitReset": {"description": "Seconds until the time begins anew.", "schema": {"type": "integer"}},
    "RetryAfter": {"description": "Seconds after which to try again.", "schema": {"type": "integer"}},
    "WWWAuthenticate": {"description": "How to log in.", "schema": {"type": "string"}},
    "XRequestId": {"description": "Identifies the request in the logs.", "schema": {"type": "string"}},
}


def statuses_of(route: Route) -> list[int]:
    """Return every status of refusal that a request to the route can be answered."""
    found = {400, 401, 500, 503, *(status for status in route.errors if status >= 400)}
    if route.permission is not PUBLIC and route.permission is not LOGGED_IN:
        found.add(403)
    if "{" in route.path:
        found.add(404)
    if route.method != "GET":
        found |= {413, 415, 422}
    if route.method == "POST":
        found.add(409)
    if route.if_match:
        found |= {412, 428}
    return sorted(found)


def problem_reference(status: int) -> Json:
    """Return the reference to the documented answer of a status."""
    return {"$ref": f"#/components/responses/Problem{status}"}


def problem_responses(statuses: set[int]) -> dict[str, Json]:
    """Return the answers that routes refer to."""
    return {f"Problem{status}": _problem_response(status) for status in sorted(statuses)}


def _problem_response(status: int) -> Json:
    headers: Json = {"X-Request-Id": header_reference("XRequestId")}
    if status in _RETRY:
        headers["Retry-After"] = header_reference("RetryAfter")
    if status == 429:
        for what in ("Limit", "Remaining", "Reset"):
            headers[f"RateLimit-{what}"] = header_reference(f"RateLimit{what}")
    if status == 401:
        headers["WWW-Authenticate"] = header_reference("WWWAuthenticate")
    return {
        "description": MEANINGS.get(status, "A problem."),
        "headers": headers,
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"{REFERENCE}Problem"}}},
    }


def header_reference(name: str) -> Json:
    """Return the reference to a documented header."""
    return {"$ref": f"#/components/headers/{name}"}


def security_of(route: Route) -> list[Json]:
    """Return who may call: with a token, or without one too."""
    bearer: Json = {"bearer": []}
    is_optional = route.permission is PUBLIC or route.permission is BY_OPERATION
    return [{}, bearer] if is_optional else [bearer]
