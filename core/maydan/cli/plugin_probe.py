"""Loading plugins in a process of its own, so that one that exits or hangs is a finding and not the end of the command.

The parent gives a page of shared memory on which the child notes whose code runs (``plugins.notes``). When the child
ends without an answer, the plugin on the page is the culprit: it is set aside, and the others are tried again.
"""

from __future__ import annotations

import logging
import mmap
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import msgspec
from msgspec import Struct, field

from maydan.cli.failures import CommandFailed
from maydan.plugins.discovery import GROUP, FoundPlugin, find_plugins, found_at
from maydan.plugins.host import HostOptions, PluginHost
from maydan.plugins.isolation import Isolation
from maydan.plugins.loaded import PluginState
from maydan.plugins.notes import PAGE_BYTES, Notes
from maydan.plugins.settings import PluginSettings
from maydan.settings import Settings

_STDERR: Final = 2
_STALLED_S: Final = 10.0
"""As the supervisor's watchdog: no beat for so long means a loop that Python cannot interrupt."""


class Probe(Struct, frozen=True, kw_only=True):
    """What the child shall load."""

    enabled: tuple[str, ...]
    path: str | None = None
    """Folder of a plugin that need not be installed."""
    isolated: Mapping[str, Isolation] = field(default_factory=dict[str, Isolation])


class _Blame(Struct, frozen=True):
    plugin: str
    isolation: Isolation


class Loaded(Struct, frozen=True):
    """What came of loading plugins apart."""

    states: tuple[PluginState, ...]
    """How each installed plugin stands."""
    isolated: Mapping[str, Isolation]
    """Those that ended or held up the process, by name: a process that must go on does not load them."""


def load_apart(enabled: Sequence[str], path: Path | None = None) -> Loaded:
    """Load the enabled plugins in a child process, again and again until it comes to its end.

    Args:
        enabled: Names, installed or not.
        path: Folder of the project of one of them, which need not be installed.
    """
    isolated: dict[str, Isolation] = {}
    while True:
        probe = Probe(enabled=tuple(enabled), path=str(path) if path else None, isolated=isolated)
        outcome = _ask_child(probe)
        if not isinstance(outcome, _Blame):
            return Loaded(outcome, isolated)
        if outcome.plugin in isolated:
            raise CommandFailed(f"plugin {outcome.plugin}: {outcome.isolation.reason}")
        isolated[outcome.plugin] = outcome.isolation


def found_in(path: Path) -> FoundPlugin:
    """Return the plugin whose project is in a folder; its package becomes importable in this process.

    Raises:
        CommandFailed: There is no plugin.
    """
    file = path / "pyproject.toml"
    try:
        project: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
    except FileNotFoundError as error:
        raise CommandFailed(f"{file}: no such file; PATH is the folder of a plugin") from error
    except ValueError as error:  # not TOML, not UTF-8
        raise CommandFailed(f"{file}: not TOML: {error}") from error
    entries = cast("dict[str, str]", project.get("entry-points", {}).get(GROUP, {}))
    if len(entries) != 1:
        raise CommandFailed(f'{file}: expected one entry point in [project.entry-points."{GROUP}"], got {len(entries)}')
    ((name, value),) = entries.items()
    sys.path[:0] = [str(path.resolve()), str(path.resolve() / "src")]
    return found_at(value, name, str(project.get("name", path.name)))


def _ask_child(probe: Probe) -> tuple[PluginState, ...] | _Blame:
    with tempfile.TemporaryFile() as page_file, tempfile.TemporaryFile() as answer_file:
        page_file.truncate(PAGE_BYTES)
        notes = Notes(mmap.mmap(page_file.fileno(), PAGE_BYTES))
        descriptors = (page_file.fileno(), answer_file.fileno())
        command = [sys.executable, "-m", __name__, *map(str, descriptors), msgspec.json.encode(probe).decode()]
        # What a plugin prints while it is imported must not end up in our JSON.
        child = subprocess.Popen(  # noqa: S603 - ourselves
            command, pass_fds=descriptors, stdout=_STDERR, stdin=subprocess.DEVNULL
        )
        ended = _wait(child, notes)
        answer_file.seek(0)
        answer = answer_file.read()
        if answer:
            return msgspec.json.decode(answer, type=tuple[PluginState, ...])
        culprit = notes.culprit()
        if culprit is None:
            raise CommandFailed(f"the plugins could not be loaded: the process {ended}")
        return _Blame(culprit.plugin, Isolation(what=culprit.what, reason=f"{culprit.what}: {ended}"))


def _wait(child: subprocess.Popen[bytes], notes: Notes) -> str:
    """Wait for the child, and say how it ended."""
    began = time.monotonic()
    while child.poll() is None:
        if min(notes.beaten_s(), time.monotonic() - began) > _STALLED_S:
            child.kill()
            child.wait()
            return f"stalled for {_STALLED_S:g} s"
        time.sleep(0.02)
    return f"ended the process with exit code {child.returncode}"


def _answer(page: int, answer: int, request: str) -> None:
    """Load in this process, and write the states where the parent looks for them."""
    from maydan.cli.instance import find_settings

    # The states say everything that the host would log.
    logging.disable(logging.CRITICAL)
    probe = msgspec.json.decode(request, type=Probe)
    notes = Notes(mmap.mmap(page, PAGE_BYTES))
    notes.beat()
    found = list(find_plugins())
    if probe.path:
        given = found_in(Path(probe.path))
        found = [*(each for each in found if each.name != given.name), given]
    states = _load(find_settings(), probe, found, notes)
    os.write(answer, msgspec.json.encode(states))


def _load(
    settings: Settings | None, probe: Probe, found: Sequence[FoundPlugin], notes: Notes
) -> tuple[PluginState, ...]:
    from maydan.plugins.guard import Guard

    options = HostOptions(isolated=probe.isolated)
    if settings is not None:
        options = msgspec.structs.replace(options, read_settings=settings.of_plugin)
    wanted = PluginSettings(enabled=probe.enabled)
    return PluginHost.load(wanted, found=found, guard=Guard(notes), options=options).states()


if __name__ == "__main__":
    _answer(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
    sys.stdout.flush()
    # Whatever threads a plugin left behind must not keep the command waiting.
    os._exit(0)
