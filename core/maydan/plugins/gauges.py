"""What the dispatcher measures of one plugin's one hook, and the breaker that follows from it."""

from __future__ import annotations

from array import array
from time import monotonic
from typing import Final, Literal

from msgspec import Struct

BREAKER_ERRORS: Final = 5
"""Errors in a row after which a hook is no longer called (design.md, rule 7)."""
BREAKER_PAUSE_S: Final = 60.0
"""Seconds after which one call is let through to see whether it works again (design.md, rule 7)."""
_KEPT: Final = 256


class HookHealth(Struct, frozen=True, kw_only=True):
    """The figures of one plugin's one hook, since the worker started."""

    hook: str
    kind: str
    calls: int
    errors: int
    total_ms: float
    p95_ms: float
    """Of the last 256 calls."""
    p95: float
    """The same, in milliseconds."""
    breaker: Literal["closed", "open", "half_open"]
    last_error: str


class Gauge:
    """Counts and times the calls of one plugin's one hook, and stops calling what keeps failing."""

    __slots__ = ("_durations_ns", "_trial", "calls", "errors", "errors_in_row", "last_error", "opened_at", "total_ns")

    def __init__(self) -> None:
        """Begin with nothing counted and the breaker closed."""
        self.calls = 0
        self.errors = 0
        self.errors_in_row = 0
        self.total_ns = 0
        self.last_error = ""
        self._durations_ns = array("Q", bytes(8 * _KEPT))
        self.opened_at: float | None = None
        """When the breaker opened; ``None`` while it is closed."""
        self._trial = False

    def succeeded(self, duration_ns: int) -> None:
        """Count a call that returned, or that refused as it may."""
        self._durations_ns[self.calls % _KEPT] = duration_ns
        self.calls += 1
        self.total_ns += duration_ns
        if self.errors_in_row:
            self.close()

    def failed(self, duration_ns: int, reason: str) -> None:
        """Count a call that raised or took too long."""
        self._durations_ns[self.calls % _KEPT] = duration_ns
        self.calls += 1
        self.total_ns += duration_ns
        self.errors += 1
        self.errors_in_row += 1
        self.last_error = reason
        self._trial = False
        if self.errors_in_row >= BREAKER_ERRORS:
            self.opened_at = monotonic()

    def close(self) -> None:
        """Call it again: it worked, or an operator says so."""
        self.errors_in_row = 0
        self.opened_at = None
        self._trial = False

    def lets_through(self) -> bool:
        """Tell whether it may be called; after the pause one call at a time is let through as a trial."""
        if self.opened_at is None:
            return True
        if self._trial or monotonic() - self.opened_at < BREAKER_PAUSE_S:
            return False
        self._trial = True
        return True

    def gave_up(self) -> None:
        """Note a call that says nothing, since its caller went away; a trial can be repeated."""
        self._trial = False

    @property
    def breaker(self) -> Literal["closed", "open", "half_open"]:
        """How the breaker stands."""
        if self.opened_at is None:
            return "closed"
        waited = monotonic() - self.opened_at >= BREAKER_PAUSE_S
        return "half_open" if self._trial or waited else "open"

    def health(self, hook: str, kind: str) -> HookHealth:
        """Return the figures."""
        kept = sorted(self._durations_ns[: min(self.calls, _KEPT)])
        p95_ns = kept[(len(kept) * 95 - 1) // 100] if kept else 0
        return HookHealth(
            hook=hook, kind=kind, calls=self.calls, errors=self.errors, total_ms=self.total_ns / 1e6,
            p95_ms=p95_ns / 1e6, p95=p95_ns / 1e6, breaker=self.breaker, last_error=self.last_error,
        )  # fmt: skip
