from __future__ import annotations

from typing import Any

import pytest
from site_support import ARTICLE, Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio
ARTICLES = "/api/spaces/demo/content/article"
PERSONS = "/api/spaces/demo/content/person"
THEIRS = {"author": {"created_by": {"eq": "$actor.id"}}}


async def write_role(site: Site, name: str, *policies: dict[str, Any]) -> None:
    """Write a role as the administrator."""
    path = f"/api/spaces/demo/roles/{name}"
    known = await site.get(path, headers=site.admin)
    headers = {**site.admin, **({"if-match": "*"} if known.is_success else {})}
    answer = await site.put(path, {"policies": list(policies)}, headers=headers)
    assert answer.is_success, answer.text


async def ids_of(site: Site, path: str, **more: Any) -> set[str]:
    """Return the ids that a list answers with."""
    answer = await site.get(path, **more)
    assert answer.status_code == 200, answer.text
    assert answer.json().get("total") in (None, len(answer.json()["items"]))
    return {item["id"] for item in answer.json()["items"]}


async def test_rows_are_judged_by_what_their_relations_lead_to(site: Site) -> None:
    """Lists, counts, single reads, versions and writes agree, and a write is judged by its old and its new target."""
    rows = ["read_draft", "update", "delete", "create"]
    await write_role(
        site,
        "desk",
        {"effect": "allow", "type": "article", "actions": rows, "condition": THEIRS},
        {"effect": "allow", "type": "person", "actions": ["read", "create"]},
    )
    ann, bob = await site.account("ann@example.com", "desk"), await site.account("bob@example.com", "desk")
    persons = {
        name: (await site.post(PERSONS, {"name": name}, headers=headers)).json()["id"]
        for name, headers in (("ann", ann), ("bob", bob), ("admin", site.admin))
    }
    made = {
        name: (await site.entry({"title": name, "author": target}, publish=False))["id"]
        for name, target in persons.items()
    }
    nobody = (await site.entry({"title": "nobody"}, publish=False))["id"]
    assert await ids_of(site, f"{ARTICLES}?perspective=draft&count=exact", headers=ann) == {made["ann"]}
    assert await ids_of(site, f"{ARTICLES}?perspective=draft&locale=*", headers=bob) == {made["bob"]}
    for path in (
        f"{ARTICLES}/{{}}?perspective=draft",
        f"{ARTICLES}/{{}}/versions/1",
        f"{ARTICLES}/{{}}?perspective=draft&locale=*",
    ):
        assert (await site.get(path.format(made["ann"]), headers=ann)).status_code == 200
        for other in (made["bob"], made["admin"], nobody):
            assert (await site.get(path.format(other), headers=ann)).status_code == 404
    changed = await site.patch(f"{ARTICLES}/{made['ann']}", {"category": "news"}, headers=ann)
    assert changed.status_code == 200, changed.text
    assert changed.json()["category"] == "news"
    assert (await site.patch(f"{ARTICLES}/{made['bob']}", {"category": "news"}, headers=ann)).status_code == 404
    for target in (persons["bob"], None):
        given = await site.patch(f"{ARTICLES}/{made['ann']}", {"author": target}, headers=ann)
        assert given.status_code == 403, given.text
    refused = await site.post(ARTICLES, {"title": "x", "author": persons["bob"]}, headers=ann)
    assert refused.status_code == 403
    created = await site.post(ARTICLES, {"title": "x", "author": persons["ann"]}, headers=ann)
    assert created.status_code == 201, created.text
    assert (await site.delete(f"{ARTICLES}/{made['bob']}", headers=ann)).status_code == 404
    assert (await site.delete(f"{ARTICLES}/{made['ann']}", headers=ann)).status_code == 204


async def test_a_denial_through_a_relation_hides_rows_until_the_target_changes(site: Site) -> None:
    """An entry whose relation leads nowhere is not hidden; one whose target starts to match is, at once."""
    hidden = {"author": {"name": {"eq": "Mallory"}}}
    await write_role(
        site,
        "anonymous",
        {"effect": "allow", "type": "article", "actions": ["read"]},
        {"effect": "deny", "type": "article", "actions": ["read"], "condition": hidden},
        {"effect": "deny", "type": "article", "actions": ["read"], "fields": ["rating"],
         "condition": {"not": {"author": {"name": {"startswith": "A"}}}}},
    )  # fmt: skip
    person = await site.entry({"name": "Ann"}, type="person", publish=False)
    shown = await site.entry({"title": "one", "author": person["id"], "rating": 3})
    free = await site.entry({"title": "two", "rating": 4})
    assert await ids_of(site, f"{ARTICLES}?count=exact") == {shown["id"], free["id"]}
    listed = {item["id"]: item for item in (await site.get(ARTICLES)).json()["items"]}
    assert (listed[shown["id"]].get("rating"), listed[free["id"]].get("rating")) == (3, None)
    assert "rating" not in (await site.get(f"{ARTICLES}/{free['id']}")).json()
    assert await ids_of(site, f"{ARTICLES}?filter[rating][gte]=0") == {shown["id"]}
    await site.patch(f"{PERSONS}/{person['id']}", {"name": "Mallory"}, headers=site.admin)
    assert await ids_of(site, f"{ARTICLES}?count=exact") == {free["id"]}
    assert (await site.get(f"{ARTICLES}/{shown['id']}")).status_code == 404
    assert (await site.get(f"{ARTICLES}/one")).status_code == 404


async def test_a_condition_through_a_relation_must_lead_somewhere(site: Site) -> None:
    """A path that no type behind the relation has, or that names a secret, is refused with its place."""
    for path in ("author.nothing", "author.name.more", "author.author.name", "title.name"):
        policy = {"effect": "allow", "type": "article", "actions": ["read"], "condition": {path: {"eq": "x"}}}
        answer = await site.put("/api/spaces/demo/roles/new", {"policies": [policy]}, headers=site.admin)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/policies/0/condition"


async def test_a_condition_follows_the_fields_behind_its_relations(site: Site) -> None:
    """Through a rename; with the field it ends, and a field that is made again begins without it."""
    condition = {"and": [{"author": {"name": {"eq": "Ann"}}}, {"rating": {"gte": 1}}]}
    await write_role(
        site, "desk", {"effect": "allow", "type": "article", "actions": ["read_draft"], "condition": condition}
    )
    desk = await site.account("desk@example.com", "desk")
    person = await site.entry({"name": "Ann"}, type="person", publish=False)
    entry = await site.entry({"title": "one", "author": person["id"], "rating": 2}, publish=False)
    path, kind = f"{ARTICLES}/{entry['id']}?perspective=draft", "/api/spaces/demo/types/person"
    assert (await site.get(path, headers=desk)).status_code == 200
    renamed = await site.patch(kind, {"rename": {"name": "called"}}, headers=site.admin)
    assert renamed.status_code == 200, renamed.text
    assert (await site.get(path, headers=desk)).status_code == 200
    policies = (await site.get("/api/spaces/demo/roles/desk", headers=site.admin)).json()["policies"]
    assert policies[0]["condition"] == {"and": [{"author.called": {"eq": "Ann"}}, {"rating": {"gte": 1}}]}
    other = [{"name": "more", "kind": "string"}]
    gone = await site.patch(f"{kind}?allow_drop=true", {"fields": other}, headers=site.admin)
    assert gone.status_code == 200, gone.text
    back = await site.patch(kind, {"fields": [*other, {"name": "called", "kind": "string"}]}, headers=site.admin)
    assert back.status_code == 200, back.text
    await site.patch(f"{PERSONS}/{person['id']}", {"called": "Ann"}, headers=site.admin)
    assert (await site.get(path, headers=desk)).status_code == 404
    assert (await site.get("/api/spaces/demo/roles/desk", headers=site.admin)).json()["policies"] == []
    await write_role(
        site, "desk", {"effect": "allow", "type": "article", "actions": ["read_draft"], "condition": THEIRS}
    )
    assert (await site.delete(f"{kind}?allow_drop=true", headers=site.admin)).status_code == 204
    assert (await site.get("/api/spaces/demo/roles/desk", headers=site.admin)).json()["policies"] == []


async def test_a_condition_ends_with_the_way_that_its_relation_takes(site: Site) -> None:
    """Where a relation leads to none of the types that it led to, what it allowed is gone; what it denied, all is."""
    firm = {"name": "firm", "drafts": False, "fields": [{"name": "name", "kind": "string"}]}
    assert (await site.post("/api/spaces/demo/types", firm, headers=site.admin)).status_code == 201
    by_ann = {"author": {"name": {"eq": "Ann"}}}
    await write_role(
        site,
        "desk",
        {"effect": "allow", "type": "article", "actions": ["read_draft"], "condition": by_ann},
        {"effect": "deny", "type": "article", "actions": ["update"], "condition": by_ann},
    )
    *others, author = ARTICLE["fields"]
    kept: list[list[Any]] = []
    for to in (["person", "firm"], ["firm"], ["person"]):
        changed = await site.patch(
            "/api/spaces/demo/types/article?allow_drop=true", {"fields": [*others, {**author, "to": to}]},
            headers=site.admin,
        )  # fmt: skip
        assert changed.status_code == 200, changed.text
        policies = (await site.get("/api/spaces/demo/roles/desk", headers=site.admin)).json()["policies"]
        kept.append([(each["effect"], each.get("condition")) for each in policies])
    both = [("allow", by_ann), ("deny", by_ann)]
    assert kept == [both, both, [("deny", None)]]
