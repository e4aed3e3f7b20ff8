"""What an accepted workflow lets happen, held against a model for workflows that nobody thought of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maydan.content.types import ContentType, Transition, Workflow
from maydan.errors import InvalidInput
from maydan.workflow import check_workflow, find_transition, leaving, moves_entries, read_duration, state_of, timers

TYPE = ContentType(name="case")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
STATES = ("a", "b", "c", "d", "e")


@st.composite
def workflows(draw: st.DrawFn) -> Workflow:
    """Any workflow whose words are fine; whether it can work is another matter."""
    states = draw(st.lists(st.sampled_from(STATES), min_size=1, unique=True))
    among = st.sampled_from(states)
    steps = draw(st.lists(st.tuples(st.lists(among, min_size=1, unique=True), among), max_size=8))
    return Workflow(
        name="w",
        states=tuple(states),
        initial=draw(among),
        final=tuple(draw(st.lists(among, unique=True, max_size=2))),
        transitions=tuple(
            Transition(name=f"t{number}", sources=tuple(sources), to=to) for number, (sources, to) in enumerate(steps)
        ),
    )


def walked(workflow: Workflow) -> set[str]:
    """The model: everything that is found by trying every step again and again."""
    found = {workflow.initial}
    for _ in workflow.states:
        found |= {step.to for step in workflow.transitions if found & set(step.sources)}
    return found


@given(workflows())
def test_exactly_the_workflows_are_accepted_in_which_every_state_lives(workflow: Workflow) -> None:
    """Each can be reached, is left by some step or final, and nothing leaves a final one."""
    left = {state for step in workflow.transitions for state in step.sources}
    sound = (
        walked(workflow) == set(workflow.states)
        and not left & set(workflow.final)
        and left | set(workflow.final) == set(workflow.states)
    )
    try:
        check_workflow(workflow, TYPE)
    except InvalidInput:
        assert not sound
    else:
        assert sound


@given(workflows(), st.lists(st.integers(0, 7), max_size=20))
def test_a_walk_never_leaves_the_workflow(workflow: Workflow, choices: list[int]) -> None:
    """Whatever is taken is one of those that are offered, and leads to a state of the workflow."""
    state = state_of(workflow, None)
    assert state == workflow.initial
    for choice in choices:
        offered = leaving(workflow, state)
        step = find_transition(workflow, f"t{choice}")
        assert (step in offered) == (step is not None and state in step.sources)
        if step is not None and step in offered:
            state = step.to
        assert state_of(workflow, state) == state


def test_a_state_that_is_none_counts_as_the_first() -> None:
    """An entry that was stored while there was no workflow yet, or another one."""
    workflow = Workflow(name="w", states=("new",), initial="new", final=("new",))
    assert state_of(workflow, "forgotten") == "new"
    assert find_transition(None, "go") is None


def test_only_states_that_go_move_entries() -> None:
    """New ones, and other steps, leave everybody where they are."""
    two = Workflow(name="w", states=("a", "b"), initial="a")
    assert moves_entries(None, two)
    assert moves_entries(two, None)
    assert moves_entries(two, msgspec.structs.replace(two, states=("a",)))
    assert not moves_entries(two, msgspec.structs.replace(two, states=("c", "b", "a"), initial="c"))
    assert not moves_entries(None, None)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("PT24H", timedelta(hours=24)),
        ("P3DT12H", timedelta(days=3.5)),
        ("P2W", timedelta(weeks=2)),
        ("PT90S", timedelta(seconds=90)),
        ("PT1H30M", timedelta(minutes=90)),
        ("P1Y", None),
        ("PT", None),
        ("PT1.5H", None),
        ("-PT1H", None),
        ("pt1h", None),
        ("PT٣H", None),
        ("", None),
    ],
)
def test_durations_are_those_of_iso_8601_that_the_calendar_does_not_change(text: str, length: Any) -> None:
    """A month is no length; a day is 24 hours."""
    assert read_duration(text) == length


def test_timers_run_from_the_moment_of_entering() -> None:
    """One for each step out of the state whose time will come."""
    steps = [
        {"name": "warn", "from": ["open"], "to": "late", "after": "PT1H"},
        {"name": "close", "from": ["open", "late"], "to": "done", "after": "P1D"},
        {"name": "stop", "from": ["open"], "to": "done"},
    ]
    raw = {"name": "w", "states": ["open", "late", "done"], "initial": "open", "final": ["done"], "transitions": steps}
    planned = timers(msgspec.convert(raw, Workflow), "open", NOW)
    assert [(timer.transition, timer.at - NOW) for timer in planned] == [
        ("warn", timedelta(hours=1)),
        ("close", timedelta(days=1)),
    ]
