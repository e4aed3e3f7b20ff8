"""How webhooks are doing, as metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import Metric

    from maydan.events.webhooks.deliveries import Queue


def webhook_metrics(outcomes: Mapping[str, int], queue: Queue, now: datetime) -> Iterator[Metric]:
    """Yield what became of tries in this process, and what waits in the whole deployment."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    tries = CounterMetricFamily("maydan_webhook_tries", "Tries to deliver, by outcome.", labels=["outcome"])
    for outcome in ("delivered", "failed", "dead", "withheld"):
        tries.add_metric([outcome], outcomes.get(outcome, 0))
    waiting = GaugeMetricFamily("maydan_webhook_waiting", "Deliveries that wait, counted up to 10,000.")
    waiting.add_metric([], queue.waiting)
    age = GaugeMetricFamily("maydan_webhook_oldest_seconds", "Age of the oldest delivery that waits.")
    age.add_metric([], 0.0 if queue.oldest_at is None else max((now - queue.oldest_at).total_seconds(), 0.0))
    yield from (tries, waiting, age)
