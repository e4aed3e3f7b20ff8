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


async def test_who_updates_their_own_entries_moderates_the_comments_on_these_alone(site: Site, place: str) -> None:
    """The entry is judged, not the type: others' entries have comments like any other for its readers."""
    own = {"created_by": {"eq": "$actor.id"}}
    policies = [
        {"effect": "allow", "type": "article", "actions": ["read", "read_draft", "create", "comment"]},
        {"effect": "allow", "type": "article", "actions": ["update", "publish"], "condition": own},
    ]
    assert (await site.put("/api/spaces/demo/roles/author", {"policies": policies}, headers=site.admin)).is_success
    author, bob = await site.account("ann@example.org", "author"), await site.account("bob@example.org", "member")
    entry = (await site.post("/api/spaces/demo/content/article", {"title": "Mine"}, headers=author)).json()
    mine = f"/api/spaces/demo/content/article/{entry['id']}"
    assert (await site.post(f"{mine}/publish", headers=author)).is_success
    mine = f"{mine}/comments"
    for where, status in ((mine, 200), (place, 403)):
        bobs = f"{where}/{(await site.post(where, {'text': 'Said'}, headers=bob)).json()['id']}"
        waiting = f"{where}/{(await site.post(where, {'text': 'Hi'})).json()['id']}"
        assert (await site.get(f"{where}?status=waiting", headers=author)).status_code == status
        listed = (await site.get(where, headers=author)).json()["items"]
        assert [("email" in item["author"], item["text"]) for item in listed] == (
            [(True, "Said"), (True, "Hi")] if status == 200 else [(False, "Said")]
        )
        assert (await site.patch(bobs, {"text": "Not said"}, headers=author)).status_code == status
        assert (await site.post(f"{bobs}/spam", headers=author)).status_code == status
        hidden = 200 if status == 200 else 404
        assert (await site.post(f"{waiting}/approve", headers=author)).status_code == hidden
        assert (await site.delete(bobs, headers=author)).status_code == (204 if status == 200 else 403)


@pytest.mark.parametrize("through", [False, True])
async def test_the_feed_tells_of_waiting_comments_on_what_one_may_update(site: Site, through: bool) -> None:
    """Each entry's newest version decides, and what its relations lead to, whatever readers get of it."""
    own = {"created_by": {"eq": "$actor.id"}}
    condition = {"author": own} if through else {"category": {"eq": "news"}}
    policies = [
        {"effect": "allow", "type": "*", "actions": ["read", "comment"]},
        {"effect": "allow", "type": "person", "actions": ["create"]},
        {"effect": "allow", "type": "article", "actions": ["update"], "condition": condition},
    ]
    for role in ("desk", "anonymous"):
        given = {"policies": policies if role == "desk" else policies[:1]}
        tag = {"if-match": "*"} if role == "anonymous" else {}
        answer = await site.put(f"/api/spaces/demo/roles/{role}", given, headers={**site.admin, **tag})
        assert answer.is_success, answer.text
    desk = await site.account("desk@example.org", "desk")
    ann = await site.entry({"name": "Ann"}, type="person", publish=False)
    bob = (await site.post("/api/spaces/demo/content/person", {"name": "Bob"}, headers=desk)).json()
    told: dict[str, str] = {}
    for category, author in (("guide", ann), ("news", bob)):
        entry = await site.entry({"title": category, "category": category, "author": author["id"]})
        # Readers still get the other category: it is the newest version that is updated.
        place = f"/api/spaces/demo/content/article/{entry['id']}"
        await site.patch(place, {"category": "guide" if category == "news" else "news"}, headers=site.admin)
        await site.post(f"{place}/publish", headers=site.admin)
        await site.patch(place, {"category": category}, headers=site.admin)
        waiting = await site.post(f"{place}/comments", {"text": "Hm"})
        assert waiting.status_code == 201, waiting.text
        told[entry["id"]] = category
    changes = (await site.get("/api/spaces/demo/changes?limit=100", headers=desk)).json()["items"]
    created = [told[each["data"]["entry"]] for each in changes if each["type"] == "comment.created"]
    assert created == ["news"]


async def test_an_author_changes_a_comment_only_where_they_may_comment(site: Site, place: str) -> None:
    """Once the entry has left what they may comment on, their comment stays as it is."""
    policies: list[dict[str, Any]] = [
        {"effect": "allow", "type": "article", "actions": ["read"]},
        {"effect": "allow", "type": "article", "actions": ["comment"], "condition": {"rating": {"gte": 3}}},
    ]
    headers = {**site.admin, "if-match": "*"}
    for role in ("anonymous", "member", "guest"):
        more = site.admin if role == "guest" else headers
        answer = await site.put(f"/api/spaces/demo/roles/{role}", {"policies": policies}, headers=more)
        assert answer.is_success, answer.text
    entry, guest = place.removesuffix("/comments"), await site.account("gus@example.org", "guest")
    assert (await site.patch(entry, {"rating": 3}, headers=site.admin)).is_success
    made = await site.post(place, {"text": "Said"}, headers=guest)
    path = f"{place}/{made.json()['id']}"
    assert (await site.patch(path, {"text": "Meant"}, headers=guest)).status_code == 200
    assert (await site.patch(entry, {"rating": 2}, headers=site.admin)).is_success
    assert (await site.patch(path, {"text": "Never said"}, headers=guest)).status_code == 403
    assert (await site.delete(path, headers=guest)).status_code == 403


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
