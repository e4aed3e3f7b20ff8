"""Pages with includes that are kept as they were put together: never older than what is stored, or than rights."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.operations.entries.composed import ComposedPages
from maydan.operations.entries.including import Included, include
from maydan.storage import Store
from maydan.storage.document_sets import SetRead

pytestmark = pytest.mark.anyio
WRITER: dict[str, Any] = {
    "name": "writer",
    "fields": [{"name": "name", "kind": "string"}, {"name": "mentor", "kind": "relation", "to": ["writer"]}],
}
BOOK: dict[str, Any] = {
    "name": "book",
    "fields": [{"name": "title", "kind": "string"}, {"name": "author", "kind": "relation", "to": ["writer"]}],
}
LIST = "/api/spaces/demo/content/book?include=author.mentor"


class Made:
    """Counts the pages that were put together."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0

        async def counted(*args: Any) -> Any:
            self.count += 1
            return await include(*args)

        monkeypatch.setattr("maydan.operations.entries.listing.include", counted)


@pytest.fixture
async def people(site: Site) -> dict[str, dict[str, Any]]:
    """A book, its author and the author's mentor."""
    await site.define(WRITER)
    await site.define(BOOK)
    ben = await site.entry({"name": "Ben"}, type="writer")
    ann = await site.entry({"name": "Ann", "mentor": ben["id"]}, type="writer")
    book = await site.entry({"title": "One", "author": ann["id"]}, type="book")
    return {"ann": ann, "ben": ben, "book": book}


async def read(site: Site, **more: Any) -> dict[str, Any]:
    """Return the author of the one book."""
    answer = await site.get(LIST, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"][0]["author"]


async def test_who_is_shown_the_same_documents_again_gets_the_same_page(
    site: Site, people: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is put together once, for whoever may read the same, however often it is asked for."""
    del people
    made = Made(monkeypatch)
    pages = [(await site.get(LIST)).content for _ in range(3)]
    assert pages[0] == pages[1] == pages[2]
    assert made.count == 1


async def test_a_change_of_what_is_included_is_seen_at_once(
    site: Site, people: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a target, and of a target's target; the book itself stays as it is."""
    made = Made(monkeypatch)
    for name, change in (("ann", "Anna"), ("ben", "Benno")):
        await read(site)
        url = f"/api/spaces/demo/content/writer/{people[name]['id']}"
        await site.patch(url, {"name": change}, headers={**site.admin, "if-match": "*"})
        await site.post(f"{url}/publish", headers=site.admin)
    author = await read(site)
    assert (author["name"], author["mentor"]["name"], made.count) == ("Anna", "Benno", 3)
    await site.post(f"/api/spaces/demo/content/writer/{people['ben']['id']}/unpublish", headers=site.admin)
    assert (await read(site))["mentor"] is None


async def test_a_change_of_rights_is_seen_at_once(site: Site, people: dict[str, dict[str, Any]]) -> None:
    """Readers of other fields, and readers of no writer at all, get pages of their own."""
    del people
    assert (await read(site))["mentor"]["name"] == "Ben"
    for fields, expected in ((["mentor"], {"name"}), ([], {"name", "mentor", "author"})):
        policies: list[dict[str, Any]] = [{"effect": "allow", "type": "book", "actions": ["read"], "fields": ["*"]}]
        if fields:
            policies.append({"effect": "allow", "type": "writer", "actions": ["read"], "fields": fields})
        headers = {**site.admin, "if-match": "*"}
        answer = await site.put("/api/spaces/demo/roles/anonymous", {"policies": policies}, headers=headers)
        if answer.status_code == 412:
            answer = await site.put("/api/spaces/demo/roles/anonymous", {"policies": policies}, headers=site.admin)
        assert answer.is_success, answer.text
        answer = await site.get(LIST)
        if fields:
            assert not expected & answer.json()["items"][0]["author"].keys()
        else:
            assert answer.status_code == 400
    assert (await read(site, headers=site.admin))["mentor"]["name"] == "Ben"


class Looked:
    """As much of a plan and of a scope as pages look at."""

    lasts = True
    draft = False

    def __init__(self, store: Store) -> None:
        self.perspective = self.core = self
        self.store = store


async def test_what_is_kept_is_bounded(store: Store) -> None:
    """What does not fit begins anew; one page that takes much of the room is not kept."""
    pages, scope = ComposedPages(most_bytes=4000), Looked(store)
    plan: Any = scope

    async def is_known(text: str) -> bool:
        return await pages.find(plan, plan, [text]) is not None

    def keep(text: str) -> None:
        pages.keep(plan, [text], Included([text], {}, [(SetRead("SELECT 1", ()), [(1,)])]), [Raw(text.encode())])

    keep("a" * 2000)
    assert not await is_known("a" * 2000)
    texts = [str(number) * 200 for number in range(9)]
    for text in texts:
        keep(text)
    known = [await is_known(text) for text in texts]
    assert known[-1]
    assert not known[0]
