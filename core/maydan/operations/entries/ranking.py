"""Which entries of a relation to many an include brings, and in which order: worked out before any is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from maydan.operations.entries.reaching import locales_of
from maydan.storage.document_places import Where
from maydan.storage.document_queries import RankKey, rank_documents
from maydan.storage.documents import DRAFT, PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.access.decisions import Decision
    from maydan.content.includes import Portion
    from maydan.content.orders import Sort
    from maydan.operations.entries.reaching import Perspective
    from maydan.operations.scopes import Scope

Ranks: TypeAlias = dict[str, tuple[Any, ...]]
"""By the ids of entries that may be read, the values that they are ordered by."""


def where_behind(scope: Scope, perspective: Perspective) -> Where:
    """Return which documents of the scope's type a relation leads to."""
    stored = DRAFT if perspective.draft and scope.type.drafts else PUBLISHED
    locale, *instead = locales_of(scope, perspective, stored)
    return Where(
        type=scope.type,
        space_key=scope.space.key,
        perspective=stored,
        locale=locale,
        instead=tuple(instead),
        translated_only=perspective.translated_only,
        draft=perspective.draft,
        types={found.key: found for found in scope.core.registry.types(scope.space)},
    )


async def ranks(
    scope: Scope, decision: Decision, perspective: Perspective, portion: Portion, ids: Sequence[str]
) -> Ranks:
    """Return what those of the entries are ordered by that the caller may read.

    A field that the caller may read of some entries only is absent in the others.
    """
    if decision.denied:
        return {}
    keys = [_key(scope, decision, sort) for sort in portion.sort]
    found = await rank_documents(
        scope.core.store, where_behind(scope, perspective), decision.row, [key for key in keys if key], ids
    )
    if all(keys):
        return found
    return {entry_id: _with_gaps(values, keys) for entry_id, values in found.items()}


def _key(scope: Scope, decision: Decision, sort: Sort) -> RankKey | None:
    """Return a key as it is in the scope's type; ``None`` where the type has nothing of the name."""
    hops = sort.target.hops if sort.target else ()
    hop = next((hop for hop in hops if hop.type == scope.type.name), None)
    if hop is None:
        return None
    return RankKey(sort.path, hop.target, None if hop.condition == decision.row else hop.condition)


def _with_gaps(values: tuple[Any, ...], keys: Sequence[RankKey | None]) -> tuple[Any, ...]:
    known = iter(values)
    return tuple(None if key is None else next(known) for key in keys)


def in_order(ids: Sequence[str], ranks: Ranks, portion: Portion) -> list[str]:
    """Return the ids that are ranked, in the portion's order; what is absent is lowest, equals stay as they were."""
    found = [entry_id for entry_id in ids if entry_id in ranks]
    for index, key in reversed(list(enumerate(portion.sort))):

        def rank(entry_id: str, index: int = index) -> tuple[bool, Any]:
            value = ranks[entry_id][index]
            return (value is not None, 0 if value is None else value)

        found.sort(key=rank, reverse=key.descending)
    return found
