"""Every dependency earns its line in docs/dependencies.md, and is used."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
IMPORTED_AS = {
    "argon2-cffi": "argon2",
    "prometheus-client": "prometheus_client",
    "pycasbin": "casbin",
    "uuid-utils": "uuid_utils",
}
BY_NAME_ALONE = {"httptools", "uvloop"}
"""uvicorn is told to use them; nothing of ours imports them."""


def names(requirements: list[str]) -> list[str]:
    """Return the distributions, without their versions."""
    return [re.split(r"[<>=\[ ]", requirement)[0] for requirement in requirements]


def documented(heading: str) -> list[str]:
    """Return the first column of the table under a heading."""
    _, _, section = (ROOT / "docs/dependencies.md").read_text().partition(f"## {heading}\n")
    return re.findall(r"^\| ([a-z0-9][a-z0-9-]*) \|(?! what)", section.partition("\n## ")[0], re.MULTILINE)


def test_every_dependency_says_why_it_and_not_another() -> None:
    """A ghost in the page, or a newcomer without a reason, fails."""
    assert documented("At run time") == names(PROJECT["project"]["dependencies"])
    assert documented("For development") == names(PROJECT["dependency-groups"]["dev"])


@pytest.mark.parametrize("name", sorted(set(names(PROJECT["project"]["dependencies"])) - BY_NAME_ALONE))
def test_the_core_imports_what_it_depends_on(name: str) -> None:
    """What nothing imports, nobody should have to install."""
    module = IMPORTED_AS.get(name, name)
    pattern = re.compile(rf"^\s*(from|import) {module}\b", re.MULTILINE)
    assert any(pattern.search(path.read_text()) for path in ROOT.glob("core/maydan/**/*.py"))
