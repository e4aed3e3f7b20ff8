"""A cache that cannot grow without end, and costs one dictionary look-up when warm."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """Keeps at least the last ``limit`` values that were put or found; two generations, the older is dropped whole."""

    __slots__ = ("_limit", "_old", "_young")

    def __init__(self, limit: int) -> None:
        """Begin empty; at most twice ``limit`` values are ever kept."""
        self._limit = limit
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """Return what is kept, or ``None``."""
        value = self._young.get(key)
        if value is None:
            value = self._old.get(key)
            if value is not None:
                self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        """Keep a value; it must not be ``None``."""
        if len(self._young) >= self._limit:
            self._old, self._young = self._young, {}
        self._young[key] = value

    def discard(self, key: K) -> None:
        """Forget one value."""
        self._young.pop(key, None)
        self._old.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._young = {}
        self._old = {}

    def __len__(self) -> int:
        """Return how many values are kept, at most twice the limit."""
        return len(self._young) + len(self._old)
