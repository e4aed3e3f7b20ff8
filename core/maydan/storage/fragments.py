"""Pieces of SQL, and how they are joined."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct


class Sql(Struct, frozen=True):
    """A piece of SQL with the values of its question marks."""

    text: str
    args: tuple[Any, ...] = ()


TRUE: Final = Sql("TRUE")
FALSE: Final = Sql("FALSE")


def joined(word: str, parts: list[Sql]) -> Sql:
    """Join pieces by AND or OR."""
    if not parts:
        return TRUE if word == "AND" else FALSE
    if len(parts) == 1:
        return parts[0]
    return Sql(f"({f' {word} '.join(part.text for part in parts)})", tuple(arg for part in parts for arg in part.args))
