"""import-linter's lists are complete: a room or a plugin that nobody named would be checked by nobody."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LINTER: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS: dict[str, dict[str, Any]] = {contract["id"]: contract for contract in LINTER["contracts"]}
PLUGINS = {f"maydan_{path.parent.name}" for path in ROOT.glob("plugins/*/pyproject.toml")}
MODULES = {path.stem for path in (ROOT / "core/maydan").glob("*.py")} - {"__init__", "__main__"}
ROOMS = {path.parent.name for path in (ROOT / "core/maydan").glob("*/__init__.py")}

OUTSIDE = {"hookspecs", "plugin", "testing", "_settings_reading"}
"""What a plugin may import (its tests: ``testing``), and what is private already."""


def test_every_plugin_is_known_to_import_linter() -> None:
    """As a root package, as one that keeps to the facade, and as one that the core does not know."""
    assert set(LINTER["root_packages"]) == {"maydan", *PLUGINS}
    assert set(CONTRACTS["plugins-use-the-facade"]["source_modules"]) == PLUGINS
    assert set(CONTRACTS["core-knows-no-plugin"]["forbidden_modules"]) == PLUGINS


def test_a_plugin_may_import_the_facade_and_no_other_room() -> None:
    """A new room is closed to plugins until ``maydan.plugin`` offers what they need of it."""
    closed = {name.removeprefix("maydan.") for name in CONTRACTS["plugins-use-the-facade"]["forbidden_modules"]}
    assert closed == (MODULES | ROOMS) - OUTSIDE


@pytest.mark.parametrize(
    ("contract", "allowed"),
    [
        ("drivers-stay-in-storage", {"storage"}),
        ("http-stays-in-http", {"http", "cli", "testing"}),
        ("pluggy-stays-in-plugins", {"plugins"}),
    ],
)
def test_a_third_party_has_one_room(contract: str, allowed: set[str]) -> None:
    """Every other room is listed, so that a new one cannot take a short cut."""
    listed = {name.removeprefix("maydan.") for name in CONTRACTS[contract]["source_modules"]}
    assert listed == (ROOMS - allowed) | PLUGINS


def test_every_room_says_what_it_is() -> None:
    """One paragraph in ``__init__``: what lives there, and who calls it."""
    silent = [
        room for room in sorted(ROOMS) if not (ROOT / f"core/maydan/{room}/__init__.py").read_text().startswith('"""')
    ]
    assert silent == []


def test_settings_are_read_without_what_only_a_server_needs() -> None:
    """Commands that touch neither HTTP nor a database must not pay for their imports."""
    heavy = ("litestar", "piccolo", "asyncpg", "casbin", "uvicorn", "babel")
    code = f"import sys, maydan.settings; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
