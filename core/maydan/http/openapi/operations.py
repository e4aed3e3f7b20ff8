"""One route as an operation of the document."""

from __future__ import annotations

from typing import Any, Final

from msgspec import NODEFAULT
from msgspec.structs import fields

from maydan.http.conversion import ignores_unknown
from maydan.http.entries_schemas import ENTRY_INPUT, ENTRY_PATCH
from maydan.http.openapi.responses import header_reference, problem_reference, security_of, statuses_of
from maydan.http.openapi.schemas import Schemas, exact
from maydan.http.openapi.shapes import Json
from maydan.http.queries import field_types
from maydan.http.routing import Route
from maydan.http.streams_frames import MEDIA_TYPE as EVENT_STREAM
from maydan.operations.changes import ChangePage

_PATH: Final[dict[str, Json]] = {
    "space": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{1,62}$"},
}
_SEGMENT: Final[Json] = {"type": "string", "pattern": "^[^\\u0000-\\u001f\\u007f/]+$"}
"""One segment of a path, as ``paths.check_path`` takes it."""


def operation_of(route: Route, schemas: Schemas) -> Json:
    """Return what the document says about a route."""
    prefix = f"{route.plugin}_" if route.plugin else ""
    operation: Json = {
        "operationId": prefix + route.name,
        "summary": route.summary.rstrip("."),
        "tags": list(route.tags) or [route.plugin or "core"],
        "security": security_of(route),
        "parameters": _parameters(route, schemas),
        "responses": {
            str(route.status): _success(route, schemas, route.status),
            **{str(status): _success(route, schemas, status) for status in route.errors if status < 400},
            **{str(status): problem_reference(status) for status in statuses_of(route)},
        },
    }
    if route.description:
        operation["description"] = route.description
    if route.method == "GET":
        operation["responses"]["304"] = {
            "description": "The client has it already (If-None-Match).",
            "headers": {"ETag": header_reference("ETag"), "X-Request-Id": header_reference("XRequestId")},
        }
    if route.body is not None:
        operation["requestBody"] = {
            "required": route.body_required,
            "content": {route.media_type: {"schema": _body_schema(route, schemas)}},
        }
    operation["responses"] = dict(sorted(operation["responses"].items()))
    return operation


def _body_schema(route: Route, schemas: Schemas) -> Json:
    """Return the schema of the body, closed where its Struct leaves it to the kernel to refuse unknown members."""
    schema = schemas.of(_body_of(route))
    return {**schema, "unevaluatedProperties": False} if ignores_unknown(_body_of(route)) else schema


def _body_of(route: Route) -> Any:
    """Return the type or the schema of the body; an object that is written to a content type is an entry."""
    is_entry = route.body is dict and "/content/{type}" in route.path
    entry = ENTRY_PATCH if route.method == "PATCH" else ENTRY_INPUT
    return route.input_schema or (entry if is_entry else route.body)


def _success(route: Route, schemas: Schemas, status: int) -> Json:
    """Return the answer of a request that succeeds."""
    headers: Json = {"X-Request-Id": header_reference("XRequestId")}
    response: Json = {"description": _DESCRIPTIONS.get(status, "Success."), "headers": headers}
    if route.answer is not None and status not in (204, 301, 302, 303):
        response["content"] = {route.answer_media_type: {"schema": schemas.of(route.answer)}}
        headers["ETag"] = header_reference("ETag")
    if route.stream:
        response.setdefault("content", {})[EVENT_STREAM] = {"schema": {"type": "string"}}
    if status in (201, 301, 302, 303):
        headers["Location"] = header_reference("Location")
    if route.method == "POST":
        headers["Idempotency-Replayed"] = header_reference("IdempotencyReplayed")
    if route.method == "GET" and ("cursor" in _query_names(route) or route.answer is ChangePage):
        headers["Link"] = header_reference("Link")
    return response


_DESCRIPTIONS: Final = {
    200: "Success.",
    201: "It was created.",
    202: "It was accepted and will be done.",
    204: "It was done; there is nothing to say.",
    301: "It is elsewhere: Location has a former slug's present one.",
    302: "It is elsewhere.",
}


def _query_names(route: Route) -> list[str]:
    return [*field_types(route.query), *(parameter.name for parameter in route.parameters)]


def _parameters(route: Route, schemas: Schemas) -> list[Json]:
    """Return the parameters of the path, the query and the headers."""
    path = [{"name": name, "in": "path", "required": True, "schema": _PATH.get(name, _SEGMENT)} for name in route.names]
    query = [*_query_parameters(route, schemas), *(_described(each, "query") for each in route.parameters)]
    return [*path, *query, *(_described(each, "header") for each in route.headers), *_standard_headers(route)]


def _described(parameter: Any, place: str) -> Json:
    schema = _filled(exact(parameter.schema)) if place == "query" else parameter.schema
    described: Json = {"name": parameter.name, "in": place, "schema": schema}
    if parameter.description:
        described["description"] = parameter.description
    return described


def _filled(schema: Json) -> Json:
    """Return the schema of a query parameter: an empty one is never accepted."""
    if schema.get("type") == "array" and "items" in schema:
        return {**schema, "minItems": 1, "items": _filled(schema["items"])}
    is_text = schema.get("type") == "string" and "enum" not in schema and "minLength" not in schema
    return {**schema, "minLength": 1} if is_text else schema


def _query_parameters(route: Route, schemas: Schemas) -> list[Json]:
    """Return the fields of the query's Struct as parameters."""
    types = field_types(route.query)
    parameters: list[Json] = []
    for field in fields(route.query):
        kind = types[field.encode_name]
        is_required = field.default is NODEFAULT and field.default_factory is NODEFAULT
        schema = _filled(schemas.of(kind))
        if field.default not in (NODEFAULT, None, ()) and isinstance(field.default, str | int | bool):
            schema = {**schema, "default": field.default}
        parameter: Json = {"name": field.encode_name, "in": "query", "required": is_required, "schema": schema}
        if schema.get("type") == "array":
            parameter |= {"style": "form", "explode": False}
        parameters.append(parameter)
    return parameters


def _standard_headers(route: Route) -> list[Json]:
    """Return the request headers that the kernel understands on this route."""
    names: list[tuple[str, bool]] = []
    if route.if_match:
        names.append(("If-Match", route.method != "PUT"))
    elif 412 in route.errors:
        names.append(("If-Match", False))
    if route.method == "GET":
        names.append(("If-None-Match", False))
    if route.method == "POST":
        names.append(("Idempotency-Key", route.idempotency_required))
    names.append(("Accept-Language", False))
    return [
        {"$ref": f"#/components/parameters/{name.replace('-', '')}{'Required' if required else ''}"}
        for name, required in names
    ]
