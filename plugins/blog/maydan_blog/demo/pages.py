"""The magazine's pages."""

from __future__ import annotations

from typing import Final

from maydan.plugin import DemoEntry
from maydan_blog.demo.writing import both, link

PAGES: Final = (
    DemoEntry(
        type="blog.page",
        key="about",
        data={
            "slug": {"en": "about"},
            "title": both(("About this magazine", "عن هذه المجلّة")),
            "body": both(
                (
                    """
<p>A <em>maydan</em> is the open square of a town, where the market, the kitchens, the talk and the notices are.
This magazine goes there once a week and writes down what it sees.</p>
<p>Its people and places are invented; the tea is real.</p>
""",
                    """
<p>الميدان ساحة المدينة المفتوحة، فيها السوق والمطابخ والأحاديث والإعلانات. وهذه المجلّة تذهب إليه مرّة كلّ أسبوع
وتكتب ما ترى.</p>
<p>أناسها وأماكنها من نسج الخيال؛ أمّا الشاي فحقيقي.</p>
""",
                )
            ),
            "position": 1,
        },
    ),
    DemoEntry(
        type="blog.page",
        key="write-for-us",
        data={
            "slug": {"en": "write-for-us"},
            "title": both(("Write for us", "اكتب لنا")),
            "body": both(
                (
                    """
<p>Send us eight hundred words about a place that you cross every day and have never looked at. We answer everyone,
though slowly.</p>
""",
                    """
<p>أرسل إلينا ثمانمئة كلمة عن مكان تعبره كلّ يوم ولم تنظر إليه قطّ. نردّ على الجميع، وإن أبطأنا.</p>
""",
                )
            ),
            "parent": link("about"),
            "position": 1,
        },
    ),
)
