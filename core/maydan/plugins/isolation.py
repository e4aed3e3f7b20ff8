"""Why a plugin was switched off by the supervisor: told to the worker that replaces the one it stopped."""

from __future__ import annotations

from msgspec import Struct

from maydan.plugins.notes import AGAIN, is_at_start


class Isolation(Struct, frozen=True, kw_only=True):
    """One plugin, what it was doing, and what came of it."""

    what: str
    """``import``, the name of a hook or ``route GET /path``; ``again`` when it was isolated already."""
    reason: str

    @property
    def keeps_from_loading(self) -> bool:
        """Whether nothing of it may run any more, not even its import."""
        return self.at_start or self.what == AGAIN

    @property
    def at_start(self) -> bool:
        """Whether it happened while the plugin was loaded."""
        return is_at_start(self.what)
