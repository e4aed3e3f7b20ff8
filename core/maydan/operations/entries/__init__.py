"""The verbs of entries: create, change, publish, trash and read; HTTP, importers, jobs and plugins all come here."""

from __future__ import annotations

from maydan.operations.entries import changing, creating, deleting, publishing, putting, restoring, trashing
from maydan.operations.entries.deleting import Plan, plan_delete
from maydan.operations.entries.following import following
from maydan.operations.entries.listing import Page, list_entries
from maydan.operations.entries.reading import AS_PUBLISHED, Reading, find
from maydan.operations.entries.references import ReferencePage, list_references
from maydan.operations.entries.versions import VersionPage, compare_versions, find_version, list_versions
from maydan.operations.entries.views import EntryView

change = following(changing.change)
create = following(creating.create)
delete = following(deleting.delete)
publish = following(publishing.publish)
purge = following(deleting.purge)
put = following(putting.put)
restore = following(trashing.restore)
restore_version = following(restoring.restore_version)
unpublish = following(publishing.unpublish)

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
