"""API tokens over HTTP, on a whole instance without plugins."""

from __future__ import annotations

import pytest
from accounts_site import Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio


async def test_api_tokens_are_made_used_and_ended(site: Site) -> None:
    """For no more than their maker may do, in one space, shown once."""
    _, ann = await site.person("ann", "manager")
    body = {"name": "ci", "space": "demo", "actions": ["read", "manage:members"], "expires_in": 3600}
    made = await site.call(ann, "POST", "/api/tokens", body)
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    token = made.json()["token"]
    assert (await site.call(token, "GET", "/api/spaces/demo/members")).status_code == 200
    assert (await site.call(token, "GET", "/api/spaces/demo/roles")).status_code == 200
    assert (await site.call(token, "GET", "/api/me")).status_code == 200
    for method, path, sent in (
        ("PATCH", "/api/me", {"name": "x"}),
        ("POST", "/api/tokens", body),
        ("GET", "/api/me/sessions", None),
    ):
        assert (await site.call(token, method, path, sent, if_match="*")).status_code == 403
    over = await site.call(ann, "POST", "/api/tokens", {**body, "actions": ["manage:roles"]})
    assert over.status_code == 403
    for wrong, pointer in (({"space": "nowhere"}, "/space"), ({"types": ["none"]}, "/types/0")):
        refused = await site.call(ann, "POST", "/api/tokens", {**body, **wrong})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
    listed = (await site.call(ann, "GET", "/api/tokens")).json()["items"]
    assert [each["name"] for each in listed] == ["ci"]
    assert "token" not in listed[0]
    one = await site.call(ann, "GET", made.headers["location"])
    assert (one.status_code, one.json()) == (200, listed[0])
    assert (await site.call(token, "GET", made.headers["location"])).status_code == 403
    assert (await site.call(ann, "DELETE", f"/api/tokens/{listed[0]['id']}")).status_code == 204
    assert (await site.call(ann, "GET", made.headers["location"])).status_code == 404
    assert (await site.call(token, "GET", "/api/me")).status_code == 401


async def test_an_administrators_limited_token_does_not_administer(site: Site) -> None:
    """Within its scope it does what administrators do in spaces; the instance is beyond it."""
    _, root = await site.person("boss", administrator=True)
    body = {"name": "ci", "space": "demo", "actions": ["*"], "expires_in": 3600}
    limited = (await site.call(root, "POST", "/api/tokens", body)).json()["token"]
    assert (await site.call(limited, "GET", "/api/spaces/demo/roles")).status_code == 200
    assert (await site.call(limited, "GET", "/api/users")).status_code == 403
    space = {"name": "more", "title": "More", "locales": ["en"]}
    assert (await site.call(limited, "POST", "/api/spaces", space)).status_code == 403
    full = {"name": "ci", "actions": ["*"], "expires_in": 3600}
    unlimited = (await site.call(root, "POST", "/api/tokens", full)).json()["token"]
    assert (await site.call(unlimited, "GET", "/api/users")).status_code == 200


async def test_a_token_is_made_once_for_one_idempotency_key(site: Site) -> None:
    """The same answer again, with the same token."""
    _, ann = await site.person("ann", "editor")
    body = {"name": "ci", "actions": ["read"], "expires_in": 3600}
    first = await site.call(ann, "POST", "/api/tokens", body, idempotency_key="k1")
    again = await site.call(ann, "POST", "/api/tokens", body, idempotency_key="k1")
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert len((await site.call(ann, "GET", "/api/tokens")).json()["items"]) == 1
