"""Content of posts: paragraphs, shortcodes, blocks and embedded media become HTML that stands on its own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maydan_blog.wordpress.autop import paragraphs
from maydan_blog.wordpress.markup import convert, plain
from maydan_blog.wordpress.records import Item


def html_of(content: str, **attachments: Item) -> str:
    """Return what the content of a post becomes."""
    return convert(Item(id="1", type="post", content=content), attachments).html


def left_out(content: str) -> dict[str, int]:
    """Return what of a content is not kept."""
    return dict(convert(Item(id="1", type="post", content=content), {}).left_out)


@pytest.mark.parametrize(
    ("classic", "html"),
    [
        ("one\n\ntwo", "<p>one</p>\n<p>two</p>"),
        ("one\ntwo", "<p>one<br />\ntwo</p>"),
        ("one\r\n\r\n\r\ntwo", "<p>one</p>\n<p>two</p>"),
        ("before\n<ul>\n\t<li>a</li>\n</ul>\nafter", "<p>before</p>\n<ul>\n<li>a</li>\n</ul>\n<p>after</p>"),
        ("<pre>a\n\nb</pre>", "<pre>a\n\nb</pre>"),
        ("<pre>never closed\n\nb", "<pre>never closed\n<p>b</p>"),
        ('<img\nsrc="/a.png"> x', '<p><img\nsrc="/a.png"> x</p>'),
        ("", ""),
    ],
)
def test_classic_text_gets_its_paragraphs(classic: str, html: str) -> None:
    """Blank lines end paragraphs, line breaks stay, block elements and preformatted text are left alone."""
    assert paragraphs(classic) == html


@given(st.text(alphabet="ab <>/p\n&", max_size=200))
def test_paragraphs_lose_no_words(text: str) -> None:
    """Whatever the text, every letter of it comes out in its order."""
    marks = str.maketrans("", "", " \n\r\t")
    with_marks = paragraphs(text)
    without = with_marks.replace("<br />", "").replace("<p>", "").replace("</p>", "")

    kept = text.replace("<br />", "").replace("<p>", "").replace("</p>", "")
    assert without.translate(marks) == kept.translate(marks)


def test_block_comments_go_and_their_html_stays() -> None:
    """What the block editor writes around its blocks is of no use to readers."""
    content = '<!-- wp:paragraph {"align":"left"} -->\n<p>Hello</p>\n<!-- /wp:paragraph -->'

    assert html_of(content) == "<p>Hello</p>"


def test_blocks_that_are_filled_in_later_are_counted() -> None:
    """The file holds nothing of them, and the summary says so."""
    assert left_out('<!-- wp:latest-posts {"n":5} /--><!-- wp:search /-->') == {
        "block latest-posts": 1,
        "block search": 1,
    }


@pytest.mark.parametrize(
    "content",
    [
        '<iframe src="https://video.example/1?a=1&amp;b=2"></iframe>',
        '<!-- wp:embed {"url":"https://video.example/1?a=1&b=2"} /-->',
        '<object><param name="movie"><embed src="https://video.example/1?a=1&amp;b=2"></embed></object>',
        '<video controls><source src="https://video.example/1?a=1&amp;b=2"></video>',
        "[embed]https://video.example/1?a=1&b=2[/embed]",
        '[video mp4="https://video.example/1?a=1&b=2"][/video]',
        "[audio https://video.example/1?a=1&b=2]",
        "<p>https://video.example/1?a=1&amp;b=2</p>",
        "Look:\n\nhttps://video.example/1?a=1&amp;b=2\n\nNice.",
    ],
)
def test_embedded_media_become_links(content: str) -> None:
    """Frames, films and bare addresses that WordPress would embed stay reachable."""
    address = "https://video.example/1?a=1&amp;b=2"

    assert f'<a href="{address}">{address}</a>' in html_of(content)


def test_an_address_within_words_or_code_stays_text() -> None:
    """Only what stands alone was meant to be embedded."""
    content = "<p>See https://a.example now</p>\n<pre>https://b.example</pre>"

    assert html_of(content) == content


def test_captions_become_figures() -> None:
    """Both forms of WordPress' caption, with the link around the image."""
    new = '[caption id="a"]<a href="/x"><img src="/x.png" /></a> Some <em>words</em>[/caption]'
    old = '[caption id="a" caption="Some words"]<img src="/x.png" />[/caption]'

    assert '<figure><a href="/x"><img src="/x.png" /></a>\n<figcaption>Some <em>words</em></figcaption>' in html_of(new)
    assert '<figure><img src="/x.png" />\n<figcaption>Some words</figcaption>' in html_of(old)


def test_galleries_show_the_images_they_name() -> None:
    """By ids, or all that is attached to the post; an image that is not in the file is counted."""
    image = Item(id="5", type="attachment", parent="1", attachment_url="https://a.example/5.png", excerpt="Five")

    for gallery in ('[gallery ids="5"]', "[gallery]"):
        html = html_of(gallery, **{"5": image})
        assert '<img src="https://a.example/5.png" alt="">' in html
        assert "Five" in html
    assert left_out('[gallery ids="9"]') == {"gallery image": 1}


def test_unknown_and_escaped_shortcodes_stay_as_written() -> None:
    """What another WordPress plugin would have shown is for the editor to see."""
    assert html_of("<p>[contact-form x=1] [[gallery]]</p>") == "<p>[contact-form x=1] [gallery]</p>"


def test_scripts_go_and_are_counted() -> None:
    """Nothing that runs comes along; the words in a form do."""
    content = "<p>a</p>\n<script>alert(1)</script>\n<form>\n<p>b</p>\n<input></form>"

    assert html_of(content).split() == ["<p>a</p>", "<p>b</p>"]
    assert left_out(content) == {"<script>": 1, "<form>": 1, "<input>": 1}


def test_the_teaser_is_what_stands_before_more() -> None:
    """It becomes the excerpt; the mark itself leaves nothing behind."""
    converted = convert(Item(id="1", type="post", content="One <b>two</b>.\n\n<!--more-->\n\nThree."), {})

    assert converted.teaser == "One two."
    assert converted.html == "<p>One <b>two</b>.</p>\n<p>Three.</p>"


def test_pages_of_a_post_are_kept_apart_by_a_rule() -> None:
    """A text in several pages is one text here."""
    assert html_of("One\n<!--nextpage-->\nTwo") == "<p>One</p>\n<hr>\n<p>Two</p>"


def test_plain_text_keeps_words_links_and_lines() -> None:
    """Comments are plain text: markup goes, addresses and line breaks stay."""
    html = 'A &laquo;b&#8217;\n<blockquote>c</blockquote><a href="https://x.example/">x</a> <img src="/i.png" alt="I">'

    assert plain(html) == "A «b’\n\nc\nx (https://x.example/) I (/i.png)"


@pytest.mark.parametrize("hostile", ["<!--", "<!-- wp:a {", "[caption ", "<p", "<pre>", "<iframe ", "&", "\n\n<p>"])
def test_hostile_markup_is_read_in_time(hostile: str) -> None:
    """Nothing here looks at a text again and again for an end that never comes."""
    assert isinstance(html_of(hostile * 30_000), str)


@pytest.mark.parametrize("hostile", ["<a ", "<!--", "<b x='"])
def test_hostile_comments_are_read_in_time(hostile: str) -> None:
    """The same holds for plain text."""
    assert isinstance(plain(hostile * 30_000), str)
