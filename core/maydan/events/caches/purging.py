"""The subscriber of the log that has a cache forget what is stale."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from maydan.events.caches.stale import stale_tags
from maydan.events.outbound import Outbound, read_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.clock import Clock
    from maydan.events.settings import CacheSettings
    from maydan.storage import Store
    from maydan.storage.log import LoggedEvent

MOST_TAGS: Final = 30
"""Tags of one request: what Cloudflare's purge by tag takes, and less than other caches' limit of a header's length."""
_TRY_S: Final = 10.0
"""Seconds that the cache has for one request."""
_LATE: Final = timedelta(days=1)
"""By how much longer than an answer is kept an event must be past before nothing is asked for it any more: more than
any transaction takes, and than clocks are apart."""


class PurgeFailed(Exception):
    """The cache answered, but did not take what it was asked."""


class CacheTags:
    """Purges by tag what each batch of events made stale, in one request for thirty tags.

    Whoever answered at the moment of a change of types, roles or a space may not have known of it yet, since each
    worker learns of it by itself; so what that made stale is purged once more when all of them know.
    """

    def __init__(self, store: Store, settings: CacheSettings, clock: Clock) -> None:
        """Ask the cache at ``purge_url``.

        Raises:
            UrlRefused: That is no URL which may be asked for.
        """
        self.name = "cache_tags"
        self._store = store
        self._settings = settings
        self._clock = clock
        self._target = read_url(settings.purge_url, allow_private=settings.allow_private)
        self._outbound = Outbound(allow_private=settings.allow_private)

    async def handle(self, event: LoggedEvent) -> None:
        """Purge what an event made stale; a second time does no harm."""
        await self.handle_all((event,))

    async def handle_all(self, events: Sequence[LoggedEvent]) -> None:
        """Purge what the events made stale.

        Raises:
            OutboundFailed, PurgeFailed: The cache was not reached, or did not take it; all of it is to be tried again.
        """
        # Whatever was kept before an event of long ago was kept for less than that.
        since = self._clock.now() - timedelta(seconds=self._settings.shared_s) - _LATE
        stale = await stale_tags(self._store, [event for event in events if event.at > since])
        await self._purge((*stale.spaces, *stale.entries))
        if stale.spaces:
            await asyncio.sleep(self._settings.settle_s)
            await self._purge(stale.spaces)

    async def close(self) -> None:
        """End the connections to the cache."""
        await self._outbound.close()

    async def _purge(self, tags: Sequence[str]) -> None:
        for start in range(0, len(tags), MOST_TAGS):
            await self._ask(tags[start : start + MOST_TAGS])

    async def _ask(self, tags: Sequence[str]) -> None:
        settings = self._settings
        headers = {"authorization": f"Bearer {settings.purge_token}"} if settings.purge_token else {}
        method, content = "PURGE", b""
        if settings.purge_format == "json":
            method, content = "POST", msgspec.json.encode({"tags": tags})
            headers["content-type"] = "application/json"
        else:
            headers["surrogate-key"] = " ".join(tags)
        answered = await self._outbound.request(method, self._target, headers=headers, content=content, time_s=_TRY_S)
        if not 200 <= answered.status < 300:
            raise PurgeFailed(f"The cache answered {answered.status}.")
