"""Whatever a policy's condition says, no reader meets an error of the database."""

from __future__ import annotations

from typing import Any

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio

CONTENT = "/api/spaces/demo/content/article"
ROLE = "/api/spaces/demo/roles/reader"


def _role(condition: dict[str, Any]) -> dict[str, Any]:
    policy = {"effect": "allow", "type": "article", "actions": ["read_draft"], "fields": ["*"]}
    return {"policies": [{**policy, "condition": condition}]}


@pytest.mark.parametrize(
    "condition",
    [
        {"rating": {"eq": "$actor.id"}},
        {"rating": {"in": ["$now"]}},
        {"rating": {"in": "$actor.roles"}},
        {"version": {"gt": "$now"}},
        {"price.amount": {"nin": [1, "$actor.id"]}},
        {"title": {"exists": "$actor.id"}},
        {"category": {"eq": "$actor.roles"}},
        {"category": {"in": ["$now"]}},
        {"created_at": {"lt": "$actor.id"}},
    ],
)
async def test_a_variable_that_cannot_fit_is_refused(site: Site, condition: dict[str, Any]) -> None:
    """A condition that compares a number with an id is 422 where it is written, not 500 where it is read."""
    answer = await site.put(ROLE, _role(condition), headers=site.admin)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == "/policies/0/condition"


@pytest.mark.parametrize(
    "condition",
    [
        {"created_by": {"in": ["$actor.id", "somebody"]}},
        {"created_by": {"ne": "$actor.id"}},
        {"category": {"in": "$actor.roles"}},
        {"author": {"eq": "$actor.id"}},
        {"published_at": {"lte": "$now"}},
        {"id": {"in": "$actor.roles"}},
        {"id": {"lt": "$actor.id"}},
        {"slug": {"eq": "$actor.id"}},
        {"tags": {"in": ["$actor.id"]}},
        {"rating": {"in": []}},
        {"code": {"startswith": ""}},
        {"note": {"contains": "$actor.id"}},
    ],
)
async def test_lists_answer_under_every_condition(site: Site, condition: dict[str, Any]) -> None:
    """Lists, totals, all locales at once and single entries work with any condition that was accepted."""
    entry = await site.entry({"title": "One", "rating": 3})
    stored = await site.put(ROLE, _role(condition), headers=site.admin)
    assert stored.status_code in (201, 422), stored.text
    if stored.status_code == 422:
        return
    reader = await site.account("reader@example.org", "reader")
    for query in ("", "&locale=*", "&count=exact&sort=-rating", "&filter[rating][gte]=1", "&fields=title"):
        answer = await site.get(f"{CONTENT}?perspective=draft{query}", headers=reader)
        assert answer.status_code == 200, (query, answer.text)
    one = await site.get(f"{CONTENT}/{entry['id']}?perspective=draft", headers=reader)
    assert one.status_code in (200, 404), one.text
