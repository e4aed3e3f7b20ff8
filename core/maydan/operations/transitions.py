"""Take an entry a step through its workflow, and tell which steps there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from msgspec import Struct, structs

from maydan.access.actions import Action
from maydan.clock import from_text, to_text
from maydan.errors import Conflict, Forbidden, NotFound, Unauthenticated
from maydan.events.jobs import Job, JobStatus, Obsolete, cancel_statement, list_jobs
from maydan.operations.effects import Outcome, outcome_of
from maydan.operations.entries.completeness import require_values
from maydan.operations.entries.following import following
from maydan.operations.entries.loading import load, load_visible, permits
from maydan.operations.entries.locales import require_shown
from maydan.operations.entries.storing import require_free_names, store, until_stored
from maydan.operations.entries.views import reading_action, state_for_hooks, view_after_write
from maydan.operations.plans import PUBLICATIONS, published_statements
from maydan.operations.publication import status
from maydan.operations.timers import KIND, timer_statements
from maydan.operations.writing import Change, event_of
from maydan.workflow import find_transition, leaving, state_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from maydan.content.types import Transition, Workflow
    from maydan.operations.entries.storing import Seal, Veto
    from maydan.operations.entries.views import EntryView
    from maydan.operations.scopes import Scope
    from maydan.storage.entries import EntryRow
    from maydan.storage.ports import Statement


class TransitionView(Struct, frozen=True, kw_only=True):
    """A step that the caller may take now."""

    name: str
    to: str
    required: tuple[str, ...]
    """Fields that must have a value, as far as the caller knows of them."""


class PlannedTransition(Struct, frozen=True, kw_only=True):
    """A step that the system will take unless the entry leaves its state before."""

    name: str
    at: str


class Transitions(Struct, frozen=True, kw_only=True):
    """Where an entry stands in its workflow."""

    state: str
    items: tuple[TransitionView, ...]
    planned: tuple[PlannedTransition, ...]
    """For who may read the newest version."""


class Since(Struct, frozen=True):
    """The stay in a state that a time-based transition was planned for."""

    state: str
    at: str


async def take(
    scope: Scope,
    id_or_slug: str,
    name: str,
    *,
    locale: str | None = None,
    seal: Seal | None = None,
    more: Sequence[Statement] = (),
    during: Since | None = None,
) -> EntryView:
    """Take an entry a step through its workflow, with the effects of the step, all in one transaction.

    Args:
        scope: Who does it, before the entry's type.
        id_or_slug: Its id, or its newest slug.
        name: The transition.
        locale: In which to answer.
        seal: What to store with it for the caller.
        more: Further statements of the same transaction.
        during: Only while it is still in this state, for the system's own.

    Raises:
        NotFound: There is no such entry that the caller may see, or no such transition.
        Unauthenticated, Forbidden: The caller may not take it.
        Conflict: It does not lead out of the present state (``invalid_transition``, with ``allowed``).
        InvalidInput: A field that it requires has no value.
        HookRefused: A plugin said no.
        Obsolete: The stay that ``during`` names is over.
        BadParameter: The space has not got the locale.
    """
    locale = require_shown(scope.space, locale)

    async def attempt(number: int) -> EntryView:
        workflow, step = await _find(scope, id_or_slug, name)
        before = await load(scope, action_of(name), id_or_slug)
        if not scope.has_role(step.roles):
            _refuse_role(scope, step)
        if during is not None:
            _require_stay(before, step, during)
        _require_way(scope, workflow, step, before)
        require_values(scope, before.body, step.required)
        outcome = outcome_of(scope, before, step, at=scope.core.clock.now())
        made = _change(scope, step, before, outcome)
        if number:
            await require_free_names(scope, made, given={})
        view = view_after_write(scope, made.after, locale)
        replaced = await published_statements(scope, before, outcome.published) if outcome.published else []
        beside = [*_events(scope, made, outcome), *_timers(scope, outcome), *replaced, *more]
        await store(scope, made, view, veto=_veto(scope, step, made, outcome), seal=seal, more=beside)
        return view

    return await until_stored(attempt)


transition = following(take)
"""The same, from the beginning again when the type changes meanwhile; what everybody calls."""


async def list_transitions(scope: Scope, id_or_slug: str) -> Transitions:
    """Return where an entry stands, and what the caller may do with it now.

    Raises:
        NotFound: There is no such entry that the caller may see, or its type has no workflow.
    """
    workflow = scope.type.workflow
    entry = await load_visible(scope, id_or_slug)
    if workflow is None:
        raise NotFound
    known = scope.known_fields
    items = tuple(
        TransitionView(name=step.name, to=step.to, required=tuple(each for each in step.required if each in known))
        for step in _allowed(scope, workflow, entry)
    )
    planned: list[Job] = []
    if permits(scope, scope.decide(reading_action(scope.type)), entry):
        where: dict[str, Any] = {"space_key": scope.space.key, "kind": KIND, "subject_id": entry.id}
        planned = await list_jobs(scope.core.store, **where, status=JobStatus.WAITING, limit=100)
    return Transitions(
        state=state_of(workflow, entry.state),
        items=items,
        planned=tuple(
            PlannedTransition(name=job.payload["transition"], at=to_text(job.run_at))
            for job in sorted(planned, key=lambda job: job.run_at)
        ),
    )


def action_of(transition: str) -> str:
    """Return the action that policies name for a transition."""
    return f"transition:{transition}"


def _allowed(scope: Scope, workflow: Workflow, entry: EntryRow) -> list[Transition]:
    return [
        step
        for step in leaving(workflow, state_of(workflow, entry.state))
        if permits(scope, scope.decide(action_of(step.name)), entry) and scope.has_role(step.roles)
    ]


async def _find(scope: Scope, id_or_slug: str, name: str) -> tuple[Workflow, Transition]:
    workflow, step = scope.type.workflow, find_transition(scope.type.workflow, name)
    if workflow is None or step is None:
        if scope.caller.actor.kind == "anonymous" and scope.decide(Action.READ).denied:
            raise Unauthenticated("Log in first.")
        await load_visible(scope, id_or_slug)
        raise NotFound
    return workflow, step


def _refuse_role(scope: Scope, step: Transition) -> NoReturn:
    if scope.caller.actor.kind == "anonymous":
        raise Unauthenticated("Log in first.")
    raise Forbidden(f"The transition {step.name} is for those with one of the roles {', '.join(step.roles)}.")


def _require_stay(entry: EntryRow, step: Transition, during: Since) -> None:
    is_there = entry.state == during.state and entry.state_at is not None
    if not is_there or entry.state_at != from_text(during.at) or during.state not in step.sources:
        raise Obsolete("The entry has left the state.")


def _require_way(scope: Scope, workflow: Workflow, step: Transition, entry: EntryRow) -> None:
    state = state_of(workflow, entry.state)
    if state not in step.sources:
        allowed = [each.name for each in _allowed(scope, workflow, entry)]
        raise Conflict(
            f"{step.name} does not lead out of the state {state}.",
            code="invalid_transition", state=state, allowed=allowed,
        )  # fmt: skip


def _change(scope: Scope, step: Transition, before: EntryRow, outcome: Outcome) -> Change:
    assert scope.type.workflow is not None
    after = outcome.after
    assert after.state_at is not None
    return Change(
        space=scope.space,
        type=scope.type,
        before=before,
        after=after,
        event="entry.transitioned",
        at=after.state_at,
        facts={"transition": step.name, "from": state_of(scope.type.workflow, before.state), "to": step.to},
        conditional=scope.reads_conditionally,
    )


def _events(scope: Scope, made: Change, outcome: Outcome) -> list[Statement]:
    """Return the events of the effects: who follows publications need not know of workflows."""
    facts: dict[str, dict[str, Any]] = {}
    if outcome.fields:
        facts["entry.updated"] = {"fields": list(outcome.fields)}
    if outcome.published:
        facts["entry.published"] = {"locales": list(outcome.published)}
    if outcome.unpublished:
        facts["entry.unpublished"] = {"locales": list(outcome.unpublished)}
    return [event_of(structs.replace(made, event=event, facts=told), scope.caller) for event, told in facts.items()]


def _timers(scope: Scope, outcome: Outcome) -> list[Statement]:
    """Take back what was planned for the state that is left, and plan for the new one."""
    kinds = (KIND, *PUBLICATIONS) if outcome.unpublished else (KIND,)
    gone = cancel_statement(scope.space.key, outcome.after.id, kinds)
    return [gone, *timer_statements(scope.type, outcome.after)]


def _veto(scope: Scope, step: Transition, made: Change, outcome: Outcome) -> Veto | None:
    hooks, space, actor = scope.core.hooks, scope.space, scope.caller.actor
    assert made.before is not None
    now = status(scope.type, made.before)
    old = state_for_hooks(scope.type, space, made.before, now)
    asked: list[Callable[[], Awaitable[None]]] = []
    if hooks.listens("check_entry_transition", space):
        asked.append(lambda: hooks.check_entry_transition(space, old, step.name, step.to, actor))
    if outcome.fields and hooks.listens("check_entry_update", space):
        new = state_for_hooks(scope.type, space, made.after, now)
        asked.append(lambda: hooks.check_entry_update(space, old, new, actor))
    if outcome.published and hooks.listens("check_entry_publish", space):
        shown = state_for_hooks(scope.type, space, made.after, now)
        asked.append(lambda: hooks.check_entry_publish(space, shown, outcome.published, actor))
    if outcome.unpublished and hooks.listens("check_entry_unpublish", space):
        asked.append(lambda: hooks.check_entry_unpublish(space, old, outcome.unpublished, actor))
    if not asked:
        return None

    async def ask() -> None:
        for check in asked:
            await check()

    return ask
