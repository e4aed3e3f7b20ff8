"""One worker's turn at one webhook."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

import msgspec
from msgspec import Struct

from maydan.clock import Clock
from maydan.events.dead_letters import letter_statement
from maydan.events.outbound import Outbound
from maydan.events.settings import WebhooksSettings
from maydan.events.webhooks.attempts import GONE, Attempt, attempt
from maydan.events.webhooks.deliveries import Delivery, DeliveryState, dropped, list_due, tried
from maydan.events.webhooks.disabling import disable
from maydan.events.webhooks.endpoints import Lease, find_health
from maydan.events.webhooks.pace import Health, asked_pause_s, next_try
from maydan.events.webhooks.preparing import Prepare
from maydan.events.webhooks.records import Webhook, find_webhook, subscriber_of
from maydan.events.webhooks.replaying import replay_more
from maydan.storage import Statement, Store
from maydan.storage.log import LoggedEvent, find_events

_TURN_S: Final = 10.0
"""Seconds after which a webhook with more to send lets others go first."""
_LINGER_S: Final = 1.0
"""Seconds for which a webhook that has nothing to send is kept, so that the next event needs no new lease."""
_SLOW_MS: Final = 2000

_logger = logging.getLogger(__name__)


class Services(Struct, frozen=True, kw_only=True):
    """What every turn needs."""

    store: Store
    settings: WebhooksSettings
    outbound: Outbound
    prepare: Prepare
    clock: Clock
    owner: str
    """This worker."""
    outcomes: Counter[str]
    """Counts what became of tries, for the metrics."""


class _Tried(Struct, frozen=True):
    """A delivery that was tried, and how that went."""

    delivery: Delivery
    event: LoggedEvent
    attempt: Attempt


class Turn:
    """Delivers to one webhook for a while: several subjects at once, each subject's events one after the other."""

    def __init__(self, services: Services, webhook_id: str) -> None:
        """Serve that webhook; :meth:`run` does it."""
        self.news = asyncio.Event()
        """Set when there may be more to deliver."""
        self._services = services
        self._webhook_id = webhook_id
        self._lease_s = services.settings.lease_s
        self._lease = Lease(services.store, webhook_id, services.owner, self._lease_s)
        self._under_way: dict[asyncio.Task[_Tried], Delivery] = {}
        self._health = Health()
        self._is_ending = False
        self._ends_at = 0.0
        self._answered_at = 0.0
        """When the receiver last answered, or had nothing to answer."""
        self._spent_ms: list[int] = []

    @property
    def was_slow(self) -> bool:
        """Whether the receiver took long to answer, so that it should not stand in others' way."""
        return bool(self._spent_ms) and sum(self._spent_ms) / len(self._spent_ms) > _SLOW_MS

    @property
    def is_hanging(self) -> bool:
        """Whether the receiver has not answered anything for long, and something is under way."""
        return bool(self._under_way) and (time.monotonic() - self._answered_at) * 1000 > _SLOW_MS

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._under_way

    def end(self) -> None:
        """Begin nothing more."""
        self._is_ending = True
        self.news.set()

    async def run(self) -> None:
        """Deliver what is due, unless another worker does."""
        self._ends_at = time.monotonic() + _TURN_S
        if not await self._lease.take():
            return
        try:
            self._health = await find_health(self._services.store, self._webhook_id) or Health()
            await self._serve()
        finally:
            await _end_all(self._under_way)
            await self._lease.release()

    async def _serve(self) -> None:
        while True:
            self.news.clear()
            await self._start_due()
            if not self._under_way:
                if not await self._wait_for_more():
                    return
                continue
            done, _ = await asyncio.wait(
                self._under_way, timeout=self._lease_s / 3, return_when=asyncio.FIRST_COMPLETED
            )
            if not await self._note(done):
                return

    async def _wait_for_more(self) -> bool:
        """Wait for more to deliver; False when there is none."""
        left_s = min(_LINGER_S, self._lease_s / 3, self._ends_at - time.monotonic())
        if self._is_ending or left_s <= 0:
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left_s):
                await self.news.wait()
        return self.news.is_set() and not self._is_ending

    async def _start_due(self) -> None:
        """Start as many deliveries as may be under way."""
        services = self._services
        most = 1 if self._health.is_shaky else services.settings.parallel_each
        is_over = self._is_ending or time.monotonic() >= self._ends_at
        if len(self._under_way) >= most or self._health.is_paused(services.clock.now()) or is_over:
            return
        webhook = await find_webhook(services.store, self._webhook_id)
        if webhook is None or not webhook.active:
            return
        due = await self._due(webhook)
        await self._start(webhook, due[: most - len(self._under_way)])

    async def _due(self, webhook: Webhook) -> list[Delivery]:
        """Return what is due and not under way; when that is nothing, more of a replay."""
        services = self._services
        under_way = {delivery.id for delivery in self._under_way.values()}
        while True:
            found = await list_due(
                services.store, webhook.id, services.clock.now(), services.settings.parallel_each + len(under_way)
            )
            due = [delivery for delivery in found if delivery.id not in under_way]
            if due or under_way or webhook.replay_position is None:
                return due
            webhook = await replay_more(services.store, webhook, services.clock.now())

    async def _start(self, webhook: Webhook, due: Sequence[Delivery]) -> None:
        services = self._services
        if not self._under_way:
            self._answered_at = time.monotonic()
        events = await find_events(services.store, [delivery.position for delivery in due])
        known = [(delivery, events[delivery.position]) for delivery in due if delivery.position in events]
        lost = [delivery.id for delivery in due if delivery.position not in events]
        bodies, secrets = await self._prepared(webhook, [event for _, event in known])
        for (delivery, event), body in zip(known, bodies, strict=True):
            if body is None:
                lost.append(delivery.id)
                continue
            trying = self._try(webhook, delivery, event, body, secrets)
            task = asyncio.create_task(trying, name=f"maydan delivery {delivery.id}")
            self._under_way[task] = delivery
        if lost:
            services.outcomes["withheld"] += len(lost)
            await services.store.commit([dropped(lost)])
            self.news.set()

    async def _prepared(
        self, webhook: Webhook, events: Sequence[LoggedEvent]
    ) -> tuple[list[bytes | Exception | None], list[str]]:
        """Return the bodies; when that goes wrong one by one, so that one poor event does not hold up the others."""
        if not events:
            return [], []
        try:
            prepared = await self._services.prepare(webhook, events)
        except Exception as error:
            if len(events) == 1:
                _logger.exception("Event %s could not be prepared for a webhook.", events[0].position)
                return [error], []
            parts = [await self._prepared(webhook, [event]) for event in events]
            none: list[str] = []
            return [body for bodies, _ in parts for body in bodies], next((each for _, each in parts if each), none)
        return list(prepared.bodies), list(prepared.secrets)

    async def _try(
        self, webhook: Webhook, delivery: Delivery, event: LoggedEvent, body: bytes | Exception, secrets: list[str]
    ) -> _Tried:
        services = self._services
        now = services.clock.now()
        if isinstance(body, Exception):
            failed = Attempt(at=now, duration_ms=0, error="The event could not be prepared; the server's log has more.")
            return _Tried(delivery, event, failed)
        done = await attempt(
            services.outbound, webhook.url, message_id=delivery.message_id, body=body, secrets=secrets, at=now,
            time_s=services.settings.try_s,
        )  # fmt: skip
        return _Tried(delivery, event, done)

    async def _note(self, done: Iterable[asyncio.Task[_Tried]]) -> bool:
        """Store how tries went and keep the lease; False when it is lost."""
        services = self._services
        statements: list[Statement] = []
        gone = False
        tried_ones = [task.result() for task in done]
        if tried_ones:
            self._answered_at = time.monotonic()
        for one in tried_ones:
            gone = gone or one.attempt.http_status == GONE
            statements += self._judged(one)
        is_ours = await self._lease.keep(self._health, *statements)
        if not is_ours and statements:
            # Somebody else has it by now and may have sent the same; what was taken is taken all the same.
            await services.store.commit(statements)
        for task in list(done):
            del self._under_way[task]
        after = timedelta(days=services.settings.disable_after_days)
        if gone:
            await disable(services.store, self._webhook_id, "gone", services.clock.now())
        elif tried_ones and self._health.is_hopeless(services.clock.now(), after):
            await disable(services.store, self._webhook_id, "failing", services.clock.now())
        return is_ours

    def _judged(self, one: _Tried) -> list[Statement]:
        """Return what to store of a try, having noted it in the webhook's health."""
        delivery, tried_now = one.delivery, one.attempt
        self._spent_ms.append(tried_now.duration_ms)
        after = msgspec.structs.replace(
            delivery, tries=delivery.tries + 1, tried_at=tried_now.at, duration_ms=tried_now.duration_ms,
            http_status=tried_now.http_status, error=tried_now.error,
        )  # fmt: skip
        if tried_now.error is None:
            self._services.outcomes["delivered"] += 1
            self._health = self._health.after_success()
            return [tried(msgspec.structs.replace(after, state=DeliveryState.DELIVERED))]
        now = self._services.clock.now()
        self._health = self._health.after_failure(now)
        again_at = next_try(after.tries, now, asked_pause_s(tried_now.retry_after, now))
        if again_at is not None:
            self._services.outcomes["failed"] += 1
            return [tried(msgspec.structs.replace(after, due_at=again_at))]
        self._services.outcomes["dead"] += 1
        letter = letter_statement(subscriber_of(self._webhook_id), one.event, after.tries, tried_now.error)
        return [tried(msgspec.structs.replace(after, state=DeliveryState.DEAD)), letter]


async def _end_all(under_way: dict[asyncio.Task[_Tried], Delivery]) -> None:
    for task in under_way:
        task.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)
