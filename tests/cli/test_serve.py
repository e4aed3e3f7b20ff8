"""``maydan serve``: what the operator sees of it. What the supervisor does is in test_supervisor.py."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
CLEAN = {name: text for name, text in os.environ.items() if not name.startswith("MAYDAN_")}


def start(instance: Path, *arguments: str) -> tuple[subprocess.Popen[str], str]:
    """Start a command that goes on, and return what it says first."""
    process = subprocess.Popen(
        [sys.executable, "-m", "maydan", *arguments],
        cwd=instance,
        env=CLEAN,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.readline()
    process.stdout.close()
    return process, said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_says_where_and_stops_when_it_is_asked_to(instance: Path, number: signal.Signals) -> None:
    """Port 0 takes any free one; both signals finish and exit with 0."""
    process, said = start(instance, "serve", "--port", "0", "--workers", "2")
    url = said.split()[1]
    with urllib.request.urlopen(f"{url}/health/live", timeout=5) as answer:
        assert answer.status == 200
    process.send_signal(number)
    assert process.wait(40) == 0


def test_the_background_work_runs_alone(instance: Path) -> None:
    """Beside a server, or on another machine."""
    process, said = start(instance, "worker")
    assert said == "Working (Ctrl-C stops).\n"
    process.terminate()
    assert process.wait(40) == 0


def test_a_port_in_use_is_one_line(run: Run, instance: Path) -> None:
    """It names the address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        outcome = run("serve", "--port", port)
    assert (outcome.code, outcome.err) == (1, f"maydan: cannot listen on 127.0.0.1:{port}: Address already in use\n")


def test_a_host_that_does_not_exist_is_one_line(run: Run, instance: Path) -> None:
    """As any mistake of the operator's."""
    outcome = run("serve", "--host", "no-such-host.invalid")
    assert outcome.code == 1
    assert outcome.err.startswith("maydan: ")
    assert len(outcome.err.splitlines()) == 1
