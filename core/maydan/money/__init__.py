"""ISO money: integer minor units and a currency that has them. A leaf that every room may use; display is Babel's."""

from maydan.money.amounts import LARGEST_AMOUNT, Money, currencies, decimal_text, exponent, find_exponent, is_currency
from maydan.money.display import formatted

__all__ = [
    "LARGEST_AMOUNT",
    "Money",
    "currencies",
    "decimal_text",
    "exponent",
    "find_exponent",
    "formatted",
    "is_currency",
]
