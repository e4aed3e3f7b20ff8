from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maydan.locales import fold


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("مُحَمَّد", "محمد"),
        ("أحمد", "احمد"),
        ("إلى", "الي"),
        ("مدرسة", "مدرسه"),
        ("كـــتاب", "كتاب"),
        ("آمنة", "امنه"),
        ("مسؤول", "مسوول"),
        ("کوردی", "كوردي"),
        ("٢٠٢٦", "2026"),
        ("Café", "cafe"),
        ("STRASSE", "straße"),
        ("İstanbul", "istanbul"),
        ("ﬁne", "fine"),
        ("ﷺ", "صلى الله عليه وسلم"),
        ("Ångström", "angstrom"),
        ("naïve", "NAIVE"),
        ("Łódź", "lodz"),
        ("co\u00adop", "coop"),
    ],
)
def test_spellings_of_one_word_fold_to_the_same(one: str, other: str) -> None:
    """Case, accents, vowel signs, tatweel and the forms of Arabic letters do not tell words apart."""
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("हिन्दी", "हन्द"), ("كتاب", "كاتب"), ("a", "b")])
def test_different_words_stay_different(one: str, other: str) -> None:
    """Vowel signs of Indic scripts are letters of the word and stay."""
    assert fold(one) != fold(other)


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    """A folded text is folded already."""
    assert fold(fold(text)) == fold(text)


@given(st.text(st.characters(codec="ascii")))
def test_ascii_takes_the_same_path_as_everything(ascii_text: str) -> None:
    """The short way for ASCII gives what the long one gives."""
    assert fold(ascii_text + "é").removesuffix("e") == fold(ascii_text)
