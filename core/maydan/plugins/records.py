"""What is remembered of plugins across restarts and told to all workers: isolations, and what an operator decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from maydan.plugins.isolation import Isolation
from maydan.storage.acting import change_statement
from maydan.storage.dialects import Dialect
from maydan.storage.ports import Statement
from maydan.storage.revisions import bump

if TYPE_CHECKING:
    from datetime import datetime

    from maydan.clock import Clock
    from maydan.plugins.host import PluginHost
    from maydan.storage.ports import Row, Store

SCOPE: Final = "plugins"
"""The revision that moves with every record."""

_READ: Final = "SELECT name, pinned, isolated_what, isolated_reason, isolated_at FROM maydan_plugin_states"
_ISOLATE: Final = (
    "INSERT INTO maydan_plugin_states (name, pinned, isolated_what, isolated_reason, isolated_at)"
    " VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET isolated_what = excluded.isolated_what,"
    " isolated_reason = excluded.isolated_reason, isolated_at = excluded.isolated_at"
)
_PIN: Final = (
    "INSERT INTO maydan_plugin_states (name, pinned, isolated_what, isolated_reason) VALUES (?, ?, '', '')"
    " ON CONFLICT (name) DO UPDATE SET pinned = excluded.pinned"
)
_RELEASE: Final = (
    "UPDATE maydan_plugin_states SET isolated_what = '', isolated_reason = '', isolated_at = NULL WHERE name = ?"
)


class PluginRecord(Struct, frozen=True, kw_only=True):
    """What is remembered of one plugin."""

    name: str
    pinned: bool
    """An operator wants it called whatever its breakers say."""
    isolation: Isolation | None
    isolated_at: datetime | None


class PluginRecords:
    """Reads and writes the records, and makes a host follow them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Keep records in this store."""
        self._store = store
        self._clock = clock

    async def all(self) -> Mapping[str, PluginRecord]:
        """Return every record by plugin."""
        rows = await self._store.fetch_all(_READ)
        return {row[0]: _record(row) for row in rows}

    async def isolate(self, name: str, isolation: Isolation) -> None:
        """Remember that a plugin is isolated; every worker stops calling it within a second."""
        now = self._clock.now()
        values = (name, False, isolation.what, isolation.reason, now)
        data = {"what": isolation.what, "reason": isolation.reason}
        await self._store.commit([Statement(_ISOLATE, values), self._noted("plugin.isolated", name, data), bump(SCOPE)])

    async def release(self, name: str) -> None:
        """Forget that a plugin was isolated; one whose import is the reason comes back at the next start."""
        await self._store.commit([Statement(_RELEASE, (name,)), self._noted("plugin.released", name), bump(SCOPE)])

    async def pin(self, name: str, *, active: bool) -> None:
        """Have a plugin called whatever its breakers say, or leave that to them again."""
        noted = self._noted("plugin.pinned", name, {"active": active})
        await self._store.commit([Statement(_PIN, (name, active)), noted, bump(SCOPE)])

    def _noted(self, kind: str, name: str, data: dict[str, Any] | None = None) -> Statement:
        return change_statement(kind, ("plugin", name), at=self._clock.now(), data=data)

    async def follow(self, host: PluginHost) -> None:
        """Bring a host to what the records say; at start and whenever the revision moves."""
        records = await self.all()
        for name in host.loaded():
            record = records.get(name)
            host.pin(name, active=record is not None and record.pinned)
            if record is not None and record.isolation is not None:
                host.isolate(name, record.isolation.reason)
            else:
                host.release(name)

    async def remember(self, isolated: Mapping[str, Isolation]) -> None:
        """Keep what the supervisor told this worker, so that the others, and the next start, know it too."""
        known = await self.all()
        for name, isolation in isolated.items():
            record = known.get(name)
            if record is None or record.isolation != isolation:
                await self.isolate(name, isolation)


def _record(row: Row) -> PluginRecord:
    isolation = Isolation(what=row[2], reason=row[3]) if row[2] else None
    at = None if row[4] is None else Dialect.read_time(row[4])
    return PluginRecord(name=row[0], pinned=bool(row[1]), isolation=isolation, isolated_at=at)
