"""Sending a webhook again what it was sent before, or what it missed."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from maydan.events.webhooks.deliveries import wanted
from maydan.events.webhooks.records import Webhook
from maydan.storage import GuardFailed, Statement, Store
from maydan.storage.log import read_after

_BATCH: Final = 200
_MOVE: Final = (
    "UPDATE maydan_webhooks SET replay_position = ?, replay_until = ? WHERE id = ? AND replay_position = ?"
    " AND replay_until = ?"
)


async def replay_more(store: Store, webhook: Webhook, now: datetime) -> Webhook:
    """Turn the next few events of a replay into deliveries; a webhook has at most these few waiting because of it.

    Returns:
        The webhook with its replay further on, or at its end.
    """
    begin, end = webhook.replay_position, webhook.replay_until
    assert begin is not None
    assert end is not None
    events = await read_after(store, begin, _BATCH, webhook.space_key)
    inside = [event for event in events if event.position <= end]
    is_over = len(inside) < _BATCH
    place = (None, None) if is_over else (inside[-1].position, end)
    move = Statement(_MOVE, (*place, webhook.id, begin, end), expect=1)
    after = msgspec.structs.replace(webhook, replay_position=place[0], replay_until=place[1])
    try:
        await store.commit([move, *wanted(webhook, inside, now, again=True)])
    except GuardFailed:
        # Another replay was asked for meanwhile; the next look finds it.
        return msgspec.structs.replace(webhook, replay_position=None, replay_until=None)
    return after
