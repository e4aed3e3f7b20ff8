"""What the system sends by itself: the ``webhooks`` of the document, one for each kind of event."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from maydan.events.kinds import UNSENT, EventType
from maydan.http.openapi.schemas import REFERENCE, exact
from maydan.http.openapi.shapes import Json
from maydan.operations.event_views import CloudEvent, schema_name

MEDIA_TYPE: Final = "application/cloudevents+json"
_TEXT: Final[Json] = {"type": "string"}
_HEADERS: Final[list[Json]] = [
    {
        "name": "webhook-id", "in": "header", "required": True, "schema": _TEXT,
        "description": "The same for every try of a delivery.",
    },
    {
        "name": "webhook-timestamp", "in": "header", "required": True, "schema": _TEXT,
        "description": "Seconds since 1970 when this try was signed.",
    },
    {
        "name": "webhook-signature", "in": "header", "required": True, "schema": _TEXT,
        "description": "`v1,` and the signature as Standard Webhooks defines it; one for each valid secret.",
    },
]  # fmt: skip
_RESPONSES: Final[Json] = {
    "2XX": {"description": "Taken; anything else but 410 is tried again."},
    "410": {"description": "The webhook is switched off."},
}


def sent_events(kinds: Iterable[EventType]) -> tuple[Json, Json]:
    """Return the ``webhooks`` of a document, and the schemas that they name."""
    listed = list(kinds)
    types: list[Any] = [CloudEvent, *dict.fromkeys(kind.data for kind in listed)]
    made, schemas = msgspec.json.schema_components(types, ref_template=REFERENCE + "{name}")
    of = dict(zip(types, made, strict=True))
    webhooks: Json = {}
    for kind in listed:
        name = schema_name(kind.name, kind.version)
        schemas[name] = {**of[kind.data], "description": kind.summary}
        if kind.name not in UNSENT:
            webhooks[kind.name] = {"post": _operation(kind, name)}
    return webhooks, {name: exact(schema) for name, schema in schemas.items()}


def _operation(kind: EventType, name: str) -> Json:
    own: Json = {"properties": {"type": {"const": kind.name}, "data": {"$ref": REFERENCE + name}}}
    schema: Json = {"allOf": [{"$ref": f"{REFERENCE}CloudEvent"}, own]}
    return {
        "summary": kind.summary,
        "operationId": f"on_{kind.name.replace('.', '_')}",
        "tags": ["webhooks"],
        "security": [],
        "parameters": _HEADERS,
        "requestBody": {"required": True, "content": {MEDIA_TYPE: {"schema": schema}}},
        "responses": _RESPONSES,
    }
