"""``maydan schema``: the content types of spaces as a file; dump, plan, apply."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from maydan.cli.failures import PENDING, CommandFailed
from maydan.cli.instance import load_settings
from maydan.cli.opening import opened_core
from maydan.content.schema_document import read, text_of
from maydan.errors import InvalidInput, LossyChange
from maydan.operations import schema
from maydan.operations.core import as_system
from maydan.settings import Settings, suggest

if TYPE_CHECKING:
    from maydan.content.schema_document import Schema
    from maydan.operations.schema import Plan

_MARKS = {"create": "+", "change": "~", "drop": "-"}


def run_dump(arguments: argparse.Namespace) -> int:
    """Print the types that were defined in all spaces, or in one."""
    text = asyncio.run(_dump(load_settings(), arguments.space))
    sys.stdout.write(text.decode())
    return 0


def run_plan(arguments: argparse.Namespace) -> int:
    """Print what applying a file would change; with ``--check`` the exit code says whether anything would."""
    plan = asyncio.run(_plan(load_settings(), _read(arguments.file)))
    _print(plan, "Nothing would change.")
    if plan.losses:
        print("Entries would lose what is marked with !, so that applying it needs --allow-drop.")
    return PENDING if arguments.check and plan.steps else 0


def run_apply(arguments: argparse.Namespace) -> int:
    """Change the types to what a file says, all of them or none, and print what was done."""
    settings, wanted = load_settings(), _read(arguments.file)
    try:
        plan = asyncio.run(_apply(settings, wanted, allow_drop=arguments.allow_drop))
    except LossyChange as error:
        lines = [f"{one}; nothing was changed" for one in str(error).splitlines()]
        raise CommandFailed("\n".join([*lines, "repeat with --allow-drop if that is meant"])) from error
    _print(plan, "Nothing to change.")
    return 0


async def _dump(settings: Settings, space: str | None) -> bytes:
    async with opened_core(settings) as core:
        known = [one.name for one in core.registry.spaces()]
        if space is not None and space not in known:
            raise CommandFailed(f"there is no space {space}{suggest(space, known)}")
        return text_of(await schema.dump(core.store, space))


async def _plan(settings: Settings, wanted: Schema) -> Plan:
    async with opened_core(settings) as core:
        return await schema.plan(core, wanted)


async def _apply(settings: Settings, wanted: Schema, *, allow_drop: bool) -> Plan:
    async with opened_core(settings) as core:
        return await schema.apply(core, as_system("maydan schema apply"), wanted, allow_drop=allow_drop)


def _read(path: str) -> Schema:
    try:
        return read(sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes())
    except InvalidInput as error:
        raise CommandFailed(f"{path}: {error}") from error


def _print(plan: Plan, nothing: str) -> None:
    for note in plan.notes:
        print(f"maydan: note: {note}", file=sys.stderr)
    for step in plan.steps:
        what = f"space {step.space}" if step.type is None else f"{step.space} {step.type}"
        print(f"{_MARKS[step.action]} {what}: {step.action}")
        for line in step.lines:
            print(f"    {line}")
        for loss in step.losses:
            print(f"    ! {loss}")
    if not plan.steps:
        print(nothing)
