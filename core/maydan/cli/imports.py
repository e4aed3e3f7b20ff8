"""``maydan import``: content from a file, by an importer that a plugin brings."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from maydan.cli.failures import CommandFailed
from maydan.cli.instance import load_settings
from maydan.cli.opening import opened_core
from maydan.operations.core import as_system
from maydan.operations.imports import SpaceTarget
from maydan.settings import Settings, suggest

if TYPE_CHECKING:
    from maydan.operations.core import Core
    from maydan.plugins.importers import Importer, ImportSummary

_BAR = 30


def run(arguments: argparse.Namespace) -> int:
    """Import a file or folder, and print the summary."""
    settings = load_settings()
    path = Path(arguments.path)
    if not path.exists():
        raise CommandFailed(f"{path}: no such file")
    summary = asyncio.run(_import(settings, arguments, path))
    _print(summary, dry_run=arguments.dry_run)
    return 0


async def _import(settings: Settings, arguments: argparse.Namespace, path: Path) -> ImportSummary:
    async with opened_core(settings) as core:
        importer = _importer(core, arguments.format)
        space = await core.registry.find_space(arguments.space)
        if space is None:
            known = [each.name for each in core.registry.spaces()]
            raise CommandFailed(f"there is no space {arguments.space}{suggest(arguments.space, known)}")
        caller = as_system(f"maydan import {importer.name}")
        bar = _Bar() if sys.stderr.isatty() else None
        target = SpaceTarget(
            core, caller, space, importer.name, dry_run=arguments.dry_run, progress=bar.show if bar else _silent
        )
        try:
            return await importer.run(path, target, dict(arguments.option))
        finally:
            if bar:
                bar.clear()


def _importer(core: Core, name: str) -> Importer:
    offered = {each.name: each for registered in core.host.registered().values() for each in registered.importers}
    if name not in offered:
        formats = ", ".join(sorted(offered)) or "none; enable a plugin that brings some"
        raise CommandFailed(f"no enabled plugin imports {name}{suggest(name, offered)} (formats: {formats})")
    return offered[name]


def _silent(_done: int, _total: int) -> None:
    """Show nothing: nobody looks at a terminal."""


class _Bar:
    """A progress bar on stderr."""

    def __init__(self) -> None:
        self._shown = -1

    def show(self, done: int, total: int) -> None:
        filled = _BAR * done // max(total, 1)
        if filled != self._shown:
            self._shown = filled
            print(f"\r[{'#' * filled}{'.' * (_BAR - filled)}] {done}/{total}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        print(f"\r{' ' * (_BAR + 30)}\r", end="", file=sys.stderr, flush=True)


def _print(summary: ImportSummary, *, dry_run: bool) -> None:
    if dry_run:
        print("Nothing was stored; this is what an import would do.")
    for word, counts in (
        ("created", summary.created),
        ("updated", summary.updated),
        ("unchanged", summary.unchanged),
    ):
        for name, count in counts.items():
            print(f"{word:9}  {count:6}  {name}")
    for skipped in summary.skipped:
        print(f"{'not taken':9}  {skipped.count:6}  {skipped.kind}: {skipped.reason}")
    for note in summary.notes:
        print(note)
