from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from maydan import errors
from maydan.content.problems import MESSAGES
from maydan.errors import MaydanError
from maydan.locales import add_catalogues, message_language, messages, translate


def every_error(base: type[MaydanError]) -> Iterator[type[MaydanError]]:
    """Yield a class and all that derive from it."""
    yield base
    for one in base.__subclasses__():
        yield from every_error(one)


@pytest.mark.parametrize(
    "title", sorted({one.title for one in every_error(MaydanError) if one.__module__ == errors.__name__})
)
def test_every_title_has_an_arabic_translation(title: str) -> None:
    """Titles follow ``Accept-Language``."""
    assert translate(title, ("ar",)) != title


@pytest.mark.parametrize("code", MESSAGES)
def test_every_message_has_an_arabic_translation_with_its_facts(code: str) -> None:
    """A message is found again with its facts filled in, and they stand in the translation."""
    names = messages._PLACE.findall(MESSAGES[code])
    facts = {name: f"7{name}" for name in names}
    translated = translate(MESSAGES[code].format(**facts), ("ar-IQ", "en"))
    assert translated != MESSAGES[code].format(**facts)
    assert all(fact in translated for fact in facts.values())


def test_a_sentence_is_translated_with_the_message_in_it() -> None:
    """A problem's detail names the place and holds a message; both arrive."""
    translated = translate("/title is required (and 3 more).", ("ar",))
    assert translated.startswith("/title ")
    assert "مطلوب" in translated
    assert "3" in translated


@pytest.mark.parametrize("languages", [(), ("fr",), ("en", "ar"), ("*",)])
def test_without_a_catalogue_texts_stay_english(languages: tuple[str, ...]) -> None:
    """English is the source, and what is left where nothing fits."""
    assert translate("Not found", languages) == "Not found"
    assert message_language(languages) == "en"


def test_an_unknown_text_is_given_back_as_it_is() -> None:
    """Plugins without a catalogue still say what they say; overlong texts are not looked at."""
    assert translate("The oven is on fire.", ("ar",)) == "The oven is on fire."
    assert translate("x" * 5000, ("ar",)) == "x" * 5000


def test_a_plugin_adds_its_catalogues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin's languages and texts are added; the core's own translations stay."""
    monkeypatch.setattr(messages, "_folders", list(messages._folders))
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    (tmp_path / "ar.po").write_text(
        head + 'msgid "Seat {seat} is taken"\nmsgstr "{seat} محجوز"\n\nmsgid "Not found"\nmsgstr "x"\n'
    )
    (tmp_path / "tlh.po").write_text(head + 'msgid "Not found"\nmsgstr "tu\'lu\'be\'"\n')
    add_catalogues(tmp_path)
    try:
        assert translate("Seat 12 is taken", ("ar",)) == "12 محجوز"
        assert translate("Not found", ("ar",)) == "غير موجود"
        assert translate("Not found", ("tlh",)) == "tu'lu'be'"
        assert message_language(("tlh",)) == "tlh"
    finally:
        messages._folders.clear()
        messages._languages.cache_clear()
        messages._catalogue.cache_clear()
        messages._translated.cache_clear()


def test_a_message_inside_another_is_found_with_and_without_its_full_stop() -> None:
    """Some sentences are said of a place as they are, others lose their full stop to what stands around them."""
    whole = translate("There is no such account.", ("ar",))
    assert translate("/user There is no such account.", ("ar",)) == f"/user {whole}"
    assert translate("/role The space has no role 'x'.", ("ar",)) != "/role The space has no role 'x'."
    assert translate("/url must name a host.", ("ar",)) == f"/url {translate('must name a host', ('ar',))}."
