"""Switching a webhook off for what its receiver does."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from maydan.events.webhooks.records import find_webhook
from maydan.storage import Statement, Store
from maydan.storage.guarded import committed
from maydan.storage.log import Event, event_statement

Reason = Literal["gone", "failing"]
"""``gone``: the receiver answered 410. ``failing``: nothing was taken for days."""

_DISABLE: Final = (
    "UPDATE maydan_webhooks SET active = ?, reason = ?, version = version + 1, updated_at = ?"
    " WHERE id = ? AND version = ? AND active"
)


async def disable(store: Store, webhook_id: str, reason: Reason, now: datetime) -> bool:
    """Switch it off, with the event ``webhook.disabled``; False where somebody has changed it meanwhile."""
    webhook = await find_webhook(store, webhook_id)
    if webhook is None or not webhook.active:
        return False
    event = Event(
        type="webhook.disabled",
        space_key=webhook.space_key,
        subject_type="webhook",
        subject_id=webhook.id,
        version=webhook.version + 1,
        at=now,
        data={"reason": reason},
    )
    change = Statement(_DISABLE, (False, reason, now, webhook.id, webhook.version), expect=1)
    return await committed(store, [change, event_statement(event)])
