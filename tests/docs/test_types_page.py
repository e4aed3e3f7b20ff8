"""The page about types names what there is, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from maydan.content.kinds import RULES
from maydan.content.types import ContentType, Field, Kind

PAGE = Path(__file__).parents[2] / "docs/types.md"
_ROW = re.compile(r"^\| (`[a-z_`, ]+`) \|(.*)\|$", re.MULTILINE)
_NAME = re.compile(r"`([a-z_]+)`")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL))


def rows(section: str) -> dict[str, str]:
    """Return what a table says of each name in its first column."""
    return {name: rest for names, rest in _ROW.findall(SECTIONS[section]) for name in _NAME.findall(names)}


def test_every_member_of_a_type_is_explained() -> None:
    """But for those that the core sets."""
    hidden = {"key", "version", "retired_ids"}
    assert set(rows("A type")) == set(ContentType.__struct_fields__) - hidden


def test_every_kind_is_explained_with_the_options_that_it_takes() -> None:
    """The last column is the table that types are checked by."""
    told = {kind: set(_NAME.findall(rest.rpartition("|")[2])) for kind, rest in rows("Kinds of fields").items()}
    assert told == {kind.value: set(rules.options) for kind, rules in RULES.items()}
    assert set(told) == {kind.value for kind in Kind}


def test_every_option_is_explained() -> None:
    """Beside the name, the kind and the id, which every field has."""
    assert set(rows("Options")) == set(Field.__struct_fields__) - {"name", "kind", "id"}
