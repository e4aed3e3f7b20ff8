"""What one caller may know of the content types of a space: the names that their document has, and no others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from maydan.access.actions import Action
from maydan.content.types import Field, Kind

if TYPE_CHECKING:
    from maydan.access.actors import Actor
    from maydan.access.snapshot import Snapshot
    from maydan.content.types import ContentType

_READS: Final = (Action.READ, Action.READ_DRAFT)
_WRITES: Final = (Action.CREATE, Action.UPDATE)
_OTHERS: Final = (Action.DELETE, Action.PUBLISH, Action.COMMENT)


class Sight(Struct, frozen=True):
    """One content type, as far as the caller may do anything with some of its entries."""

    type: ContentType
    readable: frozenset[str]
    """Fields and system fields, of published entries or of drafts."""
    writable: frozenset[str]
    """Of new entries or of those that are there."""
    changeable: frozenset[str]
    """Of those that are there."""
    actions: frozenset[str]
    """What is allowed on some entry."""

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields that a query may name, in the type's order."""
        return tuple(
            field for field in self.type.fields if field.name in self.readable and field.kind is not Kind.SECRET
        )


def sights_of(types: Iterable[ContentType], snapshot: Snapshot, actor: Actor) -> dict[str, Sight]:
    """Return the types that the caller may read or write, by name."""
    found = (_sight(content_type, snapshot, actor) for content_type in types)
    return {sight.type.name: sight for sight in found if sight.readable or sight.writable}


def _sight(content_type: ContentType, snapshot: Snapshot, actor: Actor) -> Sight:
    decisions = {action: snapshot.decide(actor, action, content_type) for action in (*_READS, *_WRITES, *_OTHERS)}
    return Sight(
        content_type,
        readable=frozenset(name for action in _READS for name in decisions[action].filterable),
        writable=frozenset(name for action in _WRITES for name in decisions[action].filterable),
        changeable=frozenset(decisions[Action.UPDATE].filterable),
        actions=frozenset(str(action) for action, decision in decisions.items() if not decision.denied),
    )
