"""Caches: the subscriber of the log that tells a cache in front of the API which kept answers are stale.

An answer that a shared cache may keep carries tags (``operations/entries/shared.py``): of the entry, of the types that
it depends on, and of its space. What happens afterwards is turned into the same tags, and the cache is asked to forget
whatever has one of them.
"""

from __future__ import annotations

from maydan.events.caches.purging import CacheTags, PurgeFailed
from maydan.events.caches.tags import entry_tag, space_tag, type_tag

__all__ = ["CacheTags", "PurgeFailed", "entry_tag", "space_tag", "type_tag"]
