"""How PostgreSQL finds entries by what their relations lead to."""

from __future__ import annotations

from typing import Any

import pytest
from site_support import open_site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio
NODE: dict[str, Any] = {
    "name": "node",
    "fields": [
        {"name": "title", "kind": "string"},
        {"name": "all", "kind": "relation", "to": ["node"], "many": True, "on_delete": "nullify"},
        {"name": "part", "kind": "component", "many": True, "of": [
            {"name": "one", "kind": "relation", "to": ["node"], "on_delete": "nullify"}]},
    ],
}  # fmt: skip


def _noting(fetch: Any, asked: list[tuple[str, tuple[Any, ...]]]) -> Any:
    async def noting(sql: str, *args: Any) -> Any:
        asked.append((sql, args))
        return await fetch(sql, *args)

    return noting


@pytest.mark.parametrize("path", ["all.title", "all.all.title", "part.one.title"])
async def test_what_lists_of_relations_lead_to_is_found_once_and_not_for_each_entry(
    postgresql_url: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the time would grow with the square of the entries."""
    asked: list[tuple[str, tuple[Any, ...]]] = []
    async with open_site(postgresql_url) as site:
        await site.define(NODE)
        target = (await site.entry({"title": "Here"}, type="node"))["id"]
        await site.entry({"title": "Two", "all": [target], "part": [{"one": target}]}, type="node")
        store = site.core.store
        for name in ("fetch_all", "fetch_shared"):
            monkeypatch.setattr(store, name, _noting(getattr(store, name), asked))
        answer = await site.get(f"/api/spaces/demo/content/node?filter[{path}][contains]=zq")
        assert (answer.status_code, answer.json()["items"]) == (200, [])
        ((sql, args),) = [one for one in asked if "zq" in str(one[1])]
        async with store.write_transaction() as transaction:
            plan = "\n".join(str(row[0]) for row in await transaction.fetch_all(f"EXPLAIN {sql}", *args))
    assert plan.count("hashed SubPlan") == 1 + path.count("all.all"), plan
