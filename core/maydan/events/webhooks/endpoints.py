"""Which worker delivers to a webhook, and how that has gone of late."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from maydan.events.webhooks.pace import LONGEST_PAUSE_S, Health
from maydan.storage import Reader, Statement, Store
from maydan.storage.dialects import Dialect
from maydan.storage.guarded import committed

# A lease that ends later than any can was given before the clock was put back, and so it is with a pause.
_FREE: Final = "(lease_owner IS NULL OR lease_until_ms <= {now_ms} OR lease_until_ms > {now_ms} + ?)"
_DUE: Final = (
    "SELECT e.webhook_id FROM maydan_webhook_endpoints AS e JOIN maydan_webhooks AS w"
    f" ON w.id = e.webhook_id WHERE w.active AND {_FREE}"
    " AND (e.paused_until IS NULL OR e.paused_until <= ? OR e.paused_until > ?)"
    " AND (w.replay_position IS NOT NULL OR EXISTS (SELECT 1 FROM maydan_deliveries AS d"
    " WHERE d.webhook_id = w.id AND d.state = 'waiting' AND d.due_at <= ?))"
    " AND {failures} ORDER BY e.turn_ms LIMIT ?"
)
_LEASE: Final = (
    "UPDATE maydan_webhook_endpoints SET lease_owner = ?, lease_until_ms = {now_ms} + ?, turn_ms = {now_ms}"
    f" WHERE webhook_id = ? AND (lease_owner = ? OR {_FREE})"
)
_RENEW: Final = (
    "UPDATE maydan_webhook_endpoints SET lease_until_ms = {now_ms} + ?, failures = ?, failing_since = ?,"
    " paused_until = ? WHERE webhook_id = ? AND lease_owner = ?"
)
_RELEASE: Final = (
    "UPDATE maydan_webhook_endpoints SET lease_owner = NULL, lease_until_ms = 0"
    " WHERE webhook_id = ? AND lease_owner = ?"
)


async def list_due_endpoints(store: Reader, now: datetime, lease_s: float, limit: int, *, failing: bool) -> list[str]:
    """Return webhooks that have something due and that no worker serves; that served longest ago comes first.

    Args:
        store: Where to read.
        now: The moment.
        lease_s: Seconds that a lease lasts.
        limit: How many at most.
        failing: Those whose last try failed, or those whose last try went well.
    """
    sql = _DUE.replace("{failures}", "e.failures > 0" if failing else "e.failures = 0")
    args = (_longest_ms(lease_s), now, now + timedelta(seconds=LONGEST_PAUSE_S), now, limit)
    return [str(row[0]) for row in await store.fetch_all(sql, *args)]


async def find_health(store: Reader, webhook_id: str) -> Health | None:
    """Return how deliveries to a webhook go, or None where there is no such webhook."""
    row = await store.fetch_one(
        "SELECT failures, failing_since, paused_until FROM maydan_webhook_endpoints WHERE webhook_id = ?", webhook_id
    )
    if row is None:
        return None
    read = Dialect.read_optional_time
    return Health(failures=row[0], failing_since=read(row[1]), paused_until=read(row[2]))


def healed(webhook_id: str) -> Statement:
    """Return the part of a batch that forgets how deliveries went, as when a webhook is switched on again."""
    return Statement(
        "UPDATE maydan_webhook_endpoints SET failures = 0, failing_since = NULL, paused_until = NULL"
        " WHERE webhook_id = ?",
        (webhook_id,),
    )


class Lease:
    """One webhook, as one worker serves it; the lease runs on the database's clock."""

    def __init__(self, store: Store, webhook_id: str, owner: str, lease_s: float) -> None:
        """Serve the webhook as the worker of that id."""
        self._store = store
        self._webhook_id = webhook_id
        self._owner = owner
        self._lease_ms = int(lease_s * 1000)
        self._longest_ms = _longest_ms(lease_s)

    async def take(self) -> bool:
        """Take the lease; False when another worker has it."""
        args = (self._owner, self._lease_ms, self._webhook_id, self._owner, self._longest_ms)
        return await self._try(Statement(_LEASE, args, expect=1))

    async def keep(self, health: Health, *others: Statement) -> bool:
        """Store how it goes, with other statements, and keep the lease; False, and nothing stored, when it is lost."""
        args = (
            self._lease_ms, health.failures, health.failing_since, health.paused_until, self._webhook_id, self._owner,
        )  # fmt: skip
        return await self._try(Statement(_RENEW, args, expect=1), *others)

    async def release(self) -> None:
        """Give the lease back, if it is ours."""
        await self._store.commit([Statement(_RELEASE, (self._webhook_id, self._owner))])

    async def _try(self, *batch: Statement) -> bool:
        return await committed(self._store, batch)


def _longest_ms(lease_s: float) -> int:
    return int(2000 * lease_s)
