"""A plugin of the core's own: counts what observers were told, so that an operator sees whether the log moves."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from maydan.hookspecs import hookimpl
from maydan.plugins.declarations import Health

if TYPE_CHECKING:
    from maydan.storage.log import LoggedEvent

_TOLD: Final[Counter[str]] = Counter()


@hookimpl
async def entry_created(event: LoggedEvent) -> None:
    """Count it."""
    _TOLD[event.type] += 1


@hookimpl
async def entry_updated(event: LoggedEvent) -> None:
    """Count it."""
    _TOLD[event.type] += 1


@hookimpl
async def entry_published(event: LoggedEvent) -> None:
    """Count it."""
    _TOLD[event.type] += 1


@hookimpl
async def entry_unpublished(event: LoggedEvent) -> None:
    """Count it."""
    _TOLD[event.type] += 1


@hookimpl
async def entry_deleted(event: LoggedEvent) -> None:
    """Count it."""
    _TOLD[event.type] += 1


@hookimpl
async def entry_restored(event: LoggedEvent) -> None:
    """Count it."""
    _TOLD[event.type] += 1


@hookimpl
async def entry_transitioned(event: LoggedEvent) -> None:
    """Count it."""
    _TOLD[event.type] += 1


@hookimpl
async def comment_created(event: LoggedEvent) -> None:
    """Count it."""
    _TOLD[event.type] += 1


@hookimpl
async def collect_health() -> Health:
    """Tell what this process told observers since it started."""
    return Health(detail="Events that observers in this process were told of.", facts=dict(_TOLD))
