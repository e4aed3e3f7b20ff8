"""The roles that a space with a blog can give."""

from __future__ import annotations

from typing import Final

from maydan.plugin import PolicyInput, Role
from maydan_blog.types import AUTHOR, CATEGORY, PAGE, POST, TAG

_WRITE: Final = ("read", "read_draft", "create", "update", "delete", "publish", "comment")
_OWN: Final = {"created_by": {"eq": "$actor.id"}}

EDITOR: Final = Role(
    name="blog.editor",
    title="Blog editor",
    inherits=("member",),
    policies=(
        *(PolicyInput(effect="allow", type=name, actions=_WRITE) for name in (POST, PAGE, CATEGORY, TAG, AUTHOR)),
        *(PolicyInput(effect="allow", type=name, actions=_WRITE, fields=("protected_body",)) for name in (POST, PAGE)),
        PolicyInput(effect="allow", type=AUTHOR, actions=_WRITE, fields=("email",)),
    ),
)
"""Everything in the blog, protected texts and authors' addresses included."""

WRITER: Final = Role(
    name="blog.writer",
    title="Blog writer",
    inherits=("member",),
    policies=(
        PolicyInput(effect="allow", type=POST, actions=("create",)),
        PolicyInput(effect="allow", type=POST, actions=("read_draft", "update", "delete", "publish"), condition=_OWN),
        *(PolicyInput(effect="allow", type=name, actions=("read",)) for name in (CATEGORY, TAG, AUTHOR)),
    ),
)
"""Their own posts, from the first draft to the publication."""

ROLES: Final = (EDITOR, WRITER)
