"""The jobs in Prometheus' format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import Metric

    from maydan.events.jobs.measuring import Backlog


def job_metrics(backlogs: Iterable[Backlog]) -> Iterator[Metric]:
    """Yield how many jobs there are to be done, and how late the first of each kind is."""
    from prometheus_client.core import GaugeMetricFamily

    jobs = GaugeMetricFamily("maydan_jobs", "Jobs that wait, are being done or have failed.", labels=["kind", "status"])
    late = GaugeMetricFamily(
        "maydan_jobs_late_seconds", "For how long the first job that waits has been due.", labels=["kind"]
    )
    for backlog in backlogs:
        jobs.add_metric([backlog.kind, backlog.status], backlog.count)
        if backlog.status == "waiting":
            late.add_metric([backlog.kind], backlog.late_s)
    yield from (jobs, late)
