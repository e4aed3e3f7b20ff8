"""Remembers what was worked out for a content type, by the identity of its object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from maydan.content.types import ContentType

Plan = TypeVar("Plan")
MOST_TYPES: Final = 5000
"""So many types' plans are kept at once; a change of a type makes a new object, the old ones go when this is full."""


class PerType(Generic[Plan]):
    """A function of a content type that is worked out once.

    Types hold dicts, so they cannot be hashed, and types under construction share key 0; identity is exact. The type
    is kept beside its plan, so that its ``id()`` is not given away again.
    """

    def __init__(self, make: Callable[[ContentType], Plan]) -> None:
        """Wrap the function that works the plan out."""
        self._make = make
        self._plans: dict[int, tuple[ContentType, Plan]] = {}

    def __call__(self, type: ContentType) -> Plan:
        """Return the plan of a type."""
        known = self._plans.get(id(type))
        if known is not None:
            return known[1]
        plan = self._make(type)
        if len(self._plans) >= MOST_TYPES:
            self._plans.clear()
        self._plans[id(type)] = (type, plan)
        return plan
