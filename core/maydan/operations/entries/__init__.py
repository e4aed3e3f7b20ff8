"""The verbs of entries: create, change, publish, trash and read; HTTP, importers, jobs and plugins all come here."""

from __future__ import annotations

from maydan.operations.entries.changing import change
from maydan.operations.entries.creating import create
from maydan.operations.entries.deleting import Plan, delete, plan_delete, purge
from maydan.operations.entries.listing import Page, list_entries
from maydan.operations.entries.publishing import publish, unpublish
from maydan.operations.entries.putting import put
from maydan.operations.entries.reading import AS_PUBLISHED, Reading, find
from maydan.operations.entries.references import ReferencePage, list_references
from maydan.operations.entries.restoring import restore_version
from maydan.operations.entries.trashing import restore
from maydan.operations.entries.versions import VersionPage, compare_versions, find_version, list_versions
from maydan.operations.entries.views import EntryView

__all__ = [
    "AS_PUBLISHED",
    "EntryView",
    "Page",
    "Plan",
    "Reading",
    "ReferencePage",
    "VersionPage",
    "change",
    "compare_versions",
    "create",
    "delete",
    "find",
    "find_version",
    "list_entries",
    "list_references",
    "list_versions",
    "plan_delete",
    "publish",
    "purge",
    "put",
    "restore",
    "restore_version",
    "unpublish",
]
