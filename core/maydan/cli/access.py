"""``maydan access explain``: what somebody may do, and why."""

from __future__ import annotations

import argparse
import asyncio

import msgspec

from maydan.cli.failures import CommandFailed
from maydan.cli.instance import load_settings
from maydan.cli.opening import opened_core
from maydan.errors import NotFound
from maydan.operations.core import as_system
from maydan.operations.explaining import Explanation, Misasked, Question, explain


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
    return 0


async def _explain(arguments: argparse.Namespace) -> Explanation:
    question = Question(action=arguments.action, type=arguments.type, id=arguments.id, field=arguments.field)
    async with opened_core(load_settings()) as core:
        space = await core.registry.find_space(arguments.space)
        if space is None:
            raise CommandFailed(f"there is no space called {arguments.space}")
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
