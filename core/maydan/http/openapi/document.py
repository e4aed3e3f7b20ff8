"""The whole document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from maydan import __version__
from maydan.events.kinds import CORE_EVENTS, EventType
from maydan.http.openapi.events import sent_events
from maydan.http.openapi.operations import operation_of
from maydan.http.openapi.responses import HEADERS, PROBLEM, problem_responses, statuses_of
from maydan.http.openapi.schemas import Schemas
from maydan.http.openapi.shapes import Json
from maydan.http.problems import list_problems
from maydan.http.queries import field_types
from maydan.http.routing import Route

_TAG: Final = '(W/)?"[!#-~]*"'
_TAGS: Final[Json] = {
    "anyOf": [{"const": "*"}, {"type": "string", "pattern": rf"^{_TAG}(, *{_TAG})*$"}],
    "examples": ['"3-0a1b2c3d4e5f6071"', "*"],
}
_KEY: Final[Json] = {"type": "string", "pattern": "^[!-~]{1,255}$"}

_PARAMETERS: Final[dict[str, Json]] = {
    "AcceptLanguage": {
        "name": "Accept-Language", "in": "header", "schema": {"type": "string"},
        "description": "For titles and messages, and where a route says so for content.",
    },
    "IfMatch": {
        "name": "If-Match", "in": "header", "schema": _TAGS,
        "description": "The ETag that the caller was given; 412 when it is stale.",
    },
    "IfMatchRequired": {
        "name": "If-Match", "in": "header", "required": True, "schema": _TAGS,
        "description": "The ETag that the caller was given, or `*`; 428 without, 412 when it is stale.",
    },
    "IfNoneMatch": {
        "name": "If-None-Match", "in": "header", "schema": _TAGS,
        "description": "The ETag that the client has; 304 when it is still the same.",
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key", "in": "header", "schema": _KEY,
        "description": "Repeating the request with the same key repeats the answer, for 24 hours.",
    },
    "IdempotencyKeyRequired": {
        "name": "Idempotency-Key", "in": "header", "required": True, "schema": _KEY,
        "description": "Repeating the request with the same key repeats the answer, for 24 hours.",
    },
}  # fmt: skip

_DESCRIPTION: Final = """\
Strict in what it takes: unknown parameters are 400, unknown fields 422, and nothing is converted loosely.
Refusals come in the order 400, 413, 415; 401; 404 or 403; 428; 412; 422; 409, as problem details (RFC 9457) with a
stable `code`. Times are RFC 3339 in UTC; links in answers are root-relative."""


def build_document(
    routes: Sequence[Route], *, title: str = "Maydan", events: Iterable[EventType] = CORE_EVENTS.values()
) -> Json:
    """Return the document of these routes, and of the events that can be received, as JSON values."""
    webhooks, event_schemas = sent_events(events)
    schemas = Schemas(_types(routes))
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = operation_of(route, schemas)
    statuses = {status for route in routes for status in statuses_of(route)}
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": __version__, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "webhooks": webhooks,
        "x-problems": list_problems(),
        "components": {
            "schemas": {**event_schemas, **schemas.components, "Problem": PROBLEM},
            "responses": problem_responses(statuses),
            "parameters": _PARAMETERS,
            "headers": HEADERS,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "An access token or an API token."}
            },
        },
    }


def _types(routes: Sequence[Route]) -> Iterable[Any]:
    """Yield every type that the document mentions."""
    for route in routes:
        yield route.body
        yield route.answer
        yield from field_types(route.query).values()
