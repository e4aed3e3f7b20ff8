"""Any workflow, any order of steps, waits, deletions and returns: what is stored is what a model says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from site_support import Site, open_site  # pyright: ignore[reportMissingImports] - tests/support
from soaking import examples  # pyright: ignore[reportMissingImports] - tests/support

from maydan.errors import Conflict, NotFound
from maydan.operations import entries
from maydan.operations.core import as_system
from maydan.operations.schedules import run_due
from maydan.operations.scopes import Scope, scope_of
from maydan.operations.transitions import list_transitions, transition

pytestmark = pytest.mark.anyio

START = datetime(2026, 5, 1, tzinfo=UTC)
STATES = ("s0", "s1", "s2", "s3")


@st.composite
def workflows(draw: st.DrawFn) -> dict[str, Any]:
    """A workflow that can work: a chain through all states, and any other steps, some of which time takes."""
    count = draw(st.integers(2, len(STATES)))
    states = STATES[:count]
    ways = [((states[number],), states[number + 1]) for number in range(count - 1)]
    among = st.sampled_from(states[:-1])
    ways += draw(st.lists(st.tuples(st.lists(among, min_size=1, unique=True), st.sampled_from(states)), max_size=3))
    hours = st.one_of(st.none(), st.integers(1, 30))
    steps = [
        {"name": f"t{number}", "from": list(sources), "to": to}
        | ({} if (after := draw(hours)) is None else {"after": f"PT{after}H"})
        for number, (sources, to) in enumerate(ways)
    ]
    return {"name": "w", "states": list(states), "initial": "s0", "final": [states[-1]], "transitions": steps}


WALKS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.integers(0, 6)),
        st.tuples(st.just("wait"), st.integers(0, 40)),
        st.tuples(st.sampled_from(["delete", "restore"]), st.just(0)),
    ),
    max_size=12,
)


class Model:
    """What should be: a state, since when, and whether it lies in the trash."""

    def __init__(self, workflow: dict[str, Any]) -> None:
        self.steps: list[dict[str, Any]] = workflow["transitions"]
        self.state = "s0"
        self.now = self.since = START
        self.trashed = False

    def allowed(self) -> list[str]:
        """The steps that lead out of the present state."""
        return [step["name"] for step in self.steps if self.state in step["from"]]

    def planned(self) -> list[tuple[str, datetime]]:
        """What time will do, soonest first; of two at once the one that the workflow names first."""
        timed = [step for step in self.steps if self.state in step["from"] and "after" in step]
        due = [(step["name"], self.since + timedelta(hours=int(step["after"][2:-1]))) for step in timed]
        return sorted(due, key=lambda timer: timer[1])

    def take(self, name: str) -> bool:
        """Take a step, if it may be taken."""
        if self.trashed or name not in self.allowed():
            return False
        step = next(step for step in self.steps if step["name"] == name)
        self.state, self.since = step["to"], self.now
        return True

    def let_time_do(self) -> int:
        """Take what is due; what comes of that is an hour away at least."""
        due = [name for name, at in self.planned() if at <= self.now]
        return int(not self.trashed and bool(due) and self.take(due[0]))


class Frozen:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        """Return the moment."""
        return self.at


@pytest.fixture(scope="module")
async def site(sqlite_template: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """One site for all walks, each with a type of its own."""
    path = tmp_path_factory.mktemp("walks") / "maydan.db"
    path.write_bytes(sqlite_template.read_bytes())
    async with open_site(f"sqlite:///{path}") as opened:
        yield opened


NUMBERS = iter(range(10_000))


@settings(max_examples=examples(12), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(workflow=workflows(), walk=WALKS)
async def test_a_stored_walk_is_that_of_the_model(
    site: Site, workflow: dict[str, Any], walk: list[tuple[str, int]]
) -> None:
    """After every event: the state, the steps that are offered, what is planned, and what time did."""
    clock = Frozen()
    site.clock.now = clock.now  # type: ignore[method-assign]
    name = f"walk{next(NUMBERS)}"
    await site.define({"name": name, "drafts": False, "fields": [], "workflow": workflow})
    scope = await scope_of(site.core, as_system("test"), site.space, name)
    entry_id, model = (await entries.create(scope, {})).id, Model(workflow)
    try:
        for event in walk:
            await act(scope, entry_id, model, clock, event)
            await compare(scope, entry_id, model)
    finally:
        # What time would still do with this one must not be counted with the next.
        await entries.purge(scope, entry_id, precondition=lambda _version: None)


async def compare(scope: Scope, entry_id: str, model: Model) -> None:
    """Hold what is stored against the model."""
    if not model.trashed:
        found = await list_transitions(scope, entry_id)
        assert found.state == model.state
        assert [item.name for item in found.items] == model.allowed()
        planned = [(plan.name, datetime.fromisoformat(plan.at)) for plan in found.planned]
        assert sorted(planned) == sorted(model.planned())


async def act(scope: Scope, entry_id: str, model: Model, clock: Frozen, event: tuple[str, int]) -> None:
    """Let one thing happen to both."""
    what, number = event
    if what == "take":
        try:
            await transition(scope, entry_id, f"t{number}")
        except (Conflict, NotFound):
            assert not model.take(f"t{number}")
        else:
            assert model.take(f"t{number}")
    elif what == "wait":
        model.now = clock.at = clock.at + timedelta(hours=number)
        assert await run_due(scope.core) == model.let_time_do()
    elif what == "delete" and not model.trashed:
        await entries.delete(scope, entry_id, precondition=lambda _version: None)
        model.trashed = True
    elif what == "restore" and model.trashed:
        await entries.restore(scope, entry_id)
        model.trashed = False
