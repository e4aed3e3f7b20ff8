"""The blog's answers to the hooks; the work is done in the other modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maydan.plugin import hookimpl
from maydan_blog import rules
from maydan_blog.demo import MAGAZINE
from maydan_blog.roles import ROLES
from maydan_blog.types import CONTENT_TYPES
from maydan_blog.wordpress.importer import WordPress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.plugin import ContentType, DemoContent, EntryState, Importer, Role


@hookimpl
def register_content_types() -> Sequence[ContentType]:
    """Bring posts, pages, categories, tags and authors."""
    return CONTENT_TYPES


@hookimpl
def register_roles() -> Sequence[Role]:
    """Bring the editor and the writer."""
    return ROLES


@hookimpl
def register_importers() -> Sequence[Importer]:
    """Bring ``maydan import wordpress``."""
    return [WordPress()]


@hookimpl
def register_demo_content() -> Sequence[DemoContent]:
    """Bring the magazine of ``maydan demo``."""
    return [MAGAZINE]


@hookimpl
async def check_entry_update(after: EntryState) -> None:
    """Keep categories and pages from lying under themselves."""
    rules.refuse_own_parent(after)


@hookimpl
async def check_entry_publish(entry: EntryState, locales: tuple[str, ...]) -> None:
    """Keep protected texts from being published in the open."""
    rules.refuse_open_text(entry, locales)


@hookimpl
async def check_comment_create(entry: EntryState) -> None:
    """Keep comments off what takes none."""
    rules.refuse_closed_comments(entry)
