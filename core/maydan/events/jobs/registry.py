"""Who does which kind of job, and what is done again and again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from msgspec import Struct

from maydan.clock import to_text
from maydan.events.jobs.cron import next_tick
from maydan.events.jobs.records import Job, NewJob
from maydan.storage.ports import Statement

Handler = Callable[[Job, Statement], Awaitable[None]]
"""Does one job. Storing the statement together with the effect makes the two one commit; it is stored afterwards where
the handler did not. An error means: not done, try again."""
Ready = Callable[[], bool]


class _Registered(Struct, frozen=True):
    handle: Handler
    ready: Ready


class _Repeated(Struct, frozen=True):
    cron: str
    timezone: str


class Handlers:
    """The kinds of jobs that this process can do."""

    def __init__(self) -> None:
        """Begin without any."""
        self._kinds: dict[str, _Registered] = {}
        self._repeated: dict[str, _Repeated] = {}

    def add(self, kind: str, handle: Handler, *, ready: Ready = lambda: True) -> None:
        """Let this process do jobs of a kind.

        Args:
            kind: As in :class:`NewJob`.
            handle: Does one.
            ready: Whether it could do one now; while not, they wait for another process, or for later.
        Raises:
            ValueError: Somebody else does them.
        """
        if kind in self._kinds:
            raise ValueError(f"There are two handlers for jobs of the kind {kind}; rename one.")
        self._kinds[kind] = _Registered(handle, ready)

    def repeat(self, kind: str, cron: str, timezone: str) -> None:
        """Have a job of a kind done at every tick of a cron expression, once over all workers.

        Raises:
            ValueError: The expression or the zone means nothing.
        """
        next_tick(cron, timezone, datetime.fromisoformat("2026-01-01T00:00:00Z"))
        self._repeated[kind] = _Repeated(cron, timezone)

    @property
    def ready_kinds(self) -> tuple[str, ...]:
        """The kinds that could be done now, by name."""
        return tuple(sorted(kind for kind, registered in self._kinds.items() if registered.ready()))

    def of(self, kind: str) -> Handler:
        """Return who does jobs of a kind."""
        return self._kinds[kind].handle

    def coming(self, now: datetime) -> list[NewJob]:
        """Return the next job of everything that is done again and again."""
        ticks = {kind: next_tick(one.cron, one.timezone, now) for kind, one in self._repeated.items()}
        return [NewJob(kind=kind, run_at=at, tick=to_text(at)) for kind, at in ticks.items()]
