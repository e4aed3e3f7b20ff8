"""The magazine's short pieces: a status, a protected post and a draft."""

from __future__ import annotations

from typing import Final

from maydan_blog.demo.writing import both, link, post

SHORTS: Final = (
    post(
        "seen-on-the-notice-board",
        title=("Seen on the notice board", "قرأناه على لوحة الإعلانات"),
        excerpt=(
            "“Found: one glove, left. The owner will know which hand is cold.”",
            "«عُثر على قفّاز واحد، الأيسر. وصاحبه يعرف أيّ يديه باردة».",
        ),
        body=both(
            (
                """
<p>“Found: one glove, left. The owner will know which hand is cold.”</p>
<p>Below it, in another hand: “Lost: one glove, right. We should meet.”</p>
""",
                """
<p>«عُثر على قفّاز واحد، الأيسر. وصاحبه يعرف أيّ يديه باردة».</p>
<p>وتحته بخطٍّ آخر: «ضاع قفّاز واحد، الأيمن. ينبغي أن نلتقي».</p>
""",
            )
        ),
        day="2026-11-13T06:45:00Z",
        author=link("samir-aziz"),
        about=("the-city",),
        format="status",
    ),
    post(
        "the-recipe-we-do-not-print",
        title=("The recipe we do not print", "الوصفة التي لا ننشرها"),
        excerpt=(
            "Um Yusuf gave us her pickled turnips on one condition. Friends of the magazine may read on.",
            "أعطتنا أمّ يوسف وصفة طُرشي الشلغم بشرطٍ واحد. ولأصدقاء المجلّة أن يكملوا القراءة.",
        ),
        day="2026-11-16T10:00:00Z",
        author=link("noor-haddad"),
        about=("the-table",),
        protected=True,
        protected_body=both(
            (
                """
<p>A kilo of turnips, one beetroot for the colour, and a spoon of date syrup in the brine. The condition was that we
never tell her sister.</p>
""",
                """
<p>كيلو شلغم، وحبّة شوندر واحدة للّون، وملعقة دبس تمر في ماء الملح. وكان الشرط ألّا نخبر أختها أبدًا.</p>
""",
            )
        ),
    ),
    post(
        "notes-for-the-winter-issue",
        title=("Notes for the winter issue", "ملاحظات لعدد الشتاء"),
        excerpt=("A draft: only who may read drafts finds it.", "مسوّدة: لا يجدها إلّا من يُسمح له بقراءة المسوّدات."),
        body=both(
            (
                """
<p>Who sweeps the square after the book fair? Ask the pigeons. Ask the sweepers first.</p>
""",
                """
<p>من يكنس الميدان بعد معرض الكتاب؟ اسألوا الحمام. واسألوا الكنّاسين قبله.</p>
""",
            )
        ),
        day="2026-12-04T08:00:00Z",
        author=link("samir-aziz"),
        about=("the-city",),
        post_tags=[link("morning")],
        publish=False,
    ),
)
