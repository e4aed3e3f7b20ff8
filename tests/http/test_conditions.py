from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maydan.errors import Malformed, PreconditionRequired, Stale
from maydan.http.conditions import is_fresh, parse_tags, require_tag, require_version, tag_of, version_of

TAGS = st.text(st.sampled_from("abc019-_!#~"), max_size=8)


@given(st.lists(st.tuples(st.booleans(), TAGS), min_size=1, max_size=5))
def test_a_list_of_tags_is_read_back(tags: list[tuple[bool, str]]) -> None:
    """Weak or strong, with or without spaces around the commas."""
    for separator in (",", ", ", " ,\t"):
        header = separator.join(f'{"W/" if weak else ""}"{tag}"' for weak, tag in tags)
        assert parse_tags(header, "If-Match") == tuple(tags)


@pytest.mark.parametrize("header", ["", "abc", '"a', 'a"', '"a" "b"', '"a",', ",", 'w/"a"', '"a"b"', "*, *", '*, "a"'])
def test_what_is_no_list_of_tags_is_malformed(header: str) -> None:
    """400, so that a precondition is never ignored in silence."""
    with pytest.raises(Malformed):
        parse_tags(header, "If-Match")


def test_what_is_changed_must_be_as_the_client_saw_it() -> None:
    """Strong comparison; a star is any state; missing is refused where it is required."""
    require_tag('"a", "b"', "b")
    require_tag("*", "b")
    require_tag(None, "b", required=False)
    for header in ('"a"', 'W/"b"'):
        with pytest.raises(Stale):
            require_tag(header, "b")
    with pytest.raises(PreconditionRequired):
        require_tag(None, "b")


def test_an_entry_takes_any_tag_of_its_draft_version() -> None:
    """Whatever perspective, fields or include the answer had; also for DELETE, which needs none."""
    require_version(f'"{tag_of(b"one body", "7")}"', 7)
    require_version(f'"x", "{tag_of(b"another body", "7")}"', 7)
    require_version("*", 7)
    require_version(None, 7, required=False)
    for header in (f'"{tag_of(b"one body", "6")}"', f'"{tag_of(b"one body")}"', f'W/"{tag_of(b"x", "7")}"', '"7"'):
        with pytest.raises(Stale):
            require_version(header, 7)


@given(st.binary(), st.integers(1, 10**18 - 1))
def test_the_version_is_in_the_tag(body: bytes, version: int) -> None:
    """A tag without a version has none."""
    assert version_of(tag_of(body, str(version))) == version
    assert version_of(tag_of(body)) is None


def test_weak_comparison_for_reading() -> None:
    """If-None-Match takes weak tags too, as proxies that compress make them."""
    assert is_fresh('"a"', "a")
    assert is_fresh('W/"a"', "a")
    assert is_fresh('"b", W/"a"', "a")
    assert is_fresh("*", "a")
    assert not is_fresh('"b"', "a")
