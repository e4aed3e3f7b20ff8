"""The core's tables, one module per room: each ``m<number>_<room>`` holds ``MIGRATION``, and ``CORE`` has them all."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Final

from maydan.storage.migrations import Migration

_ROOMS: Final = ("platform", "content", "accounts", "access", "engagement")
"""Rooms whose tables others refer to come first; those not named here follow by name."""


def _order(name: str) -> tuple[str, int, str]:
    number, _, room = name.partition("_")
    return number, _ROOMS.index(room) if room in _ROOMS else len(_ROOMS), room


def _collected() -> tuple[Migration, ...]:
    names = [module.name for module in pkgutil.iter_modules(__path__) if module.name.startswith("m0")]
    return tuple(import_module(f"{__name__}.{name}").MIGRATION for name in sorted(names, key=_order))


CORE: Final = _collected()
"""The core's migrations, in order."""
