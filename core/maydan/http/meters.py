"""What the process counts about its requests; cheap to note, turned into Prometheus' format when somebody asks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from prometheus_client import Metric

    from maydan.events.positions import SubscriberStatus
    from maydan.http.streams_open import OpenStreams
    from maydan.plugins.loaded import PluginState

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
    """All meters of the process."""

    def __init__(self) -> None:
        """Begin without any."""
        self._routes: dict[tuple[str, str], RouteMeter] = {}
        self.running = 0
        self.streams: OpenStreams | None = None
        """The open streams of this process, to be counted."""

    def of(self, method: str, template: str) -> RouteMeter:
        """Return the meter of a route, by its template and never by the URL, so that their number is bounded."""
        return self._routes.setdefault((method, template), RouteMeter())

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

    def exposition(
        self, plugins: Iterable[PluginState], subscribers: Iterable[SubscriberStatus], more: Iterable[Metric] = ()
    ) -> bytes:
        """Return all metrics as text, with those of the process itself (memory, CPU, open files) and of others."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.process_collector import ProcessCollector

        registry = CollectorRegistry(auto_describe=False)
        for metrics in (self._requests(), self._running(), _hook_metrics(plugins), _log_metrics(subscribers), more):
            registry.register(_Once(tuple(metrics)))
        ProcessCollector(registry=registry)
        return generate_latest(registry)

    def _running(self) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily

        running = GaugeMetricFamily("maydan_http_requests_running", "Requests that are being answered.")
        running.add_metric([], self.running)
        yield running
        if self.streams is not None:
            yield from _stream_metrics(self.streams)


def _stream_metrics(streams: OpenStreams) -> Iterator[Metric]:
    """Yield how many streams are open, and why others ended."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    opened = GaugeMetricFamily("maydan_streams_open", "Streams that are open.")
    opened.add_metric([], len(streams))
    ended = CounterMetricFamily("maydan_streams_ended", "Streams that ended, by reason.", labels=["reason"])
    for reason, count in streams.endings.items():
        ended.add_metric([reason], count)
    yield from (opened, ended)


class _Once:
    """Metrics as they are now, in the shape that a registry wants."""

    def __init__(self, metrics: tuple[Metric, ...]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _hook_metrics(plugins: Iterable[PluginState]) -> Iterator[Metric]:
    """Yield how the plugins and their hooks are doing."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    labels = ["plugin", "hook"]
    active = GaugeMetricFamily("maydan_plugin_active", "1 where the plugin is active.", labels=["plugin"])
    calls = CounterMetricFamily("maydan_hook_calls", "Calls of a plugin's hook.", labels=labels)
    errors = CounterMetricFamily("maydan_hook_errors", "Calls that failed.", labels=labels)
    p95 = GaugeMetricFamily("maydan_hook_p95_seconds", "95 % of the last calls were faster.", labels=labels)
    for plugin in plugins:
        active.add_metric([plugin.name], 1.0 if plugin.state == "active" else 0.0)
        for hook in plugin.hooks:
            names = [plugin.name, hook.hook]
            calls.add_metric(names, hook.calls)
            errors.add_metric(names, hook.errors)
            p95.add_metric(names, hook.p95_ms / 1000)
    yield from (active, calls, errors, p95)


def _log_metrics(subscribers: Iterable[SubscriberStatus]) -> Iterator[Metric]:
    """Yield how far the subscribers of the log are behind."""
    from prometheus_client.core import GaugeMetricFamily

    lag = GaugeMetricFamily(
        "maydan_log_lag_events", "Events that wait for a subscriber, counted up to 10,000.", labels=["subscriber"]
    )
    parked = GaugeMetricFamily(
        "maydan_log_parked_events", "Events that could not be taken and are tried again.", labels=["subscriber"]
    )
    failures = GaugeMetricFamily("maydan_log_failures", "Tries of the worst of these.", labels=["subscriber"])
    letters = GaugeMetricFamily(
        "maydan_log_dead_letters", "Events that are not tried again by themselves.", labels=["subscriber"]
    )
    for subscriber in subscribers:
        lag.add_metric([subscriber.name], subscriber.lag)
        parked.add_metric([subscriber.name], subscriber.parked)
        failures.add_metric([subscriber.name], subscriber.failures)
        letters.add_metric([subscriber.name], subscriber.dead_letters)
    yield from (lag, parked, failures, letters)


def _cumulated(buckets: list[int]) -> list[tuple[str, float]]:
    """Return the counts up to each bound, as Prometheus wants them."""
    total = 0
    rows: list[tuple[str, float]] = []
    for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), buckets, strict=True):
        total += count
        rows.append((bound, total))
    return rows
