"""Which write transaction the running code is inside of."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any


class Current:
    """The open transaction of one store, as the running task and those that it started see it."""

    def __init__(self, name: str) -> None:
        """Name it, for debugging."""
        self._variable: ContextVar[Any | None] = ContextVar(name, default=None)

    def find(self) -> Any | None:
        """Return the transaction, or None outside; one that has ended does not count."""
        found = self._variable.get()
        return found if found is not None and found.is_open else None

    def enter(self, transaction: Any) -> Any:
        """Make it the current one; returns the token for :meth:`leave`."""
        return self._variable.set(transaction)

    def leave(self, token: Any) -> None:
        """Make the one before it current again."""
        self._variable.reset(token)
