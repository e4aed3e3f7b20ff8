"""Entity tags of what changes without its own version, or is made again with the same: 304 where the body is it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from site_support import Site, open_articles  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio

SPACE = "/api/spaces/demo"
ANY = {"if-match": "*"}


@pytest.fixture
async def site(database_url: str) -> AsyncIterator[Site]:
    """A space with articles and persons."""
    async with open_articles(database_url) as opened:
        yield opened


def fields(*names: str) -> dict[str, Any]:
    """Return a role that reads these fields of articles."""
    return {"policies": [{"effect": "allow", "type": "article", "actions": ["read"], "fields": list(names)}]}


async def status_of(site: Site, path: str, tag: str, who: dict[str, str]) -> int:
    """Return how somebody is answered who has what the tag is of."""
    return (await site.get(path, headers={**who, "if-none-match": tag})).status_code


async def test_a_type_has_another_tag_for_who_sees_another_part_of_it(site: Site) -> None:
    """Also once somebody gets another field; who sees all of it has the tag to change it by."""
    assert (await site.put(f"{SPACE}/roles/anonymous", {"policies": []}, headers=site.admin)).is_success
    assert (await site.put(f"{SPACE}/roles/reader", fields("title"), headers=site.admin)).is_success
    ann, path = await site.account("ann@example.org", "reader"), f"{SPACE}/types/article"
    seen = await site.get(path, headers=ann)
    tag, whole = seen.headers["etag"], (await site.get(path, headers=site.admin)).headers["etag"]
    assert tag != whole
    assert await status_of(site, path, tag, ann) == 304
    assert (await site.put(f"{SPACE}/roles/reader", fields("title", "body"), headers={**site.admin, **ANY})).is_success
    assert await status_of(site, path, tag, ann) == 200
    assert await status_of(site, path, whole, site.admin) == 304
    assert (await site.patch(path, {"title": "Articles"}, tag=whole, headers=site.admin)).status_code == 200


async def test_a_role_has_another_tag_when_its_policies_follow_a_type(site: Site) -> None:
    """A field, or one behind a relation, gets another name, a type goes: whoever read the role before is late."""
    policies = [
        {"effect": "allow", "type": "article", "actions": ["read"], "fields": ["title", "rating"]},
        {"effect": "allow", "type": "article", "actions": ["update"], "condition": {"author": {"name": {"eq": "Ann"}}}},
    ]
    path = f"{SPACE}/roles/desk"
    made = await site.put(path, {"policies": policies}, headers=site.admin)
    other = await site.put(f"{SPACE}/roles/other", {"policies": []}, headers=site.admin)
    tags = [made.headers["etag"]]
    for type_name, change in (
        ("article", {"rename": {"rating": "stars"}}),
        ("person", {"rename": {"name": "called"}}),
    ):
        changed = await site.patch(f"{SPACE}/types/{type_name}", change, headers=site.admin)
        assert changed.status_code == 200, changed.text
        assert await status_of(site, path, tags[-1], site.admin) == 200
        late = {**site.admin, "if-match": tags[-1]}
        assert (await site.put(path, {"policies": []}, headers=late)).status_code == 412
        tags.append((await site.get(path, headers=site.admin)).headers["etag"])
    assert (await site.delete(f"{SPACE}/types/article?allow_drop=true", headers=site.admin)).status_code == 204
    assert await status_of(site, path, tags[-1], site.admin) == 200
    assert len({*tags, (await site.get(path, headers=site.admin)).headers["etag"]}) == 4
    assert await status_of(site, f"{SPACE}/roles/other", other.headers["etag"], site.admin) == 304


async def test_a_member_has_another_tag_under_another_name(site: Site) -> None:
    """The tag that one was given, and the version alone, will do to write by."""
    ann = await site.account("ann@example.org", "editor")
    me = (await site.get("/api/me", headers=ann)).json()["id"]
    path = f"{SPACE}/members/{me}"
    tag = (await site.get(path, headers=site.admin)).headers["etag"]
    assert await status_of(site, path, tag, site.admin) == 304
    renamed = await site.patch("/api/me", {"name": "Annabel"}, headers=ann)
    assert renamed.status_code == 200, renamed.text
    shown = await site.get(path, headers={**site.admin, "if-none-match": tag})
    assert (shown.status_code, shown.json()["name"]) == (200, "Annabel")
    late = await site.put(path, shown.json(), headers={**site.admin, "if-match": tag})
    assert late.status_code == 412
    put = await site.put(path, shown.json(), headers={**site.admin, "if-match": shown.headers["etag"]})
    assert put.status_code == 200, put.text
    again = await site.put(path, put.json(), headers={**site.admin, "if-match": f'"{put.json()["version"]}"'})
    assert again.status_code == 200, again.text
    gone = await site.delete(path, headers={**site.admin, "if-match": again.headers["etag"]})
    assert gone.status_code == 204


READ = {"effect": "allow", "type": "*", "actions": ["read"]}
FLOW: dict[str, Any] = {
    "initial": "new",
    "final": ["old"],
    "states": ["new", "old"],
    "transitions": [{"name": "age", "from": ["new"], "to": "old"}],
}
MADE_AGAIN: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "type": (
        "POST", f"{SPACE}/types/note",
        {"name": "note", "fields": [{"name": "text", "kind": "string"}]},
        {"name": "note", "fields": [{"name": "text", "kind": "text"}]},
    ),
    "workflow": (
        "POST", f"{SPACE}/types/note/workflow",
        {"name": "note", "workflow": {**FLOW, "name": "one"}},
        {"name": "note", "workflow": {**FLOW, "name": "two"}},
    ),
    "role": ("PUT", f"{SPACE}/roles/desk", {"policies": []}, {"policies": [READ]}),
    "space": ("POST", "/api/spaces/annex", {"name": "annex", "title": "One"}, {"name": "annex", "title": "Two"}),
}  # fmt: skip
"""How each is made, where it is, and what it is at first and then."""


@pytest.mark.parametrize("what", MADE_AGAIN)
async def test_what_is_made_again_under_a_name_has_another_tag(site: Site, what: str) -> None:
    """Who has the former one with that name and version is shown this one, and does not overwrite it unread."""
    method, path, first, second = MADE_AGAIN[what]
    place = path.removesuffix("/workflow")
    where = place if method == "PUT" else place.rpartition("/")[0]
    assert (await site.client.request(method, where, json=first, headers=site.admin)).status_code == 201
    before = await site.get(path, headers=site.admin)
    assert (await site.delete(place, headers=site.admin)).status_code == 204
    assert (await site.client.request(method, where, json=second, headers=site.admin)).status_code == 201
    now = await site.get(path, headers={**site.admin, "if-none-match": before.headers["etag"]})
    assert now.status_code == 200
    assert now.headers["etag"].partition("-")[0] == before.headers["etag"].partition("-")[0]
    writes = "PUT" if what in ("role", "workflow") else "PATCH"
    change = {"title": "Other"} if writes == "PATCH" else now.json()
    for given, status in ((before.headers["etag"], 412), (now.headers["etag"], 200)):
        headers = {**site.admin, "if-match": given}
        answer = await site.client.request(writes, path, json=change, headers=headers)
        assert answer.status_code == status, answer.text
    assert (await site.delete(place, headers={**site.admin, "if-match": now.headers["etag"]})).status_code == 412
    version = (await site.get(place, headers=site.admin)).json()["version"]
    assert (await site.delete(place, headers={**site.admin, "if-match": f'"{version}"'})).status_code == 204
