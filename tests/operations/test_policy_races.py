from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.operations import comments
from maydan.operations.entries import changing, deleting
from maydan.operations.entries.storing import store
from maydan.storage.ports import Statement

pytestmark = pytest.mark.anyio
ARTICLES = "/api/spaces/demo/content/article"
NEWS = {"category": {"eq": "news"}}


def outrun(stored: Any, change: Callable[[], Awaitable[Any]], moved: list[int]) -> Any:
    """Return what stores as ``stored`` does, but the first time after a change of somebody else, which is noted."""

    async def late(*args: Any, **more: Any) -> None:
        if not moved:
            moved.append(1)
            answer = await change()
            assert answer.is_success, answer.text
        await stored(*args, **more)

    return late


def renaming(site: Site, person: str) -> Callable[[], Awaitable[Any]]:
    """Return what gives a person another name."""
    return lambda: site.patch(person, {"name": "Bob"}, headers=site.admin)


async def test_a_row_that_leaves_a_right_while_it_is_written_is_not_written(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was judged is what is overwritten: the update holds for the judged revision alone, and is judged again.

    Somebody else moves the entry out of the right between the judgement and the statement, as another process would.
    """
    policy = {"effect": "allow", "type": "article", "actions": ["read_draft", "update"], "condition": NEWS}
    role = await site.put("/api/spaces/demo/roles/desk", {"policies": [policy]}, headers=site.admin)
    assert role.is_success, role.text
    desk = await site.account("desk@example.org", "desk")
    entry = await site.entry({"title": "one", "category": "news"}, publish=False)
    path = f"{ARTICLES}/{entry['id']}"
    assert (await site.patch(path, {"rating": 1}, headers=desk)).status_code == 200
    moved, guide = list[int](), {"category": "guide"}
    late = outrun(store, lambda: site.patch(path, guide, headers=site.admin), moved)
    monkeypatch.setattr(changing, "store", late)
    refused = await site.patch(path, {"rating": 5}, headers=desk)
    assert moved == [1]
    assert refused.status_code == 404, refused.text
    now = (await site.get(f"{path}?perspective=draft", headers=site.admin)).json()
    assert (now["rating"], now["category"], now["version"]) == (1, "guide", 3)


async def test_pages_go_on_under_a_condition_about_the_moment(site: Site) -> None:
    """The condition is another one at each request; the cursor is still one of this query."""
    condition = {"created_at": {"lte": "$now"}}
    policy = {"effect": "allow", "type": "article", "actions": ["read"], "condition": condition}
    emptied = await site.put("/api/spaces/demo/roles/anonymous", {"policies": []}, headers=site.admin)
    assert emptied.is_success, emptied.text
    role = await site.put("/api/spaces/demo/roles/reader", {"policies": [policy]}, headers=site.admin)
    assert role.is_success, role.text
    reader = await site.account("reader@example.org", "reader")
    for number in range(3):
        await site.entry({"title": f"T{number}", "rating": number})
    first = (await site.get(f"{ARTICLES}?limit=2&sort=rating", headers=reader)).json()
    second = await site.get(f"{ARTICLES}?limit=2&sort=rating&cursor={first['next']}", headers=reader)
    assert second.status_code == 200, second.text
    assert [item["rating"] for item in [*first["items"], *second.json()["items"]]] == [0, 1, 2]


BY_ANN = {"author": {"name": {"eq": "Ann"}}}


async def ann_and_her_article(site: Site, *actions: str) -> tuple[str, str, dict[str, str]]:
    """Return a person called Ann, an article of hers, and somebody with rights over what is Ann's."""
    policy = {"effect": "allow", "type": "article", "actions": ["read_draft", *actions], "condition": BY_ANN}
    role = await site.put("/api/spaces/demo/roles/desk", {"policies": [policy]}, headers=site.admin)
    assert role.is_success, role.text
    person = await site.entry({"name": "Ann"}, type="person", publish=False)
    entry = await site.entry({"title": "one", "author": person["id"]}, publish=False)
    desk = await site.account("desk@example.org", "desk")
    return f"/api/spaces/demo/content/person/{person['id']}", f"{ARTICLES}/{entry['id']}", desk


@pytest.mark.parametrize("how", ["renamed", "trashed"])
async def test_a_target_that_ends_a_right_while_it_is_used_ends_the_write(
    site: Site, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """What was judged through a relation is held on to until the write is stored; else it is judged again."""
    person, path, desk = await ann_and_her_article(site, "update")
    assert (await site.patch(path, {"rating": 1}, headers=desk)).status_code == 200
    moved: list[int] = []
    end = renaming(site, person) if how == "renamed" else lambda: site.delete(person, headers=site.admin)
    monkeypatch.setattr(changing, "store", outrun(store, end, moved))
    refused = await site.patch(path, {"rating": 5}, headers=desk)
    assert moved == [1]
    assert refused.status_code == 404, refused.text
    assert (await site.get(f"{path}?perspective=draft", headers=site.admin)).json()["rating"] == 1


async def test_a_target_that_is_not_looked_at_holds_up_nobody(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose rights have no condition writes at the first try, whatever becomes of what the entry points at."""
    person, path, _ = await ann_and_her_article(site, "update")
    tries: list[int] = []

    async def late(*args: Any, **more: Any) -> None:
        tries.append(1)
        await site.core.store.commit(
            [Statement("UPDATE maydan_entries SET revision = revision + 1 WHERE id = ?", (person,))]
        )
        await store(*args, **more)

    person = person.rpartition("/")[2]
    monkeypatch.setattr(changing, "store", late)
    assert (await site.patch(path, {"rating": 5}, headers=site.admin)).status_code == 200
    assert tries == [1]


async def test_a_target_that_ends_a_right_while_it_is_used_ends_the_deletion(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deletion is judged like every other write."""
    person, path, desk = await ann_and_her_article(site, "delete")
    moved: list[int] = []
    monkeypatch.setattr(deleting, "_store", outrun(deleting._store, renaming(site, person), moved))
    refused = await site.delete(path, headers=desk)
    assert (moved, refused.status_code) == ([1], 404)
    assert (await site.get(f"{path}?perspective=draft", headers=site.admin)).status_code == 200


@pytest.mark.parametrize("what", ["the entry", "its author"])
async def test_a_comment_is_not_stored_by_a_right_that_has_ended(
    site: Site, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """What gave the right to comment, the entry or what its relation leads to, is held on to as well."""
    person, path, desk = await ann_and_her_article(site, "comment")
    moved: list[int] = []
    changed = (path, {"author": None}) if what == "the entry" else (person, {"name": "Bob"})
    late = outrun(comments.store_comment, lambda: site.patch(*changed, headers=site.admin), moved)
    monkeypatch.setattr(comments, "store_comment", late)
    refused = await site.post(f"{path}/comments", {"text": "Mine"}, headers=desk)
    assert (moved, refused.status_code) == ([1], 404), refused.text
    assert (await site.get(f"{path}/comments", headers=site.admin)).json()["items"] == []


@pytest.mark.parametrize("verb", ["text", "spam", "delete"])
async def test_a_comment_is_not_moderated_by_a_right_that_has_ended(
    site: Site, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """Who moderates because of what the entry's relation leads to does so for as long as it leads there."""
    person, path, desk = await ann_and_her_article(site, "update")
    made = await site.post(f"{path}/comments", {"text": "Said"}, headers=site.admin)
    place = f"{path}/comments/{made.json()['id']}"
    stored, moved = comments._store, list[int]()  # pyright: ignore[reportPrivateUsage] - as another process would
    monkeypatch.setattr(comments, "_store", outrun(stored, renaming(site, person), moved))
    if verb == "text":
        refused = await site.patch(place, {"text": "Not said"}, headers=desk)
    elif verb == "spam":
        refused = await site.post(f"{place}/spam", headers=desk)
    else:
        refused = await site.delete(place, headers=desk)
    assert (moved, refused.status_code) == ([1], 404), refused.text
    items = (await site.get(f"{path}/comments", headers=site.admin)).json()["items"]
    assert [(item["text"], item["status"]) for item in items] == [("Said", "approved")]
