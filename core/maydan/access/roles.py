"""Roles that contain roles: closure over any depth, and the refusal of circles."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def contained_roles(inherits: Mapping[str, tuple[str, ...]], roles: Iterable[str]) -> frozenset[str]:
    """Return the roles with all that they contain, over any depth; a circle counts each role once.

    Walks with a list instead of recursing: a chain of a thousand roles is a chain like any other.
    """
    seen: set[str] = set()
    waiting = [str(role) for role in roles]
    while waiting:
        role = waiting.pop()
        if role not in seen:
            seen.add(role)
            waiting.extend(inherits.get(role, ()))
    return frozenset(seen)


def find_cycle(inherits: Mapping[str, tuple[str, ...]], role: str) -> tuple[str, ...] | None:
    """Return a way from the role back to itself, or ``None`` where there is no circle."""
    came_from: dict[str, str] = {}
    waiting = [role]
    while waiting:
        current = waiting.pop()
        for contained in inherits.get(current, ()):
            if contained == role:
                return _path(came_from, role, current)
            if contained not in came_from:
                came_from[contained] = current
                waiting.append(contained)
    return None


def _path(came_from: Mapping[str, str], start: str, end: str) -> tuple[str, ...]:
    steps = [start, end] if end != start else [start]
    while steps[-1] != start and came_from[steps[-1]] != start:
        steps.append(came_from[steps[-1]])
    return (start, *reversed(steps[1:]), start)
