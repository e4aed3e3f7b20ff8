"""The subscriber of the log that has a cache forget what is stale."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from maydan.events.caches.stale import stale_tags
from maydan.events.outbound import Outbound, OutboundFailed, read_url
from maydan.events.subscribers import Held
from maydan.storage.log import last_position

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
_FIRST_PAUSE_S: Final = 1.0
"""Seconds after the first purge that failed; doubled with each further one."""
_MAY_PASS: Final = frozenset({408, 425, 429})
"""Statuses below 500 that say nothing against the address or the token."""

_logger = logging.getLogger(__name__)


class PurgeFailed(Held):
    """The cache was not reached, or did not take what it was asked.

    No event is to blame, so none is dropped: the cache is asked again after a pause, until it takes everything or
    whatever it may have kept is older than it may be.
    """


class CacheTags:
    """Purges by tag what each batch of events made stale, in one request for thirty tags.

    Whoever answered at the moment of a change of types, roles or a space may not have known of it yet, since each
    worker learns of it by itself; so what that made stale is purged once more when all of them know.

    While the cache cannot be told, its place in the log is held, and it catches up afterwards.
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
        self._pause_s = 0.0
        """The last pause; 0 while the cache takes what it is asked."""
        self._held_until_s = 0.0
        self._refused_with = 0
        """The status by which the cache refuses everything, once somebody was told."""
        self._known_to = 0
        """The position up to which every worker knows what has happened."""

    def is_held(self, event: LoggedEvent) -> bool:
        """Tell whether the cache is left alone for a while, because it could not be told."""
        return asyncio.get_running_loop().time() < self._held_until_s

    async def handle(self, event: LoggedEvent) -> None:
        """Purge what an event made stale; a second time does no harm."""
        await self.handle_all((event,))

    async def handle_all(self, events: Sequence[LoggedEvent]) -> None:
        """Purge what the events made stale.

        Raises:
            PurgeFailed: The cache was not reached, or did not take it; all of it is to be tried again.
        """
        # Whatever was kept before an event of long ago was kept for less than that.
        since = self._clock.now() - timedelta(seconds=self._settings.shared_s) - _LATE
        stale = await stale_tags(self._store, [event for event in events if event.at > since])
        await self._purge((*stale.spaces, *stale.entries))
        if stale.spaces and events[-1].position > self._known_to:
            await self._settle()
            await self._purge(stale.spaces)

    async def close(self) -> None:
        """End the connections to the cache."""
        await self._outbound.close()

    async def _settle(self) -> None:
        """Wait until every worker knows of all that is in the log by now, and not only of what was handed over."""
        newest = await last_position(self._store)
        await asyncio.sleep(self._settings.settle_s)
        self._known_to = max(self._known_to, newest)

    async def _purge(self, tags: Sequence[str]) -> None:
        for start in range(0, len(tags), MOST_TAGS):
            try:
                status = await self._ask(tags[start : start + MOST_TAGS])
            except OutboundFailed as error:
                raise self._failed(str(error)) from error
            if not 200 <= status < 300:
                raise self._refused(status)
        if tags:
            self._pause_s, self._refused_with = 0.0, 0

    def _failed(self, why: str, *, lasts: bool = False) -> PurgeFailed:
        """Begin a pause, the longest one where only an operator can end what lasts."""
        longest_s = self._settings.longest_pause_s
        self._pause_s = longest_s if lasts else next_pause_s(self._pause_s, longest_s)
        self._held_until_s = asyncio.get_running_loop().time() + self._pause_s
        return PurgeFailed(why)

    def _refused(self, status: int) -> PurgeFailed:
        """Begin a pause; tell an operator, once, of what does not pass by itself."""
        lasts = status < 500 and status not in _MAY_PASS
        if lasts and status != self._refused_with:
            self._refused_with = status
            _logger.error(
                "The cache refuses to be told what is stale (%s), so it goes on to show it: see [cache] purge_url,"
                " purge_token and purge_format. It is asked again every %s s.",
                status, self._settings.longest_pause_s,
            )  # fmt: skip
        return self._failed(f"The cache answered {status}.", lasts=lasts)

    async def _ask(self, tags: Sequence[str]) -> int:
        """Purge tags in one request; returns the status of the answer."""
        settings = self._settings
        headers = {"authorization": f"Bearer {settings.purge_token}"} if settings.purge_token else {}
        method, content = "PURGE", b""
        if settings.purge_format == "json":
            method, content = "POST", msgspec.json.encode({"tags": tags})
            headers["content-type"] = "application/json"
        else:
            headers["surrogate-key"] = " ".join(tags)
        answered = await self._outbound.request(method, self._target, headers=headers, content=content, time_s=_TRY_S)
        return answered.status


def next_pause_s(last_s: float, longest_s: float) -> float:
    """Return the seconds until the next try, after those before the last one; 0 where there was none."""
    return min(max(2 * last_s, _FIRST_PAUSE_S), longest_s)
