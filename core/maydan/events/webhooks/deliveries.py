"""Deliveries: one event for one webhook each, from the moment it is wanted until nobody asks about it any more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5

from msgspec import Struct

from maydan.events.webhooks.records import SIGNAL, Webhook
from maydan.storage import Reader, Row, Statement
from maydan.storage.dialects import Dialect
from maydan.storage.log import LoggedEvent

_COLUMNS: Final = (
    "id, space_key, webhook_id, position, type, subject, state, tries, due_at, created_at, tried_at, duration_ms,"
    " http_status, error"
)
_INSERT: Final = (
    "INSERT INTO maydan_deliveries (id, space_key, webhook_id, position, type, subject, state, tries, due_at,"
    " created_at) VALUES {rows} ON CONFLICT (webhook_id, position) DO {conflict}"
)
_ROW: Final = "(?, ?, ?, ?, ?, ?, 'waiting', 0, ?, ?)"
_AGAIN: Final = (
    "UPDATE SET state = 'waiting', tries = 0, due_at = excluded.due_at, created_at = excluded.created_at"
    " WHERE maydan_deliveries.state <> 'waiting'"
)
_DUE: Final = (
    f"SELECT {_COLUMNS} FROM maydan_deliveries AS d WHERE webhook_id = ? AND state = 'waiting' AND due_at <= ?"
    " AND NOT EXISTS (SELECT 1 FROM maydan_deliveries AS earlier WHERE earlier.webhook_id = d.webhook_id"
    " AND earlier.subject = d.subject AND earlier.state = 'waiting' AND earlier.position < d.position)"
    " ORDER BY due_at, position LIMIT ?"
)
_TRIED: Final = (
    "UPDATE maydan_deliveries SET state = ?, tries = ?, due_at = ?, tried_at = ?, duration_ms = ?, http_status = ?,"
    " error = ? WHERE id = ? AND state = 'waiting'"
)


class DeliveryState(StrEnum):
    """What became of a delivery."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"
    """It was tried for three days; it is among the dead letters."""


class Delivery(Struct, frozen=True, kw_only=True):
    """One event for one webhook."""

    id: str
    space_key: int
    webhook_id: str
    position: int
    """Of the event in the log."""
    type: str
    """Of the event."""
    subject: str
    """What it is about; deliveries of one subject follow each other."""
    state: DeliveryState = DeliveryState.WAITING
    tries: int = 0
    due_at: datetime
    created_at: datetime
    tried_at: datetime | None = None
    duration_ms: int | None = None
    """Of the last try, as the next two."""
    http_status: int | None = None
    error: str | None = None

    @property
    def message_id(self) -> str:
        """``webhook-id``: the same for every try, and when it is replayed."""
        return f"msg_{self.id.replace('-', '')}"


def delivery_id(webhook_id: str, position: int) -> str:
    """Return the id of the delivery of one event to one webhook, always the same."""
    return str(uuid5(UUID(webhook_id), str(position)))


def wanted(webhook: Webhook, events: Iterable[LoggedEvent], now: datetime, *, again: bool = False) -> list[Statement]:
    """Return the part of a batch that has events delivered to a webhook, where it wants any of them.

    Args:
        webhook: Where they go.
        events: In the order of the log.
        now: The moment.
        again: Also those that were delivered before; otherwise they are left as they are.
    """
    args: list[object] = []
    for event in events:
        if webhook.wants(event):
            # A comment comes in order with the other events of its entry.
            subject = event.data.get("entry") if event.subject_type == "comment" else event.subject_id
            made = delivery_id(webhook.id, event.position)
            args += (made, webhook.space_key, webhook.id, event.position, event.type, str(subject), now, now)
    if not args:
        return []
    rows = ", ".join([_ROW] * (len(args) // 8))
    sql = _INSERT.format(rows=rows, conflict=_AGAIN if again else "NOTHING")
    return [Statement(sql, tuple(args), signal=f"{SIGNAL}{webhook.id}")]


async def list_due(store: Reader, webhook_id: str, now: datetime, limit: int) -> list[Delivery]:
    """Return what is to be sent to a webhook now: of each subject only the first, the others wait for it."""
    return [_delivery(row) for row in await store.fetch_all(_DUE, webhook_id, now, limit)]


def hurried(now: datetime) -> Statement:
    """Return the part of a batch that has tried at once what was put off before the clock was put back."""
    return Statement(
        "UPDATE maydan_deliveries SET due_at = ?, created_at = CASE WHEN created_at > ? THEN ? ELSE created_at END,"
        " tried_at = CASE WHEN tried_at > ? THEN ? ELSE tried_at END"
        " WHERE state = 'waiting' AND (tried_at > ? OR (tries = 0 AND due_at > ?))",
        (now, now, now, now, now, now, now),
    )


def tried(delivery: Delivery) -> Statement:
    """Return the part of a batch that stores how a try went."""
    args = (
        delivery.state.value, delivery.tries, delivery.due_at, delivery.tried_at, delivery.duration_ms,
        delivery.http_status, delivery.error, delivery.id,
    )  # fmt: skip
    return Statement(_TRIED, args)


def dropped(ids: Sequence[str]) -> Statement:
    """Return the part of a batch that forgets deliveries."""
    marks = ", ".join("?" * len(ids))
    return Statement(f"DELETE FROM maydan_deliveries WHERE id IN ({marks})", tuple(ids))


async def list_deliveries(
    store: Reader, space_key: int, webhook_id: str, *, limit: int, before: int | None = None, offset: int = 0
) -> list[Delivery]:
    """Return deliveries of a webhook, the newest event first.

    Args:
        store: Where to read.
        space_key: The space that the webhook is of.
        webhook_id: Whose.
        limit: How many at most.
        before: The position of the last one of the page before.
        offset: How many to leave out.
    """
    where, args = ("", ()) if before is None else (" AND position < ?", (before,))
    rows = await store.fetch_all(
        f"SELECT {_COLUMNS} FROM maydan_deliveries WHERE space_key = ? AND webhook_id = ?{where}"
        " ORDER BY position DESC LIMIT ? OFFSET ?",
        space_key, webhook_id, *args, limit, offset,
    )  # fmt: skip
    return [_delivery(row) for row in rows]


async def count_deliveries(store: Reader, space_key: int, webhook_id: str) -> int:
    """Return how many deliveries of a webhook are known."""
    sql = "SELECT count(*) FROM maydan_deliveries WHERE space_key = ? AND webhook_id = ?"
    row = await store.fetch_one(sql, space_key, webhook_id)
    return 0 if row is None else int(row[0])


class Queue(Struct, frozen=True, kw_only=True):
    """What waits to be delivered, to any webhook."""

    waiting: int
    """Counted up to 10,000."""
    oldest_at: datetime | None


async def queue(store: Reader) -> Queue:
    """Return how long the queue is; its cost is bounded."""
    row = await store.fetch_one(
        "SELECT count(*), min(created_at) FROM"
        " (SELECT created_at FROM maydan_deliveries WHERE state = 'waiting' ORDER BY created_at LIMIT 10000) AS waiting"
    )
    assert row is not None
    return Queue(waiting=row[0], oldest_at=Dialect.read_optional_time(row[1]))


def _delivery(row: Row) -> Delivery:
    return Delivery(
        id=str(row[0]),
        space_key=row[1],
        webhook_id=str(row[2]),
        position=row[3],
        type=row[4],
        subject=row[5],
        state=DeliveryState(row[6]),
        tries=row[7],
        due_at=Dialect.read_time(row[8]),
        created_at=Dialect.read_time(row[9]),
        tried_at=Dialect.read_optional_time(row[10]),
        duration_ms=row[11],
        http_status=row[12],
        error=row[13],
    )
