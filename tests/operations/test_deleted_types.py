"""Requests that hold a content type while it is deleted: the answer is that of the next moment, and never a 500."""

from __future__ import annotations

import json
from typing import Any

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.access.actors import ANONYMOUS, system
from maydan.content.types import ContentType
from maydan.operations.event_views import event_views
from maydan.storage.log import read_after

pytestmark = pytest.mark.anyio
SPACE = "/api/spaces/demo"
LIST = f"{SPACE}/content/gone"
HOLDERS = f"{SPACE}/content/holder"


class Deleted:
    """A type ``gone`` with an entry, and ``holder``, whose entry has a relation to it."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.entry = self.holder = ""
        self._held: ContentType

    async def make(self) -> None:
        """Make both."""
        fields: list[dict[str, Any]] = [{"name": "text", "kind": "string", "indexed": True}]
        await self.site.define({"name": "gone", "fields": fields, "engagement": ["comments"]})
        relation = {"name": "to", "kind": "relation", "to": ["gone"], "on_delete": "nullify"}
        await self.site.define({"name": "holder", "fields": [relation]})
        self.entry = (await self.site.entry({"text": "a word"}, type="gone"))["id"]
        self.holder = (await self.site.entry({"to": self.entry}, type="holder"))["id"]

    async def delete(self) -> None:
        """Delete the type, and leave this worker as it was before it heard of that."""
        site = self.site
        held = site.core.registry.cached_type(site.space, "gone")
        assert held is not None
        self._held = held
        answer = await site.delete(f"{SPACE}/types/gone?allow_drop=true", headers=site.admin)
        assert answer.status_code == 204, answer.text
        await self.lag()

    async def lag(self) -> None:
        """Leave this worker again as it was before it heard of the deletion."""
        core = self.site.core
        await core.revisions.settled()
        core.registry._types[self.site.space.key, "gone"] = self._held
        core.revisions._known["types"] -= 1


@pytest.fixture
async def deleted(site: Site) -> Deleted:
    """A type that is about to be deleted."""
    made = Deleted(site)
    await made.make()
    return made


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/{entry}", None),
        ("GET", "/{entry}?perspective=draft&locale=*", None),
        ("GET", "?count=exact", None),
        ("GET", "?filter[text][contains]=word", None),
        ("GET", "/{entry}/references", None),
        ("GET", "/{entry}/status", None),
        ("GET", "/{entry}/versions", None),
        ("GET", "/{entry}/comments", None),
        ("GET", "/{entry}/transitions", None),
        ("GET", "/{entry}/shares", None),
        ("POST", "/query", {"filter": {"text": {"eq": "a word"}}}),
        ("POST", "", {"text": "more"}),
        ("PATCH", "/{entry}", {"text": "more"}),
        ("PUT", "/{entry}", {"text": "more"}),
        ("DELETE", "/{entry}", None),
        ("DELETE", "/{entry}?plan=true", None),
        ("DELETE", "/{entry}?purge=true", None),
        ("POST", "/{entry}/publish", {}),
        ("POST", "/{entry}/unpublish", {}),
        ("POST", "/{entry}/comments", {"text": "A remark"}),
        ("POST", "/{entry}/shares", {"rights": "view"}),
        ("POST", "/{entry}/previews", {}),
        ("POST", "/{entry}/lock", {}),
    ],
)
async def test_what_a_deleted_type_is_asked_is_not_found(
    deleted: Deleted, method: str, path: str, body: dict[str, Any] | None
) -> None:
    """Also by a worker that has not heard of the deletion yet."""
    await deleted.delete()
    headers = {**deleted.site.admin, **({"if-match": "*"} if method in ("PUT", "PATCH", "DELETE") else {})}
    address = f"{LIST}{path.format(entry=deleted.entry)}"
    answer = await deleted.site.client.request(method, address, json=body, headers=headers)
    assert answer.status_code == 404, answer.text


@pytest.mark.parametrize("perspective", ["published", "draft"])
async def test_a_path_through_a_deleted_type_is_refused(deleted: Deleted, perspective: str) -> None:
    """As one through a type that never was, in a filter and in an order, in an address and in a body."""
    site = deleted.site
    await deleted.delete()
    for query in ("filter[to.text][eq]=a", "sort=to.text"):
        await deleted.lag()
        answer = await site.get(f"{HOLDERS}?{query}&perspective={perspective}", headers=site.admin)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter"), answer.text
    await deleted.lag()
    asked = {"filter": {"to.text": {"eq": "a"}}, "perspective": perspective}
    answer = await site.post(f"{HOLDERS}/query", asked, headers=site.admin)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter"), answer.text


@pytest.mark.parametrize("more", ["", "&locale=*", "&perspective=draft", "&fields=to.text"])
async def test_an_include_of_a_deleted_type_is_null(deleted: Deleted, more: str) -> None:
    """Nothing is left of what it led to; pages that were put together before say no more."""
    site = deleted.site
    addresses = (f"{HOLDERS}?include=to{more}", f"{HOLDERS}/{deleted.holder}?include=to{more}")
    for address in addresses:
        answer = await site.get(address, headers=site.admin)
        assert answer.status_code == 200, answer.text
        assert "a word" in answer.text
    await deleted.delete()
    for address in addresses:
        await deleted.lag()
        answer = await site.get(address, headers=site.admin)
        if "fields" in more:
            assert answer.status_code == 400, answer.text
            continue
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert [one["to"] for one in found.get("items", [found])] == [None]


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
async def test_a_line_of_a_deleted_type_is_not_found(deleted: Deleted, query: str) -> None:
    """The lines beside it are carried out."""
    site = deleted.site
    await deleted.delete()
    answer = await _bulk(deleted, query)
    assert answer.status_code == 200, answer.text
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["status"] for line in lines if "line" in line] == [201, 404, 404, 404, 201]
    assert await _holders(site) == (1 if query else 3)


async def test_all_or_nothing_of_a_deleted_type_is_nothing(deleted: Deleted) -> None:
    """The first line that fails says why."""
    site = deleted.site
    await deleted.delete()
    answer = await _bulk(deleted, prefer="atomic")
    assert (answer.status_code, answer.json()["line"]) == (404, 2), answer.text
    assert await _holders(site) == 1


async def _holders(site: Site) -> int:
    answer = await site.get(f"{HOLDERS}?perspective=draft&count=exact", headers=site.admin)
    return answer.json()["total"]


async def _bulk(deleted: Deleted, query: str = "", **more: str) -> Any:
    lines = [
        {"op": "create", "type": "holder", "data": {}},
        {"op": "update", "type": "gone", "id": deleted.entry, "data": {"text": "more"}},
        {"op": "create", "type": "gone", "data": {"text": "more"}},
        {"op": "delete", "type": "gone", "id": deleted.entry},
        {"op": "create", "type": "holder", "data": {}},
    ]
    headers = {**deleted.site.admin, "content-type": "application/x-ndjson", "idempotency-key": "a-key-of-mine", **more}
    content = "\n".join(json.dumps(line) for line in lines)
    return await deleted.site.client.post(f"{SPACE}/bulk{query}", content=content, headers=headers)


async def test_the_feed_goes_on_past_a_deleted_type(deleted: Deleted) -> None:
    """Pages and streams, which are judged alike: of its entries there is nothing to be told any more."""
    site, core = deleted.site, deleted.site.core
    await deleted.delete()
    answer = await site.get(f"{SPACE}/changes?since=0&limit=100", headers=site.admin)
    assert answer.status_code == 200, answer.text
    events = await read_after(core.store, 0, 100, site.space.key)
    for actor in (system("test"), ANONYMOUS):
        await deleted.lag()
        views = await event_views(core, actor, site.space, events, with_entry=True)
        assert not [view for view in views if view is not None and view.subject.startswith("gone/")]


async def test_an_entry_of_a_deleted_type_is_linked_to_no_more(deleted: Deleted) -> None:
    """As an id that never was, and nothing is stored."""
    site = deleted.site
    await deleted.delete()
    answer = await site.post(HOLDERS, {"to": deleted.entry}, headers=site.admin)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/to"), answer.text
    assert await _holders(site) == 1
