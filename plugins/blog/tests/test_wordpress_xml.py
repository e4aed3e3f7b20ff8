"""Reading export files: what is taken, what is refused and how clearly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from maydan.plugin import Malformed
from maydan_blog.wordpress.wxr import read_items, read_outline
from maydan_blog.wordpress.xml import CHUNK_BYTES, ChannelReader

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:excerpt="{scheme}://wordpress.org/export/{version}/excerpt/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:wp="{scheme}://wordpress.org/export/{version}/"><channel>"""
TAIL = "</channel></rss>"


def wxr(inner: str, *, version: str = "1.2", scheme: str = "http") -> str:
    """Return an export that holds this."""
    head = HEAD.format(scheme=scheme, version=version)
    return f"{head}<wp:wxr_version>{version}</wp:wxr_version>{inner}{TAIL}"


def written(folder: Path, content: str | bytes) -> Path:
    """Write a file and return where it is."""
    path = folder / "export.xml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(("version", "scheme"), [("1.0", "http"), ("1.1", "http"), ("1.2", "https")])
def test_every_version_of_the_format_is_read(tmp_path: Path, version: str, scheme: str) -> None:
    """The namespace changed with each version; the elements did not."""
    inner = "<item><title>Hello</title><wp:post_id>7</wp:post_id><wp:post_type>post</wp:post_type></item>"
    path = written(tmp_path, wxr(inner, version=version, scheme=scheme))

    (item,) = read_items(path)

    assert (item.id, item.title) == ("7", "Hello")
    assert read_outline(path).site.version == version


def test_text_in_any_script_is_read_as_it_is(tmp_path: Path) -> None:
    """Arabic with its marks, emoji of several code points and CDATA around markup."""
    title, body = "مُحَمَّد في السوق", "<p>قهوة ☕ و 👩🏽‍🍳</p>"
    inner = f"<item><title>{title}</title><content:encoded><![CDATA[{body}]]></content:encoded></item>"

    (item,) = read_items(written(tmp_path, wxr(inner)))

    assert (item.title, item.content) == (title, body)


def test_a_character_may_lie_across_two_chunks(tmp_path: Path) -> None:
    """The file is read in pieces; what is cut is put together again."""
    text = "س" * CHUNK_BYTES
    (item,) = read_items(written(tmp_path, wxr(f"<item><content:encoded>{text}</content:encoded></item>")))

    assert item.content == text


def test_control_characters_are_left_out_and_counted(tmp_path: Path) -> None:
    """WordPress exports what its database holds, also what XML forbids."""
    path = written(tmp_path, wxr("<item><title>a\x0bb\x00c</title></item>"))

    assert read_outline(path).strays == 2
    assert next(read_items(path)).title == "abc"


def test_blank_lines_before_the_declaration_do_no_harm(tmp_path: Path) -> None:
    """Many exports begin with an empty line that some theme printed."""
    assert read_outline(written(tmp_path, f"\ufeff\n\n{wxr('')}")).site.version == "1.2"


def test_dates_of_nothing_are_no_dates(tmp_path: Path) -> None:
    """Drafts have zeros for a date, and a year before Christ in the feed's own element."""
    inner = (
        "<item><pubDate>Mon, 30 Nov -0001 00:00:00 +0000</pubDate>"
        "<wp:post_date_gmt>0000-00-00 00:00:00</wp:post_date_gmt></item>"
    )
    (item,) = read_items(written(tmp_path, wxr(inner)))

    assert item.posted_at is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "export.xml, line 1: .* not XML"),
        ("{}", "not XML"),
        ("<html><body/></html>", "begins with <html>"),
        ('<rss version="2.0"><channel><title>News</title></channel></rss>', "feed and not a WordPress export"),
        (wxr("<item><title>open"), "export.xml, line 4: .* not XML"),
        (wxr("<item><title>a & b</title></item>"), "not XML"),
        (b"PK\x03\x04rest", "zip archive; unpack it"),
        (b"<rss>\xff\xfe</rss>", "not XML"),
        ('<!DOCTYPE rss [<!ENTITY a "b">]><rss>&a;</rss>', "document type declaration"),
        ('<!DOCTYPE rss SYSTEM "http://127.0.0.1:9/x.dtd"><rss/>', "document type declaration"),
        (wxr("<a>" * 5000 + "</a>" * 5000), "more than 32 deep"),
    ],
)
def test_what_is_no_export_is_refused_with_its_place(tmp_path: Path, content: str | bytes, reason: str) -> None:
    """One clear sentence, and neither an entity nor anything outside the file is ever looked at."""
    with pytest.raises(Malformed, match=reason):
        read_outline(written(tmp_path, content))


def test_a_missing_file_is_one_clear_sentence(tmp_path: Path) -> None:
    """The reason is the system's."""
    with pytest.raises(Malformed, match="No such file"):
        list(ChannelReader(tmp_path / "none.xml").children())
