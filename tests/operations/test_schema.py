"""Content types as one document: the same bytes again, renames by id, nothing half done."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.content.schema_document import Schema, read, text_of
from maydan.errors import InvalidInput, LossyChange, UniqueViolation
from maydan.operations import schema
from maydan.operations.core import as_system

pytestmark = pytest.mark.anyio
TRIP: dict[str, Any] = {
    "name": "trip",
    "fields": [
        {"name": "price", "kind": "integer", "max": 10},
        {"name": "code", "kind": "string"},
        {
            "name": "parts",
            "kind": "blocks",
            "of": {
                "walk": [{"name": "hours", "kind": "number"}],
                "air": [{"name": "seat", "kind": "json", "default": {"row": 1, "by": "a"}}],
            },
        },
    ],
    "indexes": [["-price", "code"]],
}


async def _written(site: Site) -> bytes:
    return text_of(await schema.dump(site.core.store))


async def _apply(site: Site, wanted: dict[str, Any], **more: Any) -> schema.Plan:
    return await schema.apply(site.core, as_system("test"), msgspec.convert(wanted, Schema), **more)


def _trip(document: dict[str, Any]) -> dict[str, Any]:
    return next(one for one in document["spaces"][0]["types"] if one["name"] == "trip")


async def test_a_schema_comes_back_as_it_was_and_applies_all_or_nothing(site: Site) -> None:
    """What is written is a fixed point, in its own space and in a new one; a changed name with its id is a rename."""
    await site.define(TRIP)
    entry = await site.entry({"price": 7, "code": "a", "parts": [{"type": "walk", "hours": 2}]}, type="trip")
    path = f"/api/spaces/demo/content/trip/{entry['id']}"
    text = await _written(site)
    assert list(msgspec.json.decode(text)["spaces"][0]) == [
        "name", "title", "locales", "default_locale", "fallbacks", "timezone", "currency", "plugins", "types"
    ]  # fmt: skip
    assert (await schema.apply(site.core, as_system("test"), read(text))).steps == ()

    other = read(text.replace(b'"name": "demo"', b'"name": "other"'))
    await schema.apply(site.core, as_system("test"), other)
    written = await schema.dump(site.core.store, "other")
    assert text_of(written).replace(b'"name": "other"', b'"name": "demo"') == text

    wanted = msgspec.json.decode(text)
    price, code, parts = _trip(wanted)["fields"]
    price["name"], price["kind"], price["max"] = "cost", "number", 20
    parts["of"]["walk"][0]["name"] = "time"
    _trip(wanted)["indexes"] = [["-cost", "code"]]
    done = await _apply(site, wanted)
    assert [step.lines for step in done.steps] == [
        (
            "~ field price: renamed to cost",
            '~ field cost: kind "integer" -> "number"',
            "~ field cost: max 10 -> 20",
            "~ field parts.walk.hours: renamed to time",
        )
    ]
    shown = (await site.get(path)).json()
    assert (shown["cost"], shown["parts"][0]["time"]) == (7, 2)
    assert msgspec.json.decode(await _written(site))["spaces"][0] == wanted["spaces"][0]

    # One type that cannot be, and one that can: neither is done.
    before = await _written(site)
    code["unique"] = True
    wanted["spaces"][0]["types"].append({"name": "note", "fields": [{"name": "text", "kind": "text"}]})
    await site.entry({"code": "a"}, type="trip", publish=False)
    with pytest.raises(UniqueViolation, match="demo trip: Entries have the same code"):
        await _apply(site, wanted)
    code["unique"] = False
    _trip(wanted)["fields"].remove(price)
    _trip(wanted)["indexes"] = []
    with pytest.raises(LossyChange, match="demo trip: the field 'cost' is gone"):
        await _apply(site, wanted)
    wanted["spaces"][0]["types"][-1]["fields"].append({"name": "id", "kind": "text"})
    with pytest.raises(InvalidInput) as refused:
        await _apply(site, wanted, allow_drop=True)
    assert [one.pointer for one in refused.value.errors] == ["/demo/note/fields/1/name"]
    assert await _written(site) == before

    wanted["spaces"][0]["types"] = [
        one for one in wanted["spaces"][0]["types"] if one["name"] not in ("note", "person")
    ]
    done = await _apply(site, wanted, allow_drop=True)
    assert [(step.type, step.action) for step in done.steps] == [("person", "drop"), ("trip", "change")]
    assert "cost" not in (await site.get(path)).json()
    assert (await site.get("/api/spaces/demo/types/person", headers=site.admin)).status_code == 404


@pytest.mark.parametrize("space", ["demo", "new"])
async def test_a_plan_refuses_what_could_not_be_applied(site: Site, space: str) -> None:
    """A workflow that cannot work is told with its place by the plan already, of a space that is there or is not."""
    workflow = {"name": "w", "states": ["new"], "initial": "old", "final": ["new"], "transitions": []}
    document = msgspec.json.decode(await _written(site))
    (given,) = document["spaces"]
    given["name"] = space
    given["types"].append({"name": "trip", "fields": [], "workflow": workflow})
    wanted = msgspec.convert(document, Schema)
    for work in (schema.plan(site.core, wanted), schema.apply(site.core, as_system("test"), wanted)):
        with pytest.raises(InvalidInput) as refused:
            await work
        assert f"/{space}/trip/workflow/initial" in [one.pointer for one in refused.value.errors]
