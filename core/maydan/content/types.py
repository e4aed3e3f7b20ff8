"""Content types and fields in their one normal form, whether they come from code or over HTTP."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct
from msgspec import field as struct_field


class Kind(StrEnum):
    """What a field holds."""

    STRING = "string"
    TEXT = "text"
    RICHTEXT = "richtext"
    INTEGER = "integer"
    NUMBER = "number"
    DECIMAL = "decimal"
    MONEY = "money"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    ENUM = "enum"
    EMAIL = "email"
    URL = "url"
    PHONE = "phone"
    COLOR = "color"
    JSON = "json"
    GEO = "geo"
    ASSET = "asset"
    RELATION = "relation"
    COMPONENT = "component"
    BLOCKS = "blocks"
    SECRET = "secret"  # noqa: S105 - the name of a kind


class OnDelete(StrEnum):
    """What happens to a relation when its target is deleted."""

    RESTRICT = "restrict"
    NULLIFY = "nullify"
    CASCADE = "cascade"


SYSTEM_FIELDS: Final = (
    "id", "type", "slug", "status", "version", "locale", "created_at", "updated_at", "published_at", "tags",
    "state", "created_by", "updated_by",
)  # fmt: skip
"""Names that no content field may have; of these only ``slug`` and ``tags`` are writable."""


class Field(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One field of a content type."""

    name: str
    kind: Kind
    id: str = ""
    """Stable key in the stored form: the first name, with a number where that was taken before. Set by the core."""
    required: bool = False
    unique: bool = False
    localized: bool = False
    indexed: bool = False
    searchable: bool = False
    private: bool = False
    many: bool = False
    default: Any = None
    min: float | int | str | None = None
    max: float | int | str | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    values: tuple[str, ...] = ()
    """The members of an enum, in order."""
    to: tuple[str, ...] = ()
    """The content types that a relation may point at."""
    of: tuple[Field, ...] | dict[str, tuple[Field, ...]] = ()
    """The fields of a component; for blocks a map from block name to its fields."""
    on_delete: OnDelete = OnDelete.RESTRICT


class SetFields(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An effect of a transition: fields get values."""

    set: dict[str, Any]
    """Values by field name, as in an input; ``$now`` is the moment of the transition, for ``datetime`` fields."""


Effect: TypeAlias = Literal["publish", "unpublish"] | SetFields
"""What a transition does besides, in the same transaction."""


class Transition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One step of a workflow."""

    name: str
    """What callers ask for, and with ``transition:`` before it the action that policies name."""
    sources: tuple[str, ...] = struct_field(name="from")
    """The states in which it can be taken."""
    to: str
    roles: tuple[str, ...] = ()
    """Who may take it, of those who have the permission; none is all of them."""
    required: tuple[str, ...] = ()
    """Fields that must have a value."""
    after: str | None = None
    """ISO 8601, such as ``PT24H``: the system takes it so long after the entry came into one of ``from``."""
    effects: tuple[Effect, ...] = ()


class Workflow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The states that entries of a type go through; :mod:`maydan.workflow` says what is acceptable."""

    name: str
    states: tuple[str, ...]
    initial: str
    """The state of a new entry."""
    final: tuple[str, ...] = ()
    """States that nothing leaves."""
    transitions: tuple[Transition, ...] = ()
    mapping: dict[str, str] = {}
    """When a workflow replaces another: what becomes of entries in states that are gone. Not kept."""

    def transition(self, name: str) -> Transition | None:
        """Return the transition of that name, or ``None``."""
        return next((transition for transition in self.transitions if transition.name == name), None)


class ContentType(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The shape of a kind of entries: ``article`` (made at run time) or ``blog.post`` (brought by a plugin)."""

    name: str
    title: str = ""
    drafts: bool = True
    single: bool = False
    slug_from: str | None = None
    indexes: tuple[tuple[str, ...], ...] = ()
    """Composite indexes, each a list of field names, ``-`` before a descending one."""
    fields: tuple[Field, ...] = ()
    engagement: tuple[str, ...] = ()
    """What readers may do with entries: ``comments`` (later ``reactions``, ``rating``, ``views``, ``bookmark``)."""
    workflow: Workflow | None = None
    key: int = 0
    """Internal number; names its document table. Set by the core, never shown."""
    version: int = 1
    """Grows with every change of the type; the ``ETag``. Set by the core."""
    retired_ids: tuple[str, ...] = ()
    """Ids of fields that were dropped: old versions of entries still hold values by them, so that no field gets one
    again. Set by the core, never shown."""

    def field(self, name: str) -> Field | None:
        """Return the field of that name, or ``None``."""
        return next((field for field in self.fields if field.name == name), None)
