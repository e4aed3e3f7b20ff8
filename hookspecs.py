"""Every promise between the core and its plugins.

A plugin implements any of these functions, with the arguments that it needs (a subset, by name), and marks each with
``maydan.plugin.hookimpl``. The name says the kind, and the kind says the rest:

========================  ==========  =====================================================================
``register_<things>``     setup       called once at start; what it returns is checked; a fault fails the plugin
``check_<thing>_<verb>``  veto        called in the transaction of the write; any refusal wins
``transform_<thing>``     transform   called in order; each gets what the one before returned
``<thing>_<done>``        observe     called after commit, from the log, at least once; faults stay with the plugin
``collect_<things>``      collect     called when somebody asks; results are kept by plugin
``provide_<thing>``       provide     exactly one plugin wins; where several offer, a setting names it
========================  ==========  =====================================================================

Setup and provide hooks are plain functions, called at start with five seconds for each; all others may be ``async
def`` (awaited, better) or plain (run in a thread). A veto, transform or collect hook has one second, an observer
thirty. Plugins are called in the order of their ``requires``, then by name; hooks with a space are called only for
plugins that are active in that space.
"""

# ruff: noqa: PIE790 - a body of a docstring alone would be a function that returns None
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pluggy import HookimplMarker, HookspecMarker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.access.actors import Actor
    from maydan.accounts.mail import Mailer
    from maydan.accounts.settings import MailSettings
    from maydan.content.spaces import Space
    from maydan.content.types import ContentType
    from maydan.events.kinds import EventType
    from maydan.plugins.declarations import DemoContent, Health, JobKind, Role, Route
    from maydan.plugins.importers import Importer
    from maydan.plugins.views import CommentState, EntryState
    from maydan.storage.log import LoggedEvent
    from maydan.storage.migrations import Migration

PROJECT: Final = "maydan"
hookspec: Final = HookspecMarker(PROJECT)
hookimpl: Final = HookimplMarker(PROJECT)


# -- start: what a plugin brings ----------------------------------------------------------------------------------


@hookspec
def register_migrations(settings: Any) -> Sequence[Migration]:
    """Bring the plugin's own tables, each named with the manifest's ``table_prefix``.

    Args:
        settings: The plugin's own settings, an instance of the class that its manifest names; ``None`` without one.
    When: once at start, first of all hooks; the steps run only in ``maydan migrate``, under its lock, each once.
    If it fails: the plugin is ``failed`` with the reason, as if it were not installed; so are those that require it.
    A step that touches another's table is undone, and ``maydan migrate`` stops there.
    """
    ...


@hookspec
def register_content_types(settings: Any) -> Sequence[ContentType]:
    """Bring content types, each named ``<plugin>.<type>``; ``maydan migrate`` makes and changes them.

    When: once at start, after ``register_migrations``.
    If it fails: the plugin is ``failed`` with the reason, as if it were not installed; so are those that require it.
    """
    ...


@hookspec
def register_roles(settings: Any) -> Sequence[Role]:
    """Bring roles that every space in which the plugin is active can give to its members.

    When: once at start, after ``register_content_types``.
    If it fails: the plugin is ``failed`` with the reason, as if it were not installed; so are those that require it.
    """
    ...


@hookspec
def register_routes(settings: Any) -> Sequence[Route]:
    """Bring HTTP routes; each states ``permission=`` or ``public=True`` and lies under a mount of the manifest.

    When: once at start, after ``register_roles``. In a space where the plugin is not active its routes answer 404.
    If it fails: the plugin is ``failed`` with the reason (a route without a permission, a path that is taken, …), as
    if it were not installed; so are those that require it.
    """
    ...


@hookspec
def register_importers(settings: Any) -> Sequence[Importer]:
    """Bring formats for ``maydan import FORMAT PATH``.

    When: once at start, after ``register_routes``.
    If it fails: the plugin is ``failed`` with the reason, as if it were not installed; so are those that require it.
    """
    ...


@hookspec
def register_demo_content(settings: Any) -> Sequence[DemoContent]:
    """Bring entries with which ``maydan demo`` shows what the plugin does.

    When: once at start, after ``register_importers``; the entries are written only by ``maydan demo``.
    If it fails: the plugin is ``failed`` with the reason, as if it were not installed; so are those that require it.
    """
    ...


@hookspec
def register_event_types(settings: Any) -> Sequence[EventType]:
    """Bring kinds of events that the plugin writes to the log, so that webhooks and the change feed can carry them.

    Each says who may receive it by a permission, of the core's or of the manifest's ``permissions``. Write them with
    ``event_statement`` in the transaction of what they tell; an event of a kind that nobody brought reaches hooks only.
    When: once at start, after ``register_demo_content``.
    If it fails: the plugin is ``failed`` with the reason (a name that is taken, no permission), as if it were not
    installed; so are those that require it.
    """
    ...


@hookspec
def register_jobs(settings: Any) -> Sequence[JobKind]:
    """Bring kinds of jobs: work that is done later, or at every tick of a cron expression, once over all workers.

    Each is named ``<plugin>.<word>``. Store one with ``job_statement`` in the transaction of what it follows from.

    When: once at start, last of all setup hooks.
    If it fails: the plugin is ``failed`` with the reason (a name that is taken, no cron expression), as if it were not
    installed; so are those that require it.
    """
    ...


# -- writing: what a plugin may change or refuse ------------------------------------------------------------------


@hookspec
async def transform_entry_input(
    space: Space, type: ContentType, data: dict[str, Any], actor: Actor
) -> dict[str, Any] | None:
    """Change what somebody is about to write.

    Args:
        data: The input as it was sent, fields by name; a copy, which may be changed. On a patch only what was sent.
    Returns:
        The input to go on with; ``None`` leaves it as it came.
    When: on creating, patching and replacing an entry, after access was decided and before validation. Fields that
    the actor may not write stay forbidden, whoever adds them.
    If it fails: the write is refused with 503 ``plugin_error`` and nothing is stored; ``InvalidInput`` and
    ``HookRefused`` reach the caller as they are.
    """
    ...


@hookspec
async def check_entry_create(space: Space, entry: EntryState, actor: Actor) -> None:
    """Refuse a new entry by raising ``HookRefused`` or ``InvalidInput``.

    When: after validation, in the transaction that would store the entry.
    If it fails: any other error, or more than a second: 503 ``plugin_error``, nothing is stored.
    """
    ...


@hookspec
async def check_entry_update(space: Space, before: EntryState, after: EntryState, actor: Actor) -> None:
    """Refuse a new version of an entry by raising ``HookRefused`` or ``InvalidInput``.

    When: on patching and replacing, after validation, in the transaction that would store the version.
    If it fails: any other error, or more than a second: 503 ``plugin_error``, nothing is stored.
    """
    ...


@hookspec
async def check_entry_publish(space: Space, entry: EntryState, locales: tuple[str, ...], actor: Actor) -> None:
    """Refuse to make an entry readable by raising ``HookRefused`` or ``InvalidInput``.

    Args:
        locales: Those about to be published.
    When: in the transaction that would publish; for a scheduled entry at its hour.
    If it fails: any other error, or more than a second: 503 ``plugin_error``, nothing is published.
    """
    ...


@hookspec
async def check_entry_unpublish(space: Space, entry: EntryState, locales: tuple[str, ...], actor: Actor) -> None:
    """Refuse to take an entry back from its readers by raising ``HookRefused``.

    Args:
        locales: Those about to be taken back.
    When: in the transaction that would unpublish.
    If it fails: any other error, or more than a second: 503 ``plugin_error``, the entry stays published.
    """
    ...


@hookspec
async def check_entry_delete(space: Space, entry: EntryState, actor: Actor) -> None:
    """Refuse to put an entry into the trash by raising ``HookRefused``.

    When: in the transaction that would delete.
    If it fails: any other error, or more than a second: 503 ``plugin_error``, the entry stays.
    """
    ...


@hookspec
async def check_entry_transition(space: Space, entry: EntryState, transition: str, to: str, actor: Actor) -> None:
    """Refuse a step of a workflow by raising ``HookRefused`` or ``InvalidInput``: a guard.

    Args:
        entry: As it is before the step; ``entry.state`` is where it comes from.
        transition: Name of the step.
        to: The state to which it leads.
        actor: Who takes it; of kind ``system`` when its time has come.
    When: after permission, roles, state and required fields were checked, in the transaction that would store it.
    If it fails: any other error, or more than a second: 503 ``plugin_error``, the entry stays in its state.
    """
    ...


@hookspec
async def check_comment_create(space: Space, comment: CommentState, entry: EntryState, actor: Actor) -> None:
    """Refuse a comment by raising ``HookRefused`` or ``InvalidInput``.

    Args:
        entry: What is commented on.
    When: after validation, in the transaction that would store the comment.
    If it fails: any other error, or more than a second: 503 ``plugin_error``, nothing is stored.
    """
    ...


# -- afterwards: what a plugin hears ------------------------------------------------------------------------------


@hookspec
async def entry_created(space: Space, event: LoggedEvent) -> None:
    """Hear that an entry was created; nobody but its authors may be able to read it yet.

    When: after commit, from the log, in order per entry, at least once: remember ``event.position`` to tell repeats.
    If it fails: noted with the plugin's name and tried again later; neither the write nor other plugins notice.
    """
    ...


@hookspec
async def entry_updated(space: Space, event: LoggedEvent) -> None:
    """Hear that an entry has a new version; readers of what is published see it only after a publish.

    When: after commit, from the log, in order per entry, at least once.
    If it fails: noted with the plugin's name and tried again later; neither the write nor other plugins notice.
    """
    ...


@hookspec
async def entry_published(space: Space, event: LoggedEvent) -> None:
    """Hear that readers can see an entry in ``event.data["locales"]``.

    When: after commit, from the log, in order per entry, at least once; for a scheduled entry at its hour, not at
    scheduling.
    If it fails: noted with the plugin's name and tried again later; the entry stays published.
    """
    ...


@hookspec
async def entry_unpublished(space: Space, event: LoggedEvent) -> None:
    """Hear that an entry was taken back from its readers in ``event.data["locales"]``.

    When: after commit, from the log, in order per entry, at least once.
    If it fails: noted with the plugin's name and tried again later; the entry stays unpublished.
    """
    ...


@hookspec
async def entry_deleted(space: Space, event: LoggedEvent) -> None:
    """Hear that an entry went into the trash; nobody reads it any more.

    When: after commit, from the log, in order per entry, at least once.
    If it fails: noted with the plugin's name and tried again later; the entry stays in the trash.
    """
    ...


@hookspec
async def entry_restored(space: Space, event: LoggedEvent) -> None:
    """Hear that an entry came back from the trash.

    When: after commit, from the log, in order per entry, at least once.
    If it fails: noted with the plugin's name and tried again later; the entry stays restored.
    """
    ...


@hookspec
async def entry_transitioned(space: Space, event: LoggedEvent) -> None:
    """Hear that an entry is in another state: ``event.data`` has ``transition``, ``from`` and ``to``.

    When: after commit, from the log, in order per entry, at least once; what the step did besides has its own events.
    If it fails: noted with the plugin's name and tried again later; the entry stays in its new state.
    """
    ...


@hookspec
async def comment_created(space: Space, event: LoggedEvent) -> None:
    """Hear that a comment was stored; ``event.data["status"]`` says whether it waits for approval.

    When: after commit, from the log, in order per entry, at least once.
    If it fails: noted with the plugin's name and tried again later; the comment stays.
    """
    ...


# -- the instance -------------------------------------------------------------------------------------------------


@hookspec
async def collect_health() -> Health:
    """Tell how the plugin and what it depends on are doing.

    When: somebody opens ``/health/details``; the answer is kept for a few seconds.
    If it fails: the plugin's part of the answer says so; the other parts are shown.
    """
    ...


@hookspec
async def collect_erasures(account_id: str, email: str, dry_run: bool) -> int:  # noqa: FBT001 - hooks are called by name
    """Erase what the plugin keeps about a person, and tell how many rows that were; 0 where there is nothing left.

    Args:
        account_id: The account's id, which stays without a name.
        email: Its address; empty where the account was erased before.
        dry_run: Whether to count alone.
    When: ``maydan erase``, again and again until every plugin answers 0, so that a second is enough for each part.
    If it fails: the erasure stops with the plugin's name; the same command goes on with it.
    """
    ...


@hookspec
def provide_mailer(settings: MailSettings) -> Mailer | None:
    """Offer to send the instance's mail.

    Args:
        settings: The ``[mail]`` section.
    Returns:
        What sends; ``None`` where this plugin cannot (a missing address, for example).
    When: once at start. A plugin's offer goes before the core's own (SMTP, or a notice in the log); where several
    plugins offer, ``[plugins] providers`` names the winner; until it does none of theirs is taken, and the log says so.
    If it fails: counts as no offer. A message that its ``send`` has not handed over within three times ``[mail]
    timeout_s`` is tried again later, as after any error.
    """
    ...
