from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maydan.locales import canonical_locale, negotiate


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("en", "en"),
        ("EN-us", "en-US"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("SL-ROZAJ-BISKE", "sl-rozaj-biske"),
        ("de-1996", "de-1996"),
        ("es-419", "es-419"),
        ("ckb-Arab-IQ", "ckb-Arab-IQ"),
        ("en-a-bb-x-Y", "en-a-bb-x-y"),
    ],
)
def test_a_well_formed_tag_gets_its_canonical_case(written: str, canonical: str) -> None:
    """RFC 5646, section 2.1.1: languages in lower case, scripts in title case, regions in upper case."""
    assert canonical_locale(written) == canonical


@pytest.mark.parametrize(
    "written",
    [
        "xx_YY!",
        "",
        "a",
        "en-",
        "-en",
        "en--US",
        "english1",
        "i-klingon",
        "x-foo",
        "de-1996-1996",
        "en-a-bb-a-cc",
        "en-US-GB",
        "عربي",
        "en" + "-abcdefgh" * 8,
    ],
)
def test_what_is_not_well_formed_is_no_locale(written: str) -> None:
    """Other separators, repeated variants or singletons, and overlong tags are refused."""
    assert canonical_locale(written) is None


@given(st.text("abcdefgxyzABCXZ0129-_", max_size=20))
def test_the_canonical_form_is_its_own_canonical_form(written: str) -> None:
    """Canonicalising twice changes nothing, and only case is ever changed."""
    canonical = canonical_locale(written)
    if canonical is not None:
        assert canonical_locale(canonical) == canonical
        assert canonical.lower() == written.lower()


@pytest.mark.parametrize(
    ("languages", "locales", "expected"),
    [
        (("ku", "ar"), ("en", "ar"), "ar"),
        (("ar-IQ",), ("en", "ar"), "ar"),
        (("zh-Hant-TW",), ("zh", "zh-Hant"), "zh-Hant"),
        (("en",), ("fr", "en-GB"), "en-GB"),
        (("DE-at", "en"), ("en", "de"), "de"),
        (("en-GB", "en"), ("en-US",), "en-US"),
        (("e",), ("en",), None),
        (("zh-a-foo",), ("zh",), "zh"),
        (("*", "ar"), ("en", "ar"), None),
        ((), ("en",), None),
        (("not a tag", ""), ("en",), None),
    ],
)
def test_the_reader_gets_the_best_of_what_there_is(
    languages: tuple[str, ...], locales: tuple[str, ...], expected: str | None
) -> None:
    """RFC 4647, section 3.4: each range is shortened until it fits; then a kind of it will do."""
    assert negotiate(languages, locales) == expected
