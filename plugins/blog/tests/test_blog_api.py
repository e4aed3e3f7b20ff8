"""The blog over HTTP: types, roles, hooks, the demo, and WordPress' export read back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from maydan.operations.core import as_system
from maydan.operations.imports import SpaceTarget
from maydan.operations.schedules import run_due
from maydan.testing import open_site
from maydan_blog.wordpress.importer import WordPress

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from maydan.plugin import ImportSummary
    from maydan.testing import Site

pytestmark = pytest.mark.anyio


async def imported(site: Site, path: Path, *, dry_run: bool = False) -> ImportSummary:
    """Import a file as ``maydan import`` does."""
    caller = as_system("test")
    target = SpaceTarget(
        site.core, caller, site.space, WordPress.name, dry_run=dry_run, progress=lambda _done, _total: None
    )
    return await WordPress().run(path, target, {})


async def total(site: Site, type: str, **query: str) -> int:
    """Return how many entries a reader finds."""
    answer = await site.anonymous.get(f"content/{type}", params={"limit": "1", "count": "exact", **query})
    assert answer.status_code == 200, answer.text
    return answer.json()["total"]


async def one(site: Site, type: str, slug: str, **query: str) -> dict[str, Any]:
    """Return an entry by its slug, as readers get it."""
    answer = await site.anonymous.get(f"content/{type}/{slug}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(scope="module")
async def magazine(
    anyio_backend: str, tmp_path_factory: pytest.TempPathFactory, theme_test: Path
) -> AsyncGenerator[Site]:
    """A site into which the theme test was imported once, for tests that only read."""
    async with open_site(tmp_path_factory.mktemp("magazine"), ["blog"]) as opened:
        await imported(opened, theme_test)
        yield opened


async def test_the_theme_test_is_read_back(magazine: Site) -> None:
    """Readers find what WordPress' readers found, under the same slugs and dates, in the same trees."""
    found = {name: await total(magazine, f"blog.{name}") for name in ("post", "page", "category", "tag", "author")}
    level = await one(magazine, "blog.page", "level-3")
    oldest = await magazine.anonymous.get("content/blog.post", params={"sort": "posted_at", "limit": "1"})

    assert found == {"post": 56, "page": 21, "category": 68, "tag": 114, "author": 2}
    assert level["parent"] == (await one(magazine, "blog.page", "level-2"))["id"]
    assert (await one(magazine, "blog.page", "επίπεδο-3"))["title"] == "Επίπεδο 3"
    assert oldest.json()["items"][0]["published_at"].startswith("2009-05-15T21:48:32")


async def test_only_approved_comments_reach_readers(magazine: Site) -> None:
    """19 of the 20 comments on one post; the threads are there, ten deep."""
    post = await one(magazine, "blog.post", "template-comments")
    answer = await magazine.anonymous.get(f"content/blog.post/{post['id']}/comments", params={"limit": "100"})
    comments = {each["id"]: each for each in answer.json()["items"]}

    deepest = next(each for each in comments.values() if each["text"].startswith("Comment Depth 10"))
    depth = 1
    while deepest["parent"]:
        deepest, depth = comments[deepest["parent"]], depth + 1
    assert (len(comments), depth) == (19, 10)


async def test_the_protected_post_hides_its_text(magazine: Site) -> None:
    """The post is public and its text is not, in no field and no list; an editor of the blog reads it."""
    shown = await one(magazine, "blog.post", "template-password-protected")
    listed = await magazine.anonymous.get("content/blog.post", params={"filter[protected][eq]": "true"})
    editor = await magazine.person("blog.editor")
    edited = await editor.get(f"content/blog.post/{shown['id']}")

    assert shown["protected"] is True
    assert len(listed.json()["items"]) == 1
    assert "until the password is entered" not in f"{shown}{listed.text}"
    assert "until the password is entered" in edited.json()["protected_body"]


async def test_html_is_clean_and_embedded_media_are_links(magazine: Site) -> None:
    """Nothing runs, nothing is styled, and what was embedded can be followed."""
    body = (await one(magazine, "blog.post", "blocks-embeds"))["body"]

    assert 'href="https://youtu.be/ex8fMxXJDJw"' in body
    assert not any(text in body for text in ("<!--", "<iframe", "class=", "style=", "<script"))


async def test_a_dry_run_stores_nothing_and_importing_twice_changes_nothing(site: Site, theme_test: Path) -> None:
    """A dry run tells what the import will; the second import finds everything as it is."""
    planned = await imported(site, theme_test, dry_run=True)
    empty = await total(site, "blog.post")
    first = await imported(site, theme_test)
    before = await one(site, "blog.post", "template-comments")
    second = await imported(site, theme_test)

    assert (empty, planned) == (0, first)
    assert (second.created, second.updated, second.unchanged) == ({}, {}, first.created)
    assert await one(site, "blog.post", "template-comments") == before


async def test_the_scheduled_post_appears_on_its_day(site: Site, theme_test: Path) -> None:
    """Not a second before its hour in 2030, and by itself."""
    await imported(site, theme_test)
    path = "content/blog.post/scheduled"
    site.clock.set(datetime(2030, 1, 1, 19, 0, 17, tzinfo=UTC))
    await run_due(site.core)
    early = await site.anonymous.get(path)
    site.clock.move(seconds=2)
    await run_due(site.core)
    late = await site.anonymous.get(path)

    assert (early.status_code, late.status_code) == (404, 200)
    assert late.json()["title"] == "Scheduled"


async def test_a_writer_sees_to_their_own_posts_only(site: Site) -> None:
    """From the draft to the publication; another's post is not theirs to change."""
    writer, other = await site.person("blog.writer"), await site.person("blog.writer")
    made = (await writer.post("content/blog.post", {"title": "Mine"})).json()
    path = f"content/blog.post/{made['id']}"

    assert (await other.patch(path, {"title": "Yours"})).status_code in {403, 404}
    assert (await writer.post(f"{path}/publish")).status_code == 200
    assert (await site.anonymous.get(path)).json()["title"] == "Mine"


async def test_hook_check_entry_update_refuses_an_own_parent(site: Site) -> None:
    """The answer names the place, and the page stays as it was."""
    page = await site.draft("blog.page")
    answer = await site.administrator.patch(page.path, {"parent": page.id})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/parent"


async def test_hook_check_entry_publish_refuses_a_protected_text_in_the_open(site: Site) -> None:
    """It is the publication that is refused; with the text in its own field it goes through."""
    given = {"protected": True, "body": "<p>secret</p>", "protected_body": None}
    post = await site.draft("blog.post", **given)
    refused = await site.administrator.post(f"{post.path}/publish")
    await site.administrator.patch(post.path, {"body": None, "protected_body": "<p>secret</p>"})
    accepted = await site.administrator.post(f"{post.path}/publish")

    assert (refused.status_code, accepted.status_code) == (422, 200)


async def test_hook_check_comment_create_refuses_where_comments_are_closed(site: Site) -> None:
    """An open post takes the same comment from the same person."""
    member = await site.person("member", "blog.editor")
    answers: list[int] = []
    for is_open in (True, False):
        post = await site.published("blog.post", comments_open=is_open, protected=False)
        answers.append((await member.post(f"{post.path}/comments", {"text": "Hello"})).status_code)

    assert answers == [201, 409]
