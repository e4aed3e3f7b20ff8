"""Comments over HTTP: threads, statuses, moderation."""

from __future__ import annotations

from typing import Any

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio


@pytest.fixture
async def place(site: Site) -> str:
    """The comments of a published entry, on which members may comment."""
    entry = await site.entry({"title": "Hello"})
    policies: list[dict[str, Any]] = [{"effect": "allow", "type": "*", "actions": ["comment", "read"]}]
    for role in ("member", "anonymous"):
        answer = await site.put(f"/api/spaces/demo/roles/{role}", {"policies": policies}, headers=site.admin)
        assert answer.is_success, answer.text
    return f"/api/spaces/demo/content/article/{entry['id']}/comments"


async def test_members_comment_and_answer_each_other(site: Site, place: str) -> None:
    """An answer names what it answers; the list is oldest first, so it follows it."""
    member = await site.account("ann@example.org", "member")
    first = await site.post(place, {"text": "First"}, headers=member)
    assert (first.status_code, first.json()["status"]) == (201, "approved")
    answer = await site.post(place, {"text": "Yes", "parent": first.json()["id"]}, headers=member)
    listed = (await site.get(f"{place}?count=exact")).json()
    assert [(item["text"], item["parent"]) for item in listed["items"]] == [
        ("First", None),
        ("Yes", first.json()["id"]),
    ]
    assert listed["total"] == 2
    assert answer.json()["author"]["name"] == "ann"
    assert "@" not in str(listed)


async def test_what_nobody_in_particular_wrote_waits_for_a_moderator(site: Site, place: str) -> None:
    """Readers get it once it is approved, and not when it is spam."""
    waiting = (await site.post(place, {"text": "Hi"})).json()
    assert waiting["status"] == "waiting"
    assert (await site.get(place)).json()["items"] == []
    assert (await site.get(f"{place}?status=waiting")).status_code == 401
    assert (await site.post(f"{place}/{waiting['id']}/approve")).status_code in (401, 404)
    await site.post(f"{place}/{waiting['id']}/approve", headers=site.admin)
    assert len((await site.get(place)).json()["items"]) == 1
    await site.post(f"{place}/{waiting['id']}/spam", headers=site.admin)
    assert (await site.get(place)).json()["items"] == []


async def test_one_changes_and_deletes_ones_own_comments(site: Site, place: str) -> None:
    """Others' are for moderators; answers to a deleted comment stay."""
    ann, bob = await site.account("ann@example.org", "member"), await site.account("bob@example.org", "member")
    first = (await site.post(place, {"text": "First"}, headers=ann)).json()
    await site.post(place, {"text": "Answer", "parent": first["id"]}, headers=bob)
    path = f"{place}/{first['id']}"
    assert (await site.patch(path, {"text": "Mine now"}, headers=bob)).status_code == 403
    assert (await site.patch(path, {"text": "Better"}, tag=None, headers=ann)).status_code == 428
    assert (await site.patch(path, {"text": "Better"}, tag='"1"', headers=ann)).json()["text"] == "Better"
    assert (await site.patch(path, {"text": "Again"}, tag='"1"', headers=ann)).status_code == 412
    assert (await site.delete(path, headers=bob)).status_code == 403
    assert (await site.delete(path, headers=ann)).status_code == 204
    assert [(item["text"], item["parent"]) for item in (await site.get(place)).json()["items"]] == [("Answer", None)]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"text": ""}, "/text"),
        ({"text": "x" * 10_001}, "/text"),
        ({"text": "a\u0007b"}, "/text"),
        ({"text": 5}, "/text"),
        ({"text": "x", "parent": "01a205a9-3fcf-7094-a5af-39927a08eb43"}, "/parent"),
        ({"text": "x", "status": "approved"}, "/status"),
    ],
)
async def test_bad_comments_name_the_place(site: Site, place: str, body: dict[str, Any], pointer: str) -> None:
    """Nothing is stored of them."""
    answer = await site.post(place, body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_comments_need_a_type_that_takes_them_and_an_entry_that_is_visible(site: Site, place: str) -> None:
    """A draft has no comments for those who may not read it."""
    draft = await site.entry({"title": "Draft"}, publish=False)
    hidden = await site.post(f"/api/spaces/demo/content/article/{draft['id']}/comments", {"text": "x"})
    assert hidden.status_code == 404
    person = await site.entry({"name": "Ann"}, type="person", publish=False)
    path = f"/api/spaces/demo/content/person/{person['id']}/comments"
    assert (await site.post(path, {"text": "x"}, headers=site.admin)).status_code == 404
