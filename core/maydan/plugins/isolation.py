"""Why a plugin was switched off by the supervisor: told to the worker that replaces the one it stopped."""

from __future__ import annotations

from msgspec import Struct

from maydan.plugins.notes import is_at_start


class Isolation(Struct, frozen=True, kw_only=True):
    """One plugin, what it was doing, and what came of it."""

    what: str
    """``import``, the name of a hook, or ``route GET /path``."""
    reason: str

    @property
    def at_start(self) -> bool:
        """Whether it happened while the plugin was loaded; then it is not loaded."""
        return is_at_start(self.what)
