from __future__ import annotations

from typing import Any

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.operations.entries import changing
from maydan.operations.entries.storing import store

pytestmark = pytest.mark.anyio
ARTICLES = "/api/spaces/demo/content/article"
NEWS = {"category": {"eq": "news"}}


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
    moved: list[int] = []

    async def late(*args: Any, **more: Any) -> None:
        if not moved:
            moved.append(1)
            answer = await site.patch(path, {"category": "guide"}, headers=site.admin)
            assert answer.status_code == 200, answer.text
        await store(*args, **more)

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
