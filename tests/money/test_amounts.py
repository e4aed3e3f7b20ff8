from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maydan.money import LARGEST_AMOUNT, Money, decimal_text, exponent, find_exponent, formatted, is_currency

AMOUNTS = st.integers(-LARGEST_AMOUNT, LARGEST_AMOUNT)


@pytest.mark.parametrize(
    ("amount", "currency", "decimal"),
    [(1250, "USD", "12.50"), (1250, "IQD", "1.250"), (1250, "JPY", "1250"), (-5, "EUR", "-0.05"), (0, "KWD", "0.000")],
)
def test_the_exponent_of_iso_4217_places_the_point(amount: int, currency: str, decimal: str) -> None:
    """Minor units are those of ISO 4217: IQD has three digits, whatever CLDR shows."""
    assert Money(amount, currency).decimal == decimal


@pytest.mark.parametrize("code", ["XXX", "XAU", "XTS", "usd", "US", "", "ZZZ", "💰"])
def test_a_currency_without_a_minor_unit_is_refused(code: str) -> None:
    """``XXX``, metals, test codes and what is no code at all are no money."""
    assert not is_currency(code)
    assert find_exponent(code) is None
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(1, code)


def test_amounts_beyond_what_json_readers_keep_are_refused() -> None:
    """±(2^53 - 1) is the last integer that every JSON reader keeps."""
    assert Money(LARGEST_AMOUNT, "USD").amount == 2**53 - 1
    for amount in (LARGEST_AMOUNT + 1, -LARGEST_AMOUNT - 1):
        with pytest.raises(ValueError, match="outside"):
            Money(amount, "USD")


@given(AMOUNTS, st.integers(0, 4))
def test_the_decimal_text_says_exactly_the_amount(amount: int, digits: int) -> None:
    """Taking the point out gives the minor units back."""
    text = decimal_text(amount, digits)
    assert int(text.replace(".", "")) == amount
    assert len(text.partition(".")[2]) == digits


def test_money_survives_json() -> None:
    """What is encoded is read back equal."""
    money = Money(1250, "USD")
    assert msgspec.json.decode(msgspec.json.encode(money), type=Money) == money
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"amount": 1, "currency": "XXX"}', type=Money)


@given(AMOUNTS)
def test_display_never_hides_a_digit_that_counts(amount: int) -> None:
    """CLDR shows no digits of IQD; where there are some they are shown."""
    shown = formatted(Money(amount, "IQD"), "en")
    digits = "".join(sign for sign in shown if sign.isdigit())
    full = decimal_text(abs(amount), exponent("IQD")).replace(".", "")
    assert digits in (full, full[:-3]) or (digits + "000").lstrip("0") == full.lstrip("0")
    assert amount % 1000 == 0 or digits == full


def test_display_is_in_the_locale_and_survives_an_unknown_one() -> None:
    """Currency, digits and separators follow the locale; an unknown tag is shown as its language or in English."""
    money = Money(123456, "EUR")
    assert formatted(money, "en") == "€1,234.56"
    assert formatted(money, "de-DE") == "1.234,56\u00a0€"
    assert formatted(money, "de-x-private") == "1.234,56\u00a0€"
    assert formatted(money, "zz") == "€1,234.56"
