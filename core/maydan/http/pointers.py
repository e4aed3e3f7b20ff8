"""JSON pointers (RFC 6901)."""

from __future__ import annotations

from collections.abc import Iterable


def pointer_to(path: Iterable[str | int]) -> str:
    """Return the pointer to a place, such as ``/lines/0/quantity``; nothing for the whole document."""
    return "".join(f"/{_escaped(str(step))}" for step in path)


def _escaped(step: str) -> str:
    escaped = step.replace("~", "~0").replace("/", "~1")
    return escaped.encode("utf-8", "replace").decode()
