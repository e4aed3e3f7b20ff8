"""``maydan new-plugin``: what it writes works before anybody edits it."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tomllib
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maydan.cli.failures import CommandFailed
from maydan.cli.new_plugin import write_plugin
from maydan.plugins.manifest import read_manifest

Run = Callable[..., Any]


def test_a_new_plugin_installs_and_passes_its_own_tests(tmp_path: Path, run: Run) -> None:
    """In an environment of its own, editable, as the command says to do it."""
    assert run("new-plugin", "ticket-desk").code == 0
    folder = tmp_path / "maydan-ticket-desk"
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    # What this environment has, editable packages too, without asking any index for it.
    packages = sysconfig.get_path("purelib")
    inner = next((tmp_path / "venv" / "lib").glob("python*")) / "site-packages"
    (inner / "parent.pth").write_text(f"import site; site.addsitedir({packages!r})\n")
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*install, "--no-build-isolation", "--editable", str(folder)], check=True)

    tested = subprocess.run(
        [str(python), "-m", "pytest", "-q"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr
    checked = subprocess.run(
        [str(python), "-m", "maydan", "plugins", "check", "."], cwd=folder, capture_output=True, check=False
    )
    assert checked.stdout.decode().strip() == "ticket_desk: ok"


def test_a_new_plugin_is_clean(tmp_path: Path) -> None:
    """For the checkers that the core itself is held to."""
    folder = write_plugin("ticket-desk", tmp_path)
    pyright = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, str(folder / "maydan_ticket_desk")]
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict", "extraPaths": ["."]}')
    checked = subprocess.run([*pyright, "--project", str(folder)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Tickets", "lower-case letters"),
        ("9lives", "lower-case letters"),
        ("a--b", "lower-case letters"),
        ("../escape", "lower-case letters"),
        ("plugins", "is the core's own"),
        ("blog", "a plugin called blog is installed"),
    ],
)
def test_a_name_that_cannot_be_used_writes_nothing(tmp_path: Path, name: str, said: str) -> None:
    """The line says why."""
    with pytest.raises(CommandFailed, match=said):
        write_plugin(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A folder of that name stays as it is."""
    (tmp_path / "maydan-tickets").mkdir()
    with pytest.raises(CommandFailed, match="maydan-tickets exists"):
        write_plugin("tickets", tmp_path)


def test_the_name_is_written_as_each_place_needs_it(tmp_path: Path) -> None:
    """With hyphens for people and addresses, with underscores for Python and tables; no template is left."""
    folder = write_plugin("ticket-desk", tmp_path)
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == "maydan-ticket-desk"
    assert project["entry-points"]["maydan.plugins"] == {"ticket_desk": "maydan_ticket_desk.plugin"}
    assert read_manifest(folder / "maydan_ticket_desk" / "manifest.toml").name == "ticket_desk"
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert [path.name for path in files if "{{" in path.name + path.read_text() or path.suffix == ".tmpl"] == []
