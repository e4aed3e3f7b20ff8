"""From the log to deliveries."""

from __future__ import annotations

from maydan.clock import Clock
from maydan.events.webhooks.deliveries import wanted
from maydan.events.webhooks.records import list_active
from maydan.storage import Store
from maydan.storage.log import LoggedEvent


class FanOut:
    """The subscriber of the log that has each event delivered to every webhook that wants it.

    What a webhook's maker may know of an event is judged later, when it is sent.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        """Write deliveries into the store."""
        self.name = "webhooks"
        self._store = store
        self._clock = clock

    async def handle(self, event: LoggedEvent) -> None:
        """Store the deliveries of an event; a second time changes nothing."""
        if event.space_key is None:
            return
        webhooks = await list_active(self._store, event.space_key)
        now = self._clock.now()
        batch = [
            statement
            for webhook in webhooks
            if event.position > webhook.from_position
            for statement in wanted(webhook, [event], now)
        ]
        if batch:
            await self._store.commit(batch)
