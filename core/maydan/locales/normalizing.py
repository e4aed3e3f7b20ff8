"""Normal forms of Unicode, at a price that grows with the length of the text and not with its square."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from regex import Match, Pattern

MOST_MARKS: Final = 30
"""Combining marks in a row: what the Stream-Safe Text Format allows (UAX #15, section 13); no word has as many."""
_JOINER: Final = "\u034f"
"""COMBINING GRAPHEME JOINER, which nobody sees; marks before it are not sorted together with those behind it."""


@cache
def _long_run() -> Pattern[str]:
    """Compile what ends after so many marks while more follow; halfwidth voiced marks become such."""
    import regex

    mark = rf"[[\p{{M}}\uff9e\uff9f]--{_JOINER}]"
    return regex.compile(rf"(?:{mark}){{{MOST_MARKS}}}(?={mark})", regex.V1)


def normalized(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
    """Return the normal form of a text; endless runs of combining marks are parted, as nothing readable has them.

    Marks are put in their order pairwise: 50,000 of them in a row would hold a process up for many seconds.
    """
    if len(text) > MOST_MARKS and not text.isascii():
        text = _long_run().sub(_parted, text)
    return unicodedata.normalize(form, text)


def _parted(run: Match[str]) -> str:
    return f"{run[0]}{_JOINER}"
