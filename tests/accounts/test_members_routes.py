"""Members and roles over HTTP, on a whole instance without plugins."""

from __future__ import annotations

import pytest
from accounts_site import Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio


async def test_members_are_administered_within_ones_own_rights(site: Site) -> None:
    """A manager makes editors and unmakes them, but neither makes an owner nor touches one."""
    _, manager = await site.person("manager", "manager")
    owner_id, owner = await site.person("owner", "owner")
    ann_id, ann = await site.person("ann")
    path = f"/api/spaces/demo/members/{ann_id}"
    assert (await site.call(ann, "PUT", path, {"roles": ["editor"]})).status_code == 403
    assert (await site.call(manager, "GET", path)).status_code == 404
    made = await site.call(manager, "PUT", path, {"roles": ["editor"]})
    assert (made.status_code, made.headers["location"], made.json()["roles"]) == (201, path, ["editor"])
    assert (await site.call(ann, "GET", "/api/me")).json()["roles"] == {"demo": ["editor"]}
    tag = made.headers["etag"]
    assert (await site.call(manager, "PUT", path, {"roles": []})).status_code == 428
    assert (await site.call(manager, "PUT", path, {"roles": ["owner"]}, if_match=tag)).status_code == 403
    unknown = await site.call(manager, "PUT", path, {"roles": ["nobody"]}, if_match=tag)
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/roles/0")
    back = {**made.json(), "roles": ["manager"]}
    changed = await site.call(manager, "PUT", path, back, if_match=tag)
    assert (changed.status_code, changed.json()["roles"]) == (200, ["manager"])
    assert (await site.call(manager, "PUT", path, {"roles": []}, if_match=tag)).status_code == 412
    forged = {**changed.json(), "email": "x@y.example"}
    refused = await site.call(manager, "PUT", path, forged, if_match="*")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/email")
    assert (await site.call(manager, "DELETE", f"/api/spaces/demo/members/{owner_id}")).status_code == 403
    assert (await site.call(owner, "PUT", path, {"roles": ["owner"]}, if_match="*")).status_code == 200
    assert (await site.call(owner, "DELETE", path)).status_code == 204
    assert (await site.call(owner, "DELETE", path)).status_code == 404
    listed = (await site.call(manager, "GET", "/api/spaces/demo/members?count=exact")).json()
    assert (listed["total"], listed["items"][0]["id"]) == (2, owner_id)
    nobody = "/api/spaces/demo/members/00000000-0000-7000-8000-000000000000"
    assert (await site.call(owner, "PUT", nobody, {"roles": []})).status_code == 404


async def test_roles_are_written_within_ones_own_rights(site: Site) -> None:
    """Read, write, read back, delete; nobody grants what they do not hold."""
    _, owner = await site.person("owner", "owner")
    ann_id, ann = await site.person("ann")
    path = "/api/spaces/demo/roles/desk"
    policy = {
        "effect": "allow",
        "type": "article",
        "actions": ["read_draft", "update", "manage:roles"],
        "condition": {"created_by": {"eq": "$actor.id"}},
    }
    wide = {"effect": "allow", "type": "*", "actions": ["manage:roles"]}
    assert (await site.call(ann, "PUT", path, {"policies": []})).status_code == 403
    made = await site.call(owner, "PUT", path, {"policies": [policy, wide]})
    assert made.status_code == 201
    assert made.json()["policies"][0] == {**policy, "fields": ["*"]}
    same = await site.call(owner, "PUT", path, made.json(), if_match=made.headers["etag"])
    assert (same.status_code, same.json()["version"]) == (200, 2)
    member = {"roles": ["desk"]}
    assert (await site.call(owner, "PUT", f"/api/spaces/demo/members/{ann_id}", member)).status_code == 201
    assert (await site.call(ann, "GET", path)).status_code == 200
    mine = {"policies": [{**policy, "actions": ["update"]}]}
    assert (await site.call(ann, "PUT", "/api/spaces/demo/roles/mine", mine)).status_code == 201
    for more in (
        {"policies": [{"effect": "allow", "type": "article", "actions": ["update"]}]},
        {"policies": [{"effect": "allow", "type": "article", "actions": ["publish"]}]},
        {"policies": [], "inherits": ["editor"]},
    ):
        assert (await site.call(ann, "PUT", "/api/spaces/demo/roles/more", more)).status_code == 403
    private = {"policies": [{"effect": "allow", "type": "article", "actions": ["read"], "fields": ["note"]}]}
    assert (await site.call(owner, "PUT", "/api/spaces/demo/roles/auditor", private)).status_code == 201
    circle = {"policies": [], "inherits": ["desk"]}
    refused = await site.call(owner, "PUT", path, circle, if_match="*")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "circle")
    for role in ("editor", "anonymous"):
        assert (await site.call(owner, "DELETE", f"/api/spaces/demo/roles/{role}")).status_code == 409
    assert (await site.call(owner, "DELETE", path)).status_code == 204
    assert (await site.call(owner, "GET", path)).status_code == 404
    names = [role["name"] for role in (await site.call(owner, "GET", "/api/spaces/demo/roles")).json()["items"]]
    assert names == ["anonymous", "auditor", "editor", "manager", "member", "mine", "owner"]


async def test_what_everybody_may_read_can_be_written(site: Site) -> None:
    """The start of `anonymous` is replaced, and is in force with the next request."""
    _, owner = await site.person("owner", "owner")
    path = "/api/spaces/demo/roles/anonymous"
    start = (await site.call(owner, "GET", path)).json()
    assert start["policies"][0]["actions"] == ["read"]
    assert (await site.call("", "GET", "/api/spaces/demo")).status_code == 200
    closed = await site.call(owner, "PUT", path, {"policies": []})
    assert closed.status_code == 200
    assert (await site.call("", "GET", "/api/spaces/demo")).status_code == 404
    opened = {**closed.json(), "policies": start["policies"]}
    assert (await site.call(owner, "PUT", path, opened, if_match=closed.headers["etag"])).status_code == 200
    assert (await site.call("", "GET", "/api/spaces/demo")).status_code == 200


async def test_other_spaces_do_not_exist(site: Site) -> None:
    """Their members and roles are 404 to an owner of another space."""
    _, root = await site.person("boss", administrator=True)
    await site.call(root, "POST", "/api/spaces", {"name": "other", "title": "Other", "locales": ["en"]})
    closed = await site.call(root, "PUT", "/api/spaces/other/roles/anonymous", {"policies": []})
    assert closed.status_code == 200
    _, owner = await site.person("owner", "owner")
    for path in ("members", "roles", "roles/editor"):
        answers = [await site.call(owner, "GET", f"/api/spaces/{name}/{path}") for name in ("other", "nowhere")]
        assert [answer.status_code for answer in answers] == [404, 404]
