"""Reads the kinds that are numbers, moments, choices and small objects."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from maydan.clock import to_text
from maydan.content.problems import child
from maydan.content.text import has_control
from maydan.content.types import Kind
from maydan.ids import is_id
from maydan.money import LARGEST_AMOUNT, decimal_text, find_exponent

if TYPE_CHECKING:
    from collections.abc import Callable

    from maydan.content.problems import Problems
    from maydan.content.types import Field

DEEPEST_JSON: Final = 32
LARGEST_JSON_BYTES: Final = 100_000
MOST_DECIMAL_DIGITS: Final = 15
"""Significant digits of a ``decimal``: so many survive a comparison as IEEE 754 double, which SQLite makes."""

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_TIME: Final = re.compile(r"[0-9]{2}:[0-9]{2}(?::[0-9]{2})?")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?")


def normal_date(text: str) -> str | None:
    """Return a date as ``YYYY-MM-DD``, or ``None`` where it is none."""
    if _DATE.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None


def normal_datetime(text: str) -> str | None:
    """Return an RFC 3339 moment in UTC in the one form of :func:`maydan.clock.to_text`, which sorts as time does.

    Digits beyond microseconds are cut off.
    """
    if _DATETIME.fullmatch(text) is None:
        return None
    try:
        moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return to_text(moment) if moment.year >= 1000 else None


def normal_time(text: str) -> str | None:
    """Return a time of day as HTML's normal form does: ``09:30``, with seconds only where they are not zero."""
    if _TIME.fullmatch(text) is None:
        return None
    try:
        moment = time.fromisoformat(text)
    except ValueError:
        return None
    return moment.isoformat("seconds" if moment.second else "minutes")


def normal_decimal(text: str) -> str | None:
    """Return a decimal number without superfluous zeros: ``"012.50"`` is ``"12.5"``; ``None`` beyond 15 digits."""
    if _DECIMAL.fullmatch(text) is None:
        return None
    number = Decimal(text).normalize()
    if len(number.as_tuple().digits) > MOST_DECIMAL_DIGITS or abs(number.adjusted()) > 2 * MOST_DECIMAL_DIGITS:
        return None
    return format(number, "f") if number else "0"


_DECIMAL_KIND: Final = Kind.DECIMAL
_NORMAL_TEXT: Final[dict[Kind, tuple[Callable[[str], str | None], str]]] = {
    Kind.DATE: (normal_date, "invalid_date"),
    Kind.DATETIME: (normal_datetime, "invalid_datetime"),
    Kind.TIME: (normal_time, "invalid_time"),
    Kind.DECIMAL: (normal_decimal, "invalid_decimal"),
}


def comparable(kind: Kind, value: Any) -> Any:
    """Return what a value of that kind is compared by: a decimal's number, else the value."""
    return Decimal(value) if kind is _DECIMAL_KIND else value


def _within(field: Field, value: Any, pointer: str, problems: Problems) -> bool:
    if field.min is None and field.max is None:
        return True
    if field.min is not None and comparable(field.kind, value) < comparable(field.kind, field.min):
        problems.add(pointer, "too_small", min=field.min)
        return False
    if field.max is not None and comparable(field.kind, value) > comparable(field.kind, field.max):
        problems.add(pointer, "too_large", max=field.max)
        return False
    return True


def read_ordered_text(field: Field, value: object, pointer: str, problems: Problems) -> str | None:
    """Read a date, datetime, time or decimal into its normal text."""
    normalise, code = _NORMAL_TEXT[field.kind]
    normal = normalise(value) if type(value) is str else None
    if normal is None:
        problems.add(pointer, code)
        return None
    return normal if _within(field, normal, pointer, problems) else None


def read_integer(field: Field, value: object, pointer: str, problems: Problems) -> int | None:
    """Read an integer that every JSON reader keeps; ``true`` and ``1.0`` are none."""
    if type(value) is not int or not -LARGEST_AMOUNT <= value <= LARGEST_AMOUNT:
        problems.add(pointer, "not_an_integer")
        return None
    return value if _within(field, value, pointer, problems) else None


def read_number(field: Field, value: object, pointer: str, problems: Problems) -> float | int | None:
    """Read a finite number; an integer that would not come back the same is refused."""
    exact = type(value) is int and keeps(value)
    if not exact and not (type(value) is float and isfinite(value)):
        problems.add(pointer, "not_a_number")
        return None
    number = cast("float | int", value)
    return number if _within(field, number, pointer, problems) else None


def keeps(value: int) -> bool:
    """Tell whether every JSON reader keeps the integer as it is: within ±(2^53 - 1), or what stands for a double.

    PostgreSQL gives 1e25 out with all of its digits, and what was given out may come back.
    """
    if -LARGEST_AMOUNT <= value <= LARGEST_AMOUNT:
        return True
    try:
        return int(Decimal(repr(float(value)))) == value
    except OverflowError:
        return False


def read_boolean(_field: Field, value: object, pointer: str, problems: Problems) -> bool | None:
    """Read ``true`` or ``false``."""
    if type(value) is not bool:
        problems.add(pointer, "not_a_boolean")
        return None
    return value


def read_enum(field: Field, value: object, pointer: str, problems: Problems) -> str | None:
    """Read one of the field's values."""
    if type(value) is not str or value not in field.values:
        shown = ", ".join(field.values[:20]) + (" …" if len(field.values) > 20 else "")
        problems.add(pointer, "invalid_choice", values=shown)
        return None
    return value


def read_id(_field: Field, value: object, pointer: str, problems: Problems) -> str | None:
    """Read the id of an entry or asset; whether it exists is not known here."""
    if type(value) is not str or not is_id(value):
        problems.add(pointer, "invalid_id")
        return None
    return value


def read_geo(_field: Field, value: object, pointer: str, problems: Problems) -> dict[str, Any] | None:
    """Read a point on the earth, WGS 84, in degrees."""
    if not isinstance(value, dict):
        problems.add(pointer, "not_an_object")
        return None
    point = cast("dict[str, Any]", value)
    before = len(problems.found)
    for key in point:
        if key not in ("lat", "lng"):
            problems.add(child(pointer, key), "unknown_field")
    for key, most in (("lat", 90), ("lng", 180)):
        number = point.get(key)
        if number is None:
            problems.add(child(pointer, key), "field_required")
        elif type(number) not in (int, float) or not isfinite(number):
            problems.add(child(pointer, key), "not_a_number")
        elif abs(number) > most:
            problems.add(child(pointer, key), "too_large" if number > 0 else "too_small", max=most, min=-most)
    return {"lat": point["lat"], "lng": point["lng"]} if len(problems.found) == before else None


def read_money(field: Field, value: object, pointer: str, problems: Problems, old: object) -> dict[str, Any] | None:
    """Read an amount in minor units; ``decimal``, which answers add, may come back as it was or as it will be."""
    if not isinstance(value, dict):
        problems.add(pointer, "not_an_object")
        return None
    before = len(problems.found)
    money = cast("dict[str, Any]", value)
    for key in money:
        if key not in ("amount", "currency", "decimal"):
            problems.add(child(pointer, key), "unknown_field")
    currency = money.get("currency")
    digits = find_exponent(currency) if type(currency) is str else None
    if digits is None:
        problems.add(child(pointer, "currency"), "currency" if currency is not None else "field_required")
    amount = None
    if money.get("amount") is None:
        problems.add(child(pointer, "amount"), "field_required")
    else:
        amount = read_integer(field, money["amount"], child(pointer, "amount"), problems)
    if len(problems.found) != before or digits is None or amount is None:
        return None
    if "decimal" in money and money["decimal"] not in (decimal_text(amount, digits), _old_decimal(old)):
        problems.add(child(pointer, "decimal"), "decimal_differs")
        return None
    return {"amount": amount, "currency": currency}


def _old_decimal(old: object) -> str | None:
    if not isinstance(old, dict):
        return None
    money = cast("dict[str, Any]", old)
    return decimal_text(money["amount"], find_exponent(money["currency"]) or 0)


def read_json(_field: Field, value: object, pointer: str, problems: Problems) -> object:
    """Read any JSON within bounds of depth, size, numbers and characters."""
    if not _is_tame(value, DEEPEST_JSON) or len(msgspec.json.encode(value)) > LARGEST_JSON_BYTES:
        problems.add(pointer, "invalid_json", depth=DEEPEST_JSON, bytes=LARGEST_JSON_BYTES)
        return None
    return value


def _is_tame(value: object, depth: int) -> bool:
    """Tell whether both engines, and every JSON reader, keep this value as it is."""
    if isinstance(value, str):
        return not has_control(value, lines=True)
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, int):
        return keeps(value)
    if isinstance(value, float):
        return isfinite(value)
    if depth == 0:
        return False
    if isinstance(value, list):
        return all(_is_tame(item, depth - 1) for item in cast("list[object]", value))
    members = cast("dict[str, object]", value)
    return all(_is_tame(key, depth) and _is_tame(item, depth - 1) for key, item in members.items())
