"""Find an address in texts however it is written: in any form of its letters that makes the same account, and encoded.

The database only says which texts may hold an address at all; which address it is, is decided here, since no engine
folds letters as :func:`maydan.accounts.addresses.address_key` does.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final, cast

from maydan.accounts.addresses import folded
from maydan.locales.normalizing import normalized

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from maydan.storage.ports import Reader, Row

    Args = tuple[Any, ...]

ERASED: Final = "erased@erased.invalid"
"""Stands where the address was in texts that are kept whole; the domain is reserved (RFC 2606)."""

_PAGE: Final = 200
_LIKE: Final = ("%@%", "%＠%", "%﹫%", "%!%40%", r"%\u%", "%!%EF!%B%", "%!%ef!%b%")
"""What folds to an at sign, and how that looks in URLs and in JSON that keeps to ASCII."""
_AT: Final = re.compile(r"[@＠﹫]|%40|%EF%B|\\u", re.IGNORECASE)
_PLAIN: Final = re.compile(r".", re.DOTALL)
_CODE: Final = re.compile(
    r"%[0-7][0-9a-f]|%[c-f][0-9a-f](?:%[89ab][0-9a-f])+"
    r"|\\{1,8}ud[89ab][0-9a-f]{2}\\{1,8}ud[c-f][0-9a-f]{2}|\\{1,8}u[0-9a-f]{4}",
    re.IGNORECASE,
)
_ENCODED: Final = re.compile(f"{_CODE.pattern}|.", re.DOTALL | re.IGNORECASE)
_BEFORE: Final = re.compile(r"(?<!\\)[a-z0-9][.+_-]?\Z")
_AFTER: Final = re.compile(r"[-_]?[a-z0-9]")
_LETTER: Final = re.compile(r"[a-z0-9]")


async def candidates(
    reader: Reader, table: str, keys: Sequence[str], columns: Sequence[str], where: str = "1 = 1", args: Args = ()
) -> AsyncIterator[Row]:
    """Yield the rows that may hold any address, in the order of their keys.

    The table is read in short statements, and of what can hold none nothing is in memory.

    Args:
        reader: Where to read.
        table: The table.
        keys: The columns of its primary key.
        columns: The columns of texts, which follow the keys in each row; ``None`` where it can hold no address.
        where: Which rows, with ``?`` for the arguments.
        args: The arguments.
    """
    order, marks = ", ".join(keys), ", ".join("?" * len(keys))
    texts = ", ".join(f"CASE WHEN {_may_hold(column)} THEN CAST({column} AS {{text}}) END" for column in columns)
    begin, last = "", tuple[Any, ...]()
    while True:
        sql = f"SELECT {order}, {texts} FROM {table} WHERE ({where}){begin} ORDER BY {order} LIMIT {_PAGE}"
        rows = await reader.fetch_all(sql, *args, *last)
        for row in rows:
            if any(text is not None for text in row[len(keys) :]):
                yield (*_sent(row[: len(keys)]), *row[len(keys) :])
        if len(rows) < _PAGE:
            return
        begin, last = f" AND ({order}) > ({marks})", _sent(rows[-1][: len(keys)])


def _sent(keys: Row) -> Row:
    """Return keys that were read as they are sent."""
    return tuple(key if isinstance(key, int) else str(key) for key in keys)


def _may_hold(column: str) -> str:
    text = f"CAST({column} AS {{text}})"
    return " OR ".join(f"{text} LIKE '{like}' ESCAPE '!'" for like in _LIKE)


class Sought:
    """One address."""

    def __init__(self, address: str) -> None:
        """Look for the address and whatever else makes the same account."""
        self._key = _decomposed(address)

    def is_in(self, text: str) -> bool:
        """Tell whether a text holds the address."""
        return self.replaced(text, ERASED) != text

    def replaced(self, text: str, by: str) -> str:
        """Return the text with something else in the place of the address, which may be nothing."""
        if _AT.search(text) is None:
            return text
        while True:
            # What stands there already is no address of anybody, even where one is a part of it.
            parts = text.split(ERASED)
            found = ERASED.join(self._once(self._once(part, by, _PLAIN), by, _ENCODED) for part in parts)
            if by or found == text:
                return found
            text = found  # what is left may have come to be the address where it was parted

    def _once(self, text: str, by: str, units: re.Pattern[str]) -> str:
        decoded = text if units is _PLAIN else _CODE.sub(lambda code: _decode(code[0]), text)
        if (units is _ENCODED and decoded == text) or self._key not in _decomposed(decoded):
            return text
        joined, owners = self._fold(text, units)
        parts, start, end = list[str](), 0, 0
        while (at := joined.find(self._key, end)) >= 0:
            end = at + len(self._key)
            if not _is_longer(text, joined, owners, at, end):
                parts.append(text[start : owners[at][0]])
                start = owners[end - 1][1]
        return by.join([*parts, text[start:]])

    @staticmethod
    def _fold(text: str, units: re.Pattern[str]) -> tuple[str, list[tuple[int, int]]]:
        """Return the text folded, and for each character of that from where to where it was written."""
        if units is _PLAIN and text.isascii():
            return text.lower(), [(place, place + 1) for place in range(len(text))]
        joined, owners = list[str](), list[tuple[int, int]]()
        for start, end, letter in _letters(text, units):
            as_folded = _decomposed(letter)
            joined.append(as_folded)
            owners += [(start, end)] * len(as_folded)
        return "".join(joined), owners


def without(value: Any, sought: Sought) -> Any:
    """Return a stored value without the address: a text that is nothing else goes, any other loses it.

    Members and items that go leave no gap, as does a member whose name is the address.
    """
    if isinstance(value, str):
        cut = sought.replaced(value, "")
        return value if cut == value else cut.strip() or None
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        names = {name: without(name, sought) for name in members}
        kept = {name: without(member, sought) for name, member in members.items()}
        return {
            names[name]: member
            for name, member in kept.items()
            if names[name] is not None and (member is not None or members[name] is None)
        }
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [kept for item in items if (kept := without(item, sought)) is not None or item is None]
    return value


def mapped(value: Any, change: Callable[[str], str]) -> Any:
    """Return a value of JSON with each text in it, names of members too, as ``change`` leaves it."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {change(name): mapped(member, change) for name, member in members.items()}
    if isinstance(value, list):
        return [mapped(item, change) for item in cast("list[Any]", value)]
    return value


def _decomposed(text: str) -> str:
    """Return the folded text with each mark apart from its letter, so that parts of a text fold as the whole does."""
    return text.lower() if text.isascii() else normalized("NFD", folded(text))


def _is_longer(text: str, joined: str, owners: list[tuple[int, int]], at: int, end: int) -> bool:
    """Tell whether what stands there is a part of somebody else's address: of joann@… where ann@… is sought.

    In doubt it is not: many scripts put no space before an address, and a letter after a backslash is a line break.
    """
    if _BEFORE.search(joined, max(at - 3, 0), at) or _AFTER.match(joined, end):
        return True
    if joined[end : end + 1] != "." or not _LETTER.match(joined, end + 1):
        return False
    # Another label of the domain, or a sentence that begins without a space.
    return text[owners[end - 1][0]].isupper() == text[owners[end + 1][0]].isupper()


def _letters(text: str, units: re.Pattern[str]) -> Iterator[tuple[int, int, str]]:
    """Yield each letter with the marks that follow it, and from where to where that is written."""
    start, end, letter = 0, 0, ""
    for unit in units.finditer(text):
        decoded = _decode(unit[0])
        if letter and not unicodedata.combining(decoded[0]):
            yield start, end, letter
            start, letter = unit.start(), ""
        letter += decoded
        end = unit.end()
    if letter:
        yield start, end, letter


def _decode(unit: str) -> str:
    if len(unit) == 1:
        return unit
    if unit[0] == "%":
        return bytes.fromhex(unit.replace("%", "")).decode(errors="replace")
    codes = [int(code, 16) for code in re.findall(r"u([0-9a-f]{4})", unit, re.IGNORECASE)]
    return b"".join(code.to_bytes(2, "big") for code in codes).decode("utf-16-be", errors="replace")
