"""What the static OpenAPI document says of entries, whose fields only a space's own document knows."""

from __future__ import annotations

from typing import Any, Final

from maydan.content.includes import MOST_OF_ONE
from maydan.http.routing import Parameter

_TIME: Final = {"type": "string", "format": "date-time"}

ENTRY: Final[dict[str, Any]] = {
    "type": "object",
    "description": "The system fields, then the fields of the content type; see the space's own document.",
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "type": {"type": "string"},
        "slug": {"type": ["string", "null", "object"]},
        "status": {"enum": ["draft", "published", "changed", "trashed"]},
        "version": {"type": "integer", "minimum": 1},
        "locale": {"type": "string"},
        "created_at": _TIME,
        "updated_at": _TIME,
        "published_at": {"type": ["string", "null"], "format": "date-time"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}
ENTRY_INPUT: Final[dict[str, Any]] = {
    "type": "object",
    "description": "Fields of the content type by name, `slug` and `tags`; see the space's own document.",
    "properties": {
        "slug": {
            "anyOf": [
                {"type": "string"},
                {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
                {"type": "null"},
            ]
        },
        "tags": {"type": ["array", "null"], "items": {"type": "string"}, "maxItems": 100},
    },
}
ENTRY_PATCH: Final[dict[str, Any]] = {**ENTRY_INPUT, "description": "What changes of the entry; `null` clears."}
ENTRY_PAGE: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["items", "next"],
    "additionalProperties": False,
    "properties": {
        "items": {"type": "array", "items": ENTRY},
        "next": {"type": ["string", "null"]},
        "total": {"type": "integer", "minimum": 0},
    },
}

_INTEGER: Final = {"type": "integer"}
LINKING: Final = (
    Parameter(name="preview", description="A token from `POST …/previews`: the draft of this entry."),
    Parameter(name="share", description="A token from `POST …/shares`: this entry, as far as the link goes."),
)
READING: Final = (
    Parameter(name="fields", description="Names separated by commas; all that may be read when absent."),
    Parameter(
        name="include",
        description="Relations such as `author,related.author`: the targets, not their ids. `include[related][limit]`"
        " and `include[related][sort]` say how many of a relation to many, and in which order.",
    ),
    Parameter(
        name="perspective",
        description="`published`, or `draft` for the newest version of every entry.",
        schema={"enum": ["published", "draft"], "default": "published"},
    ),
    Parameter(name="locale", description="A locale of the space, or `*` for the maps of all."),
    Parameter(name="fallback", description="`none`: 404 where the locale is missing.", schema={"enum": ["none"]}),
)
"""Parameters of reading one entry."""
LISTING: Final = (
    *READING,
    Parameter(name="sort", description="Field names separated by commas, `-` before a descending one."),
    Parameter(name="limit", schema={**_INTEGER, "minimum": 1, "maximum": 100, "default": 25}),
    Parameter(name="cursor", description="`next` of the page before.", schema={"type": "string", "minLength": 1}),
    Parameter(name="offset", schema={**_INTEGER, "minimum": 0, "maximum": 1_000_000}),
    Parameter(name="count", description="`exact`: the answer has `total`.", schema={"enum": ["exact"]}),
    Parameter(name="status", schema={"enum": ["draft", "published", "changed", "trashed"]}),
)
"""Parameters of lists, beside the filters, which depend on the content type."""

_LISTS: Final = frozenset({"sort", "fields"})
_TEXTS: Final[dict[str, Any]] = {"type": "array", "items": {"type": "string"}}
PORTION: Final[dict[str, Any]] = {
    "type": "object",
    "description": "Of a relation to many: so many of its targets, in an order.",
    "required": ["path"],
    "additionalProperties": False,
    "properties": {
        "path": {"type": "string"},
        "limit": {"type": "integer", "minimum": 1, "maximum": MOST_OF_ONE},
        "sort": _TEXTS,
    },
}
_FILTER: Final[dict[str, Any]] = {
    "type": "object",
    "description": 'Conditions such as `{"rating": {"gte": 3}}`, all of which must hold; `and`, `or` and `not` nest.',
}
QUERY: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "filter": _FILTER,
        **{
            parameter.name: {**_TEXTS, "description": parameter.description}
            if parameter.name in _LISTS
            else {**parameter.schema, "description": parameter.description}
            for parameter in LISTING
        },
        "include": {
            "type": "array",
            "items": {"anyOf": [{"type": "string"}, PORTION]},
            "description": "Relations: their targets, not their ids.",
        },
    },
}
"""The body of ``POST …/query``, with the members that the address of a list takes as parameters."""
