"""Carries out what was planned: publications whose moment has come, once over all workers."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from maydan.errors import MaydanError
from maydan.operations import entries
from maydan.operations.core import as_system
from maydan.operations.scopes import scope_of
from maydan.storage.ports import GuardFailed, Statement

if TYPE_CHECKING:
    from maydan.operations.core import Core
    from maydan.storage.ports import Row

_log: Final = logging.getLogger("maydan.schedules")

LEASE_S: Final = 60
"""Seconds that a worker has to carry out what it took, before another one may take it."""
MAX_TRIES: Final = 5
"""Then it is left, with its error, for somebody to look at."""


async def run_due(core: Core) -> int:
    """Carry out what is due now, and return how much that was."""
    now = core.clock.now()
    rows = await core.store.fetch_all(
        "SELECT id, space_key, kind, subject_id, payload, tries FROM maydan_jobs"
        " WHERE run_at <= ? AND (lease_until IS NULL OR lease_until < ?) AND tries < ? ORDER BY run_at LIMIT 20",
        now, now, MAX_TRIES,
    )  # fmt: skip
    done = 0
    for row in rows:
        done += await _run(core, row)
    return done


async def _run(core: Core, row: Row) -> bool:
    """Take one job, carry it out, and note how it went; ``False`` where another worker has it."""
    job_id, tries = str(row[0]), row[5]
    lease = core.clock.now() + timedelta(seconds=LEASE_S)
    taken = Statement(
        "UPDATE maydan_jobs SET lease_until = ?, tries = ? WHERE id = ? AND tries = ?",
        (lease, tries + 1, job_id, tries),
        expect=1,
    )
    try:
        await core.store.commit([taken])
    except GuardFailed:
        return False
    done = Statement("DELETE FROM maydan_jobs WHERE id = ? AND tries = ?", (job_id, tries + 1))
    try:
        await _carry_out(core, row, done)
    except MaydanError as error:
        _log.warning("The planned %s of entry %s failed: %s", row[2], row[3], error)
        failed = Statement("UPDATE maydan_jobs SET error = ? WHERE id = ?", (str(error), job_id))
        await core.store.commit([failed])
    return True


async def _carry_out(core: Core, row: Row, done: Statement) -> None:
    payload: dict[str, Any] = msgspec.json.decode(row[4])
    space = next(space for space in core.registry.spaces() if space.key == row[1])
    caller = as_system(f"planned by {payload['by']}")
    verb = entries.publish if row[2] == "publish" else entries.unpublish
    locales = [locale for locale in payload["locales"] if locale in space.locales]
    scope = await scope_of(core, caller, space, payload["type"])
    await verb(scope, str(row[3]), locales=locales, more=[done])
