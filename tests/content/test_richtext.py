from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from value_inputs import create  # pyright: ignore[reportMissingImports] - tests/support

from maydan.content.richtext import is_tangled, sanitize
from maydan.content.spaces import Space
from maydan.content.types import ContentType


def test_rich_text_is_sanitised_at_writing(article: ContentType, space: Space) -> None:
    """Scripts, handlers, styles, frames and foreign schemes go; structure and languages of code stay."""
    html = (
        '<h2 style="x">T</h2><script>alert(1)</script><p onclick="x" class="big language-py">a<br>b</p>'
        '<a href="javascript:alert(1)">x</a><a href="/y" rel="opener" target="_blank">y</a>'
        '<img src="z.png" onerror="x" alt="z">'
        "<iframe src=//evil></iframe><style>p{}</style><table><tbody><tr><td>1</td></tr></tbody></table>"
    )
    stored = create(article, space, {"body": html})["body"]["en"]
    for gone in ("script", "style", "onclick", "onerror", "javascript", "iframe", "evil", "big", "target", '"opener'):
        assert gone not in stored
    for kept in ("<h2>T</h2>", 'class="language-py"', '<a href="/y"', 'alt="z"', "<td>1</td>", "noopener"):
        assert kept in stored
    assert create(article, space, {"body": stored})["body"]["en"] == stored


@given(html=st.text())
def test_sanitising_twice_changes_nothing(html: str, article: ContentType, space: Space) -> None:
    """What a GET gave can be put back unchanged."""
    assert sanitize(sanitize(html)) == sanitize(html)


@pytest.mark.parametrize(
    ("html", "tangled"),
    [
        ("<div>" * 5001, True),
        ("<div><!--</div>-->" * 5001, True),
        ('<div><x a="</div>">' * 5001, True),
        ("<div><textarea></div></textarea>" * 5001, True),
        ("<div></x>" * 5001, True),
        ("".join(f"<b a={number}>" for number in range(1100)) + "<p>x" * 1100, True),
        ('<div class="a"><p>One <b>bold</b> word.<br>And <i>more</i><hr/></div><!-- wp:more -->\n' * 6000, False),
        ("<ul>" + "<li>a < b <p>c" * 10_000 + "</ul>", False),
        ("<iframe src='https://example.com/?a=1'></iframe><p>after</p>" * 1000, False),
    ],
)
def test_elements_inside_of_each_other_are_bounded(html: str, tangled: bool) -> None:
    """To sanitise a hundred thousand took longer than a worker may be silent; plain pages of any length pass."""
    assert is_tangled(html) is tangled
