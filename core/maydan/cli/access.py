"""``maydan access``: what somebody may do and why, and the roles of a space as a file."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from maydan.access.casbin import MODEL
from maydan.cli.failures import CommandFailed
from maydan.cli.instance import load_settings
from maydan.cli.opening import opened_core
from maydan.errors import InvalidInput, NotFound
from maydan.operations.core import as_system
from maydan.operations.explaining import explain
from maydan.operations.explanations import Explanation, Misasked, Question
from maydan.operations.policy_files import export_policies, import_policies

if TYPE_CHECKING:
    from maydan.content.spaces import Space
    from maydan.operations.core import Core


def run_explain(arguments: argparse.Namespace) -> int:
    """Print the decision, the reason and the policies that matter."""
    told = asyncio.run(_explain(arguments))
    if arguments.json:
        print(msgspec.json.encode(told).decode())
        return 0
    print(f"{told.decision}: {told.reason}")
    if told.row_filter is not None:
        print(f"  where {msgspec.json.encode(told.row_filter).decode()}")
    for rule in told.rules:
        fields = "" if rule.fields in (None, ("*",)) else f" [{', '.join(rule.fields)}]"
        condition = "" if rule.condition is None else f" where {msgspec.json.encode(rule.condition).decode()}"
        what = f"{rule.effect} {', '.join(rule.actions)} on {rule.type}{fields}{condition}"
        print(f"  {' → '.join(rule.via)}: {what}. {rule.why}")
    for share in told.shares:
        print(f"  share {share.id} ({share.rights}). {share.why}")
    return 0


async def _explain(arguments: argparse.Namespace) -> Explanation:
    question = Question(action=arguments.action, type=arguments.type, id=arguments.id, field=arguments.field)
    async with opened_core(load_settings()) as core:
        space = await _space(core, arguments.space)
        user = arguments.user
        if user is not None and "@" in user:
            account = await core.accounts.people.find_by_email(user)
            if account is None:
                raise CommandFailed(f"no account has the address {user}")
            user = account.id
        try:
            return await explain(
                core, as_system("maydan access explain"), space, question, user=user, roles=tuple(arguments.role or ())
            )
        except Misasked as error:
            raise CommandFailed(f"{error.errors[0].pointer}: {error}") from error
        except NotFound as error:
            raise CommandFailed("there is no such account, type or entry in the space") from error


def run_export(arguments: argparse.Namespace) -> int:
    """Print what the roles of a space may do in Casbin's format, or the model that goes with it."""
    text = MODEL.lstrip() if arguments.model else asyncio.run(_export(arguments.space))
    if arguments.output in (None, "-"):
        sys.stdout.write(text)
    else:
        _write(Path(arguments.output), text)
    return 0


def run_import(arguments: argparse.Namespace) -> int:
    """Write the roles that a file names, and print which of them that changes."""
    try:
        text = sys.stdin.read() if arguments.file == "-" else Path(arguments.file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"{arguments.file} cannot be read: {error}") from error
    changed = asyncio.run(_import(arguments.space, text, dry_run=arguments.dry_run))
    for name in changed:
        print(f"{'would change' if arguments.dry_run else 'changed'} {name}")
    if not changed:
        print("Nothing to change.")
    return 0


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"{path} cannot be written: {error.strerror}") from error


async def _export(space_name: str) -> str:
    async with opened_core(load_settings()) as core:
        return await export_policies(core, await _space(core, space_name))


async def _import(space_name: str, text: str, *, dry_run: bool) -> list[str]:
    async with opened_core(load_settings()) as core:
        space = await _space(core, space_name)
        try:
            return await import_policies(core, as_system("maydan access import"), space, text, dry_run=dry_run)
        except InvalidInput as error:
            lines = [f"{_where(one.pointer)}: {one.message}" for one in error.errors]
            raise CommandFailed("\n".join([*lines, "nothing was changed"])) from error


def _where(pointer: str) -> str:
    place = pointer.removeprefix("/")
    return f"line {place}" if place.isdecimal() else place or "file"


async def _space(core: Core, name: str) -> Space:
    space = await core.registry.find_space(name)
    if space is None:
        raise CommandFailed(f"there is no space called {name}")
    return space
