"""JSON Schema (2020-12) of what entries of a type look like, going in and coming out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from msgspec import Struct

from maydan.content.fields import (
    BLOCK_NAME,
    DISTINCT_KINDS,
    MOST_ITEMS,
    TEXT_KINDS,
    block_fields,
    inner_fields,
    is_list,
)
from maydan.content.index_limits import bounded
from maydan.content.kinds import AUTHORS, SYSTEM_KINDS
from maydan.content.scalars import MOST_DECIMAL_DIGITS
from maydan.content.slugs import LONGEST_SLUG
from maydan.content.stored import SLUG, TAGS
from maydan.content.text import LONGEST_RICHTEXT, LONGEST_TEXT
from maydan.content.types import Field, Kind
from maydan.content.values import LOCALES_NOTE, LONGEST_TAG, MOST_TAGS
from maydan.money import LARGEST_AMOUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from maydan.content.types import ContentType

Purpose: TypeAlias = Literal["input", "patch", "output", "view"]
"""A whole entry, a merge patch, an answer with all of its fields, or one that was asked for some of them."""
Schema: TypeAlias = dict[str, Any]


class Parts(Struct, frozen=True, kw_only=True):
    """Schemas that stand elsewhere in the document that an entry's becomes a part of."""

    currency: Schema | None = None
    """Of an ISO 4217 code."""
    json: Schema | None = None
    """Of what a ``json`` field takes."""
    embedded: Callable[[str], Schema | None] | None = None
    """Gives the schema of entries of a type by its name, for ``include``; ``None`` where nobody is told of it."""


_NO_PARTS: Final = Parts()

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_NULL: Final = {"type": "null"}
_INTEGER: Final = {"type": "integer", "minimum": -LARGEST_AMOUNT, "maximum": LARGEST_AMOUNT}
ONE_LINE: Final[Schema] = {"not": {"pattern": r"[\u0000-\u001f\u007f-\u009f]"}}
"""Text without control characters (:func:`maydan.content.text.has_control`)."""
LINES: Final[Schema] = {"not": {"pattern": r"[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f]"}}
"""The same, with tabs and breaks."""
_SLUG_SIGN: Final = r"[^\u0000-\u002f\u003a-\u0060\u007b-\u00b4\u00b6-\u00de\u00f7\u2000-\u206f\u3000-\u3004]"
SLUG_PATTERN: Final = f"^{_SLUG_SIGN}+(-{_SLUG_SIGN}+)*$"
"""Close to :func:`maydan.content.slugs.is_slug`; classes such as ``\\p{L}`` are not in every reader of JSON Schema."""
_TAG: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": LONGEST_TAG, "pattern": r"\S", **ONE_LINE}
_FILLING: Final = r"[ .()\u00a0-]*"
_URL_SIGN: Final = r"[^\s<>\x22\\^`{|}\u0000-\u001f\u007f-\u009f]"
_HOST_SIGN: Final = r"[^\s<>\x22\\^`{|}\u0000-\u001f\u007f-\u009f@/?#:\[\]]"
_FORMATS: Final[dict[Kind, Schema]] = {
    Kind.EMAIL: {"format": "email"},
    Kind.URL: {"pattern": rf"^https?://{_HOST_SIGN}+(:[1-9][0-9]{{0,3}}|:[1-5][0-9]{{4}})?([/?#]{_URL_SIGN}*)?$"},
    Kind.PHONE: {"pattern": rf"^{_FILLING}\+{_FILLING}[1-9]({_FILLING}[0-9]){{6,14}}{_FILLING}$"},
    Kind.COLOR: {"pattern": "^#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$"},
}
TIME: Final = "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"
_SPLITS: Final = "|".join(f"[0-9]{{{n}}}\\.[0-9]{{1,{MOST_DECIMAL_DIGITS - n}}}" for n in range(1, MOST_DECIMAL_DIGITS))
DECIMAL: Final = f"^-?([0-9]{{1,{MOST_DECIMAL_DIGITS}}}|{_SPLITS})$"
"""At most that many digits, wherever the point stands."""
_MULTILINE: Final = frozenset({Kind.TEXT, Kind.RICHTEXT})
_PLAIN: Final[dict[Kind, Schema]] = {
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.DATETIME: {"type": "string", "format": "date-time"},
    Kind.TIME: {"type": "string", "pattern": TIME},
    Kind.DECIMAL: {"type": "string", "pattern": DECIMAL},
    Kind.ASSET: {"type": "string", "format": "uuid"},
    Kind.RELATION: {"type": "string", "format": "uuid"},
    Kind.JSON: {},
    Kind.GEO: {
        "type": "object",
        "properties": {
            "lat": {"type": "number", "minimum": -90, "maximum": 90},
            "lng": {"type": "number", "minimum": -180, "maximum": 180},
        },
        "required": ["lat", "lng"],
        "additionalProperties": False,
    },
}


def json_schema(
    type: ContentType,
    *,
    fields: Collection[str] | None = None,
    purpose: Purpose,
    locales: Sequence[str] = (),
    parts: Parts = _NO_PARTS,
) -> Schema:
    """Return the schema of an entry as a JSON object.

    Args:
        type: In normal form.
        fields: Names of the fields that the reader may know of, those of the system too; ``None`` is all.
        purpose: What it describes. ``required`` fields are required in ``input`` where the type has no drafts; an
            ``output`` has every field that its reader may read, as ``null`` where it has no value; a ``view`` those
            that were asked for, and entries in the place of ids where they were included.
        locales: Keys of the maps of localised fields; without any, every key is allowed.
        parts: What the schema refers to; what is absent is written out.
    """
    writer = _Writer(type, purpose, locales, parts)
    properties = writer.system(fields)
    required = list(properties) if purpose == "output" else []
    for field in type.fields:
        hidden = fields is not None and field.name not in fields
        if hidden or (writer.output and field.kind is Kind.SECRET):
            continue
        properties[field.name] = writer.field(bounded(type, field))
        if purpose == "output" or (purpose == "input" and not type.drafts and field.required):
            required.append(field.name)
    if writer.output:
        properties[LOCALES_NOTE] = _locales_note(locales)
        required = ["id"] if purpose == "view" else [name for name in required if name not in ("state", *AUTHORS)]
    return {"$schema": DIALECT, "title": type.title or type.name, **_object(properties, required)}


def _locales_note(locales: Sequence[str]) -> Schema:
    locale: Schema = {"enum": list(locales)} if locales else {"type": "string"}
    return {"type": "object", "additionalProperties": locale}


def _object(properties: Schema, required: list[str]) -> Schema:
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**schema, "required": required} if required else schema


def _filled(schema: Schema) -> Schema:
    """Return the schema of what is required where it is written: something."""
    if schema.get("type") == "array":
        return {"minItems": 1, **schema}
    return {"minLength": 1, **schema} if schema.get("type") == "string" and "maxLength" in schema else schema


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, _NULL]} if schema else schema


class _Writer:
    """Writes the schemas of one type's fields for one purpose."""

    def __init__(self, type: ContentType, purpose: Purpose, locales: Sequence[str], parts: Parts) -> None:
        self.purpose = purpose
        self.locales = locales
        self.parts = parts
        self.output = purpose in ("output", "view")
        self.states = None if type.workflow is None else type.workflow.states
        self.demands = purpose == "input" and not type.drafts

    def system(self, fields: Collection[str] | None) -> Schema:
        """Return the system fields that are there, and which of them can be written."""
        tags = {"type": "array", "items": _TAG, "maxItems": MOST_TAGS}
        slug = {"type": "string", "minLength": 1, "maxLength": LONGEST_SLUG, "pattern": SLUG_PATTERN}
        properties: Schema = {}
        for name, kind in SYSTEM_KINDS.items():
            if (fields is not None and name not in fields) or (name == "state" and self.states is None):
                continue
            if name == SLUG:
                properties[name] = self._or_map(slug)
            elif name == TAGS:
                properties[name] = tags if self.output else _or_null(tags)
            elif self.output:
                properties[name] = self._state() if name == "state" else _system_schema(name, kind)
        return properties

    def _state(self) -> Schema:
        return {"type": "string", "enum": list(self.states or ())}

    def field(self, field: Field) -> Schema:
        """Return the schema of a field's value."""
        value = self._value(field)
        if field.localized:
            return self._or_map(value)
        demanded = self.demands and field.required
        never_null = demanded or (self.output and is_list(field))
        schema = _filled(value) if demanded else value
        schema = schema if never_null else _or_null(schema)
        return {**schema, "default": field.default} if field.default is not None and not self.output else schema

    def _or_map(self, value: Schema) -> Schema:
        """Allow a plain value, none, or a map from locale to value."""
        entry = value if self.output else _or_null(value)
        mapped: Schema = {"type": "object", "additionalProperties": entry}
        if self.locales:
            mapped = _object(dict.fromkeys(self.locales, entry), [])
        return {"anyOf": [value, mapped, _NULL]}

    def _value(self, field: Field) -> Schema:
        if field.kind is Kind.BLOCKS:
            blocks = [self._block(name, fields) for name, fields in block_fields(field).items()]
            return self._list(field, {"anyOf": blocks})
        one = self._one(field)
        return self._list(field, one) if field.many else one

    def _list(self, field: Field, item: Schema) -> Schema:
        counts_items = field.kind not in TEXT_KINDS
        schema: Schema = {"type": "array", "items": item}
        schema["maxItems"] = (counts_items and field.max_length) or MOST_ITEMS
        if field.kind in DISTINCT_KINDS and not self.output:
            schema["uniqueItems"] = True
        return schema

    def _one(self, field: Field) -> Schema:
        if field.kind in TEXT_KINDS:
            return self._text(field)
        if field.kind is Kind.ENUM:
            return {"type": "string", "enum": list(field.values)}
        if field.kind is Kind.INTEGER:
            return _within(_INTEGER, field)
        if field.kind is Kind.NUMBER:
            return _within({"type": "number"}, field)
        if field.kind is Kind.MONEY:
            return self._money(field)
        if field.kind is Kind.COMPONENT:
            return self._members(inner_fields(field), {})
        return self._relation(field) if field.kind is Kind.RELATION else self._plain(field.kind)

    def _plain(self, kind: Kind) -> Schema:
        return self.parts.json if kind is Kind.JSON and self.parts.json else _PLAIN[kind]

    def _relation(self, field: Field) -> Schema:
        """Return the id, or with ``include`` the entry."""
        embedded = self.parts.embedded
        if embedded is None or not self.output:
            return _PLAIN[Kind.RELATION]
        entries = [schema for name in field.to if (schema := embedded(name)) is not None]
        return {"anyOf": [_PLAIN[Kind.RELATION], *entries]} if entries else _PLAIN[Kind.RELATION]

    def _text(self, field: Field) -> Schema:
        schema: Schema = {"type": "string", **_FORMATS.get(field.kind, {})}
        if self.output:
            return schema
        longest = LONGEST_RICHTEXT if field.kind is Kind.RICHTEXT else LONGEST_TEXT
        # Sanitising may shorten rich text, so that a longer one can be fine.
        if field.kind is not Kind.RICHTEXT:
            schema["maxLength"] = field.max_length or longest
        if field.min_length:
            schema["minLength"] = field.min_length
        if field.kind not in _FORMATS:
            schema |= LINES if field.kind in _MULTILINE else ONE_LINE
            if field.pattern is not None:
                schema["pattern"] = field.pattern
        return {**schema, "writeOnly": True} if field.kind is Kind.SECRET else schema

    def _money(self, field: Field) -> Schema:
        amount = _within(_INTEGER, field)
        properties = {
            "amount": amount,
            "currency": self.parts.currency or {"type": "string", "pattern": "^[A-Z]{3}$"},
            "decimal": {"type": "string", "readOnly": True},
        }
        return _object(properties, ["amount", "currency", "decimal"] if self.output else ["amount", "currency"])

    def _members(self, fields: tuple[Field, ...], properties: Schema) -> Schema:
        required = list(properties)
        for field in fields:
            properties[field.name] = self.field(field)
            if self.output or (self.demands and field.required):
                required.append(field.name)
        return _object(properties, required)

    def _block(self, name: str, fields: tuple[Field, ...]) -> Schema:
        return self._members(fields, {BLOCK_NAME: {"const": name}})


def _within(schema: Schema, field: Field) -> Schema:
    bounds = {"minimum": field.min, "maximum": field.max}
    return {**schema, **{key: bound for key, bound in bounds.items() if bound is not None}}


def _system_schema(name: str, kind: Kind) -> Schema:
    if name == "id":
        return {"type": "string", "format": "uuid"}
    if name == "status":
        return {"type": "string", "enum": ["draft", "published", "changed", "trashed"]}
    if kind is Kind.INTEGER:
        return {"type": "integer", "minimum": 1}
    if name == "published_at":
        return _or_null({"type": "string", "format": "date-time"})
    if kind is Kind.DATETIME:
        return {"type": "string", "format": "date-time"}
    return {"type": "string"} if name in ("type", "locale") else _or_null({"type": "string"})
