"""Changes of types and spaces keep what they promise, for entries that were there before too."""

from __future__ import annotations

from typing import Any

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio

TYPE = "/api/spaces/demo/types/coin"
CONTENT = "/api/spaces/demo/content/coin"


def _fields(*, unique: bool) -> list[dict[str, Any]]:
    return [{"name": "mark", "kind": "string", **({"unique": True} if unique else {})}]


async def test_a_field_becomes_unique_only_where_its_values_are(site: Site) -> None:
    """Equal values refuse the change by 409; different ones are then held against new entries."""
    await site.define({"name": "coin", "fields": _fields(unique=False)})
    first, second = [await site.entry({"mark": "a"}, type="coin", publish=False) for _ in range(2)]
    refused = await site.patch(TYPE, {"fields": _fields(unique=True)}, headers=site.admin)
    assert refused.status_code == 409, refused.text
    assert refused.json()["errors"][0]["pointer"] == "/fields/0/unique"
    await site.patch(f"{CONTENT}/{second['id']}", {"mark": "b"}, headers=site.admin)
    changed = await site.patch(TYPE, {"fields": _fields(unique=True)}, headers=site.admin)
    assert changed.status_code == 200, changed.text
    for mark in ("a", "b"):
        taken = await site.post(CONTENT, {"mark": mark}, headers=site.admin)
        assert taken.status_code == 409, taken.text
    assert (await site.patch(f"{CONTENT}/{first['id']}", {"mark": "c"}, headers=site.admin)).status_code == 200
    assert (await site.post(CONTENT, {"mark": "a"}, headers=site.admin)).status_code == 201


async def test_a_field_that_is_not_unique_any_more_holds_nothing(site: Site) -> None:
    """Its values are free, and claimed anew when it becomes unique again."""
    await site.define({"name": "coin", "fields": _fields(unique=True)})
    await site.entry({"mark": "a"}, type="coin")
    for unique, status in ((False, 201), (True, 409)):
        changed = await site.patch(TYPE, {"fields": _fields(unique=unique)}, headers=site.admin)
        assert changed.status_code == 200, changed.text
        answer = await site.post(CONTENT, {"mark": "a"}, headers=site.admin)
        assert answer.status_code == status, answer.text
        if status == 201:
            path = f"{CONTENT}/{answer.json()['id']}"
            assert (await site.patch(path, {"mark": "b"}, headers=site.admin)).status_code == 200


@pytest.mark.parametrize(("name", "value"), [("timezone", "localtime"), ("timezone", "Factory"), ("title", "a\x07")])
async def test_a_space_refuses_what_only_this_machine_knows(site: Site, name: str, value: str) -> None:
    """Time zones are those of IANA that are places; a title has no control characters."""
    made = await site.post("/api/spaces", {"name": "other", name: value}, headers=site.admin)
    assert made.status_code == 422, made.text
    assert made.json()["errors"][0]["pointer"] == f"/{name}"
    patched = await site.patch("/api/spaces/demo", {name: value}, headers=site.admin)
    assert patched.status_code == 422, patched.text


async def test_a_type_takes_no_ids_from_outside_and_a_token_shows_its_own_space(site: Site) -> None:
    """A field's id is the system's to give; an administrator's token for one space lists that one."""
    field = {"name": "mark", "kind": "string", "id": "other"}
    inner = {"name": "part", "kind": "component", "of": [field]}
    made = await site.post("/api/spaces/demo/types", {"name": "coin", "fields": [field, inner]}, headers=site.admin)
    assert made.status_code == 422, made.text
    assert [one["pointer"] for one in made.json()["errors"]] == ["/fields/0/id", "/fields/1/of/0/id"]
    shown = (await site.get("/api/spaces/demo/types/person", headers=site.admin)).json()["fields"]
    again = await site.post("/api/spaces/demo/types", {"name": "coin", "fields": shown}, headers=site.admin)
    assert again.status_code == 201, again.text

    await site.post("/api/spaces", {"name": "other"}, headers=site.admin)
    wanted = {"name": "t", "space": "demo", "actions": ["*"], "expires_in": 60}
    token = (await site.post("/api/tokens", wanted, headers=site.admin)).json()["token"]
    listed = await site.get("/api/spaces", headers={"authorization": f"Bearer {token}"})
    assert [one["name"] for one in listed.json()["items"]] == ["demo"]
