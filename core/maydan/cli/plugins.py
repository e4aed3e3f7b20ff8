"""``maydan plugins``: list, check, enable, disable."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from maydan.cli.configuration_file import change_enabled
from maydan.cli.failures import FAILED, CommandFailed
from maydan.cli.instance import find_settings
from maydan.cli.opening import opened_store
from maydan.cli.plugin_probe import found_in, load_apart
from maydan.clock import SystemClock
from maydan.errors import ConfigurationError
from maydan.plugins.discovery import find_plugins, installed_names
from maydan.plugins.loaded import PluginState, State
from maydan.plugins.records import PluginRecords
from maydan.settings import FILE_NAME, suggest
from maydan.storage.migrations import pending
from maydan.storage.schema import CORE

if TYPE_CHECKING:
    from maydan.settings import Settings

_SHOWN: Final = ("name", "version", "state", "reason", "enabled", "hook_api")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What ``maydan plugins check`` says about one plugin."""

    name: str
    ok: bool
    problems: list[str]


def run_list(arguments: argparse.Namespace) -> int:
    """List the installed plugins, and those that are enabled without being installed."""
    settings = find_settings()
    states = load_apart(settings.plugins.enabled if settings else ()).states
    rows = [{key: getattr(state, key) for key in _SHOWN} for state in states]
    if arguments.json:
        print(msgspec.json.encode(rows).decode())
    elif not rows:
        print("No plugin is installed.")
    else:
        _print_table([[state.name, state.version, state.state.value, state.reason] for state in states])
    return 0


def run_check(arguments: argparse.Namespace) -> int:
    """Load each plugin, installed or only enabled, with nothing but what it requires, and say what is wrong with it."""
    if arguments.path is not None:
        findings = [_check(found_in(Path(arguments.path)).name, Path(arguments.path))]
    else:
        settings = find_settings()
        names = (*installed_names(), *(settings.plugins.enabled if settings else ()))
        findings = [_check(name) for name in dict.fromkeys(names)]
    if arguments.json:
        print(msgspec.json.encode(findings).decode())
    for finding in [] if arguments.json else findings:
        print(f"{finding.name}: {'ok' if finding.ok else 'not ok'}")
        for problem in finding.problems:
            print(f"  {problem}")
    return 0 if all(finding.ok for finding in findings) else FAILED


def run_enable(arguments: argparse.Namespace) -> int:
    """Add a plugin to ``[plugins] enabled``."""
    known = installed_names()
    if arguments.name not in known:
        raise CommandFailed(f"no plugin {arguments.name} is installed{suggest(arguments.name, known)}")
    code = _change(arguments.name, enabled=True)
    settings = find_settings()
    if settings is not None and asyncio.run(_release(settings, arguments.name)):
        print(f"{arguments.name} was isolated; that is lifted.")
    return code


def run_disable(arguments: argparse.Namespace) -> int:
    """Take a plugin out of ``[plugins] enabled``; its data stays in the database."""
    return _change(arguments.name, enabled=False)


def _change(name: str, *, enabled: bool) -> int:
    word = "enabled" if enabled else "disabled"
    if not change_enabled(Path(FILE_NAME), name, enabled=enabled):
        print(f"{name} is {word} already.")
        return 0
    settings = find_settings()
    if settings is not None and (name in settings.plugins.enabled) is not enabled:
        print("maydan: warning: MAYDAN_PLUGINS_ENABLED overrides what the file now says", file=sys.stderr)
    print(f"{name} is {word} in {FILE_NAME}.")
    print("Next: `maydan migrate`, then restart the server." if enabled else "Restart the server to apply it.")
    return 0


async def _release(settings: Settings, name: str) -> bool:
    """Forget that a plugin was isolated, and return whether it was; a database that is not there yet knows of none."""
    with contextlib.suppress(CommandFailed, ConfigurationError):
        async with opened_store(settings.database) as store:
            if await pending(store, CORE):
                return False
            records = PluginRecords(store, SystemClock())
            record = (await records.all()).get(name)
            if record is not None and record.isolation is not None:
                await records.release(name)
                return True
    return False


def _check(name: str, path: Path | None = None) -> Finding:
    states = {state.name: state for state in load_apart(_with_requirements(name), path).states}
    state: PluginState | None = states.get(name)
    if state is None:
        return Finding(name=name, ok=False, problems=["its manifest cannot be read"])
    ok = state.state is State.ACTIVE
    return Finding(name=name, ok=ok, problems=[] if ok else [f"{state.state.value}: {state.reason}"])


def _with_requirements(name: str) -> tuple[str, ...]:
    """Return the plugin and all that it requires, directly or not."""
    manifests = {found.name: found.manifest for found in find_plugins()}
    wanted, todo = {name: None}, [name]
    while todo:
        manifest = manifests.get(todo.pop())
        new = [each.name for each in manifest.required if each.name not in wanted] if manifest else []
        wanted |= dict.fromkeys(new)
        todo += new
    return tuple(wanted)


def _print_table(rows: list[list[str]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip())
