"""What an entry lacks is told by name to those who know of the field, and an answer's locale is one of the space."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio

LIST = "/api/spaces/demo/content/case"
CASE: dict[str, Any] = {
    "name": "case",
    "fields": [
        {"name": "title", "kind": "string", "localized": True, "required": True},
        {"name": "note", "kind": "string", "private": True, "required": True},
    ],
    "workflow": {
        "name": "desk", "states": ["new", "closed"], "initial": "new", "final": ["closed"],
        "transitions": [{"name": "close", "from": ["new"], "to": "closed", "required": ["note", "title"]}],
    },
}  # fmt: skip
CLOSES = {"effect": "allow", "type": "case", "actions": ["read_draft", "publish", "transition:close"]}


async def _closer(site: Site) -> dict[str, str]:
    """Return the headers of somebody who may publish and close cases, and knows their titles alone."""
    answer = await site.put(
        "/api/spaces/demo/roles/closer", {"policies": [{**CLOSES, "fields": ["title"]}]}, headers=site.admin
    )
    assert answer.status_code == 201, answer.text
    return await site.account("closer@example.org", "closer")


@pytest.mark.parametrize("verb", ["publish", "transitions/close"])
async def test_a_missing_field_is_not_named_to_those_who_know_nothing_of_it(site: Site, verb: str) -> None:
    """They learn that something is missing; who sees the field learns which one."""
    await site.define(CASE)
    path = f"{LIST}/{(await site.entry({'title': 'a'}, type='case', publish=False))['id']}"
    stranger = await site.post(f"{path}/{verb}", {}, headers=await _closer(site))
    assert (stranger.status_code, [each["pointer"] for each in stranger.json()["errors"]]) == (422, [""])
    assert "note" not in stranger.text
    known = await site.post(f"{path}/{verb}", {}, headers=site.admin)
    assert (known.status_code, [each["pointer"] for each in known.json()["errors"]]) == (422, ["/note"])


async def test_a_step_needs_a_value_of_a_localised_field_that_is_not_empty(site: Site) -> None:
    """A map of empty texts is no value, as for publishing."""
    await site.define(CASE)
    data = {"title": {"en": ""}, "note": "n"}
    path = f"{LIST}/{(await site.entry(data, type='case', publish=False))['id']}"
    refused = await site.post(f"{path}/transitions/close", headers=site.admin)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/title")
    changed = await site.patch(path, {"title": {"ar": "قضية"}}, headers=site.admin)
    assert changed.status_code == 200, changed.text
    assert (await site.post(f"{path}/transitions/close", headers=site.admin)).status_code == 200


def _chosen(drafts: bool, values: list[str], blocks: list[str]) -> dict[str, Any]:
    content = {name: [{"name": "text", "kind": "string"}] for name in blocks}
    return {
        "name": "chosen",
        "drafts": drafts,
        "fields": [
            {"name": "kind", "kind": "enum", "values": values, "required": True},
            {"name": "kinds", "kind": "enum", "values": values, "required": True, "many": True},
            {"name": "parts", "kind": "blocks", "of": content, "required": True},
            {"name": "note", "kind": "string"},
        ],
    }


async def _need(site: Site, path: str, drafts: bool) -> httpx.Response:
    """Do what an entry must be complete for."""
    if drafts:
        return await site.post(f"{path}/publish", headers=site.admin)
    return await site.patch(path, {"note": "n"}, headers=site.admin)


@pytest.mark.parametrize("drafts", [True, False])
async def test_what_a_field_allows_no_more_is_no_value(site: Site, drafts: bool) -> None:
    """Nobody is shown it, so readers would get nothing where something is required."""
    await site.define(_chosen(drafts, ["old", "new"], ["old", "new"]))
    path = "/api/spaces/demo/content/chosen"
    data = {"kind": "old", "kinds": ["old"], "parts": [{"type": "old", "text": "t"}]}
    entry = await site.entry(data, type="chosen", publish=False)
    narrowed = {"fields": _chosen(drafts, ["new"], ["new"])["fields"]}
    answer = await site.patch("/api/spaces/demo/types/chosen?allow_drop=true", narrowed, headers=site.admin)
    assert answer.status_code == 200, answer.text
    refused = await _need(site, f"{path}/{entry['id']}", drafts)
    assert refused.status_code == 422, refused.text
    assert [each["pointer"] for each in refused.json()["errors"]] == ["/kind", "/kinds", "/parts"]
    mended = {"kind": "new", "kinds": ["new"], "parts": [{"type": "new", "text": "t"}]}
    assert (await site.patch(f"{path}/{entry['id']}", mended, headers=site.admin)).status_code == 200
    assert (await _need(site, f"{path}/{entry['id']}", drafts)).status_code == 200


@pytest.mark.parametrize("locale", ["zz", "%0D%0AX-Evil:1", "%D9%8A", "%7F"])
async def test_what_would_be_answered_in_a_locale_that_is_not_there_is_not_done(site: Site, locale: str) -> None:
    """Whatever the verb: 400 as for reading, and the entry stays as it was."""
    await site.define(CASE)
    path = f"{LIST}/{(await site.entry({'title': 'a', 'note': 'n'}, type='case', publish=False))['id']}"
    before = (await site.get(f"{path}?perspective=draft", headers=site.admin)).json()
    for verb in ("publish", "unpublish", "transitions/close"):
        refused = await site.post(f"{path}/{verb}?locale={locale}", headers=site.admin)
        assert (refused.status_code, refused.json()["code"]) == (400, "unknown_locale"), verb
    assert (await site.get(f"{path}?perspective=draft", headers=site.admin)).json() == before
    assert (await site.delete(path, headers=site.admin)).status_code == 204
    assert (await site.post(f"{path}/restore?locale={locale}", headers=site.admin)).status_code == 400
    assert (await site.get(f"{path}?perspective=draft", headers=site.admin)).status_code == 404
    shown = await site.post(f"{path}/restore?locale=*", headers=site.admin)
    assert (shown.status_code, shown.json()["title"]) == (200, {"en": "a"})


@pytest.mark.parametrize("body", [[], 0, False, "", "text", {"x": 1}])
async def test_a_route_without_a_body_takes_an_empty_object_at_most(site: Site, body: object) -> None:
    """What somebody sends with a step is refused rather than ignored."""
    await site.define(CASE)
    path = f"{LIST}/{(await site.entry({'title': 'a', 'note': 'n'}, type='case', publish=False))['id']}"
    assert (await site.post(f"{path}/transitions/close", body, headers=site.admin)).status_code == 422
    assert (await site.post(f"{path}/transitions/close", {}, headers=site.admin)).status_code == 200
