"""What a blog refuses; pure decisions about entries as hooks show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maydan.plugin import HookRefused, InputError, InvalidInput
from maydan_blog.types import CATEGORY, PAGE, POST

if TYPE_CHECKING:
    from maydan.plugin import EntryState

_TREES = frozenset({CATEGORY, PAGE})
_WRITTEN = frozenset({POST, PAGE})


def refuse_own_parent(entry: EntryState) -> None:
    """Keep a category or page from being its own parent.

    Raises:
        InvalidInput: At ``/parent``.
    """
    if entry.type in _TREES and entry.fields.get("parent") == entry.id:
        message = "Nothing lies under itself: choose another parent."
        raise InvalidInput(message, errors=(InputError("/parent", "own_parent", message),))


def refuse_open_text(entry: EntryState, locales: tuple[str, ...]) -> None:
    """Keep the text of a protected post or page from being published where everybody reads it.

    Raises:
        InvalidInput: At ``/body`` in each locale that has one.
    """
    if entry.type not in _WRITTEN or not entry.fields.get("protected"):
        return
    message = "A protected text is not published: move it to protected_body, or take the protection off."
    bodies: dict[str, str] = entry.fields.get("body") or {}
    readable = {*locales, *entry.locales}
    errors = tuple(
        InputError(f"/body/{each}", "protected_text", message) for each in bodies if bodies[each] and each in readable
    )
    if errors:
        raise InvalidInput(message, errors=errors)


def refuse_closed_comments(entry: EntryState) -> None:
    """Keep comments off posts and pages whose comments are closed.

    Raises:
        HookRefused: They are.
    """
    if entry.type in _WRITTEN and not entry.fields.get("comments_open"):
        raise HookRefused("Comments are closed here.", code="comments_closed")
