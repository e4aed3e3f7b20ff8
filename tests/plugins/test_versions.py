"""The part of PEP 440 that plugins need."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from maydan.plugins.versions import Requirement, check_version, matches

numbers = st.lists(st.integers(0, 3), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))
versions = st.tuples(numbers, st.sampled_from(["", "", "a1", "b2", "rc1"])).map("".join)
clauses = st.tuples(st.sampled_from([">=", "<=", "==", "!=", ">", "<"]), versions).map("".join)
compatible = st.lists(st.integers(0, 3), min_size=2, max_size=3).map(lambda parts: "~=" + ".".join(map(str, parts)))


@given(st.lists(clauses | compatible, max_size=3).map(",".join), versions)
def test_clauses_mean_what_the_packaging_library_takes_them_for(specifier: str, version: str) -> None:
    """Our forty lines agree with the reference on the versions that plugins have."""
    assert matches(specifier, version) == SpecifierSet(specifier).contains(version, prereleases=True)


@pytest.mark.parametrize("text", ["", "x", "1.", "1..2", "one"])
def test_what_is_not_a_version_is_refused(text: str) -> None:
    """The reason shows an example."""
    with pytest.raises(ValueError, match=r"such as '1\.2\.0'"):
        check_version(text)


def test_a_requirement_is_a_name_and_versions() -> None:
    """Spaces between them are fine, as people write them."""
    wanted = Requirement.parse("commerce >=1.2, <2")
    assert wanted.name == "commerce"
    assert [wanted.accepts(version) for version in ("1.1", "1.2", "1.9.9", "2.0")] == [False, True, True, False]
