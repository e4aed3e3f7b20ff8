"""Loading, before an entry is judged, what conditions of policies look at beyond the entry itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maydan.operations.entries.views import full_document, newest_document
from maydan.operations.rendering import document_rows

if TYPE_CHECKING:
    from maydan.operations.scopes import Scope
    from maydan.storage.entries import EntryRow


async def foresee_entries(scope: Scope, *entries: EntryRow) -> None:
    """Load what entries are judged by in every locale, as drafts and as readers get them.

    Costs nothing where no policy's condition on the type goes through a relation; else one statement for each step of
    each path and type that it leads to.
    """
    if not scope.goes_through_relations or not entries:
        return
    documents = [
        newest_document(scope.type, scope.space, entry, locale) for entry in entries for locale in scope.space.locales
    ]
    for entry in entries:
        if entry.published is not None:
            documents += [full_document(row) for row in document_rows(scope.type, scope.space, entry)]
    await scope.foresee(documents)
