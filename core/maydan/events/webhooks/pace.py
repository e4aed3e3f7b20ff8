"""When a delivery is tried again, and when a webhook is left in peace or given up; pure rules."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

WAITS_S: Final = (1, 5, 30, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 72_000)
"""Seconds from one try to the next; all together three days. Tries are counted, so no clock that jumps ends them."""
MAX_TRIES: Final = len(WAITS_S) + 1
_SPREAD: Final = 0.2
_LONGEST_ASKED_S: Final = 86_400
"""Of what a receiver asks for with ``Retry-After``."""
_PATIENCE: Final = 10
"""Failures in a row after which a webhook is tried with one delivery at a time, and less and less often."""
LONGEST_PAUSE_S: Final = 60
_FAILURES_TO_DISABLE: Final = 20
"""Days alone disable nothing, since a clock may jump."""


class Health(Struct, frozen=True, kw_only=True):
    """How deliveries to a webhook have gone of late."""

    failures: int = 0
    """In a row."""
    failing_since: datetime | None = None
    paused_until: datetime | None = None

    def is_paused(self, now: datetime) -> bool:
        """Tell whether nothing is to be tried now; a pause longer than any was begun before the clock was put back."""
        return self.paused_until is not None and now < self.paused_until <= now + timedelta(seconds=LONGEST_PAUSE_S)

    @property
    def is_shaky(self) -> bool:
        """Whether only one delivery at a time is tried."""
        return self.failures >= _PATIENCE

    def after_success(self) -> Health:
        """Return how it is once a delivery was taken."""
        return Health()

    def after_failure(self, now: datetime) -> Health:
        """Return how it is once a delivery was not taken."""
        failures = self.failures + 1
        over = min(failures - _PATIENCE, 16)
        pause_s = 0 if over < 0 else min(2**over, LONGEST_PAUSE_S)
        return Health(
            failures=failures,
            failing_since=self.failing_since or now,
            paused_until=now + timedelta(seconds=pause_s) if pause_s else None,
        )

    def is_hopeless(self, now: datetime, after: timedelta) -> bool:
        """Tell whether nothing was taken for so long that the webhook is to be disabled."""
        if self.failing_since is None or self.failures < _FAILURES_TO_DISABLE:
            return False
        return now - self.failing_since >= after


def next_try(tries: int, now: datetime, asked_s: float | None = None) -> datetime | None:
    """Return when a delivery is tried again.

    Args:
        tries: How many have failed, from 1.
        now: The moment of the last one.
        asked_s: What the receiver asked for with ``Retry-After``.
    Returns:
        A moment that is spread by a fifth, so that what failed together does not come together; None: never.
    """
    if tries >= MAX_TRIES:
        return None
    wait_s = WAITS_S[tries - 1] * random.uniform(1 - _SPREAD, 1 + _SPREAD)  # noqa: S311 - spreads tries, no secret
    return now + timedelta(seconds=max(wait_s, min(asked_s or 0.0, _LONGEST_ASKED_S)))


def asked_pause_s(retry_after: str | None, now: datetime) -> float | None:
    """Read ``Retry-After``: seconds, or a date (RFC 9110, section 10.2.3); None where it says nothing."""
    from email.utils import parsedate_to_datetime

    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 10:
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return None
    return None if moment.tzinfo is None else max((moment - now).total_seconds(), 0.0)
