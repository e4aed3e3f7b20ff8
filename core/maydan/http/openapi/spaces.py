"""The document of one space for one caller: its routes by name, and every content type with its own fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from maydan.http.openapi.document import build_document
from maydan.http.openapi.schemas import REFERENCE
from maydan.http.openapi.shapes import Json
from maydan.http.routing import Access, Route

if TYPE_CHECKING:
    from maydan.access.actors import Actor
    from maydan.access.snapshot import Snapshot
    from maydan.content.spaces import Space
    from maydan.content.types import ContentType

SchemaOf = Callable[["ContentType", frozenset[str], str], Json]
"""The JSON Schema of a type with these fields, for ``input`` or ``output``."""

_SPACE: Final = "/api/spaces/{space}"
_TYPE: Final = "/content/{type}"
_WRITES: Final = ("create", "update")


def build_space_document(
    routes: Sequence[Route],
    space: Space,
    types: Sequence[ContentType],
    snapshot: Snapshot,
    actor: Actor,
    schema_of: SchemaOf,
) -> Json:
    """Return the document, without what the caller may neither read nor write.

    Args:
        routes: All routes of the instance.
        types: The content types that are active in the space.
        schema_of: Makes the JSON Schema of a type.
    """
    offered = [route for route in routes if _is_offered(route, space, snapshot, actor)]
    document = build_document(offered, title=space.title or space.name)
    paths: dict[str, Json] = document["paths"]
    schemas: dict[str, Json] = document["components"]["schemas"]
    made: dict[str, Json] = {}
    visible = list(_visible(types, snapshot, actor))
    for path, item in paths.items():
        here = path.replace("{space}", space.name)
        if _TYPE not in path:
            made[here] = _without_parameters(item, ("space",))
            continue
        for content_type, _, _ in visible:
            own = _of_type(item, content_type.name)
            made[here.replace("{type}", content_type.name)] = _without_parameters(own, ("space", "type"))
    for content_type, readable, writable in visible:
        schemas[f"Entry.{content_type.name}"] = schema_of(content_type, readable, "output")
        schemas[f"EntryInput.{content_type.name}"] = schema_of(content_type, writable, "input")
        schemas[f"EntryPage.{content_type.name}"] = _page(schemas["EntryPage"], content_type.name)
    document["paths"] = made
    return document


def _is_offered(route: Route, space: Space, snapshot: Snapshot, actor: Actor) -> bool:
    """Tell whether the route belongs to the space and the caller may use it."""
    if not route.path.startswith(_SPACE) or (route.plugin and route.plugin not in space.plugins):
        return False
    permission = route.permission
    return isinstance(permission, Access) or snapshot.allows(actor, permission)


def _visible(
    types: Iterable[ContentType], snapshot: Snapshot, actor: Actor
) -> Iterable[tuple[ContentType, frozenset[str], frozenset[str]]]:
    """Yield the types that the caller may read or write, with the fields it may read and those it may write."""
    for content_type in types:
        decisions = [snapshot.decide(actor, action, content_type) for action in ("read", "read_draft")]
        readable = frozenset(name for decision in decisions for name in decision.filterable)
        writes = [snapshot.decide(actor, action, content_type) for action in _WRITES]
        writable = frozenset(name for decision in writes for name in decision.filterable)
        if readable or writable:
            yield content_type, readable, writable


def _of_type(item: Json, name: str) -> Json:
    """Return a path item with the schemas of one content type, and operation ids of its own."""
    text = msgspec.json.encode(item)
    for shape in ("Entry", "EntryInput", "EntryPage"):
        text = text.replace(f'"{REFERENCE}{shape}"'.encode(), f'"{REFERENCE}{shape}.{name}"'.encode())
    own: dict[str, Any] = msgspec.json.decode(text)
    for operation in own.values():
        operation["operationId"] += f"_{name.replace('.', '_').replace('-', '_')}"
        operation["tags"] = [name]
    return own


def _page(page: Json, name: str) -> Json:
    """Return the schema of a page of one type's entries."""
    items = {**page["properties"]["items"], "items": {"$ref": f"{REFERENCE}Entry.{name}"}}
    return {**page, "properties": {**page["properties"], "items": items}}


def _without_parameters(item: Json, names: tuple[str, ...]) -> Json:
    """Return a path item without path parameters that were replaced by their value."""
    made: Json = {}
    for method, operation in item.items():
        parameters = cast("list[Json]", operation["parameters"])
        kept = [each for each in parameters if each.get("in") != "path" or each["name"] not in names]
        made[method] = {**operation, "parameters": kept}
    return made
