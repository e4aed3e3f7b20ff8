"""What every operation is given: the services of this process, and who is asking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from maydan.access.actors import Actor, system
from maydan.events.streams import LogTail
from maydan.operations.shared_rights import SCOPE, SharedRights

if TYPE_CHECKING:
    from maydan.accounts.service import Accounts
    from maydan.accounts.sessions import Authenticator
    from maydan.clock import Clock
    from maydan.events.caches import CacheTags
    from maydan.events.jobs import Jobs
    from maydan.events.outbound import Outbound
    from maydan.events.subscriptions import Subscriptions
    from maydan.events.webhooks import Sender
    from maydan.operations.snapshots import Snapshots
    from maydan.plugins.hooks import Hooks
    from maydan.plugins.host import PluginHost
    from maydan.settings import Settings
    from maydan.storage.ports import Store
    from maydan.storage.registry import Registry
    from maydan.storage.revisions import Revisions


class Core:
    """The services of one process, wired in ``app.py``."""

    def __init__(  # noqa: PLR0913 - it is the list of the process's services
        self,
        *,
        settings: Settings,
        store: Store,
        registry: Registry,
        snapshots: Snapshots,
        revisions: Revisions,
        host: PluginHost,
        accounts: Accounts,
        subscriptions: Subscriptions,
        jobs: Jobs,
        outbound: Outbound,
        clock: Clock,
    ) -> None:
        """Keep the services."""
        self.settings = settings
        self.store = store
        self.registry = registry
        self.snapshots = snapshots
        self.revisions = revisions
        self.host = host
        self.accounts = accounts
        self.subscriptions = subscriptions
        self.jobs = jobs
        self.outbound = outbound
        self.webhooks: Sender
        """Delivers to webhooks; it reads through this core, so it is put here once that is made."""
        self.cache_tags: CacheTags | None = None
        """Tells the cache in front what is stale, where there is one."""
        self.clock = clock
        self.tail = LogTail(store)
        """New events, as they come; for streams."""
        self.shared_rights = SharedRights(store, clock, accounts.authenticator)
        """What people let others do with single entries."""
        revisions.on_change(SCOPE, self.shared_rights.on_change)
        self.secret = b""
        """Signs cursors; the same in all processes of the deployment, read from the database at start."""

    @property
    def authenticator(self) -> Authenticator:
        """Who is behind a token."""
        return self.accounts.authenticator

    @property
    def hooks(self) -> Hooks:
        """The plugins' hooks, one typed method each."""
        return self.host.hooks


class Caller(Struct, frozen=True, kw_only=True):
    """Who asks, in which request, in which languages."""

    actor: Actor
    request_id: str = ""
    languages: tuple[str, ...] = ()
    """From ``Accept-Language``, best first."""


def as_system(reason: str) -> Caller:
    """Return the caller for what the system does by itself; the reason goes to the audit."""
    return Caller(actor=system(reason))
