"""ISO money: integer minor units and a currency that has them. A leaf that every room may use; display is Babel's."""

from maydan.money.amounts import LARGEST_AMOUNT, Money, decimal_text, exponent, find_exponent

__all__ = ["LARGEST_AMOUNT", "Money", "decimal_text", "exponent", "find_exponent"]
