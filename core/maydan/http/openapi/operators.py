"""What a comparison takes, by the kind of what it compares: in the address of a list, and in the body of a query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from maydan.content.conditions import LIST_OPERATORS, MOST_VALUES, OPERATORS, TEXT_OPERATORS
from maydan.content.fields import is_list
from maydan.content.kinds import AUTHORS, FOLDED_KINDS, RULES, SYSTEM_KINDS
from maydan.content.schema import DECIMAL, LINES, TIME
from maydan.content.types import Kind
from maydan.money import LARGEST_AMOUNT

if TYPE_CHECKING:
    from maydan.content.types import Field
    from maydan.http.openapi.shapes import Json

_TEXT: Final[dict[str, Any]] = {"type": "string", **LINES}
_VALUES: Final[dict[Kind, dict[str, Any]]] = {
    Kind.INTEGER: {"type": "integer", "minimum": -LARGEST_AMOUNT, "maximum": LARGEST_AMOUNT},
    Kind.NUMBER: {"type": "number"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.DATETIME: {"type": "string", "format": "date-time"},
    Kind.TIME: {"type": "string", "pattern": TIME},
    Kind.DECIMAL: {"type": "string", "pattern": DECIMAL},
}
PARTS: Final[dict[Kind, dict[str, Kind]]] = {
    Kind.MONEY: {"amount": Kind.INTEGER, "currency": Kind.STRING},
    Kind.GEO: {"lat": Kind.NUMBER, "lng": Kind.NUMBER},
}
"""What a path may go on with inside of a value."""


def operators_of(field: Field) -> tuple[str, ...]:
    """Return the operators of a field of a content type, in the order of the documentation."""
    folded = field.kind in FOLDED_KINDS and not field.private and not is_list(field)
    return operators_for(field.kind, folded=folded)


def operators_for(kind: Kind, *, folded: bool = False) -> tuple[str, ...]:
    """Return the operators of a kind; ``icontains`` only where a folded copy is kept."""
    named = RULES[kind].operators
    return tuple(op for op in OPERATORS if op in named and (folded or op != "icontains"))


_CHOICE: Final = ("eq", "ne", "in", "nin")
_MOMENT: Final = ("lt", "lte", "gt", "gte")
OF_SYSTEM: Final[dict[str, tuple[str, ...]]] = {
    "id": _CHOICE,
    "slug": ("eq", "ne", "in", "nin", "startswith", "exists"),
    "status": _CHOICE,
    "state": _CHOICE,
    "version": ("eq", *_MOMENT),
    "tags": (*_CHOICE, "exists"),
    "created_at": _MOMENT,
    "updated_at": _MOMENT,
    "published_at": (*_MOMENT, "exists"),
    "created_by": _CHOICE,
    "updated_by": _CHOICE,
}
"""The parameters that are listed for system fields: a list takes the other operators of their kinds too."""


def sortable(field: Field) -> bool:
    """Tell whether a list can be ordered by a field."""
    return not is_list(field) and (RULES[field.kind].sorts or field.kind is Kind.MONEY)


def operand(kind: Kind, op: str) -> Json:
    """Return the schema of the value that an operator takes."""
    if op == "exists":
        return {"type": "boolean"}
    value = _TEXT if op in TEXT_OPERATORS else _VALUES.get(kind, _TEXT)
    if op in LIST_OPERATORS:
        return {"type": "array", "items": value, "maxItems": MOST_VALUES}
    return value


def parameter(path: str, kind: Kind, op: str) -> Json:
    """Return the parameter ``filter[path][op]`` of a list; the values of ``in`` are separated by commas."""
    schema = operand(kind, op)
    described: Json = {"name": f"filter[{path}][{op}]", "in": "query", "required": False, "schema": schema}
    if schema.get("type") == "array":
        described |= {"schema": {**schema, "minItems": 1}, "style": "form", "explode": False}
    return described


def comparison(kind: Kind, operators: tuple[str, ...]) -> Json:
    """Return the schema of what stands at a path in a body's filter: operators with their values."""
    return {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {op: operand(kind, op) for op in operators},
    }


SYSTEM_NAMES: Final = tuple(name for name in SYSTEM_KINDS if name not in AUTHORS) + tuple(sorted(AUTHORS))
"""The system fields in the order of the documentation."""
