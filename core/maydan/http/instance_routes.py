"""The instance over HTTP: health, metrics, plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from maydan import __version__
from maydan.errors import Unavailable
from maydan.events.jobs.measuring import list_backlogs
from maydan.events.positions import SubscriberStatus, list_subscribers
from maydan.events.webhooks.deliveries import queue
from maydan.http.answers import Answer
from maydan.http.jobs_meters import job_metrics
from maydan.http.paging import page_of
from maydan.http.routing import ADMINISTRATOR, MONITORING, PageQuery, Route, route
from maydan.http.webhooks_meters import webhook_metrics
from maydan.plugins.calls import CallFailed
from maydan.plugins.declarations import Health
from maydan.plugins.loaded import PluginState

if TYPE_CHECKING:
    from maydan.http.call import Call

_MIGRATIONS: Final = (
    "SELECT name, min(CASE WHEN state = 'done' THEN 1 ELSE 0 END) FROM maydan_migrations WHERE app = ?"
    " GROUP BY name ORDER BY name"
)


class Alive(Struct, frozen=True, kw_only=True):
    """The process answers."""

    status: Annotated[str, Meta(examples=["ok"])] = "ok"


class Details(Struct, frozen=True, kw_only=True):
    """How the process is doing."""

    version: str
    database: str
    """``sqlite`` or ``postgresql``."""
    is_ready: bool
    uptime_s: int
    requests_running: int
    plugins: dict[str, str]
    """State by name."""
    health: dict[str, Health]
    """What the plugins say of themselves; one that could not say is ``down``, with the reason."""
    subscribers: list[SubscriberStatus]
    """Who follows the log, and how many events wait for each."""


class AppliedMigration(Struct, frozen=True, kw_only=True):
    """A migration that was begun, and whether all of its steps are done."""

    name: str
    is_done: bool


class PluginView(PluginState, frozen=True, kw_only=True):
    """A plugin with what it did to the database."""

    migrations: list[AppliedMigration]


class PluginPage(Struct, frozen=True, kw_only=True):
    """One page of plugins, by name."""

    items: list[PluginState]
    next: str | None
    total: int | None = None


@route("GET", "/health/live", public=True, answer=Alive, tags=("instance",))
async def get_live(_call: Call) -> Answer:
    """Tell that the process answers.

    Touches nothing else; a supervisor restarts the process when it fails.
    """
    return _ALIVE


_ALIVE: Final = Answer.json(Alive())


@route("GET", "/health/ready", public=True, answer=Alive, tags=("instance",))
async def get_ready(call: Call) -> Answer:
    """Tell whether requests can be sent here: the database answers, and the process is not stopping.

    Looked up once a second at most; 503 otherwise.
    """
    if call.around.is_stopping:
        raise Unavailable("The process is stopping.", code="stopping")
    if not await call.around.readiness.is_ready():
        raise Unavailable("The database does not answer.", code="not_ready")
    return _ALIVE


@route("GET", "/health/details", permission=MONITORING, answer=Details, tags=("instance",))
async def get_details(call: Call) -> Answer:
    """Get how the process, its plugins and the subscribers of the log are doing."""
    core, around = call.core, call.around
    is_ready = await around.readiness.is_ready()
    details = Details(
        version=__version__,
        database=core.store.dialect.name,
        is_ready=is_ready and not around.is_stopping,
        uptime_s=int((core.clock.now() - around.started_at).total_seconds()),
        requests_running=around.meters.running,
        plugins={state.name: state.state.value for state in core.host.states()},
        health={name: _health(told) for name, told in (await core.hooks.collect_health()).items()},
        subscribers=await list_subscribers(core.store) if is_ready else [],
    )
    return Answer.json(details)


def _health(told: Health | CallFailed) -> Health:
    return Health(status="down", detail=told.reason) if isinstance(told, CallFailed) else told


@route("GET", "/metrics", permission=MONITORING, answer=bytes, answer_media_type="text/plain", tags=("instance",))
async def get_metrics(call: Call) -> Answer:
    """Get the figures of this process in the text format of Prometheus."""
    core = call.core
    subscribers = await list_subscribers(core.store)
    webhooks = webhook_metrics(core.webhooks.outcomes, await queue(core.store), core.clock.now())
    jobs = job_metrics(await list_backlogs(core.store, core.clock.now()))
    body = call.around.meters.exposition(core.host.states(), subscribers, [*webhooks, *jobs])
    return Answer(body=body, media_type="text/plain; version=0.0.4; charset=utf-8", tag="")


@route("GET", "/api/plugins", permission=ADMINISTRATOR, query=PageQuery, answer=PluginPage, tags=("instance",))
async def list_plugins(call: Call) -> Answer:
    """List the installed plugins with their state and how their hooks are doing in this process."""
    return page_of(call, call.core.host.states(), key=lambda state: state.name)


@route("GET", "/api/plugins/{name}", permission=ADMINISTRATOR, answer=PluginView, tags=("instance",))
async def get_plugin(call: Call) -> Answer:
    """Get one plugin, with its migrations."""
    state = call.core.host.state(call.path["name"])
    rows = await call.core.store.fetch_all(_MIGRATIONS, state.name)
    migrations = [AppliedMigration(name=row[0], is_done=bool(row[1])) for row in rows]
    fields: dict[str, Any] = msgspec.structs.asdict(state)
    return Answer.json(PluginView(**fields, migrations=migrations))


ROUTES: Final[tuple[Route, ...]] = (get_live, get_ready, get_details, get_metrics, list_plugins, get_plugin)
