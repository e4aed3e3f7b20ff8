"""The one place where the rooms are wired: settings in, services and the application out."""

from __future__ import annotations

import contextlib
import logging
import os
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from maydan.accounts.service import Accounts
from maydan.clock import SystemClock
from maydan.errors import ConfigurationError, MigrationsPending
from maydan.events.caches import CacheTags
from maydan.events.jobs import Jobs
from maydan.events.outbound import Outbound, UrlRefused
from maydan.events.subscriptions import Subscriptions
from maydan.events.webhooks import FanOut, Sender
from maydan.operations import schedules
from maydan.operations.audit import AuditTrail
from maydan.operations.core import Core
from maydan.operations.plugin_types import type_migrations
from maydan.operations.provider_requests import ask_provider
from maydan.operations.snapshots import Snapshots
from maydan.operations.webhook_payloads import prepare
from maydan.plugins.discovery import installed_names
from maydan.plugins.host import HostOptions, PluginHost
from maydan.plugins.mailer import GuardedMailer
from maydan.plugins.records import PluginRecords
from maydan.settings import FILE_NAME, load
from maydan.storage.migrations import pending
from maydan.storage.opening import open_store
from maydan.storage.registry import Registry
from maydan.storage.revisions import Revisions
from maydan.storage.schema import CORE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from litestar import Litestar

    from maydan.accounts.mail import Mailer
    from maydan.clock import Clock
    from maydan.http.routing import Route
    from maydan.plugins.guard import Guard
    from maydan.plugins.isolation import Isolation
    from maydan.settings import Settings
    from maydan.storage.migrations import Migration
    from maydan.storage.ports import Store

_LOG: Final = logging.getLogger("maydan")


def load_plugins(settings: Settings, **given: Any) -> PluginHost:
    """Load the plugins that the settings enable; ``given`` goes to :meth:`PluginHost.load`."""
    options = given.pop("options", None) or HostOptions(read_settings=settings.of_plugin)
    return PluginHost.load(settings.plugins, options=options, **given)


def needed_migrations(store: Store, host: PluginHost, *, allow_drop: bool = False) -> list[Migration]:
    """Return every migration of the core and of the loaded plugins, in order; ``allow_drop`` is that of their types."""
    tables = (migration for registered in host.registered().values() for migration in registered.migrations)
    return [*CORE, *tables, *type_migrations(store, host, allow_drop=allow_drop)]


def create_core(
    settings: Settings, host: PluginHost, *, clock: Clock | None = None, mailer: Mailer | None = None
) -> Core:
    """Wire the services of one process; nothing is opened before :func:`running`.

    Raises:
        ConfigurationError: The database URL, a provider or the URL of a cache cannot be used.
    """
    clock = clock or SystemClock()
    store = open_store(settings.database)
    accounts = Accounts(
        store,
        auth=settings.auth,
        mail=settings.mail,
        base_url=settings.server.base_url,
        clock=clock,
        mailer=mailer or _mailer(settings, host),
        ask=ask_provider,
    )
    registry = Registry(store, host.brings)
    core = Core(
        settings=settings,
        store=store,
        registry=registry,
        snapshots=Snapshots(store, host, clock, registry),
        revisions=Revisions(store),
        host=host,
        accounts=accounts,
        subscriptions=Subscriptions(store, settings.events),
        jobs=Jobs(store, clock, settings.jobs),
        outbound=Outbound(allow_private=settings.webhooks.allow_private),
        clock=clock,
    )
    core.webhooks = Sender(store, settings.webhooks, core.outbound, partial(prepare, core), clock)
    core.subscriptions.add(FanOut(store, clock))
    core.subscriptions.add(AuditTrail(core))
    _tell_cache(core)
    _follow_changes(core)
    _register_jobs(core)
    for subscriber in host.subscribers(core.registry.space_by_key):
        core.subscriptions.add(subscriber)
    return core


def _tell_cache(core: Core) -> None:
    """Have the log tell the cache in front what is stale, if there is one to tell.

    Raises:
        ConfigurationError: Its URL may not be asked for.
    """
    settings = core.settings.cache
    if not settings.purge_url:
        return
    try:
        core.cache_tags = CacheTags(core.store, settings, core.clock)
    except UrlRefused as error:
        raise ConfigurationError(f"[cache] purge_url {error}.") from error
    core.subscriptions.add(core.cache_tags)


@asynccontextmanager
async def running(core: Core) -> AsyncGenerator[Core]:
    """Open the services, and close them at the end of the block.

    Raises:
        MigrationsPending: The database is older than the code; it names what is missing.
        Unavailable: The database cannot be reached.
    """
    store = core.store
    await store.open()
    try:
        await _require_migrated(core)
        core.secret = await _secret(store)
        await core.registry.reload()
        await _follow_records(core)
        await core.revisions.start()
        try:
            yield core
        finally:
            await core.revisions.stop()
    finally:
        await store.close()


async def _follow_records(core: Core) -> None:
    """Write down which plugins the supervisor took out of this process, and follow what other processes write down."""
    records = PluginRecords(core.store, core.clock)
    await records.remember(core.host.taken_out)
    await records.follow(core.host)

    async def follow(_scope: str) -> None:
        await records.follow(core.host)

    core.revisions.on_change("plugins", follow)


async def _require_migrated(core: Core) -> None:
    missing = await pending(core.store, needed_migrations(core.store, core.host))
    if missing:
        names = ", ".join(f"{migration.app} {migration.name}" for migration in missing)
        raise MigrationsPending(f"These migrations are pending: {names}. Run `maydan migrate`.")


def _follow_changes(core: Core) -> None:
    """Keep what this process holds in memory current."""

    async def reload(_scope: str) -> None:
        await core.registry.reload()
        core.snapshots.forget()

    async def forget(_scope: str) -> None:
        core.snapshots.forget()
        core.authenticator.forget()

    for scope in ("spaces", "types"):
        core.revisions.on_change(scope, reload)
    for scope in ("policies", "accounts"):
        core.revisions.on_change(scope, forget)


def _mailer(settings: Settings, host: PluginHost) -> Mailer | None:
    """Return the one mailer that is offered by a plugin, or that the settings name; else the core's own.

    Raises:
        ConfigurationError: The settings name a plugin that offers none.
    """
    offers = dict(host.hooks.provide_mailer(settings.mail))
    for name in offers.keys() & set(host.loaded()):
        offers[name] = GuardedMailer(offers[name], host.guard, name)
    wanted = settings.plugins.providers.get("provide_mailer")
    if wanted is not None:
        if wanted not in offers:
            names = ", ".join(sorted(offers)) or "none"
            raise ConfigurationError(f"[plugins] providers: provide_mailer must name one that offers it: {names}.")
        return offers[wanted]
    theirs = sorted(name for name in offers if name in host.loaded())
    if len(theirs) == 1:
        return offers[theirs[0]]
    if theirs:
        _LOG.error(
            "Several plugins offer to send mail (%s), so none of them does: name one in [plugins] providers.",
            ", ".join(theirs),
        )
    return next((offer for name, offer in offers.items() if name not in theirs), None)


async def _secret(store: Store) -> bytes:
    row = await store.fetch_one("SELECT value FROM maydan_secrets WHERE name = ?", "signing")
    if row is None:
        raise MigrationsPending("The signing secret is missing. Run `maydan migrate`.")
    return bytes.fromhex(row[0])


@asynccontextmanager
async def background_work(core: Core) -> AsyncGenerator[None]:
    """Run the work that no request waits for: subscribers of the log, jobs, mail."""
    await core.subscriptions.start()
    await core.accounts.start_worker()
    await core.jobs.start()
    await core.webhooks.start()
    try:
        yield
    finally:
        await core.webhooks.stop()
        await core.jobs.stop()
        await core.accounts.stop()
        await core.subscriptions.stop()
        if core.cache_tags is not None:
            await core.cache_tags.close()


def _register_jobs(core: Core) -> None:
    """Let this process do the core's jobs and those of the plugins."""

    async def forget_answers() -> None:
        from maydan.http.idempotency import purge

        await purge(core.store, core.clock.now())

    schedules.register(core)
    schedules.repeat(core, "core.forget_answers", "37 * * * *", forget_answers)
    for name, registered in core.host.registered().items():
        schedules.register_plugin(core, name, registered.jobs)


def create_app(core: Core, *, work: bool = True) -> Litestar:
    """Return the HTTP application; while it lives its services run, and with ``work`` the background work too."""
    from maydan.http.application import build_app
    from maydan.http.surface import core_routes
    from maydan.http.surroundings import Surroundings

    settings = core.settings
    around = Surroundings(core, settings.server, settings.log, settings.streams, settings.cache)
    routes: list[Route] = [*core_routes(), *_plugin_routes(core)]

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncGenerator[None]:
        async with running(core), background_work(core) if work else contextlib.nullcontext():
            yield
            around.begin_stop()

    return build_app(around, routes, lifespan=[lifespan])


def worker_app(*, guard: Guard, isolated: Mapping[str, Isolation], background: bool) -> Litestar:
    """Return the application of one worker process, from ``maydan.toml`` and the environment; the supervisor's door."""
    from maydan.http.logs import configure_logs
    from maydan.http.surface import core_routes

    settings = load(Path(FILE_NAME), os.environ, plugins=installed_names())
    configure_logs(settings.log)
    taken = tuple((route.method, route.path) for route in core_routes())
    options = HostOptions(read_settings=settings.of_plugin, isolated=isolated, core_routes=taken)
    return create_app(create_core(settings, load_plugins(settings, guard=guard, options=options)), work=background)


def _plugin_routes(core: Core) -> list[Route]:
    routes = (route for registered in core.host.registered().values() for route in registered.routes)
    return cast("list[Route]", list(routes))
