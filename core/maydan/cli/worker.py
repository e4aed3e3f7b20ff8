"""One worker: makes the application, serves it on the supervisor's socket, and beats while its loop turns.

Started by the supervisor as ``python -m maydan.cli.worker``; not a command of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import faulthandler
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Generator
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from maydan.cli.failures import report
from maydan.cli.heartbeat import Heartbeat, attach_page
from maydan.cli.memory import keep_start
from maydan.cli.worker_process import CANNOT_START, STOP_S
from maydan.errors import ConfigurationError, MigrationsPending, PluginRejected
from maydan.plugins.guard import Guard
from maydan.plugins.isolation import Isolation
from maydan.plugins.notes import LEAKING, SERVING, STOPPING, Notes

if TYPE_CHECKING:
    import uvicorn

_PR_SET_PDEATHSIG: Final = 1
_FILES: Final = 65_536
_LASTING: Final = (ConfigurationError, MigrationsPending, PluginRejected)
"""What trying again does not mend."""


def main() -> int:
    """Serve until SIGTERM, or until the supervisor is gone."""
    arguments = _parse()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    # The terminal sends Ctrl-C to everybody; the supervisor decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with(arguments.parent)
    _allow_connections()
    guard = Guard(attach_page(arguments.page))
    guard.notes.beat()
    isolated = msgspec.json.decode(arguments.isolated, type=dict[str, Isolation])
    listener = None if arguments.listener is None else socket.socket(fileno=arguments.listener)
    try:
        factory = _load(arguments.factory)
        app = _Opening(factory(guard=guard, isolated=isolated, background=arguments.background))
        _serve(app, guard, listener, arguments.parent)
    except Exception as error:  # noqa: BLE001 - whatever it is, the operator reads a line
        cause = _alone(error)
        code = report(cause)
        return CANNOT_START[code - 1] if isinstance(cause, _LASTING) else code
    return 0


def _allow_connections() -> None:
    """Raise the number of files that may be open: each connection is one, and streams keep theirs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard < 0 else min(_FILES, hard)
    if 0 <= soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _alone(error: Exception) -> Exception:
    """Return what a task group wrapped, when it is one error."""
    if isinstance(error, ExceptionGroup):
        group = cast("ExceptionGroup[Exception]", error)
        return _alone(group.exceptions[0]) if len(group.exceptions) == 1 else group
    return error


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="maydan worker process")
    parser.add_argument("--factory", required=True)
    parser.add_argument("--page", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--listener", type=int)
    parser.add_argument("--isolated", default="{}")
    parser.add_argument("--background", action="store_true")
    return parser.parse_args()


def _load(factory: str) -> Callable[..., Any]:
    module, _, name = factory.partition(":")
    return getattr(import_module(module), name)


def _die_with(parent: int) -> None:
    """Stop when the supervisor is gone, on Linux at once; elsewhere the next beat notices."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


class _Opening:
    """Keeps what the application raises while it opens: uvicorn would only log it."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.error: BaseException | None = None

    def say_stopping(self) -> None:
        """Let ``/health/ready`` answer 503 from now on and end the streams, while what was accepted is finished."""
        state = getattr(self._app, "state", None)
        if state is not None and "around" in state:
            state["around"].begin_stop()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        except BaseException as error:
            self.error = error
            raise


def _serve(app: _Opening, guard: Guard, listener: socket.socket | None, parent: int) -> None:
    """Serve, and end the process; returns only by raising why it could not be opened."""
    import uvicorn

    from maydan.cli.protocol import Protocol

    config = uvicorn.Config(
        app, loop="uvloop", http=Protocol, ws="none", lifespan="on", log_config=None, access_log=False,
        proxy_headers=False, server_header=False, timeout_graceful_shutdown=int(STOP_S) - 2,
    )  # fmt: skip
    # Its lines would repeat ours; an application that cannot be opened is reported by main.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    server = _make_server(config, guard.notes)
    with contextlib.suppress(SystemExit), asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(_run(server, guard, listener, parent, app.say_stopping))
    if app.error is not None and not server.started:
        raise app.error
    guard.threads.close()
    sys.stdout.flush()
    sys.stderr.flush()
    # A plugin's thread that never ends must not keep the process.
    os._exit(0)


def _new_loop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()


def _make_server(config: uvicorn.Config, notes: Notes) -> uvicorn.Server:
    import uvicorn

    class Server(uvicorn.Server):
        """Says when it serves; signals are handled outside."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                keep_start()
                notes.phase = SERVING

        @contextlib.contextmanager
        def capture_signals(self) -> Generator[None]:
            yield

    return Server(config)


async def _run(
    server: uvicorn.Server, guard: Guard, listener: socket.socket | None, parent: int, on_stop: Callable[[], None]
) -> None:
    loop = asyncio.get_running_loop()
    guard.adopt_tasks(loop)

    def stop() -> None:
        on_stop()
        server.should_exit = True
        guard.notes.phase = STOPPING

    def each_beat() -> None:
        if os.getppid() != parent:
            stop()
        if guard.notes.phase == SERVING and guard.threads.lost():
            guard.notes.phase = LEAKING

    loop.add_signal_handler(signal.SIGTERM, stop)
    heartbeat = Heartbeat(guard.notes, each_beat)
    heartbeat.start()
    try:
        await server.serve([listener] if listener else [])
    finally:
        heartbeat.stop()


if __name__ == "__main__":
    sys.exit(main())
