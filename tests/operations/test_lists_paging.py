"""Pages laid end to end while entries come and go."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support
from soaking import examples, is_soaking  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio
LIST = "/api/spaces/demo/content/spot"
SPOT: dict[str, Any] = {
    "name": "spot",
    "drafts": False,
    "indexes": [["rank", "-name"], ["-price"]],
    "fields": [
        {"name": "name", "kind": "string", "localized": True, "indexed": True},
        {"name": "rank", "kind": "integer"},
        {"name": "size", "kind": "number"},
        {"name": "cost", "kind": "decimal"},
        {"name": "price", "kind": "money"},
        {"name": "is_new", "kind": "boolean"},
        {"name": "by", "kind": "relation", "to": ["spot"], "on_delete": "nullify"},
    ],
}
SORTS = (
    "", "rank,-name", "-rank,name", "name", "-name", "-price", "price", "size", "-cost,is_new", "by.rank",
    "-by.name,rank", "-rank,-size,name",
)  # fmt: skip
"""With an index and without one, mixed directions, fields of one locale, keys behind a relation."""


class Walk:
    """A list that is read page by page while others write."""

    def __init__(self, site: Site, chance: random.Random) -> None:
        self.site = site
        self.chance = chance
        self.ids: list[str] = []

    async def add(self) -> None:
        """Create an entry with ties and gaps, some of them only in another locale."""
        chance = self.chance
        locales = chance.sample(["en", "ar", "ku"], chance.randrange(3))
        row = {
            "name": {locale: chance.choice(["", "a", "B", "é", "ب"]) or None for locale in locales} or None,
            "rank": chance.choice([None, 0, 1, 2]),
            "size": chance.choice([None, -0.5, 0, 0.0, 1, 1.0]),
            "cost": chance.choice([None, "0.5", "0.50", "-1", "10"]),
            "price": chance.choice([None, {"amount": chance.randrange(3), "currency": "USD"}]),
            "is_new": chance.choice([None, True, False]),
            "by": chance.choice([None, *self.ids[-5:]]),
        }
        made = await self.site.entry(
            {name: value for name, value in row.items() if value is not None}, type="spot", publish=False
        )
        self.ids.append(made["id"])

    async def drop(self, kept: set[str]) -> None:
        """Delete an entry to which nothing leads, so that no other one changes its place."""
        gone = self.chance.choice(self.ids)
        plan = (await self.site.delete(f"{LIST}/{gone}?plan=1", headers=self.site.admin)).json()
        if plan["nullifies"]:
            return
        self.ids.remove(gone)
        kept.discard(gone)
        assert (await self.site.delete(f"{LIST}/{gone}", headers=self.site.admin)).status_code == 204

    async def page(self, query: str) -> dict[str, Any]:
        """Read one page."""
        answer = await self.site.get(f"{LIST}?{query}", headers=self.site.admin)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.mark.parametrize("seed", range(examples(1)))
async def test_pages_skip_and_repeat_nothing_while_entries_come_and_go(site: Site, seed: int) -> None:
    """What is there throughout comes once, in the order of the whole list; what comes or goes does not move it."""
    await site.define(SPOT)
    chance = random.Random(None if is_soaking() else seed)
    walk = Walk(site, chance)
    for _ in range(24):
        await walk.add()
    for sort in SORTS:
        query = f"locale={chance.choice(['en', 'ar', 'ku'])}&limit={{}}" + (f"&sort={sort}" if sort else "")
        kept, seen, cursor = set(walk.ids), list[str](), ""
        while True:
            asked = walk.page(f"{query.format(chance.choice([3, 5, 7]))}{cursor}")
            page, *_ = await asyncio.gather(asked, walk.add(), walk.drop(kept))
            seen += [item["id"] for item in page["items"]]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        assert len(set(seen)) == len(seen), query
        whole = [item["id"] for item in (await walk.page(query.format(100)))["items"] if item["id"] in kept]
        assert [entry_id for entry_id in seen if entry_id in kept] == whole, query
        assert set(whole) == kept
