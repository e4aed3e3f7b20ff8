"""JSON Schemas of the structs that routes name, collected under ``components``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, cast

import msgspec

from maydan.http.entries_schemas import ENTRY, ENTRY_INPUT, ENTRY_PAGE, ENTRY_PATCH, QUERY
from maydan.http.openapi.shapes import Json

REFERENCE: Final = "#/components/schemas/"
_SHARED: Final[dict[str, Json]] = {
    "Entry": ENTRY,
    "EntryInput": ENTRY_INPUT,
    "EntryPatch": ENTRY_PATCH,
    "EntryPage": ENTRY_PAGE,
    "EntryQuery": QUERY,
}
_NAMED: Final[dict[str, Json]] = {
    **_SHARED,
    "EntryPage": {
        **ENTRY_PAGE,
        "properties": {
            **ENTRY_PAGE["properties"],
            "items": {"type": "array", "items": {"$ref": f"{REFERENCE}Entry"}},
        },
    },
}
"""Schemas that routes give as they are, under the names by which a space's document replaces them."""
_MAX_INTEGER: Final = 2**63 - 1
_NO_NUL: Final = {"pattern": "\\u0000"}
_PAGE: Final = frozenset({"items", "next", "total"})
_SAID: Final = frozenset({"enum", "const", "format", "not"})


class Schemas:
    """The schema of each type that a document mentions."""

    def __init__(self, types: Iterable[Any]) -> None:
        """Collect the types' schemas and all that they refer to."""
        kinds = list(dict.fromkeys(kind for kind in types if _has_struct_schema(kind)))
        schemas, components = msgspec.json.schema_components(kinds, ref_template=REFERENCE + "{name}")
        self._of = dict(zip(kinds, schemas, strict=True))
        self.components: dict[str, Json] = {name: exact(schema) for name, schema in sorted(components.items())}
        self.components |= {name: exact(schema) for name, schema in _NAMED.items()}

    def of(self, kind: Any) -> Json:
        """Return the schema of a type that was given; a dict is a schema itself."""
        if isinstance(kind, dict):
            named = next((name for name, schema in _SHARED.items() if schema is kind), None)
            return {"$ref": REFERENCE + named} if named else exact(cast("Json", kind))
        if kind is dict:
            return {"type": "object"}
        if kind is bytes:
            return {}
        return exact(dict(self._of[kind]))


def _has_struct_schema(kind: Any) -> bool:
    return kind is not None and kind is not dict and kind is not bytes and not isinstance(kind, dict)


def exact(schema: Any) -> Any:
    """Return a schema with the limits that the kernel holds everywhere: integers have 64 bits, text has no NUL."""
    if isinstance(schema, list):
        return [exact(part) for part in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    parts = cast("Json", schema)
    made = {name: part if name in ("default", "enum", "const") else exact(part) for name, part in parts.items()}
    if made.get("type") == "integer":
        if "exclusiveMinimum" not in made:
            made.setdefault("minimum", -_MAX_INTEGER)
        if "exclusiveMaximum" not in made:
            made.setdefault("maximum", _MAX_INTEGER)
    elif made.get("type") == "string" and _SAID.isdisjoint(made):
        made["not"] = _NO_NUL
    return _page(made) if made.get("properties", {}).keys() == _PAGE else made


def _page(schema: Json) -> Json:
    """Return the schema of a page as ``Answer.page`` makes it: with ``total`` only where it was asked for."""
    properties: Json = {**schema["properties"], "total": {"type": "integer", "minimum": 0}}
    return {**schema, "required": ["items", "next"], "properties": properties, "additionalProperties": False}
