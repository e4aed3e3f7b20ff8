"""Who writes the magazine; both are invented."""

from __future__ import annotations

from typing import Final

from maydan_blog.demo.writing import both, named

PEOPLE: Final = (
    named(
        "blog.author",
        "noor-haddad",
        ("Noor Haddad", "نور حدّاد"),
        bio=both(
            (
                "Noor has written about streets, bread and buses for fifteen years, mostly on foot.",
                "تكتب نور منذ خمسة عشر عامًا عن الشوارع والخبز والحافلات، وأغلب ما تكتبه تجمعه مشيًا على قدميها.",
            )
        ),
        email="noor@magazine.example",
    ),
    named(
        "blog.author",
        "samir-aziz",
        ("Samir Aziz", "سمير عزيز"),
        bio=both(
            (
                "Samir draws the maps of this magazine, and repairs whatever is brought to him with a screw in it.",
                "يرسم سمير خرائط هذه المجلّة، ويُصلح كلّ ما يُحمل إليه ما دام فيه برغيّ.",
            )
        ),
        email="samir@magazine.example",
    ),
)
