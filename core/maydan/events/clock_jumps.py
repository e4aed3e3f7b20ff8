"""Noticing that the machine's clock was put back, so that nobody waits for a moment that was near."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from maydan.clock import Clock

_NOTICED_S: Final = 2.0
"""By so much it must be behind: less is made up for by waiting."""


class ClockWatch:
    """Compares a clock with the time that has really passed since it was last looked at."""

    def __init__(self, clock: Clock) -> None:
        """Watch this clock; what happened before the process began is not known, so the first look says yes."""
        self._clock = clock
        self._last: tuple[datetime, float] | None = None
        self._is_noticed = True

    def was_put_back(self) -> bool:
        """Tell whether the clock may have been put back since :meth:`forget`."""
        now, passed_s = self._clock.now(), time.monotonic()
        last, self._last = self._last, (now, passed_s)
        if last is not None and (now - last[0]).total_seconds() < passed_s - last[1] - _NOTICED_S:
            self._is_noticed = True
        return self._is_noticed

    def forget(self) -> None:
        """Go on: what had to be done about it is stored."""
        self._is_noticed = False
