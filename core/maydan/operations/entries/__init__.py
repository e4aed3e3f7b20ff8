"""The verbs of entries: create, change, publish, trash and read; HTTP, importers, jobs and plugins all come here."""

from __future__ import annotations

from maydan.operations.entries.changing import change
from maydan.operations.entries.creating import create
from maydan.operations.entries.listing import Page, list_entries
from maydan.operations.entries.publishing import publish, unpublish
from maydan.operations.entries.putting import put
from maydan.operations.entries.reading import AS_PUBLISHED, Reading, find
from maydan.operations.entries.trashing import delete, purge, restore
from maydan.operations.entries.views import EntryView

__all__ = [
    "AS_PUBLISHED",
    "EntryView",
    "Page",
    "Reading",
    "change",
    "create",
    "delete",
    "find",
    "list_entries",
    "publish",
    "purge",
    "put",
    "restore",
    "unpublish",
]
