"""Folding: what two spellings of a word have in common, for everything that searches."""

from __future__ import annotations

import re
from functools import cache
from typing import Final
from unicodedata import category

from maydan.locales.normalizing import normalized

_ARABIC: Final = {
    "ٱ": "ا", "ى": "ي", "ی": "ي", "ې": "ي", "ة": "ه", "ە": "ه", "ہ": "ه", "ھ": "ه", "ک": "ك", "ڪ": "ك",
    "ـ": "", "ء": "",
    **{chr(0x660 + digit): str(digit) for digit in range(10)},
    **{chr(0x6F0 + digit): str(digit) for digit in range(10)},
}  # fmt: skip
"""Letters and digits that writers of Arabic, Persian and Kurdish use for one another; tatweel and a lone hamza go.

Letters with a hamza or madda need no line: NFKD takes them apart."""

_OTHER: Final = {"ß": "ss", "ı": "i", "ø": "o", "đ": "d", "ł": "l", "ħ": "h", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"}
"""Letters that NFKD leaves whole."""

_INVISIBLE: Final = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad\u061c"
"""Joiners, direction marks and soft hyphens, which nobody types into a search box."""

_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]")


@cache
def _marks() -> str:
    """Return the combining marks that are dropped: accents, vowel signs of Arabic and Hebrew.

    Marks of Indic and other scripts stay: there they are vowels, and a word without them is another word.
    """
    ranges = ((0x300, 0x370), (0x483, 0x488), (0x591, 0x5C8), (0x610, 0x61B), (0x64B, 0x660), (0x670, 0x671),
              (0x6D6, 0x6EE), (0x8D3, 0x900), (0x1AB0, 0x1B00), (0x1DC0, 0x1E00), (0x20D0, 0x2100))  # fmt: skip
    letters = (chr(code) for low, high in ranges for code in range(low, high))
    return "".join(letter for letter in letters if category(letter) in ("Mn", "Me"))


@cache
def _table() -> dict[int, str]:
    dropped = dict.fromkeys(_marks() + _INVISIBLE, "")
    return str.maketrans({**dropped, **_ARABIC, **_OTHER})


def fold(text: str) -> str:
    """Return text without what a searcher leaves out; doing it twice changes nothing.

    NFKC compatibility forms, case, accents, Arabic vowel signs, tatweel and the forms of alef, ya, kaf, ha and
    ta marbuta become one. ``fold("مُحَمَّد")`` is ``fold("محمد")``, ``fold("Café")`` is ``"cafe"``.
    """
    if not _NOT_ASCII.search(text):
        return text.lower()
    folded = normalized("NFKD", normalized("NFKD", text).casefold()).translate(_table())
    return normalized("NFC", folded)
