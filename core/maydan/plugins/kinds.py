"""The kinds of hooks, told apart by the grammar of their names."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class HookKind(StrEnum):
    """What the dispatcher does with a hook; ``hookspecs.py`` says it in words."""

    SETUP = "setup"
    VETO = "veto"
    TRANSFORM = "transform"
    OBSERVE = "observe"
    COLLECT = "collect"
    PROVIDE = "provide"

    @property
    def strict(self) -> bool:
        """Whether a fault of one plugin refuses the whole operation."""
        return self in (HookKind.VETO, HookKind.TRANSFORM)


_PREFIXES: Final = {
    "register_": HookKind.SETUP,
    "check_": HookKind.VETO,
    "transform_": HookKind.TRANSFORM,
    "collect_": HookKind.COLLECT,
    "provide_": HookKind.PROVIDE,
}


def kind_of(hook: str) -> HookKind:
    """Tell the kind of a hook by its name; what has no prefix of the grammar is observed."""
    return next((kind for prefix, kind in _PREFIXES.items() if hook.startswith(prefix)), HookKind.OBSERVE)
