"""Pages with includes, kept as they were put together: who is shown the same documents again gets the same texts.

Every read is made each time. Only where all that came is what came before, to the letter, nothing has to be cut and
put together anew.
"""

from __future__ import annotations

from sys import getsizeof
from typing import TYPE_CHECKING, Final

from msgspec import Raw, Struct

from maydan.operations.entries.reaching import depends_on_types_alone, is_judged_alike

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from maydan.operations.entries.including import Included
    from maydan.operations.entries.planning import Plan
    from maydan.operations.entries.reaching import Judged
    from maydan.operations.scopes import Scope
    from maydan.storage.document_sets import SetRead
    from maydan.storage.ports import Row

    Reads: TypeAlias = Sequence[tuple[SetRead, Sequence[Row]]]

MOST_BYTES: Final = 8 * 1024 * 1024
"""Of one process: some hundred pages."""

_Key = tuple[int, tuple[str, ...]]


class _Page(Struct, frozen=True):
    plan: Plan
    """Kept alive, so that its ``id()`` is not given away again."""
    judged: Judged
    """The types behind the relations, and what could be read of them."""
    reads: Reads
    items: list[Raw]


class ComposedPages:
    """Remembers pages of lists that last, by the documents that they begin with."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Keep so many bytes at most; what does not fit any more makes room by starting anew."""
        self._most_bytes = most_bytes
        self._bytes = 0
        self._pages: dict[_Key, _Page] = {}

    async def find(self, scope: Scope, plan: Plan, texts: Sequence[str]) -> list[Raw] | None:
        """Return the items of a page, if what its documents lead to is still the same, and may be read as it was.

        Args:
            scope: Who reads.
            plan: Of the list.
            texts: The documents, with nothing included.
        """
        page = self._pages.get(_key(plan, texts)) if plan.lasts else None
        if page is None or not is_judged_alike(scope, page.judged, draft=plan.perspective.draft):
            return None
        for read, rows in page.reads:
            if await read.rows(scope.core.store) != rows:
                return None
        return page.items.copy()

    def keep(self, plan: Plan, texts: Sequence[str], included: Included, items: Sequence[Raw]) -> None:
        """Keep the items of a page, if it depends on nothing but documents, and on nobody's rights to single ones."""
        if not plan.lasts or included.reads is None or not depends_on_types_alone(included.judged):
            return
        key, size = _key(plan, texts), _size(texts, included.reads, items)
        if size > self._most_bytes // 4:
            return
        if self._bytes + size > self._most_bytes:
            self._pages.clear()
            self._bytes = 0
        if key not in self._pages:
            self._bytes += size
        self._pages[key] = _Page(plan, included.judged, included.reads, list(items))


def _key(plan: Plan, texts: Sequence[str]) -> _Key:
    return id(plan), tuple(texts)


def _size(texts: Sequence[str], reads: Reads, items: Sequence[Raw]) -> int:
    parts = [part for one, _ in reads for part in one.args]
    parts += [part for _, rows in reads for row in rows for part in row]
    # Raw says nothing true of its own size.
    return sum(map(getsizeof, [*texts, *parts])) + sum(len(memoryview(item)) for item in items)


COMPOSED: Final = ComposedPages()
