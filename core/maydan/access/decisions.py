"""Decisions: on which rows an action is allowed, and for which of their fields."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct

from maydan.access.actions import READING, WRITING
from maydan.access.conditions import all_of
from maydan.content.conditions import Condition
from maydan.content.matching import Load, Unjudged, matches
from maydan.content.types import SYSTEM_FIELDS, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maydan.content.types import ContentType


class Answer(Enum):
    """What no condition can say."""

    DENIED = "denied"


DENIED: Final = Answer.DENIED
"""No row at all."""

ENVELOPE: Final = frozenset(
    {"id", "type", "status", "version", "locale", "created_at", "updated_at", "published_at", "state"}
)
"""System fields that come with every row that may be read; the others are readable like content is."""

AUTHORS: Final = frozenset({"created_by", "updated_by"})
"""Readable only for those who may read drafts."""


class Grant(Struct, frozen=True):
    """Fields that are granted together, and the rows on which they are; ``None`` is all rows."""

    fields: frozenset[str]
    condition: Condition | None = None


class Decision(Struct, frozen=True, kw_only=True):
    """What an actor may do with the entries of one type, judged per row and per field.

    The fields of different grants never overlap, and denials are taken off already.
    """

    denied: bool = False
    """No row, whatever it holds."""
    row: Condition | None = None
    """The rows; ``None`` is all. Meaningless where ``denied``."""
    grants: tuple[Grant, ...] = ()
    envelope: frozenset[str] = frozenset()
    """Fields that come with every row."""
    private: frozenset[str] = frozenset()
    """The private fields among ``grants``: they lie in another part of the document."""
    whole: bool = False
    """Every field that is neither private nor an author's is granted on all of the rows, so that a document's public
    part may be sent as it is."""
    load: Load | None = None
    """Finds what relations lead to, where conditions go through them; what was not loaded cannot be judged: denied."""

    @property
    def unconditional(self) -> bool:
        """Whether neither rows nor fields depend on what a row holds."""
        return not self.denied and self.row is None and all(grant.condition is None for grant in self.grants)

    @property
    def fields(self) -> frozenset[str]:
        """The fields that are granted on every row that there is."""
        if self.denied:
            return frozenset()
        always = self.envelope if self.row is None else frozenset[str]()
        return always.union(*(grant.fields for grant in self.grants if grant.condition is None))

    def row_condition(self) -> Condition | Literal[Answer.DENIED] | None:
        """Return the rows: ``DENIED`` is none, ``None`` all, else a condition to add to every statement."""
        return DENIED if self.denied else self.row

    def permits(self, row: Mapping[str, Any]) -> bool:
        """Tell whether the action is allowed on this row, whatever its fields.

        Args:
            row: The names of all fields and system fields with their values, readable or not.
        """
        return not self.denied and self._holds(self.row, row)

    def fields_for(self, row: Mapping[str, Any]) -> frozenset[str]:
        """Return the fields that are granted on this row; none where the row itself is not allowed.

        Args:
            row: The names of all fields and system fields with their values, readable or not.
        """
        if not self.permits(row):
            return frozenset()
        return self.envelope.union(*(grant.fields for grant in self.grants if self._holds(grant.condition, row)))

    def _holds(self, condition: Condition | None, row: Mapping[str, Any]) -> bool:
        try:
            return matches(condition, row, self.load)
        except Unjudged:
            return False

    def writable(self, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> frozenset[str]:
        """Return the fields that may be written when a row becomes another one.

        Both must be allowed: nobody writes a row that they could not write before, or could not afterwards.

        Args:
            old: The row as it is; ``None`` where it is being made.
            new: The row as it will be.
        """
        after = self.fields_for(new)
        return after if old is None else after & self.fields_for(old)

    def permits_change(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """Tell whether the action is allowed on the row as it is and as it will be."""
        return self.permits(old) and self.permits(new)

    @property
    def filterable(self) -> dict[str, Condition | None]:
        """The fields that a query may name, each with the condition that must then be added to it (or ``None``).

        A field that is readable on some rows only would tell of the others if it were filtered or sorted by alone.
        """
        if self.denied:
            return {}
        named = dict.fromkeys(self.envelope, self.row)
        for grant in self.grants:
            named.update(dict.fromkeys(grant.fields, grant.condition))
        return named

    def condition_for(self, name: str) -> Condition | Literal[Answer.DENIED] | None:
        """Return the rows on which one field is granted."""
        if self.denied:
            return DENIED
        if name in self.envelope:
            return self.row
        return next((grant.condition for grant in self.grants if name in grant.fields), DENIED)


DENIED_DECISION: Final = Decision(denied=True)


def full_decision(action: str, content_type: ContentType) -> Decision:
    """Return what the system may do: everything, but reading ``secret`` fields."""
    reading = action in READING
    fields = frozenset(action_fields(action, content_type))
    private = frozenset(field.name for field in content_type.fields if field.private) & fields
    envelope = ENVELOPE if reading else frozenset[str]()
    return Decision(grants=(Grant(fields),), envelope=envelope, private=private, whole=True)


def action_fields(action: str, content_type: ContentType) -> list[str]:
    """Return every field that the action can be about, in the type's order; the envelope is not among them."""
    if action in WRITING:
        return ["slug", "tags", *(field.name for field in content_type.fields)]
    system = [name for name in SYSTEM_FIELDS if name not in ENVELOPE]
    readable = [field.name for field in content_type.fields if field.kind is not Kind.SECRET]
    return [*system, *readable] if action in READING else []


def with_authors(decision: Decision, drafts: Decision) -> Decision:
    """Take the authors' names off a reader's decision, but for the rows whose drafts the reader may read too."""
    grants: list[Grant] = []
    for grant in decision.grants:
        rest = grant.fields - AUTHORS
        if rest:
            grants.append(Grant(rest, grant.condition))
    for name in sorted(AUTHORS):
        here, there = decision.condition_for(name), drafts.condition_for(name)
        if here is DENIED or there is DENIED:
            continue
        grants.append(Grant(frozenset((name,)), all_of((here, there))))
    return Decision(
        denied=decision.denied,
        row=decision.row,
        grants=tuple(grants),
        envelope=decision.envelope,
        private=decision.private,
        whole=decision.whole,
    )
