"""The questions of the non-interference test reach what it hides: every route, every table, every kind of change.

Without this, a question that nobody gets an answer to, or a change of what no answer is made of, would pass for a
secret that was kept.
"""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
from site_support import Site, open_site  # pyright: ignore[reportMissingImports] - tests/support
from worlds import Reader, World, make_world  # pyright: ignore[reportMissingImports] - tests/support
from worlds_changes import Changed, change_rows, notice, open_audit  # pyright: ignore[reportMissingImports]
from worlds_flips import load_states, make_flip  # pyright: ignore[reportMissingImports] - tests/support
from worlds_reads import UNASKED, Ask, answer, asks  # pyright: ignore[reportMissingImports] - tests/support
from worlds_rows import ANSWERED, PLACES, UNTOUCHED, Place, changed_row, load_rows  # pyright: ignore[reportMissingImports]
from worlds_sight import Eyes, States, slugs_in  # pyright: ignore[reportMissingImports] - tests/support

from maydan.http.surface import core_routes

pytestmark = pytest.mark.anyio

DRAWS = 12
"""How often questions are made up, each time about others, until every route has answered."""
TRIES = 8
"""How many changes of one kind are tried before it is said that none shows."""
NOT_HERE = {"/api/plugins/{name}": "a world has no plugins"}
"""Routes that find nothing in a world, and why."""
MEASURED = ("/health/details", "/metrics")
"""Routes that tell an administrator of the machine at the moment."""
KINDS: tuple[str, ...] = ("draft", "published", "version", "created_by", "updated_by", "created_at", "state")
"""Of changes of entries, by how they are told of; one that is gone cannot be brought back, and is not tried."""


class Stage(NamedTuple):
    """A world before an administrator."""

    site: Site
    world: World
    states: States
    dice: random.Random
    eyes: Eyes

    def asked(self) -> list[Ask]:
        """Return made-up questions."""
        kinds = [content_type.name for content_type in self.world.types]
        ids = {kind: [key for key, known in self.states.items() if known[0].name == kind] for kind in kinds}
        return asks(self.dice, self.world, ids, slugs_in(self.states))

    async def steady(self) -> dict[Ask, bytes]:
        """Return made-up questions with their answers, but for those that measure something, such as the time."""
        asked = [ask for ask in self.asked() if ask.path not in MEASURED]
        both = zip(asked, await self.answers(asked), await self.answers(asked), strict=True)
        kept = [(ask, once) for ask, once, again in both if once == again]
        self.dice.shuffle(kept)
        return dict(kept)

    async def answers(self, asked: list[Ask]) -> list[bytes]:
        """Return what the administrator is answered."""
        return [await answer(self.site.application, ask, self.site.admin) for ask in asked]

    async def shows(self, changed: list[Changed], before: dict[Ask, bytes]) -> bool:
        """Tell whether some answer is another one after changes, which are taken back."""
        return await self.showing(changed, before) is not None

    async def showing(self, changed: list[Changed], before: dict[Ask, bytes]) -> Ask | None:
        """Return a question that is answered otherwise after changes, which are taken back."""
        await change_rows(self.site, changed)
        found: Ask | None = None
        for ask, told in before.items():
            if (await self.answers([ask]))[0] != told:
                found = ask
                break
        for each in reversed(changed):
            await each.undo(self.site)
        await notice(self.site)
        return found


@pytest.fixture
async def stage(sqlite_url: str) -> AsyncIterator[Stage]:
    """A world that nobody is denied anything in."""
    async with open_site(sqlite_url) as site:
        await open_audit(site)
        dice = random.Random(8)
        world = await make_world(site, "world", dice, denying=False)
        states = await load_states(site.core.store, world)
        nobody = Reader(None, frozenset(), {})
        yield Stage(site, world, states, dice, Eyes(world, nobody, states))


async def test_every_route_and_every_table_is_reached(stage: Stage) -> None:
    """A new route is asked with something that it finds, a new table is changed, or each is named with the reason."""
    await _require_routes(stage)
    await _require_tables(stage)


async def _require_routes(stage: Stage) -> None:
    silent = {
        route.path: re.compile(re.sub(r"{\w+}", "[^/]+", route.path))
        for route in core_routes()
        if route.method == "GET" and route.path not in {**UNASKED, **NOT_HERE}
    }
    for _ in range(DRAWS):
        asked = [ask for ask in stage.asked() if any(each.fullmatch(_path(ask)) for each in silent.values())]
        for ask, told in zip(asked, await stage.answers(asked), strict=True):
            if told.startswith(b"(200, "):
                silent = {path: each for path, each in silent.items() if not each.fullmatch(_path(ask))}
    assert not silent, list(silent)


async def _require_tables(stage: Stage) -> None:
    rows = await stage.site.core.store.fetch_all(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'maydan~_%' ESCAPE '~'"
    )
    # Documents and their trigrams are rewritten with the entries that they are made of.
    tables = {row[0] for row in rows if not row[0].startswith(("maydan_documents_", "maydan_trigrams_"))}
    changed = {place.table for place in PLACES}
    assert tables - changed - set(UNTOUCHED) == set()
    assert changed & set(UNTOUCHED) == set()
    for place in PLACES:
        assert await load_rows(stage.site, stage.world, place), f"{place.table} is empty"


async def test_what_an_administrator_may_see_does_show_when_it_changes(stage: Stage) -> None:
    """Of every table of which answers are made, and of entries in every way in which they are changed."""
    before = await stage.steady()
    shown = {place.table for place in PLACES if place.table in ANSWERED and await _shows(stage, place, before)}
    assert shown == ANSWERED
    others = [place for place in PLACES if place.table not in ANSWERED]
    changed = [each for place in others for each in await _changes_of(stage, place)]
    assert await stage.showing(changed, before) is None
    assert await _kinds_that_show(stage, before) == set(KINDS)


async def _shows(stage: Stage, place: Place, before: dict[Ask, bytes]) -> bool:
    for _ in range(TRIES):
        if await stage.shows(await _changes_of(stage, place), before):
            return True
    return False


async def _changes_of(stage: Stage, place: Place) -> list[Changed]:
    """Return changes of all rows, of one column each."""
    found: list[Changed] = []
    for row in await load_rows(stage.site, stage.world, place):
        # Nobody sees anything, so that all that is ever changed may be.
        columns = sorted(set(place.columns) & set(place.hidden(stage.eyes, row)))
        column = stage.dice.choice(columns) if columns else ""
        value = place.columns[column](stage.dice, stage.eyes, row) if column else None
        if value is not None and value != row[column]:
            found.append(changed_row(place, row, column, value))
    return found


async def _kinds_that_show(stage: Stage, before: dict[Ask, bytes]) -> set[str]:
    """Return the kinds of changes of entries of which one showed."""
    shown: set[str] = set()
    tries = dict.fromkeys(KINDS, 0)
    for _ in range(2000):
        content_type, state = stage.dice.choice(list(stage.states.values()))
        pool = [known.entry.body for kind, known in stage.states.values() if kind.name == content_type.name]
        flip = make_flip(stage.dice, content_type, state, pool, [])
        kind = next((each for each in KINDS if flip is not None and flip.what.startswith(each)), None)
        # What is secret shows to nobody.
        if flip is None or kind is None or kind in shown or tries[kind] == TRIES or flip.what.endswith(" key"):
            continue
        tries[kind] += 1
        changed = Changed.of_entry(stage.world, (content_type, state), flip)
        if await stage.shows([changed], before):
            shown.add(kind)
    return shown


def _path(ask: Ask) -> str:
    return ask.path.partition("?")[0] if ask.method == "GET" else ""
