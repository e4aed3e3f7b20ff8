"""Money as people of a locale write it; never to be read back or compared."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from maydan.money.amounts import exponent

if TYPE_CHECKING:
    from babel import Locale

    from maydan.money.amounts import Money


def formatted(money: Money, locale: str) -> str:
    """Return an amount with its currency, as ``locale`` writes it, with all its minor digits.

    Args:
        money: What to show.
        locale: A BCP 47 tag; one that CLDR does not know is shown as its language, or else in English.
    """
    from babel.numbers import get_currency_precision, parse_pattern

    digits = exponent(money.currency)
    # CLDR shows IQD without digits; where there are some, hiding them would show another amount.
    shown = get_currency_precision(money.currency)
    hidden = money.amount % 10 ** max(digits - shown, 0)
    fraction = digits if hidden else min(shown, digits)
    known = _known_locale(locale)
    pattern = parse_pattern(known.currency_formats["standard"].pattern)
    pattern.frac_prec = (fraction, fraction)
    return pattern.apply(
        Decimal(money.amount).scaleb(-digits),
        known,
        currency=money.currency,
        currency_digits=False,
        numbering_system="default",
    )


def _known_locale(tag: str) -> Locale:
    """Return the locale of the longest beginning of a tag that CLDR knows."""
    from babel import Locale
    from babel.core import UnknownLocaleError

    step = tag
    while step:
        try:
            return Locale.parse(step, sep="-")
        except (UnknownLocaleError, ValueError):
            step = step.rpartition("-")[0]
    return Locale("en")
