"""The table of kinds: which options each takes, which operators reach it, whether it sorts."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from maydan.content.conditions import LIST_OPERATORS, ORDER_OPERATORS, TEXT_OPERATORS
from maydan.content.types import Kind

_ALWAYS: Final = frozenset({"required", "private", "localized", "default"})
_TEXT: Final = _ALWAYS | {"searchable", "many", "min_length", "max_length", "pattern"}
_LINE: Final = _TEXT | {"unique", "indexed"}
_ORDERED: Final = _ALWAYS | {"unique", "indexed", "many", "min", "max"}
_ITEMS: Final = frozenset({"many", "min_length", "max_length"})
"""``min_length`` and ``max_length`` of what is not text count the items of a list."""

_EXISTS: Final = frozenset({"exists"})
_EQUAL: Final = _EXISTS | {"eq", "ne"}
_CHOICE: Final = _EQUAL | LIST_OPERATORS
_COMPARED: Final = _CHOICE | ORDER_OPERATORS
_WORDS: Final = _COMPARED | TEXT_OPERATORS


class Rules(Struct, frozen=True):
    """What may be said of fields of one kind."""

    options: frozenset[str]
    """Beside ``name``, ``kind`` and ``id``."""
    operators: frozenset[str]
    """Of a filter, on the field itself (paths into money, geo and components have their own kinds)."""
    sorts: bool = False


RULES: Final[dict[Kind, Rules]] = {
    Kind.STRING: Rules(_LINE, _WORDS, sorts=True),
    Kind.TEXT: Rules(_TEXT, _WORDS, sorts=True),
    Kind.RICHTEXT: Rules(_TEXT - {"pattern", "many"}, _EXISTS | {"contains"}),
    Kind.INTEGER: Rules(_ORDERED, _COMPARED, sorts=True),
    Kind.NUMBER: Rules(_ORDERED, _COMPARED, sorts=True),
    Kind.DECIMAL: Rules(_ORDERED, _COMPARED, sorts=True),
    Kind.MONEY: Rules(_ORDERED - {"unique"}, _EXISTS),
    Kind.BOOLEAN: Rules(_ALWAYS | {"indexed"}, _EQUAL, sorts=True),
    Kind.DATE: Rules(_ORDERED, _COMPARED, sorts=True),
    Kind.DATETIME: Rules(_ORDERED, _COMPARED, sorts=True),
    Kind.TIME: Rules(_ORDERED, _COMPARED, sorts=True),
    Kind.ENUM: Rules(_ALWAYS | _ITEMS | {"unique", "indexed", "values"}, _CHOICE, sorts=True),
    Kind.EMAIL: Rules(_LINE, _WORDS - {"icontains"}, sorts=True),
    Kind.URL: Rules(_LINE, _WORDS - {"icontains"}, sorts=True),
    Kind.PHONE: Rules(_LINE, _WORDS - {"icontains"}, sorts=True),
    Kind.COLOR: Rules(_ALWAYS | {"many", "indexed", "unique"}, _CHOICE, sorts=True),
    Kind.JSON: Rules(_ALWAYS, _EXISTS),
    Kind.GEO: Rules(_ALWAYS | _ITEMS, _EXISTS),
    Kind.ASSET: Rules((_ALWAYS | _ITEMS | {"indexed"}) - {"default"}, _CHOICE),
    Kind.RELATION: Rules(
        (_ALWAYS | _ITEMS | {"indexed", "unique", "to", "on_delete"}) - {"default", "localized"}, _CHOICE
    ),
    Kind.COMPONENT: Rules((_ALWAYS | _ITEMS | {"of"}) - {"default"}, _EXISTS),
    Kind.BLOCKS: Rules((_ALWAYS | _ITEMS | {"of"}) - {"default", "many"}, _EXISTS),
    Kind.SECRET: Rules(frozenset({"required", "min_length", "max_length", "pattern"}), frozenset()),
}
"""``localized`` relations would give one entry other links in each language; a localised component may hold none."""

SYSTEM_KINDS: Final = {
    "id": Kind.STRING, "type": Kind.STRING, "slug": Kind.STRING, "status": Kind.STRING, "locale": Kind.STRING,
    "state": Kind.STRING, "version": Kind.INTEGER, "tags": Kind.STRING, "created_at": Kind.DATETIME,
    "updated_at": Kind.DATETIME, "published_at": Kind.DATETIME, "created_by": Kind.STRING, "updated_by": Kind.STRING,
}  # fmt: skip
"""What the system fields hold, for queries and indexes; ``tags`` is a list."""

AUTHORS: Final = frozenset({"created_by", "updated_by"})
"""They stand in the private part of every document, since few may read them."""

FOLDED_KINDS: Final = frozenset({Kind.STRING, Kind.TEXT})
"""Kept folded too, where they are neither private nor many: what ``icontains`` looks at."""
