"""What lands on the machine of whoever installs a wheel."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))


def build(project: Path, folder: Path) -> zipfile.ZipFile:
    """Build the wheel as a release does, without asking an index for anything."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(project)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (wheel,) = folder.glob("*.whl")
    return zipfile.ZipFile(wheel)


def top_level(names: list[str]) -> set[str]:
    """Return what the wheel puts into site-packages, its metadata aside."""
    return {name.partition("/")[0] for name in names if ".dist-info/" not in name}


def test_the_wheel_of_the_core_installs_one_name(tmp_path: Path) -> None:
    """``core`` and ``hookspecs`` are words of everybody; only ``maydan`` may become importable."""
    with build(ROOT, tmp_path) as wheel:
        names = wheel.namelist()
        assert top_level(names) == {"maydan"}
        assert wheel.read("maydan/hookspecs.py") == (ROOT / "hookspecs.py").read_bytes()
        assert "maydan/py.typed" in names
        assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
        here = {path.relative_to(ROOT / "core").as_posix() for path in ROOT.glob("core/maydan/**/*.py")}
        assert here <= set(names)


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_the_wheel_of_a_plugin_installs_one_name_with_its_manifest(plugin: Path, tmp_path: Path) -> None:
    """A plugin is a distribution of its own: no namespace package, and its tests stay at home."""
    package = f"maydan_{plugin.name}"
    with build(plugin, tmp_path) as wheel:
        names = wheel.namelist()
        assert top_level(names) == {package}
        assert {f"{package}/manifest.toml", f"{package}/py.typed"} <= set(names)
        (entry_points,) = [name for name in names if name.endswith(".dist-info/entry_points.txt")]
        assert "[maydan.plugins]" in wheel.read(entry_points).decode()


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_requires_of_this_repository_the_core_alone(plugin: Path) -> None:
    """Releasable alone: two plugins meet through hooks, and only one that publishes hooks may be required."""
    project = tomllib.loads((plugin / "pyproject.toml").read_text())["project"]
    manifest = tomllib.loads((plugin / f"maydan_{plugin.name}" / "manifest.toml").read_text())
    ours = {name for name in project["dependencies"] if name.startswith("maydan")}
    allowed = {"maydan", *(f"maydan-{name}" for name in manifest.get("requires", []))}
    assert project["name"] == f"maydan-{plugin.name}"
    assert {name.partition(">")[0].partition("=")[0].strip() for name in ours} <= allowed


@pytest.mark.parametrize("name", ["core", "hookspecs"])
def test_an_editable_installation_has_no_generic_name_either(name: str, tmp_path: Path) -> None:
    """Asked from a folder outside the repository, where the working directory helps nobody."""
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({name!r}) is not None)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


def test_every_plugin_of_the_repository_is_installed_by_make_install() -> None:
    """The workspace, the Makefile and the folder agree."""
    folders = {path.name for path in ROOT.glob("plugins/*") if path.is_dir() and not path.name.startswith(".")}
    assert folders == {path.name for path in PLUGINS}
    lock = (ROOT / "requirements.lock").read_text()
    assert "maydan" not in lock, "the lock pins what others publish; our own packages are installed from here"
    assert "://" not in lock, "addresses of indexes belong to the machine that installs"


def test_the_lock_holds_every_dependency_with_hashes() -> None:
    """``pip install --require-hashes`` refuses the whole file otherwise."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    for plugin in PLUGINS:
        wanted += tomllib.loads((plugin / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {name.split(">")[0].split("=")[0].split("<")[0].split("[")[0].strip() for name in wanted}
    blocks = (ROOT / "requirements.lock").read_text().split("\n")
    pinned = {line.partition("==")[0] for line in blocks if "==" in line}
    assert {name for name in names if not name.startswith("maydan")} <= pinned
    assert all("--hash=sha256:" in line or "==" in line for line in blocks if line.strip())
