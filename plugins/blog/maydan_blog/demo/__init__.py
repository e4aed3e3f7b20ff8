"""A small magazine in English and Arabic, with which ``maydan demo`` shows what the blog does."""

from __future__ import annotations

from typing import Final

from maydan.plugin import DemoContent
from maydan_blog.demo.features import FEATURES
from maydan_blog.demo.pages import PAGES
from maydan_blog.demo.people import PEOPLE
from maydan_blog.demo.shorts import SHORTS
from maydan_blog.demo.stories import STORIES
from maydan_blog.demo.terms import TERMS

MAGAZINE: Final = DemoContent(entries=(*PEOPLE, *TERMS, *STORIES, *FEATURES, *SHORTS, *PAGES))
"""Oldest first, since the newest entry heads a list."""
