"""Amounts in minor units, by the exponents of ISO 4217 (not CLDR's, which are for display: IQD has 3 here, 0 there)."""

from __future__ import annotations

from functools import cache
from typing import Final

from msgspec import Struct

LARGEST_AMOUNT: Final = 2**53 - 1
"""The largest integer that JSON readers keep exactly (RFC 8259, section 6)."""


class Money(Struct, frozen=True, order=True):
    """An amount of one currency.

    Raises:
        ValueError: The currency has no minor unit in ISO 4217, or the amount is outside ±(2^53 - 1).
    """

    amount: int
    """In minor units: 1250 is 12.50 USD, 1.250 KWD and 1250 JPY."""
    currency: str

    def __post_init__(self) -> None:
        """Refuse what ISO 4217 or JSON cannot hold."""
        exponent(self.currency)
        if not -LARGEST_AMOUNT <= self.amount <= LARGEST_AMOUNT:
            raise ValueError("the amount is outside ±9007199254740991 minor units")

    @property
    def decimal(self) -> str:
        """The amount in major units as exact text: ``"12.50"``."""
        return decimal_text(self.amount, exponent(self.currency))


@cache
def _exponents() -> dict[str, int]:
    """Return the minor-unit exponent of every currency that has one; read once, when first needed."""
    from iso4217 import Currency

    return {currency.code: currency.exponent for currency in Currency if currency.exponent is not None}


def currencies() -> list[str]:
    """Return the codes of the currencies that have a minor unit, in order."""
    return sorted(_exponents())


def find_exponent(currency: str) -> int | None:
    """Return the digits after the point of a currency, or ``None`` for an unknown code or one without a minor unit."""
    return _exponents().get(currency)


def exponent(currency: str) -> int:
    """Return the digits after the point of a currency.

    Raises:
        ValueError: The code is unknown, or has no minor unit (``XXX``, gold, bond units).
    """
    digits = find_exponent(currency)
    if digits is None:
        raise ValueError(f"{currency!r} is not an ISO 4217 currency with a minor unit")
    return digits


def decimal_text(amount: int, digits: int) -> str:
    """Write minor units as major units: ``decimal_text(1250, 2)`` is ``"12.50"``."""
    if digits == 0:
        return str(amount)
    whole, part = divmod(abs(amount), 10**digits)
    return f"{'-' if amount < 0 else ''}{whole}.{part:0{digits}d}"


def is_currency(code: str) -> bool:
    """Tell whether a code is a currency of ISO 4217 that has a minor unit."""
    return find_exponent(code) is not None
