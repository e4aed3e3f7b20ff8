"""Workflows: the states of an entry, the steps between them, and when a step may be taken.

Pure: ``operations`` asks it before it stores. What a workflow looks like is part of the content type
(:class:`maydan.content.types.Workflow`); what makes one acceptable, and what follows from one, is here.
"""

from __future__ import annotations

from maydan.workflow.checking import check_workflow
from maydan.workflow.durations import read_duration
from maydan.workflow.moves import Timer, find_transition, leaving, moves_entries, state_of, timers

__all__ = [
    "Timer",
    "check_workflow",
    "find_transition",
    "leaving",
    "moves_entries",
    "read_duration",
    "state_of",
    "timers",
]
