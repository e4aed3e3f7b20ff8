"""Moments as text: one length, one zone, so that text sorts as time does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import example, given
from hypothesis import strategies as st

from maydan.clock import from_text, to_text

_ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


_FIRST, _LAST = datetime(2, 1, 1), datetime(9998, 12, 31)  # noqa: DTZ001 - the zone is drawn


@given(st.datetimes(min_value=_FIRST, max_value=_LAST, timezones=_ZONES | st.just(UTC)))
@example(datetime(2026, 1, 1, tzinfo=UTC))
@example(datetime(2026, 1, 1, microsecond=10, tzinfo=UTC))
def test_a_moment_is_text_of_one_length_in_utc(moment: datetime) -> None:
    """Six digits of a second, also where they are zero; reading it again gives the same moment."""
    text = to_text(moment)
    assert text == moment.astimezone(UTC).strftime("%Y").zfill(4) + moment.astimezone(UTC).strftime(
        "-%m-%dT%H:%M:%S.%fZ"
    )
    assert from_text(text) == moment
