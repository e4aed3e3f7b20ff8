"""``maydan serve`` and ``maydan worker``: the supervisor, and what it says to the operator."""

from __future__ import annotations

import argparse

from maydan.cli.instance import load_settings
from maydan.cli.supervisor import ServeOptions, Supervisor
from maydan.http.logs import configure_logs


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C, which finish what was accepted; SIGHUP replaces the workers one by one."""
    configure_logs(load_settings().log)
    options = ServeOptions(
        host=arguments.host,
        port=arguments.port,
        workers=arguments.workers,
        background=not arguments.no_worker,
        on_ready=_say_serving,
    )
    return Supervisor(options).run()


def run_worker(_arguments: argparse.Namespace) -> int:
    """Do the background work until SIGTERM or Ctrl-C."""
    configure_logs(load_settings().log)
    options = ServeOptions(host=None, on_ready=_say_working)
    return Supervisor(options).run()


def _say_serving(url: str) -> None:
    print(f"Serving {url} (Ctrl-C stops).", flush=True)


def _say_working(_url: str) -> None:
    print("Working (Ctrl-C stops).", flush=True)
