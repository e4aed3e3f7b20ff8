"""A slug that somebody may not read leads nowhere, whatever they guess."""

from __future__ import annotations

import pytest
from site_support import Site, open_site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio

PLACE = "/api/spaces/demo/content/page"
PAGE = {
    "name": "page",
    "slug_from": "title",
    "fields": [{"name": "title", "kind": "string", "localized": True}, {"name": "open", "kind": "boolean"}],
    "engagement": ["comments"],
}


async def _anonymous_reads(site: Site, *fields: str, **more: object) -> None:
    policy = {"effect": "allow", "type": "page", "actions": ["read"], "fields": list(fields), **more}
    answer = await site.put("/api/spaces/demo/roles/anonymous", {"policies": [policy]}, headers=site.admin)
    assert answer.is_success, answer.text


async def test_a_slug_that_may_not_be_read_finds_nothing(sqlite_url: str) -> None:
    """Neither the published slug where the field is hidden, nor that of a draft from those who read what is public."""
    async with open_site(sqlite_url) as site:
        await site.define(PAGE)
        entry = await site.entry({"title": "One", "slug": "first", "open": True}, type="page")
        renamed = await site.patch(f"{PLACE}/{entry['id']}", {"slug": "second"}, headers=site.admin)
        assert renamed.status_code == 200, renamed.text
        for rest in ("", "/references", "/comments", "?locale=*"):
            assert (await site.get(f"{PLACE}/first{rest}")).status_code == 200, rest
            assert (await site.get(f"{PLACE}/second{rest}")).status_code == 404, rest
        await _anonymous_reads(site, "open")
        assert (await site.get(f"{PLACE}/{entry['id']}")).json()["open"] is True
        for rest in ("", "/references", "/comments", "?locale=*"):
            assert (await site.get(f"{PLACE}/first{rest}")).status_code == 404, rest


async def test_a_hidden_entry_does_not_stand_before_another_with_its_slug(sqlite_url: str) -> None:
    """One slug leads to two entries, in two locales: who may not read the first gets the second."""
    async with open_site(sqlite_url) as site:
        await site.define(PAGE)
        await site.entry({"title": {"en": "Hidden"}, "slug": {"en": "same"}, "open": False}, type="page")
        shown = await site.entry({"title": {"ar": "ظاهر"}, "slug": {"ar": "same"}, "open": True}, type="page")
        await _anonymous_reads(site, "*", condition={"open": {"eq": True}})
        for rest in ("?locale=ar", "?locale=*", "/references"):
            assert (await site.get(f"{PLACE}/same{rest}")).status_code == 200, rest
        assert (await site.get(f"{PLACE}/same?locale=ar")).json()["id"] == shown["id"]


async def test_a_published_slug_leads_to_a_draft_only_whoever_may_read_what_is_published(sqlite_url: str) -> None:
    """Else a guess would tell by which slug readers know an entry, whose draft has another one."""
    async with open_site(sqlite_url) as site:
        await site.define(PAGE)
        policies = [{"effect": "allow", "type": "page", "actions": ["read", "read_draft"]}]
        for name, more in (("reader", []), ("drafter", [{"effect": "deny", "type": "page", "actions": ["read"]}])):
            role = {"policies": [*policies, *more]}
            answer = await site.put(f"/api/spaces/demo/roles/{name}", role, headers=site.admin)
            assert answer.is_success, answer.text
        reader, drafter = [await site.account(f"{name}@example.org", name) for name in ("reader", "drafter")]
        entry = await site.entry({"title": "One", "slug": "first"}, type="page")
        await site.patch(f"{PLACE}/{entry['id']}", {"slug": "second"}, headers=site.admin)
        for headers, status in ((reader, 301), (drafter, 404)):
            assert (await site.get(f"{PLACE}/second?perspective=draft", headers=headers)).status_code == 200
            assert (await site.get(f"{PLACE}/first?perspective=draft", headers=headers)).status_code == status
