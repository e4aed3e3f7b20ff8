"""Converts the values of a condition to the kind that they are compared with."""

from __future__ import annotations

import re
from math import isfinite
from typing import Any, Final

from maydan.content.conditions import LIST_OPERATORS, TEXT_OPERATORS
from maydan.content.scalars import normal_date, normal_datetime, normal_decimal, normal_time
from maydan.content.text import NORMAL_FORMS, has_control
from maydan.content.types import Kind
from maydan.money import LARGEST_AMOUNT

_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,15})")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,3})?")
_BOOLEANS: Final = {"true": True, "false": False}
_NORMAL: Final = {
    Kind.DATE: (normal_date, "a date such as 2026-11-22"),
    Kind.DATETIME: (normal_datetime, "a time with an offset such as 2026-11-22T10:00:00Z"),
    Kind.TIME: (normal_time, "a time of day such as 09:30"),
    Kind.DECIMAL: (normal_decimal, "a decimal number such as 12.50"),
}


def convert_operand(kind: Kind, op: str, value: Any, *, text: bool) -> Any:
    """Return the value of a comparison as the documents hold such values.

    Args:
        kind: Of what stands at the path.
        op: The operator.
        value: From JSON, or text from an address: there ``in`` takes values separated by commas.
        text: Whether the value is text from an address.
    Raises:
        ValueError: It is not of the kind; the message says what is expected.
    """
    if op == "exists":
        return _boolean(value, text=text)
    if op in TEXT_OPERATORS:
        return _plain(value)
    if op not in LIST_OPERATORS:
        return _one(kind, value, text=text)
    listed = value.split(",") if text and isinstance(value, str) else value
    if not isinstance(listed, (list, tuple)):
        raise ValueError("a list")
    items: tuple[Any, ...] = tuple(listed)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return tuple(_one(kind, item, text=text) for item in items)


def _one(kind: Kind, value: object, *, text: bool) -> Any:
    if kind is Kind.INTEGER:
        return _integer(value, text=text)
    if kind is Kind.NUMBER:
        return _number(value, text=text)
    if kind is Kind.BOOLEAN:
        return _boolean(value, text=text)
    plain = _plain(value)
    if kind in _NORMAL:
        normalise, expected = _NORMAL[kind]
        normal = normalise(plain)
        if normal is None:
            raise ValueError(expected)
        return normal
    return NORMAL_FORMS[kind](plain) or plain if kind in NORMAL_FORMS else plain


def _integer(value: object, *, text: bool) -> int:
    if text and isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if type(value) is not int or not -LARGEST_AMOUNT <= value <= LARGEST_AMOUNT:
        raise ValueError("an integer within ±9007199254740991")
    return value


def _number(value: object, *, text: bool) -> float | int:
    if text and isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if type(value) is int and -LARGEST_AMOUNT <= value <= LARGEST_AMOUNT:
        return value
    if type(value) is float and isfinite(value):
        return value
    raise ValueError("a number")


def _boolean(value: object, *, text: bool) -> bool:
    if text and isinstance(value, str):
        value = _BOOLEANS.get(value)
    if type(value) is not bool:
        raise ValueError("true or false")
    return value


def _plain(value: object) -> str:
    if type(value) is not str or has_control(value, lines=True):
        raise ValueError("text without control characters")
    return value
