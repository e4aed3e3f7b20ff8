"""Normal forms, also of what nobody writes."""

from __future__ import annotations

import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maydan.accounts.addresses import address_key
from maydan.accounts.passwords import normal_form
from maydan.locales.folding import fold
from maydan.locales.normalizing import MOST_MARKS, normalized

FORMS: tuple[Literal["NFC", "NFD", "NFKC", "NFKD"], ...] = ("NFC", "NFD", "NFKC", "NFKD")


def runs(text: str) -> int:
    """Return the length of the longest row of characters that are sorted among themselves."""
    longest = length = 0
    for letter in text:
        length = length + 1 if unicodedata.combining(letter) else 0
        longest = max(longest, length)
    return longest


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("marks", ["\u0301\u0323", "\u0344\u0323", "\u0651\u064e\u0327", "\uff9e\u0327"])
def test_marks_without_end_are_parted(form: Literal["NFC", "NFD", "NFKC", "NFKD"], marks: str) -> None:
    """Sorting them takes the square of their number: 50,000 took 16 seconds, in which a process answers nobody."""
    done = normalized(form, "a" + marks * 1000)
    assert runs(done) <= 2 * MOST_MARKS + 2


@given(st.text(max_size=200), st.sampled_from(FORMS))
def test_what_people_write_has_its_plain_normal_form(text: str, form: Literal["NFC", "NFD", "NFKC", "NFKD"]) -> None:
    """Nothing differs where no row of marks is longer than any word's."""
    if runs(unicodedata.normalize("NFKD", text)) <= 10:
        assert normalized(form, text) == unicodedata.normalize(form, text)


def test_texts_that_are_far_too_long_cost_nothing() -> None:
    """A hundred thousand characters in place of an address, a password or a word are cut, or folded as they come."""
    bomb = "a" + "\u0301\u0323" * 50_000
    for text in (bomb, "\ufdfa" * 50_000):
        assert len(address_key(text)) < 30_000
        assert len(normal_form(text)) < 30_000
    assert fold(bomb) == "a"
    assert len(normal_form("é" * 256)) == 256
    assert normal_form("e\u0301" * 256) == "é" * 256
