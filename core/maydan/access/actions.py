"""Actions: what an actor may do. The core's own are listed here; plugins and workflows add theirs by name."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class Action(StrEnum):
    """The core's actions, as policies name them."""

    COMMENT = "comment"
    CREATE = "create"
    DELETE = "delete"
    MANAGE_MEMBERS = "manage:members"
    MANAGE_ROLES = "manage:roles"
    MANAGE_SPACE = "manage:space"
    MANAGE_TYPES = "manage:types"
    MANAGE_WEBHOOKS = "manage:webhooks"
    PUBLISH = "publish"
    READ = "read"
    READ_AUDIT = "read:audit"
    READ_DRAFT = "read_draft"
    UPDATE = "update"


ANY: Final = "*"
"""Every action, or every content type, or every field but private ones, depending on where it stands."""

ANY_TRANSITION: Final = "transition:*"
"""Every step of every workflow."""

READING: Final = frozenset({"read", "read_draft"})
"""Actions whose field set says what may be read; a ``secret`` field is never in it."""

WRITING: Final = frozenset({"create", "update"})
"""Actions whose field set says what may be written."""

CONTENT: Final = (
    "read", "read_draft", "create", "update", "delete", "publish", "comment", ANY_TRANSITION,
)  # fmt: skip
"""Everything that is done with entries, as against settings."""

SPACE_LEVEL: Final = frozenset(
    {"manage:members", "manage:roles", "manage:space", "manage:types", "manage:webhooks", "read:audit"}
)
"""Actions on a space itself, which no type and no row narrows."""

_CORE: Final = frozenset(action.value for action in Action)
_WORD: Final = "[a-z][a-z0-9_-]{0,62}"
_ACTION_NAME: Final = re.compile(rf"transition:(\*|{_WORD})|{_WORD}(\.{_WORD}){{1,3}}")


def is_action(name: str) -> bool:
    """Tell whether a policy may name this: an action of ours, ``*``, ``transition:x`` or a plugin's ``blog.import``."""
    return name == ANY or name in _CORE or _ACTION_NAME.fullmatch(name) is not None


def covers(named: str, action: str) -> bool:
    """Tell whether an action named in a policy stands for the action that is asked for."""
    if named in (ANY, action):
        return True
    return named == ANY_TRANSITION and action.startswith("transition:")
