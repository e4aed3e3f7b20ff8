"""``maydan erase``: a person's data, for good."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

import msgspec

from maydan.cli.failures import CommandFailed
from maydan.cli.instance import load_settings
from maydan.cli.opening import opened_core
from maydan.operations.erasing import Erasure, erase, plan_erasure

if TYPE_CHECKING:
    from maydan.accounts.people import Account
    from maydan.operations.core import Core

_STILL_READ = (
    "Others go on reading the database, so that its -wal file still holds what was erased;"
    " do it again in a moment: maydan erase {account}"
)


def run(arguments: argparse.Namespace) -> int:
    """Erase, or with ``--dry-run`` count, and print what."""
    done = asyncio.run(_run(arguments))
    if arguments.json:
        print(msgspec.json.encode(done.counts).decode())
        return 0
    for what, number in done.counts.items():
        print(f"{number:>8}  {what}")
    print("Nothing was changed." if arguments.dry_run else "Nothing is left." if done.is_empty else "Erased.")
    return 0


async def _run(arguments: argparse.Namespace) -> Erasure:
    async with opened_core(load_settings()) as core:
        account = await _find(core, arguments.person)
        if arguments.dry_run:
            return await plan_erasure(core, account, content=not arguments.keep_content)
        if account.administrator and not await _has_other_administrator(core, account):
            raise CommandFailed("this is the only administrator; make another account one first")
        done = await erase(core, account, comment_rule=arguments.comments, content=not arguments.keep_content)
        if not done.is_out_of_files:
            print(_STILL_READ.format(account=account.id), file=sys.stderr)
        return done


async def _find(core: Core, person: str) -> Account:
    people = core.accounts.people
    found = await (people.find_by_email(person) if "@" in person else people.find(person))
    if found is None:
        raise CommandFailed(f"no account has the address or id {person}; who was erased is found by the id alone")
    return found


async def _has_other_administrator(core: Core, account: Account) -> bool:
    sql = "SELECT 1 FROM maydan_accounts WHERE administrator = ? AND suspended_at IS NULL AND id <> ?"
    return await core.store.fetch_one(sql, True, account.id) is not None
