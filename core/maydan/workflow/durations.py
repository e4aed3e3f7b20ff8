"""Durations as ISO 8601 writes them, as far as their length does not depend on the calendar."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

_DURATION: Final = re.compile(
    r"P(?!$)(?:(?P<weeks>\d{1,4})W)?(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?!$)(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,7})M)?(?:(?P<seconds>\d{1,9})S)?)?",
    re.ASCII,
)
LONGEST: Final = timedelta(days=3660)
"""Ten years: nobody means more, and moments stay far from the end of the calendar."""


def read_duration(text: str) -> timedelta | None:
    """Return the length of a duration such as ``PT24H``, ``P3DT12H`` or ``P2W``.

    ``None`` for what is none, for nothing at all, for more than ten years, and for years and months, which are not
    always as long.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    parts = {name: int(value) for name, value in match.groupdict().items() if value is not None}
    length = timedelta(**parts)
    return length if timedelta() < length <= LONGEST else None
