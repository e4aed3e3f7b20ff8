"""Counts the SQL statements of a request, where somebody wants to know: development mode and tests."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

COUNTER: Final[ContextVar[list[int]]] = ContextVar("maydan statements")
"""A list with one number, to which the stores add; set by whoever begins to count."""


def count(statements: int = 1) -> None:
    """Note that statements are sent to the database."""
    counter = COUNTER.get(None)
    if counter is not None:
        counter[0] += statements
