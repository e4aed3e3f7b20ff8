"""Carries out what was planned: the core's own kinds of jobs, and what it does again and again."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

from maydan.errors import NotFound, Unavailable
from maydan.events.jobs import INSTANCE, Obsolete, forget_statement
from maydan.operations import entries
from maydan.operations.core import as_system
from maydan.operations.expiring import forget_expired
from maydan.operations.plans import PUBLICATIONS
from maydan.operations.scopes import scope_of
from maydan.operations.timers import KIND as TRANSITION
from maydan.operations.transitions import Since, transition
from maydan.operations.trash import empty_trash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.events.jobs import Job
    from maydan.operations.core import Core
    from maydan.operations.scopes import Scope
    from maydan.plugins.declarations import JobKind
    from maydan.storage.ports import Statement


class Work(Protocol):
    """Something that is done again and again, and that may be done twice."""

    async def __call__(self) -> object:
        """Do it."""
        ...


def register(core: Core) -> None:
    """Let this process do the core's own jobs."""
    for kind in PUBLICATIONS:
        core.jobs.handler(kind, partial(_publish, core))
    core.jobs.handler(TRANSITION, partial(_transition, core))
    repeat(core, "core.empty_trash", "17 * * * *", partial(empty_trash, core))
    repeat(core, "core.forget_expired", "*/10 * * * *", partial(forget_expired, core))
    repeat(core, "core.forget_jobs", "47 3 * * *", partial(forget_finished, core))


def repeat(core: Core, kind: str, cron: str, work: Work) -> None:
    """Have something done at every tick of a cron expression in UTC, once over all workers."""

    async def handle(_job: Job, _done: Statement) -> None:
        await work()

    core.jobs.every(kind, cron, "UTC", handle)


def register_plugin(core: Core, plugin: str, kinds: Sequence[JobKind]) -> None:
    """Let this process do a plugin's jobs, while the plugin is not isolated."""
    for kind in kinds:
        handle = partial(_of_plugin, core, plugin, kind)
        ready = partial(core.host.is_active, plugin)
        if kind.cron is None:
            core.jobs.handler(kind.name, handle, ready=ready)
        else:
            core.jobs.every(kind.name, kind.cron, kind.timezone, handle, ready=ready)


async def _of_plugin(core: Core, plugin: str, kind: JobKind, job: Job, done: Statement) -> None:
    if job.space_key != INSTANCE:
        space = core.registry.space_by_key(job.space_key)
        if space is None:
            raise Obsolete("The space is gone.")
        if plugin not in space.plugins:
            raise Obsolete("The plugin is not active in the space.")
    await kind.run(core, job, done)


async def run_due(core: Core) -> int:
    """Carry out what is due for entries now, and return how much that was."""
    return await core.jobs.run_due((*PUBLICATIONS, TRANSITION))


async def forget_finished(core: Core) -> None:
    """Forget the jobs that ended longer than ``[jobs] keep_days`` ago."""
    before = core.clock.now() - timedelta(days=core.settings.jobs.keep_days)
    await core.store.commit([forget_statement(before)])


async def subject_scope(core: Core, job: Job, reason: str) -> Scope:
    """Return the system before the type of the entry that a job is about.

    Raises:
        Obsolete: The space or the type is gone.
        Unavailable: The type's plugin is not loaded now; the job is tried again, and is never lost for that.
    """
    space = core.registry.space_by_key(job.space_key)
    if space is None:
        await core.registry.reload()
        space = core.registry.space_by_key(job.space_key)
    if space is None:
        raise Obsolete("The space is gone.")
    name: str = job.payload["type"]
    try:
        return await scope_of(core, as_system(reason), space, name)
    except NotFound:
        plugin, dot, _ = name.partition(".")
        if dot and plugin in space.plugins and not core.host.brings(name):
            raise Unavailable(f"The plugin {plugin} is not loaded.") from None
        raise Obsolete("The content type is gone.") from None


async def _publish(core: Core, job: Job, done: Statement) -> None:
    payload = job.payload
    scope = await subject_scope(core, job, f"planned by {payload['by']}")
    if not scope.type.drafts:
        raise Obsolete("The content type has no drafts.")
    locales = [locale for locale in payload["locales"] if locale in scope.space.locales]
    if not locales:
        raise Obsolete("The space has none of its locales any more.")
    verb = entries.publish if job.kind == "publish" else entries.unpublish
    try:
        await verb(scope, str(job.subject_id), locales=locales, more=[done])
    except NotFound:
        raise Obsolete("The entry is gone, or lies in the trash.") from None


async def _transition(core: Core, job: Job, done: Statement) -> None:
    payload = job.payload
    scope = await subject_scope(core, job, f"in the state {payload['state']} since {payload['since']}")
    stay = Since(payload["state"], payload["since"])
    try:
        await transition(scope, str(job.subject_id), payload["transition"], more=[done], during=stay)
    except NotFound:
        raise Obsolete("The entry or the transition is gone.") from None
