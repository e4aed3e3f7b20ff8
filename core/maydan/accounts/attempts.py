"""Counting what somebody may do only so often; in the database, so that all workers count together."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from maydan.errors import TooManyRequests, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from maydan.clock import Clock
    from maydan.storage.ports import Store

_COUNT: Final = """
INSERT INTO maydan_attempts (scope, key_hash, window_start, count) VALUES (?, ?, ?, 1)
ON CONFLICT (scope, key_hash) DO UPDATE SET
    count = CASE WHEN maydan_attempts.window_start <= ? THEN 1 ELSE maydan_attempts.count + 1 END,
    window_start = CASE WHEN maydan_attempts.window_start <= ? THEN excluded.window_start
                        ELSE maydan_attempts.window_start END
"""

_SHARE: Final = 8
"""A process judges one in so many of the failures that a limit allows at a time; several stay below it together."""
_MOST_WAITING: Final = 100
"""For one key; more are refused with 503, so that a storm ends."""


class Limit(Struct, frozen=True, kw_only=True):
    """So many attempts in so many seconds, counted from the first."""

    scope: str
    """What is counted, such as ``login:account``."""
    count: int
    window_s: int


class Attempt(Struct, frozen=True, kw_only=True):
    """Somebody's attempt at something that is limited."""

    limit: Limit
    key: str
    """Who: an address key, a network address; stored as a hash."""

    @property
    def key_hash(self) -> str:
        """What is stored instead of the key."""
        return hashlib.sha256(f"{self.limit.scope}:{self.key}".encode(errors="surrogatepass")).hexdigest()


def network_key(address: str) -> str:
    """Return whom a network address stands for: of IPv6 the 64 bits that one customer has, all of it in IPv4."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or ip_network((found.packed, 64), strict=False))
    return str(found)


class _Queue:
    """Those whose attempts are judged, or wait for it, by one key."""

    __slots__ = ("count", "places")

    def __init__(self, places: int) -> None:
        self.places = asyncio.Semaphore(places)
        self.count = 0


class Attempts:
    """Counts attempts before they are made, so that many at once cannot all slip through."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Count in this store."""
        self._store = store
        self._clock = clock
        self._queues: dict[str, _Queue] = {}

    @asynccontextmanager
    async def judging(self, *attempts: Attempt) -> AsyncGenerator[None]:
        """Count attempts that are judged inside, where those that are no failures are forgiven.

        Few of one key are judged at a time and the others wait, so that a limit that is meant for failures is not
        reached by those that are under way.

        Raises:
            TooManyRequests: One is over its limit.
            Unavailable: Too many wait; or it cannot be judged, and is not counted.
        """
        async with AsyncExitStack() as turns:
            # The last is the narrowest: who waits for it takes no place from others of the same network.
            for attempt in reversed(attempts):
                await turns.enter_async_context(self._turn(attempt))
            await self.count(*attempts)
            try:
                yield
            except Unavailable:
                await self.forgive(returned=attempts)
                raise

    @asynccontextmanager
    async def _turn(self, attempt: Attempt) -> AsyncGenerator[None]:
        key = attempt.key_hash
        queue = self._queues.setdefault(key, _Queue(max(1, attempt.limit.count // _SHARE)))
        if queue.count > _MOST_WAITING:
            raise Unavailable("Too many passwords are being checked; try again in a moment.", retry_after_s=2)
        queue.count += 1
        try:
            async with queue.places:
                yield
        finally:
            queue.count -= 1
            if not queue.count:
                del self._queues[key]

    async def count(self, *attempts: Attempt) -> None:
        """Count attempts, the widest first; none after one that is over its limit.

        So who is held up at a network's limit does not use up that of other people's accounts.

        Raises:
            TooManyRequests: One is over its limit; ``retry_after_s`` says when its time begins anew.
        """
        now = self._clock.now()
        wait_s, most = None, 0
        async with self._store.write_transaction() as transaction:
            for attempt in attempts:
                limit = attempt.limit
                begins = now - timedelta(seconds=limit.window_s)
                await transaction.execute(_COUNT, limit.scope, attempt.key_hash, now, begins, begins)
                row = await transaction.fetch_one(
                    "SELECT count, window_start FROM maydan_attempts WHERE scope = ? AND key_hash = ?",
                    limit.scope,
                    attempt.key_hash,
                )
                if row is not None and row[0] > limit.count:
                    wait_s = limit.window_s - (now - self._store.dialect.read_time(row[1])).total_seconds()
                    most = limit.count
                    break
        if wait_s is not None:
            raise TooManyRequests(
                "Too many attempts; wait before the next one.", retry_after_s=max(1, round(wait_s)), rate_limit=most
            )

    async def forgive(self, *, cleared: Sequence[Attempt] = (), returned: Sequence[Attempt] = ()) -> None:
        """Take back what turned out to be no failure.

        Args:
            cleared: Whose count begins anew; narrower than what is returned.
            returned: Of whose count one is taken off; the widest first, as they were counted.
        """
        async with self._store.write_transaction() as transaction:
            # The widest come first here too, as both lock their rows.
            for attempt in returned:
                await transaction.execute(
                    "UPDATE maydan_attempts SET count = count - 1 WHERE scope = ? AND key_hash = ? AND count > 0",
                    attempt.limit.scope,
                    attempt.key_hash,
                )
            for attempt in cleared:
                await transaction.execute(
                    "DELETE FROM maydan_attempts WHERE scope = ? AND key_hash = ?",
                    attempt.limit.scope,
                    attempt.key_hash,
                )

    async def forget_old(self, *, older_than_s: int) -> None:
        """Delete counts that began before that many seconds."""
        limit = self._clock.now() - timedelta(seconds=older_than_s)
        async with self._store.write_transaction() as transaction:
            await transaction.execute("DELETE FROM maydan_attempts WHERE window_start < ?", limit)
