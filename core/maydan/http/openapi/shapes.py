"""Shapes that routes name in their declarations only for the document: what they stand for is known at run time."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from msgspec import UNSET, Struct, UnsetType

T = TypeVar("T")


class Page(Struct, Generic[T], frozen=True, kw_only=True):
    """One page of a list."""

    items: list[T]
    next: str | None
    """The cursor of the next page; null on the last one."""
    total: int | UnsetType = UNSET
    """With ``count=exact``."""


Json = dict[str, Any]
"""A part of the document."""
