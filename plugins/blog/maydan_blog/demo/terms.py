"""What the magazine's posts are about."""

from __future__ import annotations

from typing import Final

from maydan_blog.demo.writing import both, link, named

TERMS: Final = (
    named(
        "blog.category",
        "the-city",
        ("The city", "المدينة"),
        description=both(
            (
                "Streets, benches, shade: what belongs to nobody and therefore to everybody.",
                "الشوارع والمقاعد والظلّ: ما لا يملكه أحد فهو للجميع.",
            )
        ),
    ),
    named(
        "blog.category",
        "crafts",
        ("Crafts", "حِرَف"),
        parent=link("the-city"),
        description=both(("People who make and mend.", "أناس يصنعون ويُصلحون.")),
    ),
    named(
        "blog.category",
        "the-table",
        ("The table", "المائدة"),
        description=both(
            (
                "What is cooked around the square, and how.",
                "ما يُطبخ حول الميدان، وكيف يُطبخ.",
            )
        ),
    ),
    named("blog.tag", "morning", ("morning", "صباح")),
    named("blog.tag", "bread", ("bread", "خبز")),
    named("blog.tag", "tea", ("tea", "شاي")),
    named("blog.tag", "shade", ("shade", "ظلّ")),
    named("blog.tag", "repair", ("repair", "إصلاح")),
    named("blog.tag", "walking", ("walking", "مشي")),
)
