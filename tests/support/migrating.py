"""A process that migrates a database: ``migrating.py URL [N]`` kills itself with SIGKILL before its N-th write."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from maydan.storage import DatabaseSettings, open_store
from maydan.storage.migrations import Migration, Step, apply
from maydan.storage.schema import CORE

MIGRATION = Migration(
    app="steps",
    name="0001_steps",
    steps=(
        Step("table", "CREATE TABLE IF NOT EXISTS steps_done (name {text})"),
        *(Step(f"row_{number}", f"INSERT INTO steps_done (name) VALUES ('{number}')") for number in range(5)),
    ),
)


def die_at(target: object, method: str, left: int) -> None:
    """Kill this process when the method has been called that often."""
    original = getattr(target, method)
    count = 0

    def counted(*args: object, **kwargs: object) -> object:
        nonlocal count
        count += 1
        if count == left:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **kwargs)

    setattr(target, method, counted)


async def main(url: str, left: int | None) -> None:
    """Migrate, and print what was done."""
    if left is not None:
        from maydan.storage.postgresql.transaction import PostgreSQLTransaction
        from maydan.storage.sqlite.transaction import SQLiteTransaction

        for kind in (PostgreSQLTransaction, SQLiteTransaction):
            die_at(kind, "apply", left)
    store = open_store(DatabaseSettings(url=url))
    await store.open()
    for step in await apply(store, [MIGRATION, *CORE] if left is not None else [*CORE, MIGRATION]):
        sys.stdout.write(f"{step.app}.{step.migration}.{step.step}\n")
    await store.close()


asyncio.run(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None))
