"""What the process counts about its requests; cheap to note, turned into Prometheus' format when somebody asks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from prometheus_client import Metric

BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the histogram's buckets."""


class RouteMeter:
    """Counts the requests of one route."""

    __slots__ = ("buckets", "statuses", "sum_s")

    def __init__(self) -> None:
        """Begin at zero."""
        self.statuses: dict[int, int] = {}
        self.buckets = [0] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0

    def note(self, status: int, seconds: float) -> None:
        """Count one request."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.buckets[bisect_left(BOUNDS_S, seconds)] += 1
        self.sum_s += seconds


class Meters:
    """All meters of the process, and the gauges that other rooms offer."""

    def __init__(self) -> None:
        """Begin without any."""
        self._routes: dict[tuple[str, str], RouteMeter] = {}
        self._gauges: list[tuple[str, str, Callable[[], float]]] = []
        self.running = 0

    def of(self, method: str, template: str) -> RouteMeter:
        """Return the meter of a route, by its template and never by the URL, so that their number is bounded."""
        return self._routes.setdefault((method, template), RouteMeter())

    def gauge(self, name: str, description: str, read: Callable[[], float]) -> None:
        """Offer a value that is read whenever metrics are asked for, such as ``maydan_log_lag``."""
        self._gauges.append((name, description, read))

    def collect(self) -> Iterable[Metric]:
        """Return everything in Prometheus' terms; called by its registry."""
        from prometheus_client.core import GaugeMetricFamily

        yield from self._requests()
        running = GaugeMetricFamily("maydan_http_requests_running", "Requests that are being answered.")
        running.add_metric([], self.running)
        yield running
        for name, description, read in self._gauges:
            gauge = GaugeMetricFamily(name, description)
            gauge.add_metric([], read())
            yield gauge

    def _requests(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

        counter = CounterMetricFamily(
            "maydan_http_requests", "Requests by route and status.", labels=["method", "route", "status"]
        )
        times = HistogramMetricFamily(
            "maydan_http_request_duration_seconds", "Time to answer by route.", labels=["method", "route"]
        )
        for (method, template), meter in self._routes.items():
            for status, count in meter.statuses.items():
                counter.add_metric([method, template, str(status)], count)
            if meter.statuses:
                times.add_metric([method, template], _cumulated(meter.buckets), meter.sum_s)
        yield counter
        yield times

    def exposition(self) -> bytes:
        """Return all metrics as text, with those of the process itself (memory, CPU, open files)."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.process_collector import ProcessCollector

        registry = CollectorRegistry(auto_describe=False)
        collector: Any = self
        registry.register(collector)
        ProcessCollector(registry=registry)
        return generate_latest(registry)


def _cumulated(buckets: list[int]) -> list[tuple[str, float]]:
    """Return the counts up to each bound, as Prometheus wants them."""
    total = 0
    rows: list[tuple[str, float]] = []
    for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), buckets, strict=True):
        total += count
        rows.append((bound, total))
    return rows
