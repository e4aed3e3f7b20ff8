"""From the log to deliveries."""

from __future__ import annotations

from collections.abc import Sequence

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
        await self.handle_all([event])

    async def handle_all(self, events: Sequence[LoggedEvent]) -> None:
        """Store the deliveries of many events, in one commit for each space; a second time changes nothing."""
        spaces: dict[int, list[LoggedEvent]] = {}
        for event in events:
            if event.space_key is not None:
                spaces.setdefault(event.space_key, []).append(event)
        now = self._clock.now()
        for key, own in spaces.items():
            batch = [
                statement
                for webhook in await list_active(self._store, key)
                for statement in wanted(webhook, [each for each in own if each.position > webhook.from_position], now)
            ]
            if batch:
                await self._store.commit(batch)
