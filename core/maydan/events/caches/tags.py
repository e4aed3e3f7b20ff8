"""The tags of kept answers, and of each kind of event which of them it makes stale."""

from __future__ import annotations

from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


def entry_tag(entry_id: str) -> str:
    """Return the tag of answers that show one entry by itself."""
    return f"entry:{entry_id}"


def type_tag(space: str, content_type: str) -> str:
    """Return the tag of answers that depend on which entries of a type are published: lists, and what includes them."""
    return f"type:{space}.{content_type}"


def space_tag(space: str) -> str:
    """Return the tag of every answer of a space: all depend on its settings, its types and its roles."""
    return f"space:{space}"


class Stale(Enum):
    """What an event makes stale."""

    NOTHING = "nothing"
    """No answer that is the same for everybody shows anything of it."""
    ENTRY = "entry"
    """The entry, and whatever depends on its type."""
    ENTRY_IF_READ = "entry if read"
    """The same, where readers get something else now: the type has no drafts, or the event says ``published``."""
    SPACE = "space"
    """Everything in the space; where the event names none, everything."""


MAKES_STALE: Final[Mapping[str, Stale]] = MappingProxyType(
    {
        # Of what is public, readers get a new state at once, but a new version only when it is published.
        "entry.created": Stale.ENTRY_IF_READ,
        "entry.updated": Stale.ENTRY_IF_READ,
        "entry.published": Stale.ENTRY,
        "entry.unpublished": Stale.ENTRY,
        "entry.deleted": Stale.ENTRY,
        "entry.restored": Stale.ENTRY_IF_READ,
        "entry.transitioned": Stale.ENTRY,
        # Comments have routes of their own, whose answers nobody keeps.
        "comment.created": Stale.NOTHING,
        "comment.updated": Stale.NOTHING,
        "comment.approved": Stale.NOTHING,
        "comment.rejected": Stale.NOTHING,
        "comment.spam": Stale.NOTHING,
        "comment.deleted": Stale.NOTHING,
        # What a path leads to, and what somebody may read of it, goes by any type and any role of the space.
        "type.created": Stale.SPACE,
        "type.updated": Stale.SPACE,
        "type.deleted": Stale.SPACE,
        "space.created": Stale.SPACE,
        "space.updated": Stale.SPACE,
        "space.deleted": Stale.SPACE,
        "role.changed": Stale.SPACE,
        "role.deleted": Stale.SPACE,
        # Whom these concern is logged in, or has a link; their answers are kept by nobody.
        "member.changed": Stale.NOTHING,
        "member.deleted": Stale.NOTHING,
        "invitation.created": Stale.NOTHING,
        "invitation.deleted": Stale.NOTHING,
        "share.created": Stale.NOTHING,
        "share.deleted": Stale.NOTHING,
        "preview.created": Stale.NOTHING,
        "preview.deleted": Stale.NOTHING,
        "webhook.created": Stale.NOTHING,
        "webhook.updated": Stale.NOTHING,
        "webhook.deleted": Stale.NOTHING,
        "webhook.disabled": Stale.NOTHING,
        "account.created": Stale.NOTHING,
        "account.registered_again": Stale.NOTHING,
        "account.verified": Stale.NOTHING,
        "account.changed": Stale.NOTHING,
        "account.suspended": Stale.NOTHING,
        "account.released": Stale.NOTHING,
        "account.erased": Stale.NOTHING,
        "token.created": Stale.NOTHING,
        "token.revoked": Stale.NOTHING,
        # A plugin that is taken out while it is loaded brings no roles.
        "plugin.isolated": Stale.SPACE,
        "plugin.released": Stale.SPACE,
        "plugin.pinned": Stale.NOTHING,
    }
)
"""By kind, every one of the core's. A plugin's own events tell of what it does beside entries, of which no answer is
kept."""
