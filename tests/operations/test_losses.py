"""Changes of a type that entries do not fit: refused with the entries, and nothing of them is changed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.content.schema_document import Schema
from maydan.errors import LossyChange
from maydan.operations import losses, schema
from maydan.operations.core import as_system

pytestmark = pytest.mark.anyio
TYPE = "/api/spaces/demo/types/trip"
LIST = "/api/spaces/demo/content/trip"
FIELDS: dict[str, dict[str, Any]] = {
    "name": {"kind": "string", "localized": True},
    "days": {"kind": "integer"},
    "marks": {"kind": "string", "many": True},
    "mood": {"kind": "enum", "values": ["calm", "wild"]},
    "guide": {"kind": "relation", "to": ["person", "article"], "on_delete": "nullify"},
    "stop": {"kind": "component", "of": [{"name": "town", "kind": "string"}]},
    "notes": {"kind": "text"},
}


def _fields(**changes: Any) -> list[dict[str, Any]]:
    return [{"name": name, **field, **changes.get(name, {})} for name, field in FIELDS.items()]


async def _trips(site: Site, **options: Any) -> None:
    await site.define({"name": "trip", "fields": _fields(), **options})


async def _trip(site: Site, *, publish: bool = True, **changes: Any) -> str:
    body = {"name": "A walk", "days": 7, "marks": ["steep", "a"], "mood": "wild", "stop": {"town": "Basra"}, **changes}
    return (await site.entry(body, type="trip", publish=publish))["id"]


@pytest.mark.parametrize(
    ("field", "change", "place"),
    [
        ("name", {"max_length": 3}, "/fields/0/max_length"),
        ("name", {"pattern": "^B"}, "/fields/0/pattern"),
        ("days", {"max": 6}, "/fields/1/max"),
        ("days", {"min": 8}, "/fields/1/min"),
        ("marks", {"max_length": 4}, "/fields/2/max_length"),
        ("mood", {"values": ["calm"]}, "/fields/3/values"),
        ("guide", {"to": ["article"]}, "/fields/4/to"),
        ("stop", {"of": [{"name": "town", "kind": "string", "max_length": 3}]}, "/fields/5/of"),
        ("notes", {"required": True}, "/fields/6/required"),
    ],
)
async def test_a_change_that_entries_do_not_fit_is_refused_with_them(
    site: Site, field: str, change: dict[str, Any], place: str
) -> None:
    """409 with the ids per place; with ``allow_drop``, or without such entries, it goes through."""
    await _trips(site)
    ann = await site.entry({"name": "Ann"}, type="person", publish=False)
    bad = await _trip(site, guide=ann["id"])
    gone = await _trip(site, guide=ann["id"])
    await site.delete(f"{LIST}/{gone}", headers=site.admin)
    good = await _trip(site, name="Bus", days=None, marks=["a"], mood=None, stop=None, notes="n")
    shown = (await site.get(f"{LIST}/{bad}")).json()

    fields = _fields(**{field: change})
    refused = await site.patch(TYPE, {"fields": fields}, headers=site.admin)
    assert (refused.status_code, refused.json()["code"]) == (409, "lossy_change"), refused.text
    (error,) = refused.json()["errors"]
    assert error["pointer"] == place
    assert bad in error["message"]
    assert good not in error["message"]
    assert gone not in error["message"]
    assert (await site.get(f"{LIST}/{bad}")).json() == shown

    await site.delete(f"{LIST}/{bad}", headers=site.admin)
    assert (await site.patch(TYPE, {"fields": fields}, headers=site.admin)).status_code == 200


async def test_what_is_required_counts_for_readers(site: Site) -> None:
    """A draft may be incomplete; what is published, and every entry without drafts, may not."""
    await _trips(site)
    await _trip(site, publish=False)
    required = {"fields": _fields(notes={"required": True})}
    assert (await site.patch(TYPE, required, headers=site.admin)).status_code == 200

    await site.define({"name": "coin", "drafts": False, "fields": [{"name": "mark", "kind": "string"}]})
    coin = await site.entry({}, type="coin", publish=False)
    body = {"fields": [{"name": "mark", "kind": "string", "required": True}]}
    refused = await site.patch(TYPE.replace("trip", "coin"), body, headers=site.admin)
    assert refused.status_code == 409, refused.text
    assert coin["id"] in refused.json()["errors"][0]["message"]
    assert (await site.patch(f"{TYPE.replace('trip', 'coin')}?allow_drop=true", body, headers=site.admin)).is_success


async def test_what_readers_get_counts_beside_the_draft(site: Site) -> None:
    """A draft that was mended is not yet published, and a field whose draft is filled is empty for readers."""
    await _trips(site)
    trip = await _trip(site)
    await site.patch(f"{LIST}/{trip}", {"days": 1, "notes": "n"}, headers=site.admin)
    for change in ({"days": {"max": 6}}, {"notes": {"required": True}}):
        refused = await site.patch(TYPE, {"fields": _fields(**change)}, headers=site.admin)
        assert refused.status_code == 409, refused.text
    await site.post(f"{LIST}/{trip}/publish", headers=site.admin)
    both = _fields(days={"max": 6}, notes={"required": True})
    assert (await site.patch(TYPE, {"fields": both}, headers=site.admin)).status_code == 200


async def test_values_that_are_gone_are_absent(site: Site) -> None:
    """In answers, filters, components and lists; what is read may come back, and no write is refused for them."""
    enum = {"kind": "enum", "values": ["calm", "wild"]}
    fields = [
        {"name": "mood", **enum},
        {"name": "moods", **enum, "many": True, "localized": True},
        {"name": "parts", "kind": "blocks", "of": {"leg": [{"name": "mood", **enum}]}},
    ]
    await site.define({"name": "trip", "fields": fields})
    body = {"mood": "wild", "moods": {"en": ["wild", "calm"]}, "parts": [{"type": "leg", "mood": "wild"}]}
    trip = (await site.entry(body, type="trip"))["id"]
    narrowed = msgspec.json.decode(msgspec.json.encode(fields).replace(b'["calm","wild"]', b'["calm"]'))
    refused = await site.patch(TYPE, {"fields": narrowed}, headers=site.admin)
    assert [error["pointer"] for error in refused.json()["errors"]] == [
        "/fields/0/values", "/fields/1/values", "/fields/2/of"
    ]  # fmt: skip
    assert (await site.patch(f"{TYPE}?allow_drop=true", {"fields": narrowed}, headers=site.admin)).status_code == 200
    for query in ("", "?perspective=draft"):
        got = await site.get(f"{LIST}/{trip}{query}", headers=site.admin)
        shown = [got.json()[name] for name in ("mood", "moods", "parts")]
        assert shown == [None, ["calm"], [{"type": "leg", "mood": None}]]
    assert (await site.get(f"{LIST}?filter[mood][eq]=wild")).json().get("items", []) == []
    assert (await site.patch(f"{LIST}/{trip}", {"tags": ["x"]}, headers=site.admin)).status_code == 200
    got = await site.get(f"{LIST}/{trip}?perspective=draft&locale=*", headers=site.admin)
    put = await site.put(f"{LIST}/{trip}", got.json(), headers={**site.admin, "if-match": "*"})
    assert put.status_code == 200, put.text


async def test_a_drop_names_the_entries_that_hold_something(site: Site) -> None:
    """At most twenty of them; what the trash holds is lost too, but is not named."""
    await _trips(site)
    without = {"fields": [field for field in _fields() if field["name"] != "days"]}
    empty = await _trip(site, days=None)
    ids = [await _trip(site, publish=False) for _ in range(22)]
    (error,) = (await site.patch(TYPE, without, headers=site.admin)).json()["errors"]
    assert (error["pointer"], error["code"]) == ("/fields/1", "dropped")
    assert [one in error["message"] for one in sorted(ids)] == [True] * 20 + [False] * 2
    assert empty not in error["message"]


async def test_a_refusal_is_told_without_looking_at_everything(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is known, the entries of a large type are not all counted; one that fits is looked through."""
    monkeypatch.setattr(losses, "_PAGE", 2)
    monkeypatch.setattr(losses, "_ENOUGH", 4)
    await _trips(site)
    days = [9, 1, 1, 1, 1, 9]
    ids = [await _trip(site, days=number, publish=False) for number in days]
    (error,) = (await site.patch(TYPE, {"fields": _fields(days={"max": 8})}, headers=site.admin)).json()["errors"]
    assert "in at least one entry" in error["message"]
    assert (ids[0] in error["message"], ids[-1] in error["message"]) == (True, False)
    await site.patch(f"{LIST}/{ids[0]}", {"days": 1}, headers=site.admin)
    (error,) = (await site.patch(TYPE, {"fields": _fields(days={"max": 8})}, headers=site.admin)).json()["errors"]
    assert ids[-1] in error["message"]


async def test_drafts_go_where_everything_is_published(site: Site) -> None:
    """Refused only with entries of which readers do not get everything: drafts, changes, and other locales."""
    await _trips(site)
    shown, gone = await _trip(site), await _trip(site, publish=False)
    await site.delete(f"{LIST}/{gone}", headers=site.admin)
    partly = await _trip(site, name={"en": "A walk", "ar": "نزهة"}, publish=False)
    await site.post(f"{LIST}/{partly}/publish", {"locales": ["en"]}, headers=site.admin)
    draft, edited = await _trip(site, publish=False), await _trip(site)
    await site.patch(f"{LIST}/{edited}", {"days": 1}, headers=site.admin)

    (error,) = (await site.patch(TYPE, {"drafts": False}, headers=site.admin)).json()["errors"]
    assert (error["pointer"], error["code"]) == ("/drafts", "undrafted")
    named = [one in error["message"] for one in (shown, gone, partly, draft, edited)]
    assert named == [False, False, True, True, True]
    for entry in (partly, draft, edited):
        assert (await site.post(f"{LIST}/{entry}/publish", headers=site.admin)).status_code == 200
    assert (await site.patch(TYPE, {"drafts": False}, headers=site.admin)).status_code == 200


async def test_all_entries_are_looked_at_before_drafts_go(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """One draft among many refuses it; with another reason to refuse it, drafts are named as one, looked for or not."""
    monkeypatch.setattr(losses, "_PAGE", 2)
    monkeypatch.setattr(losses, "_ENOUGH", 2)
    await _trips(site)
    trips = [await _trip(site) for _ in range(5)]
    await site.patch(f"{LIST}/{trips[-1]}", {"days": 1}, headers=site.admin)
    (error,) = (await site.patch(TYPE, {"drafts": False}, headers=site.admin)).json()["errors"]
    assert trips[-1] in error["message"]
    without = [field for field in _fields() if field["name"] != "days"]
    refused = await site.patch(TYPE, {"drafts": False, "fields": without}, headers=site.admin)
    assert [error["code"] for error in refused.json()["errors"]] == ["dropped", "undrafted"]


async def test_a_type_becomes_single_with_one_entry_at_most(site: Site) -> None:
    """Two are refused and named; the one that is left stays the only one."""
    await _trips(site)
    one, two = await _trip(site), await _trip(site)
    for query in ("", "?allow_drop=true"):
        refused = await site.patch(f"{TYPE}{query}", {"single": True}, headers=site.admin)
        assert (refused.status_code, refused.json()["code"]) == (409, "unique_violation"), refused.text
        (error,) = refused.json()["errors"]
        assert (error["pointer"], one in error["message"], two in error["message"]) == ("/single", True, True)
    await site.delete(f"{LIST}/{two}", headers=site.admin)
    assert (await site.patch(TYPE, {"single": True}, headers=site.admin)).status_code == 200
    assert (await site.post(LIST, {}, headers=site.admin)).status_code == 409
    assert (await site.post(f"{LIST}/{two}/restore", headers=site.admin)).status_code == 409
    assert (await site.patch(TYPE, {"single": False}, headers=site.admin)).status_code == 200
    assert (await site.post(LIST, {}, headers=site.admin)).status_code == 201


async def test_a_schema_is_refused_as_a_change_is(site: Site) -> None:
    """The plan names the entries already; nothing is done, unless it is meant."""
    await _trips(site)
    trip = await _trip(site)
    document = msgspec.to_builtins(await schema.dump(site.core.store))
    (given,) = [one for one in document["spaces"][0]["types"] if one["name"] == "trip"]
    given["fields"][1]["max"] = 6
    wanted = msgspec.convert(document, Schema)
    (loss,) = (await schema.plan(site.core, wanted)).losses
    assert trip in loss
    with pytest.raises(LossyChange, match=trip):
        await schema.apply(site.core, as_system("test"), wanted)
    await schema.apply(site.core, as_system("test"), wanted, allow_drop=True)
    assert (await schema.plan(site.core, wanted)).steps == ()
