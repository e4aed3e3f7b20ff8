"""Commands are tried as an operator runs them: a process, in a folder, with what it prints and its exit code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

EMAIL, PASSWORD = "owner@example.org", "a long and quiet evening"


class Outcome(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


def command(folder: Path, *arguments: str, **variables: str) -> Outcome:
    """Run ``maydan`` in a folder; keywords are variables of the environment."""
    clean = {name: text for name, text in os.environ.items() if not name.startswith("MAYDAN_")}
    done = subprocess.run(
        [sys.executable, "-m", "maydan", *arguments],
        cwd=folder,
        env=clean | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run ``maydan`` in an empty folder; keywords are variables of the environment."""
    return partial(command, tmp_path)


@pytest.fixture(scope="session")
def new_instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which ``maydan init`` was run, to copy."""
    folder = tmp_path_factory.mktemp("instance")
    outcome = command(folder, "init", "--admin-email", EMAIL, "--admin-password", PASSWORD)
    assert outcome.code == 0, outcome.err
    return folder


@pytest.fixture
def instance(new_instance: Path, tmp_path: Path) -> Path:
    """A folder in which ``maydan init`` was run."""
    shutil.copytree(new_instance, tmp_path, dirs_exist_ok=True)
    return tmp_path
