"""Measures what policies cost: the permission step at 10,000 of them and 1,000 roles, and an edit under load.

Prints four figures: the step's p99 in microseconds, the seconds until an edit is in force, the longest stall of the
event loop meanwhile in milliseconds, and how many decisions were wrong.
"""

from __future__ import annotations

import asyncio
import logging
import random
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvloop

from maydan import app
from maydan.access.actors import Actor
from maydan.access.casbin import policy_rules
from maydan.access.policies import Policy
from maydan.access.snapshot import Snapshot, compile_snapshot
from maydan.cli.memory import keep_start
from maydan.content.types import ContentType, Field, Kind
from maydan.operations.core import Caller, Core, as_system
from maydan.operations.scopes import scope_of
from maydan.operations.spaces import SpaceInput, create_space
from maydan.operations.types import create_type
from maydan.plugins.guard import Guard
from maydan.plugins.host import PluginHost
from maydan.settings import read
from maydan.storage.migrations import apply
from maydan.storage.ports import Statement
from maydan.storage.revisions import bump
from maydan.storage.schema.m0001_access import RULE_INSERT, rule_values

if TYPE_CHECKING:
    from maydan.accounts.roles import SpaceRole
    from maydan.content.spaces import Space

ROLES: Final = 1_000
POLICIES: Final = 10_000
STEPS: Final = 20_000
RATE: Final = 200
"""Decisions each second while the edit goes live."""
TYPES: Final = tuple(
    ContentType(
        name=f"type{number}",
        key=number + 1,
        fields=(Field(name="title", kind=Kind.STRING), Field(name="rating", kind=Kind.INTEGER)),
    )
    for number in range(20)
)
EDITS: Final = 6
HOST: Final = PluginHost([], Guard())
GRANT: Final = Policy(role="bench", effect="allow", type=TYPES[0].name, actions=("publish",))
_ACTIONS: Final = ("read", "read_draft", "update", "delete", "publish")


def main() -> None:
    """Print the figures."""
    logging.disable(logging.INFO)
    p99_us = permission_step()
    live_s, stall_ms, wrong = uvloop.run(_edit())
    print(f"{p99_us:.1f} {live_s:.3f} {stall_ms:.1f} {wrong}")


def permission_step() -> float:
    """Return the p99 of a decision in microseconds; accounts have three roles of a thousand, any type and action."""
    generator = random.Random(5)  # noqa: S311 - not a secret
    snapshot = compile_snapshot(1, _policies(), {f"role{n}": (f"role{n + 1}",) for n in range(0, ROLES, 10)})
    # A front page's worth of groups of people; each has been here before, as in any minute but the first.
    people = [_person(generator) for _ in range(200)]
    spent: list[float] = []
    for _ in range(2):
        spent = [_one(snapshot, generator, people) for _ in range(STEPS)]
    spent.sort()
    return spent[int(len(spent) * 0.99)] * 1e6


def _one(snapshot: Snapshot, generator: random.Random, people: list[Actor]) -> float:
    actor, content_type = generator.choice(people), generator.choice(TYPES)
    begin = time.perf_counter()
    snapshot.decide(actor, "read_draft", content_type)
    return time.perf_counter() - begin


def _person(generator: random.Random) -> Actor:
    roles = frozenset(f"role{generator.randrange(ROLES)}" for _ in range(3))
    return Actor(kind="account", id=f"person{generator.random()}", roles={1: roles})


def _policies() -> list[Policy]:
    generator = random.Random(7)  # noqa: S311 - not a secret
    mine = {"created_by": {"eq": "$actor.id"}}
    return [
        Policy(
            role=f"role{number % ROLES}",
            effect="deny" if number % 17 == 0 else "allow",
            type=generator.choice(TYPES).name,
            actions=(generator.choice(_ACTIONS),),
            fields=("*",) if number % 3 else ("title",),
            condition=(None, mine, {"rating": {"gte": number % 5}})[number % 3],
        )
        for number in range(POLICIES)
    ]


async def _edit() -> tuple[float, float, int]:
    """Return the seconds until an edit is in force, the longest stall, and how many decisions were wrong."""
    with tempfile.TemporaryDirectory() as folder:
        core = app.create_core(read({"database": {"url": f"sqlite:///{Path(folder) / 'access.db'}"}}, {}), HOST)
        await core.store.open()
        await apply(core.store, app.needed_migrations(core.store, HOST))
        async with app.running(core):
            space = await create_space(core, as_system("bench"), SpaceInput(name="bench"))
            for content_type in TYPES:
                await create_type(core, as_system("bench"), space, content_type)
            space = core.registry.spaces()[0]
            rules = policy_rules(space.key, _policies())
            for begin in range(0, len(rules), 500):
                values = [rule_values(space.key, rule) for rule in rules[begin : begin + 500]]
                await core.store.commit([Statement(RULE_INSERT, each) for each in values])
            await core.store.commit([bump("policies")])
            await core.revisions.settled()
            return await _measured(core, space)


async def _measured(core: Core, space: Space) -> tuple[float, float, int]:
    """Grant and revoke one right in turn while decisions are asked for; nobody may see it before or after."""
    keep_start()  # as a worker does
    watch = _Watch(core, space)
    watching = [asyncio.create_task(watch.ask()), asyncio.create_task(watch.stall())]
    await asyncio.sleep(0.5)
    live: list[float] = []
    known: SpaceRole | None = None
    for number in range(EDITS):
        policies = [GRANT] if number % 2 == 0 else []
        begin = time.perf_counter()
        watch.expected = None
        known = await core.accounts.roles.put(space.key, "bench", inherits=(), policies=policies, known=known)
        # From the commit on a second is allowed; what is decided after the edit is in force is never wrong.
        await core.revisions.settled()
        while await watch.allowed() != bool(policies):  # noqa: ASYNC110 - it is the decision that is waited for
            await asyncio.sleep(0.005)
        live.append(time.perf_counter() - begin)
        watch.expected = bool(policies)
        await asyncio.sleep(0.3)
    for task in watching:
        task.cancel()
    await asyncio.gather(*watching, return_exceptions=True)
    return max(live), watch.worst_s * 1e3, watch.wrong


class _Watch:
    """Asks for decisions at a steady rate, and notes when the event loop stood still."""

    def __init__(self, core: Core, space: Space) -> None:
        self._core = core
        self._space = space
        self._caller = Caller(actor=Actor(kind="account", id="someone", roles={space.key: frozenset({"bench"})}))
        self.expected: bool | None = False
        self.wrong = 0
        self.worst_s = 0.0

    async def allowed(self) -> bool:
        scope = await scope_of(self._core, self._caller, self._space, TYPES[0].name)
        return not scope.decide("publish").denied

    async def ask(self) -> None:
        while True:
            expected = self.expected
            allowed = await self.allowed()
            self.wrong += expected is not None and expected is self.expected and allowed is not expected
            await asyncio.sleep(1 / RATE)

    async def stall(self) -> None:
        while True:
            begin = time.perf_counter()
            await asyncio.sleep(0.001)
            self.worst_s = max(self.worst_s, time.perf_counter() - begin - 0.001)


if __name__ == "__main__":
    main()
