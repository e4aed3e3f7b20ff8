"""Settings of the database."""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import Struct

from maydan.secret import masked_repr


class DatabaseSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[database]`` in ``maydan.toml``."""

    MAY_BE_ZERO: ClassVar = frozenset[str]({"mmap_bytes", "loop_read_ms", "group_ms"})

    url: str = "sqlite:///maydan.db"
    """``sqlite:///relative.db``, ``sqlite:////absolute.db`` or ``postgresql://user:password@host/name``."""
    synchronous: Literal["full", "normal"] = "full"
    """SQLite: ``full`` waits for the disk at each commit; with ``normal`` a power cut may lose the last ones."""
    pool_size: int = 10
    """PostgreSQL: connections of one process at most."""
    pool_wait_s: float = 2.0
    """Seconds to wait for a free connection before the request is refused with 503."""
    readers: int = 4
    """SQLite: reading threads of one process at most."""
    read_limit_s: float = 30.0
    """Seconds after which one statement is ended."""
    loop_read_ms: float = 1.5
    """SQLite: a read that takes longer is moved from the event loop to a reading thread."""
    write_wait_s: float = 10.0
    """SQLite: seconds to wait for other writers before the request is refused with 503."""
    group_size: int = 64
    """SQLite: transactions that share one commit at most."""
    group_ms: float = 50.0
    """SQLite: milliseconds that one shared commit may be put off at most."""
    mmap_bytes: int = 2_147_418_112
    """SQLite: bytes of the file that are read through memory mapping; 0 switches it off."""

    __repr__ = masked_repr
