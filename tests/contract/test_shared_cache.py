"""A cache that never asks, and is only told what is stale, answers as the site itself does, whatever happens."""

from __future__ import annotations

import random
from typing import Any

import pytest
from front_cache import FrontCache, behind_cache  # pyright: ignore[reportMissingImports] - tests/support
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio

SPACE = "/api/spaces/demo"
CONTENT = f"{SPACE}/content"
PERSON: dict[str, Any] = {
    "name": "person",
    "drafts": False,
    "fields": [{"name": "name", "kind": "string", "required": True}],
}
PLACE: dict[str, Any] = {"name": "place", "fields": [{"name": "name", "kind": "string", "localized": True}]}
STORY: dict[str, Any] = {
    "name": "story",
    "slug_from": "title",
    "fields": [
        {"name": "title", "kind": "string", "required": True, "localized": True},
        {"name": "rating", "kind": "integer"},
        {"name": "author", "kind": "relation", "to": ["person"], "on_delete": "nullify"},
        {"name": "stops", "kind": "component", "many": True, "of": [
            {"name": "at", "kind": "relation", "to": ["place", "person"], "on_delete": "nullify"}]},
        {"name": "next", "kind": "relation", "to": ["story"], "on_delete": "nullify"},
    ],
    "workflow": {
        "name": "life", "states": ["new", "old"], "initial": "new",
        "transitions": [{"name": "age", "from": ["new"], "to": "old"}, {"name": "renew", "from": ["old"], "to": "new"}],
    },
}  # fmt: skip
QUERIES = (
    "", "locale=*", "locale=ar", "fallback=none", "include=author", "include=author,stops.at,next.author",
    "include=next&fields=title,next.title&locale=*",
)  # fmt: skip
LISTS = (
    "sort=-rating", "filter[author.name][contains]=n", "filter[rating][gte]=2&count=exact", "limit=2",
    "sort=author.name&include=stops.at", "filter[next.rating][gte]=2",
)  # fmt: skip
ROLES: tuple[list[dict[str, Any]], ...] = (
    [{"effect": "allow", "type": name, "actions": ["read"]} for name in ("person", "place", "story")],
    [{"effect": "allow", "type": name, "actions": ["read"]} for name in ("place", "story")],
    [{"effect": "allow", "type": "story", "actions": ["read"], "fields": ["title", "author", "slug"]},
     {"effect": "allow", "type": "person", "actions": ["read"]}],
    [{"effect": "allow", "type": "story", "actions": ["read"], "condition": {"rating": {"gte": 2}}},
     {"effect": "allow", "type": "place", "actions": ["read"]}],
)  # fmt: skip
WORDS = ("Well", "Bridge", "Market", "Garden")


class Town:
    """Writers at work; what they do is drawn from a seed."""

    def __init__(self, site: Site, seed: int) -> None:
        self.site = site
        self.draw = random.Random(seed)
        self.ids: dict[str, list[str]] = {"person": [], "place": [], "story": []}
        self.done: list[str] = []

    async def act(self) -> None:
        """Do something; refusals are part of it."""
        verbs = [self.create, self.edit, self.edit, self.verb, self.verb, self.verb, self.remove]
        if self.draw.random() < 0.15:
            verbs = [self.role, self.type, self.space]
        verb = self.draw.choice(verbs)
        self.done.append(verb.__name__)
        await verb()

    def _values(self, name: str) -> dict[str, Any]:
        word = self.draw.choice(WORDS)
        if name == "person":
            return {"name": word}
        words = {"en": word, **({"ar": self.draw.choice(WORDS)} if self.draw.random() < 0.5 else {})}
        if name == "place":
            return {"name": words}
        values = {"title": words, "rating": self.draw.randrange(5), "author": self._one("person")}
        stops = [{"at": self._one(self.draw.choice(("person", "place")))} for _ in range(2)]
        return {**values, "stops": [stop for stop in stops if stop["at"]], "next": self._one("story")}

    def _one(self, name: str) -> str | None:
        return self.draw.choice(self.ids[name]) if self.ids[name] else None

    def _some(self) -> tuple[str, str]:
        name = self.draw.choice([name for name, ids in self.ids.items() if ids])
        return name, f"{CONTENT}/{name}/{self._one(name)}"

    async def create(self) -> None:
        """Make an entry."""
        name = self.draw.choice(["person", "place", "story", "story"])
        answer = await self.site.post(f"{CONTENT}/{name}", self._values(name), headers=self.site.admin)
        if answer.is_success:
            self.ids[name].append(answer.json()["id"])

    async def edit(self) -> None:
        """Change one, its slug too now and then; half of the time readers are to get it."""
        name, path = self._some()
        values = self._values(name)
        if name == "story" and self.draw.random() < 0.3:
            values["slug"] = {"en": self.draw.choice(("well", "bridge", "new-well"))}
        await self.site.patch(path, values, headers=self.site.admin)
        if self.draw.random() < 0.5:
            await self.site.post(f"{path}/publish", headers=self.site.admin)

    async def verb(self) -> None:
        """Publish, take back, bring back, or take a step of the workflow."""
        _, path = self._some()
        verb = self.draw.choice(["publish"] * 4 + ["unpublish", "restore", "transitions/age", "transitions/renew"])
        body = {"locales": [self.draw.choice(("en", "ar"))]} if "publish" in verb and self.draw.random() < 0.5 else None
        await self.site.post(f"{path}/{verb}", body, headers=self.site.admin)

    async def remove(self) -> None:
        """Trash one, or remove it for good."""
        _, path = self._some()
        purge = "?purge=1" if self.draw.random() < 0.3 else ""
        await self.site.delete(path + purge, headers={**self.site.admin, "if-match": "*"})

    async def role(self) -> None:
        """Let anybody read something else."""
        path = f"{SPACE}/roles/anonymous"
        tag = (await self.site.get(path, headers=self.site.admin)).headers["etag"]
        headers = {**self.site.admin, "if-match": tag}
        answer = await self.site.put(path, {"policies": self.draw.choice(ROLES)}, headers=headers)
        # A condition on a field that has another name at the moment is refused, and nothing changes.
        assert answer.is_success or "rating" in answer.text, answer.text

    async def type(self) -> None:
        """Rename a field and back, or give a type drafts."""
        renamed = {"rename": {"rating": "stars"}} if self.draw.random() < 0.5 else {"rename": {"stars": "rating"}}
        changes = [("story", renamed), ("place", {"drafts": False}), ("place", {"drafts": True})]
        name, change = self.draw.choice(changes)
        await self.site.patch(f"{SPACE}/types/{name}?allow_drop=true", change, headers=self.site.admin)

    async def space(self) -> None:
        """Change where a missing translation is looked for."""
        chain = self.draw.choice((None, ["en"], ["ku"]))
        await self.site.patch(SPACE, {"fallbacks": {"ar": chain}}, headers=self.site.admin)

    def address(self) -> tuple[str, str]:
        """Something that a stranger asks for, and in which language."""
        name = self.draw.choice(["person", "place", "story", "story", "story"])
        place = f"{CONTENT}/{name}"
        queries = (*QUERIES, *LISTS)
        if self.draw.random() < 0.6:
            queries = QUERIES
            slug = self.draw.choice(("well", "bridge", "market", "garden", "new-well"))
            place += "/" + (slug if name == "story" and self.draw.random() < 0.5 else self._one(name) or slug)
        query = self.draw.choice(queries)
        return f"{place}?{query}" if query else place, self.draw.choice(("", "ar", "ku"))


@pytest.mark.parametrize("seed", range(3))
async def test_a_cache_that_was_told_never_answers_something_else(sqlite_url: str, seed: int) -> None:
    """Whatever is written, published, taken back, deleted, allowed, renamed: what it keeps is what would be told."""
    compared = 0
    async with behind_cache(sqlite_url) as (site, receiver):
        for definition in (PERSON, PLACE, STORY):
            await site.define(definition)
        cache, town = FrontCache(site), Town(site, seed)
        receiver.behave = cache.take
        for _ in range(6):
            await town.create()
        await town.role()
        for step in range(50):
            await town.act()
            await site.core.subscriptions.settled()
            for (path, language), kept in cache.kept.items():
                fresh = await cache.ask(path, language)
                now = (fresh.status_code, fresh.content, fresh.headers.get("content-language", ""))
                assert kept.shown == now, (step, town.done[-1], path, language)
                compared += 1
            for _ in range(8):
                await cache.get(*town.address())
        assert compared > 100
