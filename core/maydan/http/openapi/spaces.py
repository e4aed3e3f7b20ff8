"""The document of one space for one caller: its routes by name, and every content type with its own fields."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from maydan.content.schema import Parts, json_schema
from maydan.events.kinds import CORE_EVENTS, EventType
from maydan.http.openapi.document import build_document
from maydan.http.openapi.queries import Queries
from maydan.http.openapi.schemas import REFERENCE
from maydan.http.openapi.shapes import Json
from maydan.http.openapi.sights import Sight, sights_of
from maydan.http.openapi.values import ANY_JSON, currency
from maydan.http.routing import Access, Route

if TYPE_CHECKING:
    from maydan.access.actors import Actor
    from maydan.access.snapshot import Snapshot
    from maydan.content.spaces import Space
    from maydan.content.types import ContentType

_SPACE: Final = "/api/spaces/{space}"
_TYPE: Final = "/content/{type}"
_NEEDS: Final = {
    "list_entries": ("read", "read_draft"),
    "query_entries": ("read", "read_draft"),
    "get_entry": ("read", "read_draft"),
    "create_entry": ("create",),
    "patch_entry": ("update",),
    "put_entry": ("create", "update"),
    "delete_entry": ("delete",),
    "publish_entry": ("publish",),
    "unpublish_entry": ("publish",),
    "list_versions": ("read_draft",),
    "get_version": ("read_draft",),
    "compare_versions": ("read_draft",),
    "restore_version": ("update",),
    "restore_entry": ("delete",),
    "get_entry_status": ("read", "read_draft"),
    "create_comment": ("comment",),
    "approve_comment": ("update",),
    "reject_comment": ("update",),
    "mark_comment_as_spam": ("update",),
}
"""Of which actions one must be allowed on some entry, for what is not offered to everybody who sees the type."""


def build_space_document(
    routes: Sequence[Route],
    space: Space,
    types: Sequence[ContentType],
    snapshot: Snapshot,
    actor: Actor,
    *,
    events: Iterable[EventType] = CORE_EVENTS.values(),
) -> Json:
    """Return the document, without what the caller may neither read nor write.

    Args:
        routes: All routes of the instance.
        types: The content types that are active in the space.
        events: The kinds of events that can happen in the space.
    """
    offered = offered_routes(routes, space, snapshot, actor)
    return write_space_document(offered, space, sights_of(types, snapshot, actor), events)


def offered_routes(routes: Sequence[Route], space: Space, snapshot: Snapshot, actor: Actor) -> list[Route]:
    """Return the routes that belong to the space and that the caller may use."""
    return [route for route in routes if _is_offered(route, space, snapshot, actor)]


def write_space_document(
    offered: Sequence[Route], space: Space, sights: dict[str, Sight], events: Iterable[EventType]
) -> Json:
    """Return the document of what was found that the caller may use; it asks nobody, so that a thread can write it."""
    document = build_document(offered, title=space.title or space.name, events=events)
    writer = _Writer(space, sights, document["components"]["schemas"])
    paths: dict[str, Json] = {}
    for path, item in document["paths"].items():
        here = path.replace("{space}", space.name)
        own = _without_parameters(item, ("space",))
        if _TYPE not in path:
            paths[here] = writer.in_space(own)
            continue
        for sight in sights.values():
            found = writer.of_type(_without_parameters(own, ("type",)), sight)
            if found:
                paths[here.replace("{type}", sight.type.name)] = found
    return {**document, "paths": paths}


def _is_offered(route: Route, space: Space, snapshot: Snapshot, actor: Actor) -> bool:
    """Tell whether the route belongs to the space and the caller may use it."""
    if not route.path.startswith(_SPACE) or (route.plugin and route.plugin not in space.plugins):
        return False
    permission = route.permission
    return isinstance(permission, Access) or snapshot.allows(actor, permission)


class _Writer:
    """Puts a space's own names into the document of its routes."""

    def __init__(self, space: Space, sights: dict[str, Sight], schemas: dict[str, Json]) -> None:
        """Write the schemas of all types that the caller sees."""
        self._locales = space.locales
        self._sights = sights
        self._queries = Queries(sights)
        schemas["Currency"], schemas["Json"] = currency(), ANY_JSON
        if "PublishInput" in schemas:
            schemas["PublishInput"] = _with_locales(schemas["PublishInput"], self._locales)
        for sight in sights.values():
            schemas |= self._entries(sight, schemas["EntryPage"])
            self._queries.write(sight, schemas["EntryQuery"])
        schemas |= self._queries.components

    def _entries(self, sight: Sight, page: Json) -> dict[str, Json]:
        """Return what goes out of a type and what comes in."""
        name, locales = sight.type.name, self._locales
        parts = Parts(
            currency={"$ref": f"{REFERENCE}Currency"}, json={"$ref": f"{REFERENCE}Json"}, embedded=self._embedded
        )
        made = {
            "Entry": json_schema(sight.type, fields=sight.readable, purpose="view", locales=locales, parts=parts),
            "EntryInput": json_schema(sight.type, fields=sight.writable, purpose="input", locales=locales, parts=parts),
            "EntryPatch": json_schema(
                sight.type, fields=sight.changeable, purpose="patch", locales=locales, parts=parts
            ),
            "EntryPage": _page(page, name),
        }
        return {
            f"{shape}.{name}": {key: part for key, part in schema.items() if key != "$schema"}
            for shape, schema in made.items()
        }

    def _embedded(self, name: str) -> Json | None:
        sight = self._sights.get(name)
        return {"$ref": f"{REFERENCE}Entry.{name}"} if sight is not None and sight.readable else None

    def in_space(self, item: Json) -> Json:
        """Return a path item that is about no content type."""
        return {method: self._with_own_locales(operation) for method, operation in item.items()}

    def of_type(self, item: Json, sight: Sight) -> Json:
        """Return a path item for one content type, with operation ids of its own; empty where nothing is offered."""
        name = sight.type.name
        offered = {
            method: operation for method, operation in item.items() if _is_possible(operation["operationId"], sight)
        }
        own: dict[str, Any] = msgspec.json.decode(_renamed(msgspec.json.encode(offered), name))
        for method, operation in own.items():
            kind = operation["operationId"]
            reads = method == "get"
            locales = (*self._locales, "*") if reads else self._locales
            parameters = self._queries.parameters(sight, operation["parameters"], locales)
            if kind == "list_entries":
                parameters += [*self._queries.filters(sight), *self._queries.portions(sight)]
            elif kind == "get_entry":
                parameters += self._queries.portions(sight)
            operation["parameters"] = parameters
            operation["operationId"] = f"{kind}_{name.replace('.', '_').replace('-', '_')}"
            operation["tags"] = [name]
        return own

    def _with_own_locales(self, operation: Json) -> Json:
        """Return an operation of the space whose ``locale`` is one that the space has."""
        return {**operation, "parameters": [_with_locale(each, self._locales) for each in operation["parameters"]]}


def _is_possible(operation: str, sight: Sight) -> bool:
    if "comment" in operation and "comments" not in sight.type.engagement:
        return False
    if "transition" in operation and sight.type.workflow is None:
        return False
    needed = _NEEDS.get(operation)
    return needed is None or not sight.actions.isdisjoint(needed)


def _renamed(text: bytes, name: str) -> bytes:
    """Return JSON with the schemas of one content type in the place of those of any."""
    for shape in ("Entry", "EntryInput", "EntryPatch", "EntryPage", "EntryQuery"):
        text = text.replace(f'"{REFERENCE}{shape}"'.encode(), f'"{REFERENCE}{shape}.{name}"'.encode())
    return text


def _page(page: Json, name: str) -> Json:
    """Return the schema of a page of one type's entries."""
    items = {**page["properties"]["items"], "items": {"$ref": f"{REFERENCE}Entry.{name}"}}
    return {**page, "properties": {**page["properties"], "items": items}}


def _with_locales(schema: Json, locales: tuple[str, ...]) -> Json:
    """Return the body of a publication with the locales that the space has."""
    own: Json = {"type": "array", "items": {"type": "string", "enum": list(locales)}}
    written = schema["properties"]["locales"]
    return {**schema, "properties": {**schema["properties"], "locales": {**written, "anyOf": [own, {"type": "null"}]}}}


def _with_locale(parameter: Json, locales: tuple[str, ...]) -> Json:
    if parameter.get("in") != "query" or parameter["name"] != "locale":
        return parameter
    return {**parameter, "schema": {"type": "string", "enum": list(locales)}}


def _without_parameters(item: Json, names: tuple[str, ...]) -> Json:
    """Return a path item without path parameters that were replaced by their value."""
    made: Json = {}
    for method, operation in item.items():
        parameters = cast("list[Json]", operation["parameters"])
        kept = [each for each in parameters if each.get("in") != "path" or each["name"] not in names]
        made[method] = {**operation, "parameters": kept}
    return made
