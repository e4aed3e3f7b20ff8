"""Schemas of values that many content types share."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from maydan.content.scalars import DEEPEST_JSON, LARGEST_JSON_BYTES
from maydan.content.schema import LINES
from maydan.money import LARGEST_AMOUNT, currencies


@cache
def currency() -> dict[str, Any]:
    """Return the schema of a currency's code; the table is read when it is first needed."""
    codes = currencies()
    return {"type": "string", "description": "An ISO 4217 currency that has a minor unit.", "enum": codes}


_SELF: Final = {"$ref": "#/components/schemas/Json"}
ANY_JSON: Final[dict[str, Any]] = {
    "description": f"Any JSON of at most {DEEPEST_JSON} levels and {LARGEST_JSON_BYTES} bytes.",
    "anyOf": [
        {"type": "null"},
        {"type": "boolean"},
        {"type": "integer", "minimum": -LARGEST_AMOUNT, "maximum": LARGEST_AMOUNT},
        {"type": "number"},
        {"type": "string", **LINES},
        {"type": "array", "items": _SELF},
        {"type": "object", "propertyNames": LINES, "additionalProperties": _SELF},
    ],
}
"""What a ``json`` field takes; a number without a fraction is exact within ±(2^53 - 1) alone."""
