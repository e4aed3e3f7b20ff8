"""What kinds of events there are, and what each of them tells."""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType, field


class EventType(Struct, frozen=True, kw_only=True):
    """A kind of event, as its receivers know it."""

    name: str
    """Thing and what happened to it, such as ``entry.created``; a plugin's own begin with a word of its own."""
    summary: str
    """One sentence."""
    data: type[Struct]
    """What ``data`` holds; the schema in the OpenAPI document is made of it."""
    permission: str | None = None
    """The action in the space that lets somebody receive it; ``None`` only for the core's own that are judged by the
    entry that they are about."""
    version: int = 1
    """Of the schema: raised with a change that a receiver could notice, but for new members that it may ignore."""


class EntryData(Struct, frozen=True, kw_only=True):
    """What an event about an entry tells, as far as its receiver may know."""

    id: str
    type: str
    """The content type."""
    version: int | UnsetType = UNSET
    """The version that the event led to; absent where nothing is left to read."""
    locales: list[str] | UnsetType = UNSET
    """For publishing and unpublishing."""
    fields: list[str] | UnsetType = UNSET
    """Names of the changed fields, as far as the receiver may read them."""
    transition: str | UnsetType = UNSET
    """For ``entry.transitioned``: the step that was taken."""
    source: str | UnsetType = field(name="from", default=UNSET)
    """The state that was left."""
    to: str | UnsetType = UNSET
    """The state that it is in since."""
    entry: dict[str, Any] | UnsetType = UNSET
    """The entry as the receiver may read it now, localised fields as maps; only where it was asked for."""


class GoneData(Struct, frozen=True, kw_only=True):
    """What is told of an entry that its receiver can read no more."""

    id: str
    type: str


class CommentData(Struct, frozen=True, kw_only=True):
    """What an event about a comment tells."""

    id: str
    entry: str
    type: str
    """The content type of the entry."""
    status: str | UnsetType = UNSET
    """Whether it can be read: ``approved``, or for its author and moderators also the others."""


class SubjectData(Struct, frozen=True, kw_only=True):
    """What an event about a setting tells: which one."""

    id: str
    version: int | UnsetType = UNSET


class DisabledData(SubjectData, frozen=True, kw_only=True):
    """What is told of a webhook that was switched off."""

    reason: str
    """``gone`` (its receiver answered 410) or ``failing`` (nothing was taken for days)."""


def _entry(what: str, summary: str) -> EventType:
    return EventType(name=f"entry.{what}", summary=summary, data=EntryData)


def _comment(what: str, summary: str) -> EventType:
    return EventType(name=f"comment.{what}", summary=summary, data=CommentData)


def _setting(name: str, permission: str, summary: str) -> EventType:
    return EventType(name=name, summary=summary, data=SubjectData, permission=permission)


CORE_EVENTS: Final = {
    kind.name: kind
    for kind in (
        _entry("created", "An entry was created; nobody but who may read drafts sees it yet."),
        _entry("updated", "An entry has a new version."),
        _entry("published", "Readers can see an entry in the locales."),
        EventType(name="entry.unpublished", summary="An entry was taken back from its readers.", data=EntryData),
        EventType(name="entry.deleted", summary="An entry is gone: in the trash, or for good.", data=GoneData),
        _entry("restored", "An entry came back from the trash."),
        _entry("transitioned", "An entry is in another state of its workflow."),
        _comment("created", "A comment was written."),
        _comment("updated", "A comment's text was changed."),
        _comment("approved", "A comment can be read by all who can read its entry."),
        _comment("rejected", "A moderator refused a comment."),
        _comment("spam", "A moderator marked a comment as spam."),
        _comment("deleted", "A comment is gone."),
        _setting("type.created", "manage:types", "A content type was defined."),
        _setting("type.updated", "manage:types", "A content type was changed."),
        _setting("type.deleted", "manage:types", "A content type was removed with its entries."),
        _setting("space.created", "manage:space", "The space was made."),
        _setting("space.updated", "manage:space", "The space's settings were changed."),
        _setting("space.deleted", "manage:space", "The space was removed with everything in it."),
        _setting("role.changed", "manage:roles", "A role, or what it may do, was made or changed."),
        _setting("role.deleted", "manage:roles", "A role was removed."),
        _setting("member.changed", "manage:members", "Somebody's roles in the space were set."),
        _setting("member.deleted", "manage:members", "Somebody is no member any more."),
        _setting("invitation.created", "manage:members", "Somebody was invited into the space."),
        _setting("invitation.deleted", "manage:members", "An invitation was withdrawn."),
        _setting("share.created", "manage:members", "An entry was shared with somebody, a role, or by a link."),
        _setting("share.deleted", "manage:members", "A share was ended."),
        _setting("preview.created", "manage:members", "A link to an entry's draft was made."),
        _setting("preview.deleted", "manage:members", "A link to an entry's draft was ended."),
        _setting("webhook.created", "manage:webhooks", "A webhook was made."),
        _setting("webhook.updated", "manage:webhooks", "A webhook was changed."),
        _setting("webhook.deleted", "manage:webhooks", "A webhook was removed."),
        EventType(
            name="webhook.disabled",
            summary="A webhook was switched off because its receiver failed.",
            data=DisabledData,
            permission="manage:webhooks",
        ),
    )
}
"""The core's kinds of events that happen in a space, by name."""

UNSENT: Final = frozenset({"space.deleted"})
"""Events that no webhook is sent: those of the space are gone with it."""

CORE_THINGS: Final = frozenset(
    {
        "account", "asset", "comment", "entry", "invitation", "job", "member", "plugin", "preview", "role", "share",
        "space", "token", "type", "webhook",
    }
)  # fmt: skip
"""First words of names of events that belong to the core."""
