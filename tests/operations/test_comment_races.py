"""Comments while what they are about goes at the same moment: the entry, or the comment that is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.operations import comments

pytestmark = pytest.mark.anyio

ARTICLES = "/api/spaces/demo/content/article"


async def article(site: Site) -> str:
    """Make a published article; returns its path."""
    return f"{ARTICLES}/{(await site.entry({'title': 'Hello'}))['id']}"


async def said(site: Site, path: str, text: str, parent: str | None = None) -> str:
    """Comment on an article; returns the comment's id."""
    given = {"text": text, **({"parent": parent} if parent else {})}
    made = await site.post(f"{path}/comments", given, headers=site.admin)
    assert made.status_code == 201, made.text
    return made.json()["id"]


async def thread(site: Site, path: str) -> dict[str, str | None]:
    """Return what each comment on an article answers, by their texts."""
    items = (await site.get(f"{path}/comments", headers=site.admin)).json()["items"]
    texts = {item["id"]: item["text"] for item in items}
    return {item["text"]: item["parent"] and texts.get(item["parent"], "nothing") for item in items}


def once_judged(monkeypatch: pytest.MonkeyPatch, change: Callable[[], Awaitable[Any]]) -> None:
    """Have something happen once the next comment was found good, and before it is stored."""
    stored, changes = comments.store_comment, [change]

    async def late(*args: Any, **more: Any) -> None:
        if changes:
            assert (await changes.pop()()).is_success
        await stored(*args, **more)

    monkeypatch.setattr(comments, "store_comment", late)


async def while_under_way(
    site: Site, write: Callable[[], Awaitable[Any]], delete: Callable[[], Awaitable[Any]]
) -> None:
    """Delete something while what was written is not yet committed."""
    begun = asyncio.Event()

    async def later() -> Any:
        await begun.wait()
        return await delete()

    deleting = asyncio.create_task(later())
    async with site.core.store.write_transaction():
        await write()
        begun.set()
        # However short this is, it is as it must be; a deletion that does not wait overlooks what was written.
        await asyncio.wait({deleting}, timeout=0.5)
    assert (await deleting).status_code == 204


async def test_a_comment_that_is_deleted_meanwhile_is_answered_by_nobody(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is refused as one to a comment that never was."""
    path = await article(site)
    first = await said(site, path, "First")
    once_judged(monkeypatch, lambda: site.delete(f"{path}/comments/{first}", headers=site.admin | {"if-match": "*"}))
    refused = await site.post(f"{path}/comments", {"text": "Yes", "parent": first}, headers=site.admin)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "unknown_comment"), refused.text
    assert await thread(site, path) == {}


async def test_an_answer_that_is_under_way_moves_up_when_its_comment_is_deleted(site: Site) -> None:
    """Who deletes the comment waits for the answer: it ends up where all answers do."""
    path = await article(site)
    first = await said(site, path, "First")
    second = await said(site, path, "Second", first)
    await while_under_way(
        site,
        lambda: said(site, path, "Yes", second),
        lambda: site.delete(f"{path}/comments/{second}", headers=site.admin),
    )
    assert await thread(site, path) == {"First": None, "Yes": "First"}


async def test_answers_move_up_past_a_comment_that_is_deleted_meanwhile(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two comments, one the answer to the other, that go at once, nothing is left to answer."""
    path = await article(site)
    first = await said(site, path, "First")
    second = await said(site, path, "Second", first)
    await said(site, path, "Third", second)
    stored, moved = comments._store, list[int]()  # pyright: ignore[reportPrivateUsage] - as another process would

    async def late(*args: Any) -> None:
        if not moved:
            moved.append(1)
            assert (await site.delete(f"{path}/comments/{first}", headers=site.admin)).is_success
        await stored(*args)

    monkeypatch.setattr(comments, "_store", late)
    assert (await site.delete(f"{path}/comments/{second}", headers=site.admin)).status_code == 204
    assert await thread(site, path) == {"Third": None}


@pytest.mark.parametrize("purge", ["?purge=1", ""])
async def test_an_entry_that_is_deleted_meanwhile_takes_no_comment(
    site: Site, monkeypatch: pytest.MonkeyPatch, purge: str
) -> None:
    """Also of who may comment on all entries: it is not found, and no comment on it is left."""
    path = await article(site)
    once_judged(monkeypatch, lambda: site.delete(f"{path}{purge}", headers=site.admin))
    refused = await site.post(f"{path}/comments", {"text": "Late"}, headers=site.admin)
    assert refused.status_code == 404, refused.text
    assert await site.core.store.fetch_all("SELECT id FROM maydan_comments") == []


async def test_a_comment_that_is_under_way_goes_with_its_entry(site: Site) -> None:
    """Who removes the entry waits for the comment."""
    path = await article(site)
    await while_under_way(
        site, lambda: said(site, path, "Late"), lambda: site.delete(f"{path}?purge=1", headers=site.admin)
    )
    assert await site.core.store.fetch_all("SELECT id FROM maydan_comments") == []


@pytest.mark.parametrize("what", ["comments", "shares"])
async def test_what_is_under_way_about_an_entry_goes_with_its_type(site: Site, what: str) -> None:
    """Who deletes the type waits for comments on its entries, and for shares of them."""
    path = await article(site)
    given = {"text": "Late"} if what == "comments" else {"link": True, "rights": "view"}
    await while_under_way(
        site,
        lambda: site.post(f"{path}/{what}", given, headers=site.admin),
        lambda: site.delete("/api/spaces/demo/types/article?allow_drop=true", headers=site.admin),
    )
    assert await site.core.store.fetch_all(f"SELECT id FROM maydan_{what}") == []
