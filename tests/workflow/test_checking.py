"""What is wrong with a workflow is told with its place; nothing that cannot work is accepted."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from maydan.content.types import ContentType, Field, Kind, Workflow
from maydan.errors import InvalidInput
from maydan.workflow import check_workflow

TYPE = ContentType(
    name="case",
    fields=(
        Field(name="title", kind=Kind.STRING),
        Field(name="owner", kind=Kind.RELATION, to=("case",)),
        Field(name="at", kind=Kind.DATETIME),
    ),
)
FINE: dict[str, Any] = {
    "name": "desk",
    "states": ["new", "open", "closed"],
    "initial": "new",
    "final": ["closed"],
    "transitions": [
        {"name": "accept", "from": ["new"], "to": "open", "required": ["title"], "after": "P1DT2H"},
        {"name": "close", "from": ["new", "open"], "to": "closed", "effects": ["publish", {"set": {"at": "$now"}}]},
    ],
}
STEP: dict[str, Any] = {"name": "go", "from": ["new"], "to": "open"}


def changed(**parts: Any) -> Workflow:
    """The fine one with other parts."""
    return msgspec.convert({**FINE, **parts}, Workflow)


def with_step(**parts: Any) -> Workflow:
    """The fine one with a third step."""
    return changed(transitions=[*FINE["transitions"], {**STEP, **parts}])


def problems(workflow: Workflow, *, drafts: bool = True, before: Workflow | None = None) -> list[tuple[str, str]]:
    """Everything that is wrong with it: pointer and code."""
    of = msgspec.structs.replace(TYPE, drafts=drafts)
    with pytest.raises(InvalidInput) as refused:
        check_workflow(workflow, of, roles={"editor"}, before=before)
    return [(error.pointer, error.code) for error in refused.value.errors]


def test_a_sound_workflow_is_accepted() -> None:
    """With guards, effects and time."""
    check_workflow(changed(), TYPE, roles={"editor"})
    check_workflow(with_step(roles=["editor"]), TYPE, roles={"editor"})


@pytest.mark.parametrize(
    ("workflow", "problem"),
    [
        (changed(name="A desk"), ("/name", "bad_name")),
        (changed(states=["new", "open", "closed", "open"]), ("/states/3", "duplicate")),
        (changed(states=["new", "open", "closed", "O"]), ("/states/3", "bad_name")),
        (changed(initial="begun"), ("/initial", "unknown_state")),
        (changed(final=["closed", "lost"]), ("/final/1", "unknown_state")),
        (changed(final=["closed", "closed"]), ("/final/1", "duplicate")),
        (with_step(name="Go!"), ("/transitions/2/name", "bad_name")),
        (with_step(name="close"), ("/transitions/2/name", "duplicate")),
        (with_step(**{"from": []}), ("/transitions/2/from", "too_few")),
        (with_step(**{"from": ["old"]}), ("/transitions/2/from/0", "unknown_state")),
        (with_step(**{"from": ["closed"]}), ("/transitions/2/from/0", "final_state")),
        (with_step(to="old"), ("/transitions/2/to", "unknown_state")),
        (with_step(roles=["editor", "king"]), ("/transitions/2/roles/1", "unknown_role")),
        (with_step(required=["name"]), ("/transitions/2/required/0", "no_such_field")),
        (with_step(after="1 day"), ("/transitions/2/after", "invalid_duration")),
        (with_step(after="P1M"), ("/transitions/2/after", "invalid_duration")),
        (with_step(after="PT0S"), ("/transitions/2/after", "invalid_duration")),
        (with_step(after="P"), ("/transitions/2/after", "invalid_duration")),
        (with_step(after="P99999D"), ("/transitions/2/after", "invalid_duration")),
        (with_step(effects=["publish", "publish"]), ("/transitions/2/effects/1", "duplicate")),
        (with_step(effects=["publish", "unpublish"]), ("/transitions/2/effects/1", "option_conflict")),
        (with_step(effects=[{"set": {}}]), ("/transitions/2/effects/0/set", "too_few")),
        (with_step(effects=[{"set": {"name": 1}}]), ("/transitions/2/effects/0/set/name", "no_such_field")),
        (with_step(effects=[{"set": {"owner": "x"}}]), ("/transitions/2/effects/0/set/owner", "forbidden_here")),
        (with_step(effects=[{"set": {"title": "$now"}}]), ("/transitions/2/effects/0/set/title", "forbidden_here")),
        (changed(states=["new", "open", "closed", "lost"], final=["closed", "lost"]), ("/states/3", "unreachable")),
        (changed(final=[]), ("/states/2", "dead_end")),
        (changed(mapping={"old": "lost"}), ("/mapping/old", "unknown_state")),
    ],
)
def test_what_cannot_work_is_named_by_its_place(workflow: Workflow, problem: tuple[str, str]) -> None:
    """And nothing else is blamed for it."""
    assert problems(workflow) == [problem]


def test_publishing_needs_drafts() -> None:
    """Where a type has none, its entries are public as soon as they are stored."""
    assert problems(changed(), drafts=False) == [("/transitions/1/effects/0", "option_conflict")]


def test_a_mapping_is_about_states_that_go() -> None:
    """Whatever is still there stays where it is."""
    old = changed(states=["new", "open", "closed", "gone"])
    assert problems(changed(mapping={"open": "new"}), before=old) == [("/mapping/open", "unknown_state")]
    check_workflow(changed(mapping={"gone": "new"}), TYPE, before=old)


def test_everything_is_told_at_once() -> None:
    """So that its author mends it in one go."""
    broken = changed(initial="x", final=["y"], transitions=[{"name": "go", "from": ["z"], "to": "w"}])
    assert {pointer for pointer, _ in problems(broken)} == {
        "/initial", "/final/0", "/transitions/0/from/0", "/transitions/0/to"
    }  # fmt: skip
    assert ("/states", "too_few") in problems(changed(states=[]))
