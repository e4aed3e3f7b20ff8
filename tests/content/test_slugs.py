from __future__ import annotations

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maydan.content.slugs import LONGEST_SLUG, is_slug, slugify, with_number
from maydan.ids import new_id


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Hello, World!", "hello-world"),
        ("  --A  b__c  ", "a-b-c"),
        ("مُحَمَّد والقهوة", "مُحَمَّد-والقهوة"),
        ("हिन्दी में", "हिन्दी-में"),
        ("Ünïcödé", "ünïcödé"),
        ("U\u0308ber", "über"),
        ("٢٠٢٦ و 2026", "٢٠٢٦-و-2026"),
        ("🎉🎉", ""),
        ("...", ""),
        ("", ""),
    ],
)
def test_a_slug_keeps_letters_marks_and_digits_of_every_script(text: str, slug: str) -> None:
    """Vowel signs stay with their letters; everything else becomes one hyphen; only emoji leave nothing."""
    assert slugify(text) == slug


def test_a_slug_never_looks_like_an_id() -> None:
    """One address takes a slug or an id, so that no slug is a UUID."""
    entry_id = new_id()
    assert slugify(entry_id) == ""
    assert slugify(entry_id.upper()) == ""
    assert not is_slug(entry_id)


def test_a_long_slug_is_cut_between_graphemes() -> None:
    """A vowel sign is never cut off its letter."""
    slug = slugify("a" + "हि" * 200)
    assert len(slug) == LONGEST_SLUG - 1
    assert slug.endswith("हि")


@pytest.mark.parametrize("text", ["", "-a", "a-", "a--b", "A", "a b", "a/b", "a.b", "a_b", "é", "\u064b", "a" * 101])
def test_what_is_not_strictly_a_slug_is_refused(text: str) -> None:
    """A given slug is taken as it is or not at all: no capitals, no double hyphens, NFC."""
    assert not is_slug(normalize("NFD", text))


@given(st.text())
def test_slugs_are_slugs_and_making_one_twice_changes_nothing(text: str) -> None:
    """Whatever comes in, what comes out is nothing or a slug, and its own slug."""
    slug = slugify(text)
    assert slug == "" or is_slug(slug)
    assert slugify(slug) == slug


@given(st.text(min_size=1), st.integers(2, 99999))
def test_a_numbered_slug_is_a_slug(text: str, number: int) -> None:
    """A number never makes it too long, and tells it from others."""
    slug = slugify(text)
    if slug:
        assert is_slug(with_number(slug, number))
        assert with_number(slug, number) != with_number(slug, number + 1)


@given(st.text(st.characters(max_codepoint=127), max_size=90))
def test_plain_text_gets_the_slug_that_it_would_get_among_other_letters(text: str) -> None:
    """ASCII goes a shorter way to the same slug."""
    slug = slugify(text)
    assert slugify(f"{text} ü") == (f"{slug}-ü" if slug else "ü")
