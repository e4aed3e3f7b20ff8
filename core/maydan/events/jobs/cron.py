"""When something that happens again and again is next due."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

_FIELDS: Final = 5


def next_tick(cron: str, timezone: str, after: datetime) -> datetime:
    """Return the first moment after another one at which a cron expression is due, in UTC.

    A time of day that a clock change leaves out is due right after the gap; one that comes twice is due the first time.
    Expressions that name many hours or minutes (``*/30``) follow real time through both (as Debian's cron does).

    Args:
        cron: Five fields: minute, hour, day of the month, month, day of the week.
        timezone: IANA name of the zone in which the fields are meant.
        after: Aware.
    Raises:
        ValueError: The expression or the zone means nothing, or no such day comes within 50 years.
    """
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{timezone!r} is not the IANA name of a time zone.") from error
    if len(cron.split()) != _FIELDS:
        # The library takes a sixth one, for seconds.
        raise ValueError(f"{cron!r} is not a cron expression: it needs five fields.")
    try:
        ticks = CronSim(cron, after.astimezone(zone))
        # In the hour that comes twice it may begin with the first of the two, which is over.
        return next(moment for tick in ticks if (moment := tick.astimezone(UTC)) > after)
    except CronSimError as error:
        raise ValueError(f"{cron!r} is not a cron expression: {error}.") from error
    except StopIteration as error:
        raise ValueError(f"{cron!r} never comes.") from error
