"""One worker as its supervisor sees it: a child process, its page of notes, and how it ended.

Only the standard library: the supervisor imports it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from maydan.cli.heartbeat import create_page
from maydan.plugins.notes import LEAKING, STARTING, Culprit

STALLED_S: Final = 10.0
"""Seconds without a beat after which a worker counts as stuck (design.md, rule 7)."""
START_S: Final = 120.0
"""Seconds for a start in which no plugin's code runs; a large database may be slow to open."""
STOP_S: Final = 30.0
"""Seconds that a worker has to finish what it accepted (design.md, what we promise)."""
_TRACEBACK_S: Final = 0.3

CANNOT_START: Final = range(71, 80)
"""A worker's exit codes for "trying again will not help": 70 and the command's own exit code."""


class WorkerOptions(NamedTuple):
    """What every worker is started with."""

    factory: str
    """``module:function`` that makes the ASGI application."""
    is_background: bool
    """Whether it also runs the background work."""
    stalled_s: float = STALLED_S
    """Seconds without a sign of life after which it counts as stuck."""


class WorkerProcess:
    """A running worker."""

    def __init__(self, options: WorkerOptions, listener: int | None, isolated: Mapping[str, Mapping[str, str]]) -> None:
        """Start it.

        Args:
            listener: Descriptor of the listening socket; ``None`` for one that only works in the background.
            isolated: ``what`` and ``reason`` for each plugin that it shall not call.
        """
        page, self.notes = create_page()
        command = [
            sys.executable, "-P", "-m", "maydan.cli.worker", "--factory", options.factory, "--page", str(page),
            "--parent", str(os.getpid()), "--isolated", json.dumps(isolated),
        ]  # fmt: skip
        command += ["--background"] if options.is_background else []
        command += [] if listener is None else ["--listener", str(listener)]
        passed = (page,) if listener is None else (page, listener)
        self._child = subprocess.Popen(command, pass_fds=passed, stdin=subprocess.DEVNULL)  # noqa: S603 - ourselves
        os.close(page)
        self.isolated = dict(isolated)
        self._stalled_s = options.stalled_s
        self.started_at = time.monotonic()
        self._stopping_at: float | None = None
        self.was_killed = False

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._child.pid

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stopping_at is not None

    @property
    def is_serving(self) -> bool:
        """Whether it has begun to answer."""
        return self.notes.phase != STARTING

    @property
    def is_leaking(self) -> bool:
        """Whether a plugin's thread in it runs on after its deadline."""
        return self.notes.phase == LEAKING

    def exit_code(self) -> int | None:
        """Return how it ended (minus the signal's number when killed), ``None`` while it runs."""
        return self._child.poll()

    def is_stalled(self) -> bool:
        """Tell whether it gave no sign of life for too long."""
        silent_s = min(self.notes.beaten_s(), time.monotonic() - self.started_at)
        if not self.is_serving and self.notes.culprit() is None:
            return silent_s > START_S
        return silent_s > self._stalled_s

    def is_overdue(self) -> bool:
        """Tell whether it was asked to stop and has had its time."""
        return self._stopping_at is not None and time.monotonic() - self._stopping_at > STOP_S + 2

    def culprit(self) -> Culprit | None:
        """Return the plugin whose code was running when it stalled or ended by itself.

        A worker that was killed from outside says nothing about whose turn it happened to be.
        """
        from_outside = self.exit_code() in (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP)
        return None if from_outside and not self.was_killed else self.notes.culprit()

    def stop(self) -> None:
        """Ask it to finish what it accepted and end."""
        if self._stopping_at is None:
            self._stopping_at = time.monotonic()
            with suppress(ProcessLookupError):
                self._child.send_signal(signal.SIGTERM)

    def kill(self, *, with_traceback: bool = False) -> None:
        """End it at once.

        Args:
            with_traceback: Let it print first where each of its threads is.
        """
        self.was_killed = True
        with suppress(ProcessLookupError):
            if with_traceback:
                self._child.send_signal(signal.SIGUSR1)
                time.sleep(_TRACEBACK_S)
            self._child.kill()
        self._child.wait()
