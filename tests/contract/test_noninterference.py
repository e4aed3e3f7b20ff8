"""What somebody may not read changes no byte of any answer to them, in worlds that are made up at random."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from site_support import Site, open_site  # pyright: ignore[reportMissingImports] - tests/support
from soaking import examples, is_soaking  # pyright: ignore[reportMissingImports] - tests/support
from worlds import Reader, World, make_world  # pyright: ignore[reportMissingImports] - tests/support
from worlds_flips import Flip, load_states, make_flip, rewrite  # pyright: ignore[reportMissingImports]
from worlds_reads import Ask, answer, asks  # pyright: ignore[reportMissingImports] - tests/support
from worlds_sight import State, sight  # pyright: ignore[reportMissingImports] - tests/support

from maydan.content.stored import slugs_of
from maydan.content.types import ContentType

pytestmark = pytest.mark.anyio

ROUNDS = 6 if is_soaking() else 3
"""For each reader of a world; in each all entries change at once, by some values each."""
TRIES = 10
"""How often a change of one entry is made up that the reader may not see; those that they may see are left out."""
States = dict[str, tuple[ContentType, State]]


async def test_what_a_reader_may_not_see_changes_no_byte_of_any_answer(sqlite_url: str) -> None:
    """At least 2,000 hidden values are changed where they are stored; every route that reads answers as before."""
    seed = random.randrange(2**32) if is_soaking() else 5
    flips = await _try_worlds(sqlite_url, seed, worlds=examples(6))
    # 100,000 in ``make soak``, which tries twenty times as many worlds.
    assert flips >= (examples(5_000) if is_soaking() else 2_000), f"{flips} flips (seed {seed})"


async def test_the_same_holds_on_postgresql(postgresql_url: str) -> None:
    """The other engine's statements tell as little."""
    assert await _try_worlds(postgresql_url, 6, worlds=1, rounds=2) > 20


async def _try_worlds(url: str, seed: int, *, worlds: int, rounds: int = ROUNDS) -> int:
    dice = random.Random(seed)
    flips = 0
    async with open_site(url) as site:
        for number in range(worlds):
            world = await make_world(site, f"world{number}", dice)
            for reader in world.readers:
                flips += await _try_reader(site, world, reader, dice, rounds, f"seed {seed}, world {number}")
    return flips


async def _try_reader(site: Site, world: World, reader: Reader, dice: random.Random, rounds: int, label: str) -> int:
    states = await load_states(site.core.store, world)
    # A condition on $now would tell the time, which is no hidden value; everything was made before it.
    running, moment = site.clock.now, site.clock.now() + timedelta(seconds=2)
    site.clock.now = lambda: moment
    asked = asks(dice, world, _ids(world, states), _slugs(world, states))
    before = await _answers(site, asked, reader)
    flips = 0
    for _ in range(rounds):
        made = _flips(dice, world, reader, states)
        old_states = dict(states)
        await _apply(site, world, states, made)
        after = await _answers(site, asked, reader)
        for ask, old, new in zip(asked, before, after, strict=True):
            if old != new:
                guilty = await _find_guilty(site, world, reader, ask, old, old_states, made)
                pytest.fail(_told(label, reader, ask, guilty, world, old, new))
        flips += sum(flip.size for flip in made.values())
    site.clock.now = running
    return flips


async def _apply(site: Site, world: World, states: States, made: dict[str, Flip]) -> None:
    async with site.core.store.write_transaction():
        for entry_id, flip in made.items():
            content_type, state = states.pop(entry_id)
            await rewrite(site.core.store, world, content_type, state, flip.after)
            if flip.after is not None:
                states[entry_id] = (content_type, flip.after)


async def _find_guilty(
    site: Site, world: World, reader: Reader, ask: Ask, old: bytes, before: States, made: dict[str, Flip]
) -> dict[str, Any]:
    """Take the changes back one after the other; the one with which the answer is as it was is the one that is told."""
    for entry_id, flip in made.items():
        content_type, state = before[entry_id]
        if flip.after is not None:
            await rewrite(site.core.store, world, content_type, flip.after, state)
            if await answer(site.application, ask, reader.headers) == old:
                return {entry_id: (flip.what, state, flip.after)}
    return {entry_id: flip.what for entry_id, flip in made.items()}


def _told(label: str, reader: Reader, ask: Ask, guilty: dict[str, Any], world: World, old: bytes, new: bytes) -> str:
    policies = [policy for policy in world.policies if policy["role"] in reader.roles]
    return "\n".join(
        [f"{label}: {ask} tells {sorted(reader.roles)} of {guilty}", *map(str, policies),
         old.decode(), new.decode(), *(str(content_type) for content_type in world.types)]
    )  # fmt: skip


async def _answers(site: Site, asked: list[Ask], reader: Reader) -> list[bytes]:
    return [await answer(site.application, ask, reader.headers) for ask in asked]


def _flips(dice: random.Random, world: World, reader: Reader, states: States) -> dict[str, Flip]:
    """Make up changes that the reader may not see, some for each entry."""
    made: dict[str, Flip] = {}
    pools: dict[str, list[dict[str, Any]]] = {}
    for content_type, state in states.values():
        pool = pools.setdefault(content_type.name, [])
        pool += [state.entry.body, *([state.entry.published.body] if state.entry.published else [])]
    for entry_id, (content_type, state) in states.items():
        seen, now, pool = sight(world, reader, content_type, state), state, pools[content_type.name]
        for _ in range(TRIES):
            flip = make_flip(dice, content_type, now, pool)
            if flip is None or (flip.after is None and any(one.after is None for one in made.values())):
                continue
            if sight(world, reader, content_type, flip.after) == seen:
                known = made.get(entry_id)
                made[entry_id] = flip if known is None else flip.after_another(known)
                if flip.after is None:
                    break
                now = flip.after
                pool.append(now.entry.body)
    return made


def _ids(world: World, states: States) -> dict[str, list[str]]:
    return {
        content_type.name: [key for key, (kind, _) in states.items() if kind.name == content_type.name]
        for content_type in world.types
    }


def _slugs(world: World, states: States) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {content_type.name: [] for content_type in world.types}
    for content_type, state in states.values():
        found[content_type.name] += slugs_of(state.entry.body).values()
        if state.entry.published:
            found[content_type.name] += slugs_of(state.entry.published.body).values()
    return {name: sorted(set(slugs)) for name, slugs in found.items()}
