"""How far each subscriber is, and which worker serves it."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from maydan.events.parked import count_parked
from maydan.storage import Reader, Statement, Store
from maydan.storage.guarded import committed

_ADD: Final = "INSERT INTO maydan_subscriptions (name, position) VALUES (?, 0) ON CONFLICT (name) DO NOTHING"
# A lease that ends later than any can was given before the clock was put back: nobody waits for that moment.
_RUNS: Final = "lease_until_ms > {now_ms} AND lease_until_ms <= {now_ms} + ?"
_FIND: Final = (
    f"SELECT position, failures, CASE WHEN {_RUNS} THEN lease_owner END FROM maydan_subscriptions WHERE name = ?"
)
_LEASE: Final = (
    "UPDATE maydan_subscriptions SET lease_until_ms = {now_ms} + ?,"
    # Whoever did not give the lease back has died, perhaps of the very event that comes now: be careful with it.
    " failures = CASE WHEN lease_owner IS NULL OR lease_owner = ? OR failures > 0 THEN failures ELSE 1 END,"
    " lease_owner = ?"
    f" WHERE name = ? AND (lease_owner IS NULL OR lease_owner = ? OR NOT ({_RUNS}))"
)
_RENEW: Final = "UPDATE maydan_subscriptions SET lease_until_ms = {now_ms} + ? WHERE name = ? AND lease_owner = ?"
_ADVANCE: Final = (
    "UPDATE maydan_subscriptions SET position = ?, failures = ?, error = NULL, lease_until_ms = {now_ms} + ?"
    " WHERE name = ? AND lease_owner = ? AND position = ?"
)
_BEGIN: Final = "UPDATE maydan_subscriptions SET failures = failures + 1 WHERE name = ? AND lease_owner = ?"
_CALM: Final = "UPDATE maydan_subscriptions SET failures = 0 WHERE name = ? AND lease_owner = ?"
_HOLD: Final = "UPDATE maydan_subscriptions SET failures = 0, error = ? WHERE name = ? AND lease_owner = ?"
_RELEASE: Final = (
    "UPDATE maydan_subscriptions SET lease_until_ms = 0, lease_owner = NULL WHERE name = ? AND lease_owner = ?"
)
_MOVE: Final = "UPDATE maydan_subscriptions SET position = ?, failures = 0, error = NULL WHERE name = ?"


class Checkpoint(Struct, frozen=True):
    """Where a subscriber stands."""

    position: int
    """Of the last event that is done with."""
    failures: int
    """Above 0 a worker died while it may have been trying the next event, or one soon after it: how often the next one
    was tried, counted in advance."""
    owner: str | None
    """The worker whose lease is running."""


class Positions:
    """One subscriber's row, as one worker uses it."""

    def __init__(self, store: Store, name: str, owner: str, lease_s: float) -> None:
        """Serve the subscriber of that name as the worker of that id."""
        self._store = store
        self._name = name
        self._owner = owner
        self._lease_ms = int(lease_s * 1000)
        self._longest_ms = 2 * self._lease_ms

    async def add(self) -> None:
        """Make the row, at the beginning of the log, unless it exists."""
        if await self._store.fetch_point(_FIND, self._longest_ms, self._name) is None:
            await self._store.commit([Statement(_ADD, (self._name,))])

    async def get(self) -> Checkpoint:
        """Return where the subscriber stands."""
        row = await self._store.fetch_point(_FIND, self._longest_ms, self._name)
        return Checkpoint(0, 0, None) if row is None else Checkpoint(row[0], row[1], row[2])

    async def lease(self) -> bool:
        """Take the lease, or keep it; False when another worker has it."""
        args = (self._lease_ms, self._owner, self._owner, self._name, self._owner, self._longest_ms)
        return await self._try(Statement(_LEASE, args, expect=1))

    async def renew(self) -> bool:
        """Keep the lease for longer; False when it is lost."""
        return await self._try(Statement(_RENEW, (self._lease_ms, self._name, self._owner), expect=1))

    async def advance(self, before: int, after: int, *others: Statement, failures: int = 0) -> bool:
        """Save that everything up to ``after`` is done, with other statements; False when the lease is lost."""
        args = (after, failures, self._lease_ms, self._name, self._owner, before)
        return await self._try(Statement(_ADVANCE, args, expect=1), *others)

    async def begin(self) -> bool:
        """Count a try of the next event before it is made; False when the lease is lost."""
        return await self._try(Statement(_BEGIN, (self._name, self._owner), expect=1))

    def calm(self) -> Statement:
        """Return the statement by which the next event is not suspected any more of having killed a worker."""
        return Statement(_CALM, (self._name, self._owner), expect=1)

    def hold(self, error: str) -> Statement:
        """Return the statement by which a place is held, with the reason: the worker has survived the next event."""
        return Statement(_HOLD, (error, self._name, self._owner))

    async def release(self) -> None:
        """Give the lease back, if it is ours."""
        await self._store.commit([Statement(_RELEASE, (self._name, self._owner))])

    async def _try(self, *batch: Statement) -> bool:
        return await committed(self._store, batch)


class SubscriberStatus(Struct, frozen=True, kw_only=True):
    """How a subscriber is doing, for operators."""

    name: str
    position: int
    lag: int
    """Events that wait, counted up to 10,000."""
    parked: int
    """Events that could not be taken and will be tried again, with those of the same entries behind them."""
    failures: int
    """Tries of the worst of these."""
    dead_letters: int
    """Events that are not tried again by themselves."""
    error: str | None
    """The last of those that are tried again, or what the subscriber is held for."""


async def list_subscribers(store: Reader) -> list[SubscriberStatus]:
    """Return all subscribers by name."""
    rows = await store.fetch_all(
        "SELECT s.name, s.position, (SELECT count(*) FROM (SELECT 1 FROM maydan_log AS l WHERE l.position > s.position"
        " LIMIT 10000) AS waiting), (SELECT count(*) FROM maydan_dead_letters AS d WHERE d.subscriber = s.name),"
        " s.error FROM maydan_subscriptions AS s ORDER BY s.name"
    )
    parked = await count_parked(store)
    subscribers: list[SubscriberStatus] = []
    for name, position, lag, letters, held_for in rows:
        waiting, failures, error = parked.get(name, (0, 0, ""))
        subscribers.append(
            SubscriberStatus(
                name=name, position=position, lag=lag, parked=waiting, failures=failures, dead_letters=letters,
                error=held_for or error or None,
            )
        )  # fmt: skip
    return subscribers


async def replay(store: Store, name: str, position: int) -> None:
    """Let a subscriber begin again after a position; a batch that is under way is then repeated as well.

    Raises:
        GuardFailed: There is no such subscriber.
    """
    # What is parked comes again by itself, as far as it lies behind the position.
    forget = Statement("DELETE FROM maydan_parked WHERE subscriber = ? AND position > ?", (name, position))
    await store.commit([Statement(_MOVE, (position, name), expect=1, signal="log"), forget])
