"""The one place that says what may be done with which field: read, filtered, sorted, aggregated, searched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from maydan.content.types import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maydan.access.decisions import Decision
    from maydan.content.conditions import Condition
    from maydan.content.types import ContentType


class FieldSets(Struct, frozen=True):
    """What one caller may do with the fields of one type; each set lies within the one before it.

    The values are the conditions that a query must be given when it names the field, so that a field which is readable
    on some rows tells nothing of the others; ``None`` is none. They say what may be done; what a field's kind can do
    narrows it further (``content.kinds``).
    """

    readable: Mapping[str, Condition | None]
    filterable: Mapping[str, Condition | None]
    """Also what includes and paths through relations may begin with."""
    sortable: Mapping[str, Condition | None]
    aggregatable: Mapping[str, Condition | None]
    """Not private fields: a sum over rows tells of each to whoever can leave one out."""
    searchable: Mapping[str, Condition | None]
    """Only what is readable wherever its row is: a hit does not say in which field it was found."""


def field_sets(decision: Decision, content_type: ContentType) -> FieldSets:
    """Work the sets out from what the policies grant."""
    secret = {field.name for field in content_type.fields if field.kind is Kind.SECRET}
    readable = {name: only for name, only in decision.filterable.items() if name not in secret}
    private = {field.name for field in content_type.fields if field.private} | decision.private
    aggregatable = {name: only for name, only in readable.items() if name not in private}
    searchable = {name: only for name, only in aggregatable.items() if only is None or only == decision.row}
    return FieldSets(readable, readable, readable, aggregatable, searchable)
