"""``maydan demo``: an instance with content in ``./demo``, served, with what to open and to try."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
from pathlib import Path
from typing import Final

from maydan.cli.accounts import opened_accounts
from maydan.cli.configuration_file import compose, write_new
from maydan.cli.demo_content import fill
from maydan.cli.demo_tour import EMAIL, PASSWORD, describe
from maydan.cli.failures import CommandFailed
from maydan.cli.init import DEFAULT_URL
from maydan.cli.instance import load_settings
from maydan.cli.migrate import migrate
from maydan.cli.opening import opened_core
from maydan.cli.supervisor import ServeOptions, Supervisor
from maydan.content.types import ContentType
from maydan.http.logs import configure_logs
from maydan.plugins.discovery import installed_names
from maydan.settings import FILE_NAME, Settings, variable_name

FOLDER: Final = Path("demo")
_MARK: Final = "# The demo of Maydan; `maydan demo --reset` deletes this folder.\n"
_MORE: Final = """
[log]
format = "text"
level = "warning"
"""


def run(arguments: argparse.Namespace) -> int:
    """Create what is missing, and serve it."""
    types: list[ContentType] = []

    def say(url: str) -> None:
        print(describe(url, types), flush=True)

    # First of all, since a port in use should be said at once.
    supervisor = Supervisor(ServeOptions(port=arguments.port, on_ready=say))
    if arguments.reset:
        _delete()
    _enter()
    # The port may be another one today; the workers read the same environment.
    os.environ[variable_name("server", "base_url")] = supervisor.url
    settings = load_settings()
    configure_logs(settings.log)
    types += asyncio.run(_prepare(settings))
    return supervisor.run()


def _delete() -> None:
    """Delete the folder, if it is a demo's.

    Raises:
        CommandFailed: It is something else.
    """
    if not FOLDER.exists():
        return
    file = FOLDER / FILE_NAME
    if not file.exists() or not file.read_text(encoding="utf-8").startswith(_MARK):
        raise CommandFailed(f"{FOLDER.absolute()} was not made by `maydan demo`; it is left alone")
    shutil.rmtree(FOLDER)


def _enter() -> None:
    FOLDER.mkdir(exist_ok=True)
    os.chdir(FOLDER)
    write_new(Path(FILE_NAME), _MARK + compose(url=DEFAULT_URL, enabled=installed_names()) + _MORE)


async def _prepare(settings: Settings) -> list[ContentType]:
    """Bring the instance to where it can be shown; returns the content types of the demo's space."""
    await migrate(settings)
    async with opened_accounts(settings) as accounts:
        await accounts.people.create_administrator(email=EMAIL, password=PASSWORD, name="Demo")
    async with opened_core(settings) as core:
        return await fill(core)
