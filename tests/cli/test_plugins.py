"""``maydan plugins``: whatever a plugin does, the command reports it."""

from __future__ import annotations

import json
import sqlite3
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

GOOD = """\
from maydan.plugin import hookimpl

@hookimpl
async def check_entry_create(space, entry, actor):
    pass
"""


def write_plugin(folder: Path, code: str, name: str = "probe") -> Path:
    """Write the project of a plugin."""
    package = folder / name / f"maydan_{name}"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "plugin.py").write_text(code)
    (package / "manifest.toml").write_text(f'name = "{name}"\nversion = "0.1"\nhook_api = ">=1,<2"\n')
    (folder / name / "pyproject.toml").write_text(
        f'[project]\nname = "maydan-{name}"\n[project.entry-points."maydan.plugins"]\n{name} = "maydan_{name}.plugin"\n'
    )
    return folder / name


def test_a_good_plugin_passes(run: Run, tmp_path: Path) -> None:
    """It need not be installed, and there need not be an instance."""
    outcome = run("plugins", "check", str(write_plugin(tmp_path, GOOD)), "--json")
    assert json.loads(outcome.out) == [{"name": "probe", "ok": True, "problems": []}]
    assert outcome.code == 0


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError"),
        ("raise RuntimeError('boom')", "boom"),
        ("raise SystemExit(0)", "SystemExit"),
        ("import os; os._exit(0)", "ended the process with exit code 0"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended the process with exit code -9"),
        ("import time; time.sleep(60)", "took longer than 5 s"),
        ("def f(): f()\nf()", "RecursionError"),
        ("answer = 42", "implements no hook"),
        (GOOD.replace("check_entry_create", "check_entry_creat"), "check_entry_creat"),
    ],
)
def test_a_bad_plugin_is_a_finding_and_not_the_end_of_the_command(
    run: Run, tmp_path: Path, code: str, said: str
) -> None:
    """Whatever its code does while it is loaded."""
    outcome = run("plugins", "check", str(write_plugin(tmp_path, code)), "--json")
    (finding,) = json.loads(outcome.out)
    assert (finding["name"], finding["ok"]) == ("probe", False)
    assert said in finding["problems"][0]
    assert outcome.code == 1


def test_what_a_plugin_prints_does_not_spoil_the_json(run: Run, tmp_path: Path) -> None:
    """It goes to stderr."""
    outcome = run("plugins", "check", str(write_plugin(tmp_path, "print('hello')\n" + GOOD)), "--json")
    assert json.loads(outcome.out)[0]["ok"] is True
    assert "hello" in outcome.err


@pytest.mark.parametrize("files", [{}, {"pyproject.toml": "no toml"}, {"pyproject.toml": "[project]\n"}])
def test_a_folder_without_a_plugin_is_one_line(run: Run, tmp_path: Path, files: dict[str, str]) -> None:
    """The path is the folder of the plugin's project."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    outcome = run("plugins", "check", ".")
    assert outcome.code == 1
    assert outcome.err.startswith("maydan: pyproject.toml: ")
    assert len(outcome.err.splitlines()) == 1


def test_enabled_and_not_installed_is_a_state(run: Run, instance: Path) -> None:
    """The others are served; the list says why this one is not."""
    listed = run("plugins", "list", "--json", MAYDAN_PLUGINS_ENABLED="no_such_plugin")
    rows = {row["name"]: row for row in json.loads(listed.out)}
    assert rows["no_such_plugin"]["state"] == "failed"
    assert "not installed" in rows["no_such_plugin"]["reason"]
    assert set(rows["no_such_plugin"]) == {"name", "version", "state", "reason", "enabled", "hook_api"}
    assert listed.code == 0


def test_a_check_finds_what_is_enabled_and_not_installed(run: Run, instance: Path) -> None:
    """It would not be loaded at the next start either."""
    checked = run("plugins", "check", "--json", MAYDAN_PLUGINS_ENABLED="no_such_plugin")
    findings = {row["name"]: row for row in json.loads(checked.out)}
    assert findings["no_such_plugin"]["problems"] == ["failed: it is enabled, but not installed"]
    assert findings["blog"]["ok"] is True
    assert checked.code == 1


def test_enable_and_disable_change_one_line_of_the_file(run: Run, instance: Path) -> None:
    """Comments and everything else stay; the message says what comes next."""
    path = instance / "maydan.toml"
    before = path.read_text()
    enabled = run("plugins", "enable", "blog")
    assert enabled.code == 0
    assert "maydan migrate" in enabled.out
    assert tomllib.loads(path.read_text())["plugins"]["enabled"] == ["blog"]
    with sqlite3.connect(instance / "maydan.db") as database:
        database.execute(
            "INSERT INTO maydan_plugin_states (name, pinned, isolated_what, isolated_reason)"
            " VALUES ('blog', FALSE, 'hooks', 'it hung')"
        )
    again = run("plugins", "enable", "blog").out.splitlines()
    assert again == ["blog is enabled already.", "blog was isolated; that is lifted."]
    changed = [line for line in path.read_text().splitlines() if line not in before.splitlines()]
    assert changed == ['enabled = ["blog"]']
    assert run("plugins", "disable", "blog").code == 0
    assert path.read_text() == before


def test_a_name_that_is_not_installed_cannot_be_enabled(run: Run, instance: Path) -> None:
    """A mistyped name is found now, not at the next start."""
    before = (instance / "maydan.toml").read_text()
    outcome = run("plugins", "enable", "blgo")
    assert (outcome.code, outcome.err) == (1, "maydan: no plugin blgo is installed; did you mean blog?\n")
    assert (instance / "maydan.toml").read_text() == before
