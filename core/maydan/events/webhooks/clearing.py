"""Forgetting deliveries that nobody will ask about."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from maydan.events.settings import WebhooksSettings
from maydan.storage import Statement, Store

_CHUNK: Final = 1000
"""Rows that one commit deletes."""
_ALL_WEBHOOKS: Final = (
    "SELECT e.webhook_id, w.active FROM maydan_webhook_endpoints AS e"
    " LEFT JOIN maydan_webhooks AS w ON w.id = e.webhook_id"
)
_DELETE: Final = (
    "DELETE FROM maydan_deliveries WHERE id IN (SELECT id FROM maydan_deliveries WHERE webhook_id = ?{where} LIMIT ?)"
)
_BEYOND: Final = (
    "SELECT tried_at FROM maydan_deliveries WHERE webhook_id = ? AND state <> 'waiting'"
    " ORDER BY tried_at DESC LIMIT 1 OFFSET ?"
)


async def clear_deliveries(store: Store, settings: WebhooksSettings, now: datetime) -> None:
    """Delete what is older or more than the settings keep, what was left by webhooks that are gone, and those."""
    oldest = now - timedelta(days=settings.keep_days)
    for webhook_id, active in await store.fetch_all(_ALL_WEBHOOKS):
        if active is None:
            await _delete(store, str(webhook_id), "")
            gone = "DELETE FROM maydan_webhook_endpoints WHERE webhook_id = ?"
            await store.commit([Statement(gone, (str(webhook_id),))])
            continue
        beyond = await store.fetch_one(_BEYOND, str(webhook_id), settings.keep_each)
        until = oldest if beyond is None else max(oldest, store.dialect.read_time(beyond[0]))
        await _delete(store, str(webhook_id), " AND state <> 'waiting' AND tried_at <= ?", until)
        if not active:
            await _delete(store, str(webhook_id), " AND state = 'waiting' AND due_at <= ?", oldest)


async def _delete(store: Store, webhook_id: str, where: str, *args: datetime) -> None:
    sql = _DELETE.format(where=where)
    while True:
        rows = await store.fetch_all(
            f"SELECT 1 FROM maydan_deliveries WHERE webhook_id = ?{where} LIMIT ?", webhook_id, *args, _CHUNK
        )
        if not rows:
            return
        await store.commit([Statement(sql, (webhook_id, *args, _CHUNK))])
        if len(rows) < _CHUNK:
            return
