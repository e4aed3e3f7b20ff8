"""``maydan migrate``: brings the database up to date with the code, and says what it did."""

from __future__ import annotations

import argparse
import asyncio

from maydan.app import needed_migrations
from maydan.cli.failures import PENDING
from maydan.cli.instance import load_settings
from maydan.cli.opening import load_host, opened_store
from maydan.operations.plugin_types import types_left
from maydan.settings import Settings
from maydan.storage.migrations import PlannedStep, apply, plan


def run(arguments: argparse.Namespace) -> int:
    """Apply what is pending; with ``--check`` or ``--plan`` only say what it is."""
    settings = load_settings()
    if arguments.check or arguments.plan:
        steps = asyncio.run(_pending(settings))
        _print(steps, "pending", with_sql=arguments.plan)
        return PENDING if arguments.check and steps else 0
    steps, left = asyncio.run(_migrate(settings, allow_drop=arguments.allow_drop))
    _print(steps, "done", with_sql=False)
    for name in left:
        print(f"{name}: no plugin that is loaded brings this type; it is shut, and its entries are kept")
    return 0


async def migrate(settings: Settings, *, allow_drop: bool = False) -> list[PlannedStep]:
    """Apply what the core and the enabled plugins need, and return it.

    Raises:
        LossyChange: A plugin's types would lose what entries hold, and ``allow_drop`` is not given.
        UniqueViolation: A plugin's field became unique, and entries have the same value.
    """
    return (await _migrate(settings, allow_drop=allow_drop))[0]


async def _migrate(settings: Settings, *, allow_drop: bool) -> tuple[list[PlannedStep], list[str]]:
    """Return what was applied, and the types that no plugin brings any more."""
    host = load_host(settings)
    async with opened_store(settings.database) as store:
        steps = await apply(store, needed_migrations(store, host, allow_drop=allow_drop))
        return steps, await types_left(store, host)


async def _pending(settings: Settings) -> list[PlannedStep]:
    host = load_host(settings)
    async with opened_store(settings.database) as store:
        return await plan(store, needed_migrations(store, host))


def _print(steps: list[PlannedStep], word: str, *, with_sql: bool) -> None:
    if not steps:
        print("The database is up to date.")
    for step in steps:
        again = ", was interrupted" if step.interrupted else ""
        print(f"{step.app} {step.migration} {step.step}: {word}{again}")
        if with_sql and step.sql:
            print(f"{step.sql.strip()}\n")
