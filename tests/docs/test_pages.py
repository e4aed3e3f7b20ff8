"""What the documentation shows is what happens."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from pages import ROOT, fits, last_json, pages, tell


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_runs_from_top_to_bottom(page: Path, tmp_path: Path) -> None:
    """Every command works as it stands, and prints what the page says."""
    commands = Path(sys.executable).parent
    environment = {name: text for name, text in os.environ.items() if not name.startswith("MAYDAN_")}
    environment["PATH"] = f"{commands}{os.pathsep}{environment['PATH']}"
    for answer in tell(page, tmp_path, environment):
        if answer.expected is not None:
            place = f"{page.name}:{answer.expected.line}"
            assert fits(json.loads(answer.expected.text), last_json(answer.printed, place), place) == []


def test_there_are_pages_to_run() -> None:
    """The tutorials take part; a change of the marks must not switch this test off."""
    assert {"README.md", "docs/integrator.md", "docs/frontend.md"} <= {str(page.relative_to(ROOT)) for page in pages()}


@pytest.mark.parametrize(
    ("expected", "printed", "wrong"),
    [
        ({"a": 1}, {"a": 1}, 0),
        ({"a": 1}, {"a": 2}, 1),
        ({"a": 1}, {"a": 1, "b": 2}, 1),
        ({"a": 1, "…": "…"}, {"a": 1, "b": 2}, 0),
        ({"a": "…"}, {"a": [1, 2]}, 0),
        ({"a": "x…z"}, {"a": "xyz"}, 0),
        ({"a": "x…z"}, {"a": "xy"}, 1),
        ([1, "…"], [1, 2, 3], 0),
        ([1], [1, 2], 1),
        ({"a": True}, {"a": 1}, 1),
    ],
)
def test_the_page_is_compared_with_the_answer(expected: object, printed: object, wrong: int) -> None:
    """An ellipsis stands for anything, and everything else for itself."""
    assert len(fits(expected, printed)) == wrong
