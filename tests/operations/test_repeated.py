"""Answers that are kept for an ``Idempotency-Key``, while spaces and rights change around them."""

from __future__ import annotations

from typing import Any

import pytest
from site_support import PERSON, Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio

ARTICLES = "/api/spaces/demo/content/article"
KEY = {"idempotency-key": "the-first-time"}


async def member_path(site: Site, headers: dict[str, str]) -> str:
    """Return the path of the membership of whoever calls with these headers."""
    return f"/api/spaces/demo/members/{(await site.get('/api/me', headers=headers)).json()['id']}"


async def test_who_lost_their_rights_is_told_no_more_what_they_made(site: Site) -> None:
    """Neither its content nor the token of a preview; nothing is made again, and others' keys go on."""
    ann, bob = await site.account("ann@example.org", "editor"), await site.account("bob@example.org", "editor")
    data = {"title": "Plans", "body": "<p>for us</p>"}
    made = await site.post(ARTICLES, data, headers={**ann, **KEY})
    preview = f"{ARTICLES}/{made.json()['id']}/previews"
    requests: list[tuple[str, Any]] = [(ARTICLES, data), (preview, {"ttl": 60})]
    for path, body in requests:
        for who in (ann, bob):
            first = await site.post(path, body, headers={**who, **KEY})
            assert first.status_code == 201, first.text
            again = await site.post(path, body, headers={**who, **KEY})
            assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    assert (await site.delete(await member_path(site, ann), headers=site.admin)).status_code == 204
    for path, body in requests:
        refused = await site.post(path, body, headers={**ann, **KEY})
        assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_rights_changed")
        assert "Plans" not in refused.text
        assert (await site.post(path, body, headers={**bob, **KEY})).headers["idempotency-replayed"] == "true"
    assert (await site.get(f"{ARTICLES}?perspective=draft&count=exact", headers=site.admin)).json()["total"] == 2


async def test_a_right_that_comes_back_brings_the_answer_back(site: Site) -> None:
    """What counts is what a role lets one do at the moment, not that it was changed in between."""
    path, policy = "/api/spaces/demo/roles/writer", {"effect": "allow", "type": "article", "actions": ["create"]}
    reads = {"effect": "allow", "type": "article", "actions": ["read_draft"]}
    assert (await site.put(path, {"policies": [policy, reads]}, headers=site.admin)).is_success
    ann, tag = await site.account("ann@example.org", "writer"), {**site.admin, "if-match": "*"}
    first = await site.post(ARTICLES, {"title": "Mine"}, headers={**ann, **KEY})
    assert first.status_code == 201, first.text
    for policies, status in (([policy], 409), ([policy, reads], 201)):
        assert (await site.put(path, {"policies": policies}, headers=tag)).is_success
        assert (await site.post(ARTICLES, {"title": "Mine"}, headers={**ann, **KEY})).status_code == status


async def test_a_space_that_is_made_again_answers_anew(site: Site) -> None:
    """Its entries went with the one before it, and so did what was answered there."""
    given, ids = {"name": "third", "locales": ["en"]}, list[str]()
    for _ in range(2):
        assert (await site.post("/api/spaces", given, headers=site.admin)).status_code == 201
        assert (await site.post("/api/spaces/third/types", PERSON, headers=site.admin)).status_code == 201
        entries = "/api/spaces/third/content/person"
        entry = await site.post(entries, {"name": "Ann"}, headers={**site.admin, **KEY})
        assert "idempotency-replayed" not in entry.headers
        ids.append(entry.json()["id"])
        assert (await site.get(f"{entries}/{ids[-1]}", headers=site.admin)).status_code == 200
        gone = await site.delete("/api/spaces/third", headers={**site.admin, "if-match": "*"})
        assert gone.status_code == 204, gone.text
    assert len(set(ids)) == 2
