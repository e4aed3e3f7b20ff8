"""What somebody may not read changes no byte of any answer to them, in worlds that are made up at random.

A world has content types of all kinds, entries in all states, and things around them; roles with conditions (through
relations too), denials, single fields, and rights over the space; readers without an account, with one role, with
inherited ones, and with shares. Values are changed where they are stored: whatever ``worlds_sight`` and
``worlds_rows``, which follow the policies as they were written, say that a reader may not see. Then every question is
asked again: status, headers and body must be what they were. ``test_noninterference_reach`` holds that every route
and every table is among them.

It leaves out: time, statements and what the machine measures; answers to writes, which tell by a refusal that a name
is taken or that something is in the way; streams (the change feed is judged by the same code, and asked here as
pages); links and previews as a way in, tokens, mail and webhooks' payloads; the hash of an audit's row, in which its
hidden details are salted, and the check of a chain by those who read the audit; rights that change, and deletions of
more than a thousand links. Plugins' types and routes are not among the worlds.
"""

from __future__ import annotations

import os
import random
from datetime import timedelta

import pytest
from site_support import Site, open_site  # pyright: ignore[reportMissingImports] - tests/support
from soaking import is_soaking  # pyright: ignore[reportMissingImports] - tests/support
from worlds import Reader, World, make_world  # pyright: ignore[reportMissingImports] - tests/support
from worlds_changes import Changed, change_rows, notice, open_audit  # pyright: ignore[reportMissingImports] - tests/support
from worlds_flips import load_states, load_witnesses, unseen_flips  # pyright: ignore[reportMissingImports] - tests/support
from worlds_reads import Ask, answer, asks, followed  # pyright: ignore[reportMissingImports] - tests/support
from worlds_rows import unseen_rows  # pyright: ignore[reportMissingImports] - tests/support
from worlds_sight import Eyes, slugs_in  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio

FLIPS = int(os.environ.get("MAYDAN_TEST_FLIPS", "2000"))
"""How many hidden values are changed; 100,000 in ``make soak``."""
FIRST_WORLD = int(os.environ.get("MAYDAN_TEST_FIRST_WORLD", "0"))
"""Where to begin; each world has dice of its own, so that one that told something is found again at once."""
ROUNDS = 6 if is_soaking() else 3
"""For each reader of a world; in each all entries change at once, by some values each."""


async def test_what_a_reader_may_not_see_changes_no_byte_of_any_answer(sqlite_url: str) -> None:
    """At least 2,000 hidden values are changed where they are stored; every route that reads answers as before."""
    seed = random.randrange(2**32) if is_soaking() else 5
    assert await _try_worlds(sqlite_url, seed, FLIPS) >= FLIPS


async def test_the_same_holds_on_postgresql(postgresql_url: str) -> None:
    """The other engine's statements tell as little."""
    seed = random.randrange(2**32) if is_soaking() else 6
    wanted = FLIPS // 20
    assert await _try_worlds(postgresql_url, seed, wanted, rounds=2) >= wanted


async def _try_worlds(url: str, seed: int, wanted: int, *, rounds: int = ROUNDS) -> int:
    """Change hidden values in one world after the other until it was as many as wanted; returns how many."""
    flips, number = 0, FIRST_WORLD
    # In the long run there are more guests than one account may invite in an hour, and the administrator stays.
    auth = {"hash_passes": 1, "hash_memory_kib": 64, "invitations_per_hour": 1_000_000, "access_token_s": 864_000}
    async with open_site(url, more={"auth": auth}) as site:
        await open_audit(site)
        while flips < wanted:
            dice = random.Random(f"{seed} {number}")
            world = await make_world(site, f"world{number}", dice)
            for reader in world.readers:
                flips += await _try_reader(site, world, reader, dice, rounds, f"seed {seed}, world {number}")
            number += 1
    return flips


async def _try_reader(site: Site, world: World, reader: Reader, dice: random.Random, rounds: int, label: str) -> int:
    states = await load_states(site.core.store, world)
    # A condition on $now would tell the time, which is no hidden value; everything was made before it.
    running, moment = site.clock.now, site.clock.now() + timedelta(seconds=2)
    site.clock.now = lambda: moment
    ids = {kind.name: [key for key, known in states.items() if known[0].name == kind.name] for kind in world.types}
    eyes = Eyes(world, reader, states)
    asked = asks(dice, world, ids, slugs_in(states))
    if eyes.manages("read:audit"):
        # Every change beneath the application breaks the chain, as it must.
        asked = [ask for ask in asked if not ask.path.endswith("/audit/verify")]
    before = await _answers(site, asked, reader)
    more = followed(asked, before)
    asked, before = asked + more, before + await _answers(site, more, reader)
    people = [each.id for each in world.readers if each.id]
    flips = 0
    for _ in range(rounds):
        old_states = dict(states)
        made = unseen_flips(dice, eyes, people, await load_witnesses(site.core.store, world))
        changed = [Changed.of_entry(world, old_states[key], flip) for key, flip in made.items()]
        # Some of these rows are of worlds before this one, which must not decide how this one goes on.
        changed += await unseen_rows(site, random.Random(dice.random()), eyes)
        await change_rows(site, changed)
        after = await _answers(site, asked, reader)
        for ask, old, new in zip(asked, before, after, strict=True):
            if old != new:
                guilty = await _find_guilty(site, reader, ask, old, changed)
                pytest.fail(_told(label, world, reader, ask, guilty, old, new))
        flips += sum(each.size for each in changed)
    site.clock.now = running
    return flips


async def _find_guilty(site: Site, reader: Reader, ask: Ask, old: bytes, changed: list[Changed]) -> list[str]:
    """Take the changes back one after the other, until the answer is as it was; the last one is told."""
    for each in reversed(changed):
        await each.undo(site)
        await notice(site)
        if await answer(site.application, ask, reader.headers) == old:
            return each.told
    return ["nothing that was changed: the answer is another each time"]


def _told(label: str, world: World, reader: Reader, ask: Ask, guilty: list[str], old: bytes, new: bytes) -> str:
    """Return what happened: the question, the change that the reader may not see, their policies, and the answers."""
    policies = [str(policy) for policy in world.policies if policy["role"] in reader.roles]
    start = next((at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), 0)
    shown = [f"{name}: …{told[max(0, start - 200) : start + 300].decode(errors='replace')}…"
             for name, told in (("before", old), ("after", new))]  # fmt: skip
    parts = [
        f"{label}: {ask.method} {ask.path} {ask.body or ''} tells {sorted(reader.roles)} ({reader.id}), of",
        *(f"  {line}" for line in guilty), "policies", *(f"  {line}" for line in policies), *shown,
    ]  # fmt: skip
    return "\n".join(parts)


async def _answers(site: Site, asked: list[Ask], reader: Reader) -> list[bytes]:
    return [await answer(site.application, ask, reader.headers) for ask in asked]
