"""A clock that tests move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

START: Final = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


class TestClock:
    """Stands still until it is moved; the instance under test knows no other time."""

    __test__ = False

    def __init__(self, now: datetime = START) -> None:
        """Begin at an aware moment."""
        self._now = now

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return self._now

    def move(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> datetime:
        """Let time pass; returns the new moment."""
        self._now += timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        return self._now

    def set(self, now: datetime) -> None:
        """Go to an aware moment, earlier ones too."""
        self._now = now.astimezone(UTC)
