"""Exports that are not tidy: what is missing, circular or refused is noted, and the rest comes along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from maydan.plugin import InvalidInput, Malformed
from maydan_blog.wordpress.importer import WordPress

if TYPE_CHECKING:
    from pathlib import Path

    from maydan.plugin import ImportSummary

pytestmark = pytest.mark.anyio

HEAD = """<rss xmlns:wp="http://wordpress.org/export/1.2/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
 <wp:wxr_version>1.2</wp:wxr_version><wp:base_blog_url>https://Example.com/blog/</wp:base_blog_url>"""


def item(id: int, type: str = "post", **fields: Any) -> str:
    """Return one item of an export."""
    inner = fields.pop("inner", "")
    given = {"post_id": id, "post_type": type, "status": "publish", "post_name": f"{type}-{id}", **fields}
    return f"<item>{''.join(f'<wp:{name}>{value}</wp:{name}>' for name, value in given.items())}{inner}</item>"


async def run(folder: Path, target: Any, *parts: str) -> ImportSummary:
    """Import an export of these items."""
    path = folder / "export.xml"
    path.write_text(f"{HEAD}{''.join(parts)}</channel></rss>", encoding="utf-8")
    return await WordPress().run(path, target, {})


async def test_keys_name_the_site(tmp_path: Path, target: Any) -> None:
    """Two sites have a post 7 each; the scheme and a closing slash do not make another site."""
    await run(tmp_path, target, item(7))

    assert list(target.kept) == ["wordpress:example.com/blog:post:7"]


async def test_pages_in_a_circle_are_written(tmp_path: Path, target: Any) -> None:
    """Neither waits for ever for the other, and the summary tells."""
    summary = await run(tmp_path, target, item(1, "page", post_parent=2), item(2, "page", post_parent=1))

    assert summary.created == {"blog.page": 2}
    assert any("under itself" in note for note in summary.notes)


async def test_a_page_whose_parent_is_missing_is_a_top_page(tmp_path: Path, target: Any) -> None:
    """An export of some pages only is an export."""
    summary = await run(tmp_path, target, item(1, "page", post_parent=99))

    assert "parent" not in target.by_slug("blog.page", "page-1").data
    assert any("is not in the file" in note for note in summary.notes)


async def test_pages_of_one_slug_are_numbered(tmp_path: Path, target: Any) -> None:
    """WordPress tells them apart by their parents; we number the later one and say so."""
    about = {"post_name": "about"}
    summary = await run(tmp_path, target, item(1, "page", **about), item(2, "page", post_parent=1, **about))

    assert [kept.data["slug"] for kept in target.of_type("blog.page")] == ["about", "about-2"]
    assert any("about-2" in note for note in summary.notes)


@pytest.mark.parametrize(
    ("status", "live", "noted"),
    [
        ("publish", True, False),
        ("future", True, False),
        ("draft", False, False),
        ("pending", False, True),
        ("private", False, True),
    ],
)
async def test_what_readers_did_not_see_stays_a_draft(
    tmp_path: Path, target: Any, status: str, live: bool, noted: bool
) -> None:
    """Private and pending posts never become readable by being imported."""
    summary = await run(tmp_path, target, item(1, status=status))

    assert target.by_slug("blog.post", "post-1").publish is live
    assert any(f"is {status} in WordPress" in note for note in summary.notes) is noted


async def test_the_trash_is_not_taken(tmp_path: Path, target: Any) -> None:
    """What was thrown away is counted, not brought back."""
    summary = await run(tmp_path, target, item(1, status="trash"), item(2, "wp_template"))

    assert {(each.kind, each.count) for each in summary.skipped} == {("post", 1), ("wp_template", 1)}


async def test_comments_that_are_not_for_readers_are_counted(tmp_path: Path, target: Any) -> None:
    """Trash, empty ones and a plugin's private notes; an answer to one of them stands on its own."""
    comments = [
        {"id": 1, "content": "thrown away", "approved": "trash"},
        {"id": 2, "content": "answer", "approved": "1", "parent": 1},
        {"id": 3, "content": " ", "approved": "1"},
        {"id": 4, "content": "card 4242", "approved": "1", "type": "order_note"},
        {"id": 5, "content": "buy", "approved": "spam"},
    ]
    parts = (
        "".join(f"<wp:comment_{name}>{value}</wp:comment_{name}>" for name, value in each.items()) for each in comments
    )
    inner = "".join(f"<wp:comment>{part}</wp:comment>" for part in parts)
    summary = await run(tmp_path, target, item(1, inner=inner))
    taken = target.by_slug("blog.post", "post-1").comments

    assert [(each.text, each.status, each.parent) for each in taken] == [
        ("answer", "approved", None),
        ("buy", "spam", None),
    ]
    assert sum(each.count for each in summary.skipped if each.kind == "comment") == 3


async def test_what_the_space_refuses_does_not_stop_the_rest(tmp_path: Path, target: Any) -> None:
    """One entry that does not fit is in the summary with the reason."""
    put = target.put

    async def refusing(type: str, key: str, data: dict[str, Any], **rest: Any) -> Any:
        if key.endswith(":1"):
            raise InvalidInput("/title must have at most 200 characters.")
        return await put(type, key, data, **rest)

    target.put = refusing
    summary = await run(tmp_path, target, item(1), item(2))

    assert summary.created == {"blog.post": 1}
    assert [(each.kind, each.reason) for each in summary.skipped] == [
        ("blog.post", "post-1: /title must have at most 200 characters.")
    ]


async def test_an_unknown_option_is_refused(tmp_path: Path, target: Any) -> None:
    """A typo in an option would otherwise import into the wrong place."""
    with pytest.raises(Malformed, match="no option 'local'; it has: locale"):
        await WordPress().run(tmp_path / "x.xml", target, {"local": "ar"})
