"""Counting, timing and the breaker."""

from __future__ import annotations

import pytest

from maydan.plugins import gauges
from maydan.plugins.gauges import BREAKER_ERRORS, BREAKER_PAUSE_S, Gauge


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be moved."""
    moment = [1000.0]
    monkeypatch.setattr(gauges, "monotonic", lambda: moment[0])
    return moment


def failed_often(times: int = BREAKER_ERRORS) -> Gauge:
    """A gauge after errors in a row."""
    gauge = Gauge()
    for _ in range(times):
        gauge.failed(1, "boom")
    return gauge


def test_the_breaker_opens_after_five_errors_in_a_row(now: list[float]) -> None:
    """Not after four, and not when one in between went well."""
    assert failed_often(BREAKER_ERRORS - 1).lets_through()
    gauge = failed_often(BREAKER_ERRORS - 1)
    gauge.succeeded(1)
    gauge.failed(1, "boom")
    assert gauge.lets_through()
    assert not failed_often().lets_through()


def test_after_a_minute_one_call_is_let_through(now: list[float]) -> None:
    """One: the others wait for what becomes of it."""
    gauge = failed_often()
    now[0] += BREAKER_PAUSE_S
    assert [gauge.lets_through() for _ in range(3)] == [True, False, False]
    assert gauge.breaker == "half_open"


def test_a_trial_that_fails_opens_it_for_another_minute(now: list[float]) -> None:
    """The minute counts from the trial."""
    gauge = failed_often()
    now[0] += BREAKER_PAUSE_S
    gauge.lets_through()
    gauge.failed(1, "boom")
    now[0] += BREAKER_PAUSE_S - 1
    assert not gauge.lets_through()
    now[0] += 1
    assert gauge.lets_through()


def test_a_trial_that_goes_well_closes_it(now: list[float]) -> None:
    """Everybody is let through again."""
    gauge = failed_often()
    now[0] += BREAKER_PAUSE_S
    gauge.lets_through()
    gauge.succeeded(1)
    assert gauge.lets_through()
    assert gauge.breaker == "closed"


def test_a_trial_whose_caller_went_away_is_repeated(now: list[float]) -> None:
    """Otherwise nobody would ever try again."""
    gauge = failed_often()
    now[0] += BREAKER_PAUSE_S
    gauge.lets_through()
    gauge.gave_up()
    assert gauge.lets_through()


def test_the_figures_are_those_of_the_calls() -> None:
    """The p95 is of the last 256 calls: of a hundred rising ones the 95th."""
    gauge = Gauge()
    for duration_ms in range(1, 101):
        gauge.succeeded(duration_ms * 1_000_000)
    health = gauge.health("check_entry_create", "veto")
    assert (health.calls, health.errors, health.total_ms, health.p95_ms) == (100, 0, 5050.0, 95.0)
    assert health.p95 == health.p95_ms


def test_old_calls_leave_the_p95() -> None:
    """What was slow an hour ago does not show for ever."""
    gauge = Gauge()
    for _ in range(100):
        gauge.succeeded(1_000_000_000)
    for _ in range(256):
        gauge.succeeded(1_000_000)
    assert gauge.health("x", "veto").p95_ms == 1.0
