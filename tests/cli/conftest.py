"""Commands are tried as an operator runs them: a process, in a folder, with what it prints and its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
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


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run ``maydan`` in an empty folder; keywords are variables of the environment."""

    def run(*arguments: str, **variables: str) -> Outcome:
        clean = {name: text for name, text in os.environ.items() if not name.startswith("MAYDAN_")}
        done = subprocess.run(
            [sys.executable, "-m", "maydan", *arguments],
            cwd=tmp_path,
            env=clean | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def instance(run: Run, tmp_path: Path) -> Path:
    """A folder in which ``maydan init`` was run."""
    outcome = run("init", "--admin-email", EMAIL, "--admin-password", PASSWORD)
    assert outcome.code == 0, outcome.err
    return tmp_path
