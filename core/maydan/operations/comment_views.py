"""What is shown of a comment: to readers, to moderators and to hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from maydan.clock import to_text
from maydan.plugins.views import CommentState

if TYPE_CHECKING:
    from maydan.engagement.comments import Comment
    from maydan.operations.scopes import Scope


class CommentView(Struct, frozen=True, kw_only=True):
    """A comment as a reader gets it."""

    id: str
    entry: str
    parent: str | None
    kind: str
    status: str
    text: str
    author: dict[str, str | None]
    """``id`` and ``name``; for moderators ``email`` and ``url`` too."""
    version: int
    created_at: str
    updated_at: str


class CommentPage(Struct, frozen=True, kw_only=True):
    """One page of comments, oldest first."""

    items: list[CommentView]
    next: str | None
    total: int | None


def view_of(comment: Comment, *, moderator: bool) -> CommentView:
    """Return a comment as a reader, or a moderator, gets it."""
    author: dict[str, str | None] = {"id": comment.author_id, "name": comment.author_name}
    if moderator:
        author |= {"email": comment.author_email, "url": comment.author_url}
    return CommentView(
        id=comment.id,
        entry=comment.entry_id,
        parent=comment.parent_id,
        kind=comment.kind,
        status=comment.status,
        text=comment.text,
        author=author,
        version=comment.version,
        created_at=to_text(comment.created_at),
        updated_at=to_text(comment.updated_at),
    )


def state_of(scope: Scope, made: Comment) -> CommentState:
    """Return a comment as hooks see it."""
    return CommentState(
        id=made.id,
        entry=made.entry_id,
        type=scope.type.name,
        space=scope.space.name,
        text=made.text,
        parent=made.parent_id,
        status=made.status,
        author_name=made.author_name,
    )
