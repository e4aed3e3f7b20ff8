"""docs/settings.md says what the structs say, and what `maydan init` writes is understood."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import fields

from maydan.cli.configuration_file import compose
from maydan.settings import CORE_TABLES, read

sys.path.insert(0, str(Path(__file__).parent))

from settings_page import BEGIN, PAGE, explanations, render


def test_the_page_lists_every_setting_with_its_default_and_no_other() -> None:
    """A setting that is new, gone or changed shows on the page; ``make docs`` writes it."""
    written = PAGE.read_text()
    assert BEGIN + written.partition(BEGIN)[2] == render()


@pytest.mark.parametrize("struct", CORE_TABLES.values(), ids=list(CORE_TABLES))
def test_every_setting_says_what_it_means(struct: type[Struct]) -> None:
    """The text under the field is the documentation."""
    silent = [field.name for field in fields(struct) if not explanations(struct).get(field.name)]
    assert silent == []


@pytest.mark.parametrize("struct", CORE_TABLES.values(), ids=list(CORE_TABLES))
def test_a_number_has_its_unit_in_its_name_or_counts_things(struct: type[Struct]) -> None:
    """``timeout = 5`` of what? Seconds end in ``_s``, and what is counted is named in the plural or as a size."""
    vague = re.compile(r"(timeout|interval|delay|wait|ttl|duration|memory|size_limit)$")
    assert [field.name for field in fields(struct) if vague.search(field.name)] == []


def test_what_init_writes_is_read_without_a_problem() -> None:
    """Also with its comments switched on: each commented key is a real one."""
    text = compose(url="sqlite:///maydan.db", enabled=["blog"])
    assert read(tomllib.loads(text), plugins=["blog"]).plugins.enabled == ("blog",)
    uncommented = re.sub(r"^# ([a-z_]+ = )", r"\1", text, flags=re.MULTILINE)
    assert uncommented != text
    assert read(tomllib.loads(uncommented), plugins=["blog"]).mail.url == "smtp://localhost:25"
