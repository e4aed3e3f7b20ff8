"""Counting what somebody may do only so often; in the database, so that all workers count together."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from maydan.errors import TooManyRequests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.clock import Clock
    from maydan.storage.ports import Store

_COUNT: Final = """
INSERT INTO maydan_attempts (scope, key_hash, window_start, count) VALUES (?, ?, ?, 1)
ON CONFLICT (scope, key_hash) DO UPDATE SET
    count = CASE WHEN maydan_attempts.window_start <= ? THEN 1 ELSE maydan_attempts.count + 1 END,
    window_start = CASE WHEN maydan_attempts.window_start <= ? THEN excluded.window_start
                        ELSE maydan_attempts.window_start END
"""


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


class Attempts:
    """Counts attempts before they are made, so that many at once cannot all slip through."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Count in this store."""
        self._store = store
        self._clock = clock

    async def count(self, *attempts: Attempt) -> None:
        """Count attempts; each is counted even if another one is over its limit.

        Raises:
            TooManyRequests: One is over its limit; ``retry_after_s`` says when its time begins anew.
        """
        now = self._clock.now()
        waits: list[float] = []
        most = 0
        async with self._store.write_transaction() as transaction:
            for attempt in sorted(attempts, key=lambda each: each.limit.scope):
                begins = now - timedelta(seconds=attempt.limit.window_s)
                await transaction.execute(_COUNT, attempt.limit.scope, attempt.key_hash, now, begins, begins)
                row = await transaction.fetch_one(
                    "SELECT count, window_start FROM maydan_attempts WHERE scope = ? AND key_hash = ?",
                    attempt.limit.scope,
                    attempt.key_hash,
                )
                if row is not None and row[0] > attempt.limit.count:
                    most = attempt.limit.count
                    started = self._store.dialect.read_time(row[1])
                    waits.append(attempt.limit.window_s - (now - started).total_seconds())
        if waits:
            wait_s = max(1, round(max(waits)))
            raise TooManyRequests("Too many attempts; wait before the next one.", retry_after_s=wait_s, rate_limit=most)

    async def forgive(self, *, cleared: Sequence[Attempt] = (), returned: Sequence[Attempt] = ()) -> None:
        """Take back what turned out to be no failure.

        Args:
            cleared: Whose count begins anew.
            returned: Of whose count one is taken off.
        """
        async with self._store.write_transaction() as transaction:
            for attempt in cleared:
                await transaction.execute(
                    "DELETE FROM maydan_attempts WHERE scope = ? AND key_hash = ?",
                    attempt.limit.scope,
                    attempt.key_hash,
                )
            for attempt in returned:
                await transaction.execute(
                    "UPDATE maydan_attempts SET count = count - 1 WHERE scope = ? AND key_hash = ? AND count > 0",
                    attempt.limit.scope,
                    attempt.key_hash,
                )

    async def forget_old(self, *, older_than_s: int) -> None:
        """Delete counts that began before that many seconds."""
        limit = self._clock.now() - timedelta(seconds=older_than_s)
        async with self._store.write_transaction() as transaction:
            await transaction.execute("DELETE FROM maydan_attempts WHERE window_start < ?", limit)
