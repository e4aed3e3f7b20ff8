"""Webhooks as they are stored."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from maydan.access.actors import TokenScope
from maydan.storage import Reader, Row, Statement
from maydan.storage.dialects import Dialect
from maydan.storage.log import Event

SIGNAL: Final = "webhooks:"
"""Before the id of a webhook that has something to be delivered; alone: any may have."""

_COLUMNS: Final = (
    "id, space_key, url, events, types, maker_id, maker_scope, secret, old_secret, old_secret_until, active, reason,"
    " from_position, replay_position, replay_until, version, created_at, updated_at"
)
_INSERT: Final = f"INSERT INTO maydan_webhooks ({_COLUMNS}) VALUES ({', '.join('?' * 18)})"
_UPDATE: Final = (
    "UPDATE maydan_webhooks SET url = ?, events = ?, types = ?, maker_id = ?, maker_scope = ?, secret = ?,"
    " old_secret = ?, old_secret_until = ?, active = ?, reason = ?, replay_position = ?, replay_until = ?,"
    " version = ?, updated_at = ? WHERE space_key = ? AND id = ? AND version = ?"
)


_MAY_BECOME: Final = {
    "entry.updated": "entry.unpublished",
    "entry.published": "entry.unpublished",
    "comment.updated": "comment.deleted",
    "comment.approved": "comment.deleted",
    "comment.rejected": "comment.deleted",
    "comment.spam": "comment.deleted",
}
"""What an event is to who loses something by it (``operations.event_views``)."""


class Webhook(Struct, frozen=True, kw_only=True):
    """Where to send which events of a space, and on whose behalf."""

    id: str
    space_key: int
    url: str
    events: tuple[str, ...]
    types: tuple[str, ...] | None
    """Content types whose events are wanted; None: all."""
    maker_id: str
    """The account whose rights decide what is sent: whoever last said where it goes."""
    maker_scope: TokenScope | None
    """The limits of the API token with which that was said."""
    hidden_secret: str
    hidden_old_secret: str | None = None
    old_secret_until: datetime | None = None
    active: bool = True
    reason: str | None = None
    """Why it was disabled, where we did that."""
    from_position: int
    """Only what came after it in the log is sent."""
    replay_position: int | None = None
    """How far a replay is."""
    replay_until: int | None = None
    version: int = 1
    created_at: datetime
    updated_at: datetime

    def wants(self, event: Event) -> bool:
        """Tell whether an event may be one to send: what it is for the webhook's maker is judged when it is sent."""
        if event.type not in self.events and _MAY_BECOME.get(event.type) not in self.events:
            return False
        return self.types is None or _content_type(event) in self.types


def insert(webhook: Webhook) -> list[Statement]:
    """Return the parts of a batch that store a new webhook."""
    scope = webhook.maker_scope
    values = (
        webhook.id, webhook.space_key, webhook.url, _json(webhook.events), _optional_json(webhook.types),
        webhook.maker_id, _optional_json(scope), webhook.hidden_secret, webhook.hidden_old_secret,
        webhook.old_secret_until, webhook.active, webhook.reason, webhook.from_position, webhook.replay_position,
        webhook.replay_until, webhook.version, webhook.created_at, webhook.updated_at,
    )  # fmt: skip
    return [
        Statement(_INSERT, values, signal=SIGNAL),
        Statement("INSERT INTO maydan_webhook_endpoints (webhook_id) VALUES (?)", (webhook.id,)),
    ]


def update(before: Webhook, after: Webhook) -> Statement:
    """Return the guarded part of a batch that replaces a webhook by its next version."""
    values = (
        after.url, _json(after.events), _optional_json(after.types), after.maker_id, _optional_json(after.maker_scope),
        after.hidden_secret, after.hidden_old_secret, after.old_secret_until, after.active, after.reason,
        after.replay_position, after.replay_until, after.version, after.updated_at, before.space_key, before.id,
        before.version,
    )  # fmt: skip
    return Statement(_UPDATE, values, expect=1, signal=f"{SIGNAL}{after.id}")


def delete(before: Webhook) -> list[Statement]:
    """Return the parts of a batch that remove a webhook; the sender clears its deliveries away later."""
    sql = "DELETE FROM maydan_webhooks WHERE space_key = ? AND id = ? AND version = ?"
    letters = "DELETE FROM maydan_dead_letters WHERE space_key = ? AND subscriber = ?"
    return [
        Statement(sql, (before.space_key, before.id, before.version), expect=1),
        Statement(letters, (before.space_key, subscriber_of(before.id))),
    ]


async def find_webhook(store: Reader, webhook_id: str, *, space_key: int | None = None) -> Webhook | None:
    """Return a webhook, or None; whoever asks for somebody names the space that it must be of."""
    where, args = ("", ()) if space_key is None else (" AND space_key = ?", (space_key,))
    row = await store.fetch_one(f"SELECT {_COLUMNS} FROM maydan_webhooks WHERE id = ?{where}", webhook_id, *args)
    return None if row is None else _webhook(row)


async def list_webhooks(
    store: Reader, space_key: int, *, limit: int, after: str | None = None, offset: int = 0
) -> list[Webhook]:
    """Return webhooks of a space, the newest first.

    Args:
        store: Where to read.
        space_key: The space.
        limit: How many at most.
        after: The id of the last one of the page before.
        offset: How many to leave out.
    """
    where, args = ("", ()) if after is None else (" AND id < ?", (after,))
    rows = await store.fetch_all(
        f"SELECT {_COLUMNS} FROM maydan_webhooks WHERE space_key = ?{where} ORDER BY id DESC LIMIT ? OFFSET ?",
        space_key, *args, limit, offset,
    )  # fmt: skip
    return [_webhook(row) for row in rows]


async def list_active(store: Reader, space_key: int) -> list[Webhook]:
    """Return all webhooks of a space that are switched on."""
    rows = await store.fetch_all(f"SELECT {_COLUMNS} FROM maydan_webhooks WHERE space_key = ? AND active", space_key)
    return [_webhook(row) for row in rows]


async def count_webhooks(store: Reader, space_key: int) -> int:
    """Return how many webhooks a space has."""
    row = await store.fetch_one("SELECT count(*) FROM maydan_webhooks WHERE space_key = ?", space_key)
    return 0 if row is None else int(row[0])


def _content_type(event: Event) -> str | None:
    """Return the content type that an event is about; comments name that of their entry."""
    return event.data.get("type") if event.subject_type == "comment" else event.subject_type


def subscriber_of(webhook_id: str) -> str:
    """Return the name under which a webhook's dead letters are kept."""
    return f"webhook.{webhook_id}"


def _webhook(row: Row) -> Webhook:
    return Webhook(
        id=str(row[0]),
        space_key=row[1],
        url=row[2],
        events=msgspec.json.decode(row[3], type=tuple[str, ...]),
        types=None if row[4] is None else msgspec.json.decode(row[4], type=tuple[str, ...]),
        maker_id=str(row[5]),
        maker_scope=None if row[6] is None else msgspec.json.decode(row[6], type=TokenScope),
        hidden_secret=row[7],
        hidden_old_secret=row[8],
        old_secret_until=Dialect.read_optional_time(row[9]),
        active=bool(row[10]),
        reason=row[11],
        from_position=row[12],
        replay_position=row[13],
        replay_until=row[14],
        version=row[15],
        created_at=Dialect.read_time(row[16]),
        updated_at=Dialect.read_time(row[17]),
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _optional_json(value: Any) -> str | None:
    return None if value is None else _json(value)
