"""WordPress' own test export, record by record: the figures that it is known to hold come out exactly."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from maydan_blog.wordpress.importer import WordPress

if TYPE_CHECKING:
    from pathlib import Path

    from maydan.plugin import ImportSummary

pytestmark = pytest.mark.anyio


@pytest.fixture
async def imported(theme_test: Path, target: Any) -> ImportSummary:
    """Import the file into an empty space."""
    return await WordPress().run(theme_test, target, {})


async def test_every_entry_of_the_export_is_written(imported: ImportSummary) -> None:
    """58 posts, 21 pages, 68 categories, 110 declared tags and 4 that are only used, 2 authors, 33 comments."""
    assert imported.created == {
        "blog.author": 2, "blog.category": 68, "blog.tag": 114, "blog.post": 58, "blog.page": 21, "comment": 33,
    }  # fmt: skip
    assert imported.updated == imported.unchanged == {}


async def test_what_is_not_taken_is_named_with_its_number_and_reason(imported: ImportSummary) -> None:
    """Attachments and menu items do not come along, and the summary says how many and why."""
    skipped = {each.kind: each for each in imported.skipped}

    assert (skipped["attachment"].count, skipped["menu item"].count, skipped["menu"].count) == (37, 70, 6)
    assert "until media exists" in skipped["attachment"].reason
    assert skipped["password"].count == 1
    assert all(each.count > 0 and each.reason for each in imported.skipped)


async def test_undeclared_tags_are_reported_by_name(imported: ImportSummary) -> None:
    """A tag that a post uses and the file does not declare is made, and said to be."""
    (note,) = [note for note in imported.notes if note.startswith("4 used without")]

    assert "columns, content, sample, test-tag" in note


async def test_importing_twice_changes_nothing(imported: ImportSummary, theme_test: Path, target: Any) -> None:
    """Keys are stable and every input is made the same way, so a second run finds everything as it is."""
    second = await WordPress().run(theme_test, target, {})

    assert second.created == second.updated == {}
    assert second.unchanged == imported.created


async def test_posts_keep_their_status(imported: ImportSummary, target: Any) -> None:
    """56 posts are published, one is a draft, one waits for its day in 2030."""
    posts = target.of_type("blog.post")
    scheduled = target.by_slug("blog.post", "scheduled")

    assert Counter(bool(post.publish) for post in posts) == {True: 57, False: 1}
    assert scheduled.publish_at == datetime(2030, 1, 1, 19, 0, 18, tzinfo=UTC)
    assert [post.data["title"] for post in posts if not post.publish] == ["Draft"]


async def test_comments_keep_their_status_and_their_threads(imported: ImportSummary, target: Any) -> None:
    """26 approved, 3 waiting, 4 pings and trackbacks; answers come after what they answer, ten deep."""
    comments = [comment for kept in target.kept.values() for comment in kept.comments]
    counts = Counter(each.status if each.kind == "comment" else "ping" for each in comments)
    parents = {each.key: each.parent for each in comments}
    deepest = next(each for each in comments if each.text.startswith("Comment Depth 10"))

    depth, above = 1, deepest.parent
    while above:
        depth, above = depth + 1, parents[above]

    assert counts == {"approved": 26, "waiting": 3, "ping": 4}
    assert depth == 10
    for kept in target.kept.values():
        keys = [each.key for each in kept.comments]
        assert all(each.parent is None or keys.index(each.parent) < keys.index(each.key) for each in kept.comments)


async def test_pages_lie_under_their_parents(imported: ImportSummary, target: Any) -> None:
    """A page comes after its parent, also where the file has them the other way round."""
    level = [target.by_slug("blog.page", f"level-{number}") for number in (1, 2, 3)]

    assert "parent" not in level[0].data
    assert level[1].data["parent"] == level[0].id
    assert level[2].data["parent"] == level[1].id


async def test_categories_lie_under_their_parents(imported: ImportSummary, target: Any) -> None:
    """A grandchild points at its parent, which points at its own."""
    grandchild = target.by_slug("blog.category", "grandchild-category")
    child = target.by_slug("blog.category", "child-category-03")

    assert grandchild.data["parent"] == child.id
    assert child.data["parent"] == target.by_slug("blog.category", "parent-category").id
    assert grandchild.data["description"] == "This is a description for the Grandchild Category."


async def test_slugs_in_other_scripts_are_decoded(imported: ImportSummary, target: Any) -> None:
    """WordPress percent-encodes a Greek slug; ours is read as it is written."""
    assert target.by_slug("blog.page", "επίπεδο-3").data["parent"] == target.by_slug("blog.page", "επίπεδο-2").id


async def test_a_protected_post_shows_no_text(imported: ImportSummary, target: Any) -> None:
    """The body behind a password goes into the private field; nothing of it stays readable."""
    (protected,) = [post for post in target.of_type("blog.post") if post.data["protected"]]

    assert protected.publish is True
    assert "until the password is entered" in protected.data["protected_body"]
    assert "body" not in protected.data
    assert "excerpt" not in protected.data


async def test_odd_posts_come_through(imported: ImportSummary, target: Any) -> None:
    """No title, no text, markup in the title, a word of 85 letters, 45 tags: all are written."""
    titles = {post.data["slug"]: post.data.get("title") for post in target.of_type("blog.post") if "slug" in post.data}

    assert titles["edge-case-no-title"] is None
    assert "body" not in target.by_slug("blog.post", "edge-case-no-content").data
    assert titles["markup-title-with-markup"] == "Markup: Title With Markup"
    assert (titles["title-with-special-characters"] or "").endswith(r"""~`!@#$%^&*()-_=+{}[]/\;:'"?,.>""")
    assert len(titles["title-should-not-overflow-the-content-area"] or "") == 85
    assert len(target.by_slug("blog.post", "edge-case-many-tags").data["post_tags"]) == 45


async def test_dates_formats_and_images_are_kept(imported: ImportSummary, target: Any) -> None:
    """A post has its day, its format, its featured image from where it is, and whether it stays on top."""
    assert target.by_slug("blog.post", "template-sticky").data["sticky"] is True
    assert target.by_slug("blog.post", "post-format-quote").data["format"] == "quote"
    assert target.by_slug("blog.post", "keyboard-navigation").data["posted_at"] == "2018-10-21T03:03:48Z"
    image = target.by_slug("blog.post", "template-featured-image-horizontal").data["image"]
    assert image.startswith("https://wpthemetestdata.files.wordpress.com/")


async def test_a_stray_character_before_a_login_does_not_make_an_author(imported: ImportSummary, target: Any) -> None:
    """One post of the file has the creator ``>themereviewteam``."""
    post = target.by_slug("blog.post", "block-category-common")

    assert post.data["author"] == target.by_slug("blog.author", "themereviewteam").id
    assert any("'>themereviewteam'" in note for note in imported.notes)


async def test_progress_reaches_the_end(imported: ImportSummary, target: Any) -> None:
    """Each post and page moves the bar once."""
    assert target.steps == [(step, 79) for step in range(1, 80)]


async def test_a_locale_can_be_named(theme_test: Path, target: Any) -> None:
    """``--option locale=el`` writes the texts into that locale and publishes it alone."""
    await WordPress().run(theme_test, target, {"locale": "el"})
    post = next(kept for kept in target.of_type("blog.post") if kept.data.get("slug") == {"el": "template-sticky"})

    assert post.data["title"] == {"el": "Template: Sticky"}
    assert post.publish == ("el",)
