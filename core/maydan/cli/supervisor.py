"""The parent of the workers: starts them, watches over them, and replaces those that a plugin stopped.

It imports the standard library alone and stays small. It binds the socket, so that a worker that is replaced costs
nobody a refused connection.
"""

from __future__ import annotations

import errno
import logging
import os
import select
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from maydan.cli.worker_process import CANNOT_START, STALLED_S, WorkerOptions, WorkerProcess
from maydan.plugins.notes import AGAIN, is_at_start

TICK_S: Final = 0.25
BACKOFF_S: Final = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds to wait before a worker is started again; the last one holds on."""
GIVE_UP_AFTER: Final = 8
"""Deaths in a row, without a plugin to blame and without a minute of service in between."""
GIVE_UP_UNSERVED: Final = 3
"""The same for workers that never served at all."""
HEALTHY_S: Final = 60.0
_BIND_S: Final = 3.0

_LOG: Final = logging.getLogger("maydan.supervisor")


class ServeOptions(NamedTuple):
    """What to serve, where, with how many processes."""

    host: str | None = "127.0.0.1"
    """``None`` listens nowhere: workers do background work only."""
    port: int = 8000
    """0 takes any free port."""
    workers: int = 1
    background: bool = True
    """Whether the first worker also runs the background work."""
    factory: str = "maydan.app:worker_app"
    stalled_s: float = STALLED_S
    """Seconds without a sign of life after which a worker is ended."""
    on_ready: Callable[[str], None] | None = None
    """Called once with the URL when every worker serves."""


class _Slot:
    """The place of one worker, and of those that take its place."""

    def __init__(self, options: WorkerOptions) -> None:
        self.options = options
        self.worker: WorkerProcess | None = None
        self.replacement: WorkerProcess | None = None
        self.deaths = 0
        self.has_served = False
        self.start_at = 0.0


class Supervisor:
    """Keeps the workers running until a signal ends it."""

    def __init__(self, options: ServeOptions) -> None:
        """Take the options; nothing happens before :meth:`run`."""
        self._options = options
        self._listener = None if options.host is None else bind(options.host, options.port)
        self._slots = [
            _Slot(WorkerOptions(options.factory, options.background and number == 0, options.stalled_s))
            for number in range(options.workers)
        ]
        self._signals: deque[int] = deque()
        self._isolated: dict[str, dict[str, str]] = {}
        self._is_ready = False
        self._exit_code: int | None = None
        self._orphans: list[WorkerProcess] = []

    @property
    def url(self) -> str:
        """Where it listens; empty when nowhere."""
        if self._listener is None:
            return ""
        host, port = self._listener.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT (finish and stop); SIGHUP replaces the workers one after the other.

        Returns:
            0 after a stop that was asked for; otherwise the exit code of what cannot be started.
        """
        wakeup = self._catch_signals()
        try:
            while self._exit_code is None:
                self._obey()
                for slot in self._slots:
                    self._tend(slot)
                self._announce()
                self._orphans = [each for each in self._orphans if not self._has_ended(each)]
                select.select([wakeup], [], [], TICK_S)
                _drain(wakeup)
        finally:
            self._stop_all()
        return self._exit_code

    def _catch_signals(self) -> int:
        reader, writer = os.pipe()
        for descriptor in (reader, writer):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, lambda number, _frame: self._signals.append(number))
        return reader

    def _obey(self) -> None:
        while self._signals:
            number = self._signals.popleft()
            if number in (signal.SIGTERM, signal.SIGINT):
                self._exit_code = 0
            elif number == signal.SIGHUP:
                _LOG.info("replacing the workers")
                self._isolated.clear()
                for slot in self._slots:
                    self._replace(slot)

    def _tend(self, slot: _Slot) -> None:
        """Look after one worker and the one that is to take its place."""
        if slot.worker is None:
            if time.monotonic() >= slot.start_at and self._exit_code is None:
                slot.worker = self._start(slot)
            return
        if slot.replacement is not None:
            self._tend_replacement(slot, slot.replacement)
        worker = slot.worker
        code = worker.exit_code()
        if code is not None:
            self._bury(slot, worker, f"ended by itself ({_how(code)})")
        elif worker.is_stalled():
            worker.kill(with_traceback=True)
            self._bury(slot, worker, "gave no sign of life and was ended")
        elif worker.is_serving:
            slot.has_served = True
            if time.monotonic() - worker.started_at > HEALTHY_S:
                slot.deaths = 0
            if worker.is_leaking and slot.replacement is None:
                self._blame(worker, "its thread runs on after its deadline")
                self._replace(slot)

    def _tend_replacement(self, slot: _Slot, new: WorkerProcess) -> None:
        if new.exit_code() is not None or new.is_stalled():
            code = new.exit_code()
            if code is None:
                new.kill(with_traceback=True)
            how = "stalled" if code is None else _how(code)
            _LOG.error("the new worker did not start (%s); the old one goes on", how)
            if self._blame(new, "it stopped a worker that was starting"):
                slot.replacement = self._start(slot)
            else:
                slot.replacement = None
        elif new.is_serving and slot.worker is not None:
            slot.worker.stop()
            self._orphans.append(slot.worker)
            slot.worker, slot.replacement = new, None

    def _replace(self, slot: _Slot) -> None:
        """Start another worker; the present one stops as soon as that serves."""
        if slot.worker is not None and slot.replacement is None:
            slot.replacement = self._start(slot)

    def _start(self, slot: _Slot) -> WorkerProcess:
        listener = None if self._listener is None else self._listener.fileno()
        worker = WorkerProcess(slot.options, listener, self._isolated)
        _LOG.info("worker %s started", worker.pid)
        return worker

    def _bury(self, slot: _Slot, worker: WorkerProcess, how: str) -> None:
        """A worker is no more: find out why, and decide when the next one starts."""
        code = worker.exit_code()
        slot.worker, slot.replacement = slot.replacement, None
        is_hopeless = code in CANNOT_START and not slot.has_served
        if not is_hopeless:
            _LOG.error("worker %s %s", worker.pid, how)
        if self._blame(worker, f"the worker {how}"):
            slot.start_at = 0.0
            return
        if code is not None and is_hopeless:
            self._exit_code = CANNOT_START.index(code) + 1
            return
        slot.deaths += 1
        slot.start_at = time.monotonic() + BACKOFF_S[min(slot.deaths, len(BACKOFF_S)) - 1]
        if slot.deaths >= (GIVE_UP_AFTER if slot.has_served else GIVE_UP_UNSERVED):
            _LOG.error("workers ended %s times in a row and no plugin is to blame; giving up", slot.deaths)
            self._exit_code = 1

    def _blame(self, worker: WorkerProcess, reason: str) -> bool:
        """Isolate the plugin whose code was running in a worker; tell whether that changes anything.

        One that was isolated already, and stopped a worker nevertheless, is not even imported any more.
        """
        culprit = worker.culprit()
        if culprit is None:
            return False
        before = worker.isolated.get(culprit.plugin)
        if before is not None and (before["what"] == AGAIN or is_at_start(before["what"])):
            return False
        what = culprit.what if before is None else AGAIN
        self._isolated[culprit.plugin] = {"what": what, "reason": f"in {culprit.what} {reason}"}
        _LOG.error("plugin %s is isolated: in %s %s", culprit.plugin, culprit.what, reason)
        return True

    def _announce(self) -> None:
        if self._is_ready or not all(slot.worker and slot.worker.is_serving for slot in self._slots):
            return
        self._is_ready = True
        if self._options.on_ready is not None:
            self._options.on_ready(self.url)

    @staticmethod
    def _has_ended(worker: WorkerProcess) -> bool:
        if worker.is_overdue():
            worker.kill()
        return worker.exit_code() is not None

    def _stop_all(self) -> None:
        """Let every worker finish; a second signal, or the end of their time, ends them at once."""
        if self._listener is not None:
            self._listener.close()
        running = [each for slot in self._slots for each in (slot.worker, slot.replacement) if each is not None]
        running += self._orphans
        for worker in running:
            worker.stop()
        while running:
            running = [each for each in running if not self._has_ended(each)]
            if any(number in (signal.SIGTERM, signal.SIGINT) for number in self._signals):
                for worker in running:
                    worker.kill()
            time.sleep(0.02)


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    An address in use is tried again for three seconds: a server that was ended by force leaves it a moment later.

    Raises:
        OSError: It cannot be had.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    until = time.monotonic() + _BIND_S
    while True:
        try:
            listener.bind(address)
            break
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > until:
                listener.close()
                reason = os.strerror(error.errno or 0)
                raise OSError(error.errno, f"cannot listen on {host}:{port}: {reason}") from error
            time.sleep(0.1)
    listener.listen(2048)
    return listener


def _drain(descriptor: int) -> None:
    try:
        os.read(descriptor, 4096)
    except BlockingIOError:
        return


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"
