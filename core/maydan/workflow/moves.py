"""What can happen to an entry in its state."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from maydan.workflow.durations import read_duration

if TYPE_CHECKING:
    from maydan.content.types import Transition, Workflow


class Timer(Struct, frozen=True):
    """A transition that the system will take unless the entry leaves its state before."""

    transition: str
    at: datetime


def state_of(workflow: Workflow, stored: str | None) -> str:
    """Return the state in which an entry counts: one that was stored before there was a workflow is a new one."""
    return stored if stored is not None and stored in workflow.states else workflow.initial


def moves_entries(before: Workflow | None, after: Workflow | None) -> bool:
    """Tell whether entries may have to change their states when a workflow becomes another one."""
    if before is None or after is None:
        return before is not after
    return not set(before.states) <= set(after.states)


def leaving(workflow: Workflow, state: str) -> tuple[Transition, ...]:
    """Return the transitions that lead out of a state, whoever may take them, in the order of the workflow."""
    return tuple(transition for transition in workflow.transitions if state in transition.sources)


def find_transition(workflow: Workflow | None, name: str) -> Transition | None:
    """Return the transition of that name; ``None`` where the workflow has none, and where there is no workflow."""
    return None if workflow is None else workflow.transition(name)


def timers(workflow: Workflow, state: str, since: datetime) -> tuple[Timer, ...]:
    """Return what the system will do of itself with an entry that came into a state at a moment."""
    return tuple(
        Timer(transition.name, since + length)
        for transition in leaving(workflow, state)
        if (length := _length(transition)) is not None
    )


def _length(transition: Transition) -> timedelta | None:
    return None if transition.after is None else read_duration(transition.after)
