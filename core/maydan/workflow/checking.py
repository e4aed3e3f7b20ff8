"""What makes a workflow acceptable; everything that is wrong with one is told at once, with its place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from maydan.content.problems import Problems, child
from maydan.content.types import Kind, SetFields
from maydan.workflow.durations import read_duration

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from maydan.content.types import ContentType, Effect, Field, Transition, Workflow

NAME: Final = re.compile("[a-z][a-z0-9_-]{0,62}")
"""Of a workflow, a state and a transition: what policies can name (``transition:<name>``)."""
MOST_STATES: Final = 100
MOST_TRANSITIONS: Final = 500
MOST_EFFECTS: Final = 10
NOW: Final = "$now"
"""The moment of the transition, as the value of a ``datetime`` field."""

_NOT_SET: Final = (Kind.SECRET, Kind.RELATION, Kind.ASSET, Kind.COMPONENT, Kind.BLOCKS)
"""Kinds that no effect sets: a secret would stand in the type, and the others need more than a value."""


def check_workflow(
    workflow: Workflow,
    content_type: ContentType,
    *,
    roles: Collection[str] | None = None,
    before: Workflow | None = None,
    at: str = "",
) -> None:
    """Refuse a workflow that cannot work.

    Args:
        workflow: What is wanted.
        content_type: Whose entries have it, in normal form: transitions name its fields.
        roles: Those that exist; ``None`` where that depends on the space.
        before: The workflow that it replaces; what its mapping is about.
        at: The pointer to it.
    Raises:
        InvalidInput: With every problem and its pointer, such as ``/transitions/2/to``.
    """
    problems = Problems()
    _Check(workflow, content_type, roles, problems, at).all(before)
    problems.raise_if_any()


class _Check:
    """One workflow being looked at."""

    def __init__(
        self,
        workflow: Workflow,
        content_type: ContentType,
        roles: Collection[str] | None,
        problems: Problems,
        at: str,
    ) -> None:
        self.workflow = workflow
        self.type = content_type
        self.roles = roles
        self.problems = problems
        self.at = at

    def all(self, before: Workflow | None) -> None:
        if NAME.fullmatch(self.workflow.name) is None:
            self.problems.add(child(self.at, "name"), "bad_name", pattern=NAME.pattern)
        self._states()
        self._transitions()
        self._mapping(before)
        if not self.problems.found:
            self._ways()

    def _states(self) -> None:
        workflow, place = self.workflow, child(self.at, "states")
        self._count(place, len(workflow.states), MOST_STATES)
        for index, state in enumerate(workflow.states[:MOST_STATES]):
            if NAME.fullmatch(state) is None:
                self.problems.add(child(place, index), "bad_name", pattern=NAME.pattern)
            elif state in workflow.states[:index]:
                self.problems.add(child(place, index), "duplicate")
        self._known_states([workflow.initial], self.at, key="initial")
        self._known_states(workflow.final, child(self.at, "final"))

    def _transitions(self) -> None:
        place = child(self.at, "transitions")
        transitions = self.workflow.transitions
        if len(transitions) > MOST_TRANSITIONS:
            self.problems.add(place, "too_many", max=MOST_TRANSITIONS)
            return
        names = [transition.name for transition in transitions]
        for index, transition in enumerate(transitions):
            here = child(place, index)
            if NAME.fullmatch(transition.name) is None:
                self.problems.add(child(here, "name"), "bad_name", pattern=NAME.pattern)
            elif transition.name in names[:index]:
                self.problems.add(child(here, "name"), "duplicate")
            self._transition(transition, here)

    def _transition(self, transition: Transition, place: str) -> None:
        sources = child(place, "from")
        self._count(sources, len(transition.sources), MOST_STATES)
        self._known_states(transition.sources, sources)
        for index, state in enumerate(transition.sources):
            if state in self.workflow.final:
                self.problems.add(child(sources, index), "final_state")
        self._known_states([transition.to], place, key="to")
        for index, role in enumerate(transition.roles):
            if self.roles is not None and role not in self.roles:
                self.problems.add(child(child(place, "roles"), index), "unknown_role")
        for index, name in enumerate(transition.required):
            if self.type.field(name) is None:
                self.problems.add(child(child(place, "required"), index), "no_such_field", name=name)
        if transition.after is not None and read_duration(transition.after) is None:
            self.problems.add(child(place, "after"), "invalid_duration")
        self._effects(transition.effects, child(place, "effects"))

    def _effects(self, effects: tuple[Effect, ...], place: str) -> None:
        if len(effects) > MOST_EFFECTS:
            self.problems.add(place, "too_many", max=MOST_EFFECTS)
            return
        for index, effect in enumerate(effects):
            here = child(place, index)
            if isinstance(effect, SetFields):
                self._set(effect, child(here, "set"))
            elif not self.type.drafts:
                self.problems.add(here, "option_conflict", other="drafts: false")
            elif effect in effects[:index]:
                self.problems.add(here, "duplicate")
            elif any(isinstance(other, str) for other in effects[:index]):
                self.problems.add(here, "option_conflict", other="publish and unpublish at once")

    def _set(self, effect: SetFields, place: str) -> None:
        self._count(place, len(effect.set), MOST_STATES)
        for name, value in effect.set.items():
            field = self.type.field(name)
            if field is None:
                self.problems.add(child(place, name), "no_such_field", name=name)
            elif field.kind in _NOT_SET or (value == NOW and not _takes_now(field)):
                self.problems.add(child(place, name), "forbidden_here")

    def _mapping(self, before: Workflow | None) -> None:
        place = child(self.at, "mapping")
        gone = set(before.states) - set(self.workflow.states) if before else set[str]()
        for old, new in self.workflow.mapping.items():
            if new not in self.workflow.states or (before is not None and old not in gone):
                self.problems.add(child(place, old), "unknown_state")

    def _ways(self) -> None:
        """Tell of states that nothing leads to, and of those that nothing leads away from."""
        workflow, place = self.workflow, child(self.at, "states")
        reached = _reached(workflow)
        left = {state for transition in workflow.transitions for state in transition.sources}
        for index, state in enumerate(workflow.states):
            if state not in reached:
                self.problems.add(child(place, index), "unreachable")
            if state not in left and state not in workflow.final:
                self.problems.add(child(place, index), "dead_end")

    def _known_states(self, states: Iterable[str], place: str, *, key: str | None = None) -> None:
        seen: set[str] = set()
        for index, state in enumerate(states):
            here = child(place, index if key is None else key)
            if state not in self.workflow.states:
                self.problems.add(here, "unknown_state")
            elif state in seen:
                self.problems.add(here, "duplicate")
            seen.add(state)

    def _count(self, place: str, count: int, most: int) -> None:
        if not 1 <= count <= most:
            self.problems.add(place, "too_many" if count else "too_few", max=most, min=1)


def _takes_now(field: Field) -> bool:
    return field.kind is Kind.DATETIME and not field.many and not field.localized


def _reached(workflow: Workflow) -> set[str]:
    """Return the states to which a way leads from the initial one."""
    ways: dict[str, set[str]] = {}
    for transition in workflow.transitions:
        for state in transition.sources:
            ways.setdefault(state, set()).add(transition.to)
    seen, waiting = set[str](), [workflow.initial]
    while waiting:
        state = waiting.pop()
        if state not in seen:
            seen.add(state)
            waiting.extend(ways.get(state, ()))
    return seen
