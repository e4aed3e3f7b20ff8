"""Time-based transitions, kept as jobs from the moment at which an entry comes into a state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from maydan.clock import to_text
from maydan.events.jobs import NewJob, job_statement
from maydan.workflow import state_of, timers

if TYPE_CHECKING:
    from datetime import datetime

    from maydan.content.types import ContentType, Workflow
    from maydan.storage.entries import EntryRow
    from maydan.storage.ports import Statement

KIND: Final = "transition"
"""Kind of the jobs."""


def timer_statements(content_type: ContentType, entry: EntryRow) -> list[Statement]:
    """Return what has the system take the transitions whose time comes while the entry stays in its state."""
    workflow = content_type.workflow
    if workflow is None or entry.state_at is None:
        return []
    place = (entry.space_key, content_type.name, entry.id)
    return timers_of(workflow, place, state_of(workflow, entry.state), entry.state_at)


def timers_of(workflow: Workflow, place: tuple[int, str, str], state: str, since: datetime) -> list[Statement]:
    """Return the same for an entry of which only the state is known.

    Args:
        workflow: Of the entry's type.
        place: The key of its space, the name of its type, its id.
        state: In which it is.
        since: When it came into that.
    """
    space_key, type_name, entry_id = place
    payload = {"type": type_name, "state": state, "since": to_text(since)}
    return [
        job_statement(
            NewJob(
                kind=KIND,
                space_key=space_key,
                subject_id=entry_id,
                payload={**payload, "transition": timer.transition},
                run_at=timer.at,
            )
        )
        for timer in timers(workflow, state, since)
    ]
