"""What nobody should ask, asked over HTTP: a clear 4xx that names the place, and nothing stored."""

from __future__ import annotations

from typing import Any

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio
SPACE = "/api/spaces/demo"
LIST = f"{SPACE}/content/article"
NOBODY = "01900000-0000-7000-8000-000000000000"


def nested(depth: int, kind: str) -> Any:
    """Return groups inside of groups."""
    found: Any = {"rating": {"eq": 1}}
    for _ in range(depth):
        found = {kind: found if kind == "not" else [found]}
    return found


async def _refused(site: Site, status: int, code: str, body: dict[str, Any]) -> None:
    answer = await site.post(f"{LIST}/query", body)
    assert answer.status_code == status, answer.text[:500]
    problem = answer.json()
    assert code in (problem["code"], *(error["code"] for error in problem.get("errors", ()))), problem


async def test_filters_that_are_too_much_are_refused(site: Site) -> None:
    """Deep ones, wide ones, long ones; in a body and in an address."""
    many = [{"rating": {"eq": number}} for number in range(10_000)]
    for kind in ("and", "or", "not"):
        await _refused(site, 400, "too_deep", {"filter": nested(17, kind)})
    for bomb in ('{"filter":' + '{"not":' * 200_000, "[" * 200_000, '{"filter":' + '{"not":' * 70 + "{}" + "}" * 71):
        answer = await site.client.post(f"{LIST}/query", content=bomb, headers={"content-type": "application/json"})
        assert answer.status_code == 400, answer.text[:500]
    await _refused(site, 400, "too_many", {"filter": {"or": many}})
    await _refused(site, 400, "too_many", {"filter": {"and": [{"or": many[:150]}, {"not": {"or": many[:150]}}]}})
    await _refused(site, 400, "too_many", {"filter": {"rating": {"in": list(range(10_000))}}})
    for op, count, status in (("in", 200, 200), ("in", 201, 400), ("nin", 201, 400)):
        listed = ",".join(map(str, range(count)))
        assert (await site.get(f"{LIST}?filter[rating][{op}]={listed}")).status_code == status, (op, count)
    await _refused(site, 400, "bad_path", {"filter": {".".join(["author"] * 9): {"eq": "x"}}})
    wide = "&".join(f"filter[or][{number}][rating][eq]=1" for number in range(1000))
    assert (await site.get(f"{LIST}?{wide}")).status_code == 400
    deep = "filter" + "[not]" * 40 + "[rating][eq]=1"
    assert (await site.get(f"{LIST}?{deep}")).status_code == 400
    assert (await site.get(f"{LIST}?filter[title][icontains]={'x' * 60_000}")).status_code in (200, 400, 414)
    longest = await site.post(f"{LIST}/query", {"filter": {"title": {"icontains": "%_!é" * 30_000}}})
    assert (longest.status_code, longest.json()["items"]) == (200, [])
    assert (await site.post(f"{LIST}/query", {"filter": nested(16, "not")})).status_code == 200


async def test_circles_and_what_has_no_order_are_refused(site: Site) -> None:
    """A relation that leads back is followed four times, not more; JSON and lists have no order."""
    await site.define(
        {
            "name": "node",
            "fields": [
                {"name": "name", "kind": "string"},
                {"name": "next", "kind": "relation", "to": ["node"], "on_delete": "nullify"},
                {"name": "all", "kind": "relation", "to": ["node"], "many": True, "on_delete": "nullify"},
                {"name": "extra", "kind": "json"},
                {"name": "words", "kind": "string", "many": True},
            ],
        }
    )
    nodes = f"{SPACE}/content/node"
    one = (await site.entry({"name": "one"}, type="node"))["id"]
    links = {"next": one, "all": [one]}
    assert (await site.patch(f"{nodes}/{one}", links, headers=site.admin)).status_code == 200
    assert (await site.post(f"{nodes}/{one}/publish", headers=site.admin)).status_code == 200
    assert (await site.get(f"{nodes}?include=next.next.next.next,all.all.all.all")).status_code == 200
    assert (await site.get(f"{nodes}?filter[next.next.next.next.name][eq]=one")).json()["items"]
    for query in (
        "include=next.next.next.next.next", "include=all.all.all.all.all", "include=next,next",
        "filter[next.next.next.next.next.name][eq]=one", "sort=next.next.next.next.next.name",
        "sort=extra", "sort=words", "sort=all", "sort=all.name", "sort=extra.deep", "sort=title.", "sort=-",
        "filter[extra][eq]=1", "filter[extra.deep][eq]=1", "filter[all][icontains]=x",
    ):  # fmt: skip
        answer = await site.get(f"{nodes}?{query}")
        assert answer.status_code == 400, query
        assert answer.json()["errors"][0]["pointer"], query


async def test_a_cursor_serves_one_query_over_fields_as_they_were(site: Site) -> None:
    """Of another query, and after its sort field became another, it is 400 and says to start again."""
    for number in range(4):
        await site.entry({"title": f"T{number}", "rating": number})
    query = f"{LIST}?sort=rating&limit=2"
    cursor = (await site.get(query)).json()["next"]
    assert (await site.get(f"{query}&cursor={cursor}")).status_code == 200
    others = (
        "sort=-rating&limit=2", "sort=rating,title&limit=2", "limit=2", "sort=rating&limit=2&locale=ar",
        "sort=rating&limit=2&filter[rating][gte]=0", "sort=rating&limit=2&fallback=none",
    )  # fmt: skip
    for other in others:
        assert (await site.get(f"{LIST}?{other}&cursor={cursor}")).json()["errors"][0]["code"] == "bad_cursor", other
    types = f"{SPACE}/types/article"
    assert (await site.get(f"{SPACE}/content/person?limit=2&cursor={cursor}", headers=site.admin)).status_code == 400
    fields = (await site.get(types, headers=site.admin)).json()["fields"]
    retyped = [
        {**field, "kind": "number"} if field["name"] == "rating" else field for field in fields
    ]  # the same name, another kind of value
    changed = await site.patch(types, {"fields": retyped}, headers=site.admin)
    assert changed.status_code == 200, changed.text
    answer = await site.get(f"{query}&cursor={cursor}")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "bad_cursor"), answer.text
    assert (await site.patch(types, {"rename": {"rating": "stars"}}, headers=site.admin)).status_code == 200
    assert (await site.get(f"{query}&cursor={cursor}")).json()["errors"][0]["code"] == "unknown_path"
    cursor = (await site.get(f"{LIST}?sort=stars&limit=2")).json()["next"]
    assert len((await site.get(f"{LIST}?sort=stars&limit=2&cursor={cursor}")).json()["items"]) == 2


async def test_links_that_lead_nowhere_are_refused_with_the_same_words(site: Site) -> None:
    """To nothing, to another space, to another type, to the trash; and nothing is stored."""
    other = {"name": "other", "title": "Other", "locales": ["en"]}
    assert (await site.post("/api/spaces", other, headers=site.admin)).status_code == 201
    person = {"name": "person", "drafts": False, "fields": [{"name": "name", "kind": "string"}]}
    assert (await site.post("/api/spaces/other/types", person, headers=site.admin)).status_code == 201
    foreign = (await site.post("/api/spaces/other/content/person", {"name": "Far"}, headers=site.admin)).json()["id"]
    article = (await site.entry({"title": "An article"}))["id"]
    gone = (await site.entry({"name": "Gone"}, type="person", publish=False))["id"]
    assert (await site.delete(f"{SPACE}/content/person/{gone}", headers=site.admin)).status_code == 204
    messages: set[str] = set()
    for target in (NOBODY, foreign, article, gone):
        answer = await site.post(LIST, {"title": "Linking", "author": target}, headers=site.admin)
        assert answer.status_code == 422, answer.text
        (error,) = answer.json()["errors"]
        assert error["pointer"] == "/author"
        messages.add(error["message"].replace(target, "…"))
    assert len(messages) == 1
    for wrong in ("ann", "", 7, [NOBODY], {"id": NOBODY}, True):
        answer = await site.post(LIST, {"title": "Linking", "author": wrong}, headers=site.admin)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/author"), wrong
    listed = await site.get(f"{LIST}?perspective=draft&filter[title][eq]=Linking&count=exact", headers=site.admin)
    assert listed.json()["total"] == 0


async def test_a_rename_onto_what_is_there_is_refused_and_changes_nothing(site: Site) -> None:
    """Onto another field, onto a system field, onto no name, of what is not there, and of two onto one."""
    await site.entry({"title": "Kept", "rating": 3})
    types = f"{SPACE}/types/article"
    before = (await site.get(types, headers=site.admin)).json()
    for rename in (
        {"rating": "title"}, {"rating": "status"}, {"rating": ""}, {"rating": "and"}, {"rating": "a.b"},
        {"nothing": "stars"}, {"rating": "stars", "code": "stars"}, {"rating": 1},
    ):  # fmt: skip
        answer = await site.patch(types, {"rename": rename}, headers=site.admin)
        assert answer.status_code == 422, (rename, answer.text)
        assert answer.json()["errors"][0]["pointer"].startswith(("/rename", "/fields")), answer.text
    assert (await site.get(types, headers=site.admin)).json() == before
    assert (await site.get(f"{LIST}?filter[rating][eq]=3")).json()["items"][0]["title"] == "Kept"
