"""Rows that are kept while nothing is committed."""

from __future__ import annotations

from maydan.storage.keeping import KeptRows, question_of


def test_the_same_question_has_the_same_rows_under_one_state() -> None:
    """Each caller has a list of its own."""
    kept, question = KeptRows(), question_of("SELECT ?", (1,))
    assert kept.find(1, question) is None
    kept.keep(1, question, [("a",)])
    found = kept.find(1, question)
    assert found == [("a",)]
    assert found is not None
    found.clear()
    assert kept.find(1, question) == [("a",)]


def test_another_state_forgets_and_what_was_read_under_an_older_one_is_not_kept() -> None:
    """Whoever was slow to read does not bring back what has changed meanwhile."""
    kept, question = KeptRows(), question_of("SELECT 1", ())
    kept.find(1, question)
    assert kept.find(2, question) is None
    kept.keep(1, question, [("old",)])
    assert kept.find(2, question) is None
    kept.keep(2, question, [("new",)])
    assert kept.find(2, question) == [("new",)]
    assert kept.find(1, question) is None


def test_equal_arguments_of_different_types_are_different_questions() -> None:
    """In Python ``1 == True == 1.0``."""
    assert len({question_of("SELECT ?", (value,)) for value in (1, True, 1.0, "1")}) == 4


def test_no_more_is_kept_than_there_is_room_for() -> None:
    """One answer takes a quarter of it at most, and what is full starts anew."""
    kept = KeptRows(most_bytes=10_000)
    kept.find(1, question_of("large", ()))
    kept.keep(1, question_of("large", ()), [("x" * 3_000,)])
    assert kept.find(1, question_of("large", ())) is None
    for number in range(20):
        kept.keep(1, question_of("small", (number,)), [("x" * 1_000,)])
    there = [number for number in range(20) if kept.find(1, question_of("small", (number,)))]
    assert 19 in there
    assert len(there) < 10


def test_long_questions_take_their_room_too() -> None:
    """Long texts that find nothing do not fill the memory."""
    kept = KeptRows(most_bytes=10_000)
    asked = [question_of("SELECT ?", (f"{number}" + "x" * 1_000,)) for number in range(20)]
    kept.find(1, asked[0])
    for question in asked:
        kept.keep(1, question, [])
    assert sum(kept.find(1, question) is not None for question in asked) < 10
