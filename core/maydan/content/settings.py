"""What an integrator may set about content."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct


class ContentSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``[content]`` table of ``maydan.toml``."""

    MAY_BE_ZERO: ClassVar = frozenset[str]({"trash_days"})

    trash_days: int = 30
    """Days that a deleted entry stays in the trash, from where it can be brought back; then it is removed for good.
    0 keeps it for ever."""
