"""What deleting an entry would do is told along links that may be read, and along no others."""

from __future__ import annotations

import pytest
from site_support import Site, open_site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio

PLACE = "/api/spaces/demo/content/part"
PART = {
    "name": "part",
    "drafts": False,
    "fields": [
        {"name": "title", "kind": "string"},
        {"name": "of", "kind": "relation", "to": ["part"], "on_delete": "cascade"},
        {"name": "secretly", "kind": "relation", "to": ["part"], "private": True, "on_delete": "cascade"},
    ],
}


async def _planned(site: Site, entry_id: str, headers: dict[str, str]) -> list[str]:
    answer = await site.delete(f"{PLACE}/{entry_id}?plan=1", headers=headers)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["deletes"]]


async def test_a_plan_does_not_follow_links_that_may_not_be_read(sqlite_url: str) -> None:
    """Neither to what they lead to, nor beyond; and what is linked in two ways is planned by the one that is seen."""
    async with open_site(sqlite_url) as site:
        await site.define(PART)
        policy = {"effect": "allow", "type": "part", "actions": ["read", "read_draft", "delete"]}
        await site.put("/api/spaces/demo/roles/keeper", {"policies": [policy]}, headers=site.admin)
        keeper = await site.account("keeper@example.org", "keeper")
        parts: list[str] = []
        for links in ({}, {"secretly": 0}, {"of": 1}, {"secretly": 0, "of": 0}):
            data = {name: parts[number] for name, number in links.items()}
            parts.append((await site.entry({"title": "part", **data}, type="part", publish=False))["id"])
        whole, _, _, twofold = parts
        assert sorted(await _planned(site, whole, site.admin)) == sorted(parts)
        assert await _planned(site, whole, keeper) == [whole, twofold]
