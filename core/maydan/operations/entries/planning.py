"""How a list is read, worked out before anything is: the checked query and its statements, kept for the next time."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from maydan.access.fields import field_sets
from maydan.content.checking import check_query
from maydan.content.conditions import And, Compare, Condition, Target, compares
from maydan.content.types import Kind
from maydan.operations.entries.branches import branch_of
from maydan.operations.entries.reaching import (
    Perspective,
    Reaching,
    depends_on_types_alone,
    is_judged_alike,
    locales_of,
)
from maydan.operations.entries.reading import where_of
from maydan.operations.entries.shared import tags_of_list
from maydan.operations.entries.views import MAPS, whole_document
from maydan.storage.document_queries import PageRequest, Statements
from maydan.storage.documents import TRASH, table_of
from maydan.storage.keysets import SortKey
from maydan.storage.trigrams import find_lookup, helps

if TYPE_CHECKING:
    from maydan.access.decisions import Decision
    from maydan.content.orders import Sort
    from maydan.content.query import Query
    from maydan.operations.entries.branches import Branch
    from maydan.operations.entries.reaching import Judged
    from maydan.operations.scopes import Scope
    from maydan.storage.document_places import Where
    from maydan.storage.ports import Store
    from maydan.storage.trigrams import Lookup


class Plan(Struct, frozen=True, kw_only=True):
    """A list, whatever page of it."""

    query: Query
    """Checked."""
    branch: Branch
    """What of the entries is shown and included."""
    perspective: Perspective
    in_order: Statements
    """Going through the list's order."""
    by_index: Statements | None
    """Beginning with the index of texts, where one serves the query."""
    fingerprint: bytes
    """Binds cursors to the query and the type."""
    tags: tuple[str, ...] = ()
    """All that its pages depend on, where a shared cache may keep them; empty: it may not."""
    lasts: bool = False
    """Whether the same plan serves the next one who asks for the list: it depends on nobody's rights to single rows."""

    async def statements(self, store: Store) -> Statements:
        """Return how to read it: by the index of texts where that leads to few documents."""
        by_index = self.by_index
        if by_index is not None and by_index.lookup is not None and await helps(store, by_index.lookup):
            return by_index
        return self.in_order


async def plan(scope: Scope, query: Query, decision: Decision, locale: str) -> Plan:
    """Check a query and compile its statements, or take those of the last time.

    Raises:
        BadParameter: The query names what does not exist, or what the caller may not read: the same words.
    """
    shape = _shape(query)
    return _KEPT.find(scope, shape, decision, locale) or await _made(scope, query, shape, decision, locale)


async def _made(scope: Scope, query: Query, shape: bytes, decision: Decision, locale: str) -> Plan:
    perspective = Perspective(
        draft=query.perspective == "draft" or query.status == "trashed",
        locale=locale,
        translated_only=not query.fallback,
    )
    reach = Reaching(scope, draft=perspective.draft)
    readable = frozenset(field_sets(decision, scope.type).filterable)
    checked = await reach.checked(lambda: check_query(query, scope.type, scope.space, readable, reach))
    where = _where(scope, checked, perspective, reach)
    condition = _with_rights(decision, checked)
    request = _request(checked, where, condition, whole=whole_document(decision) and locale != MAPS)
    dialect = scope.core.store.dialect.name
    lookup = find_lookup(dialect, scope.type, table_of(scope.type), condition)
    branch = branch_of(checked.include, checked.fields, checked.portions)
    made = Plan(
        query=checked,
        branch=branch,
        perspective=perspective,
        in_order=Statements(dialect, request),
        by_index=None if lookup is None else Statements(dialect, _by(lookup, request)),
        fingerprint=_fingerprint(scope, query, checked, where),
        tags=tags_of_list(scope, decision, branch, reach.asked, draft=perspective.draft),
    )
    return _KEPT.keep(scope, shape, decision, locale, _Kept((scope.type, scope.space, decision), reach.asked, made))


def _by(lookup: Lookup, request: PageRequest) -> PageRequest:
    return msgspec.structs.replace(request, lookup=lookup)


def _request(checked: Query, where: Where, condition: Condition | None, *, whole: bool) -> PageRequest:
    """Ask for one document more than are shown: it tells whether there is a next page."""
    sort = tuple(
        SortKey(path=key.path, target=key.target, descending=key.descending) for key in checked.sort if key.target
    )
    return PageRequest(
        where=where,
        condition=condition,
        sort=sort,
        limit=checked.limit + 1,
        offset=checked.offset,
        whole=whole and checked.fields is None,
    )


def _shape(query: Query) -> bytes:
    """Return what is asked, whatever the page."""
    return msgspec.json.encode(msgspec.structs.replace(query, cursor=None))


class _Kept(Struct, frozen=True):
    """A plan, and what it depends on beside the query."""

    parts: tuple[object, ...]
    reached: Judged
    """The types behind the relations that the query names something of."""
    plan: Plan

    @property
    def may_return(self) -> bool:
        """Whether another caller may have the same types and decisions: those with conditions may be made for one."""
        reaches = any(compare.target is None or compare.target.hops for compare in _compares(self.plan.query))
        return not reaches and depends_on_types_alone(self.reached)

    def is_of(self, scope: Scope) -> bool:
        """Tell whether a caller has the same types behind the relations, and may read the same of them."""
        return is_judged_alike(scope, self.reached, draft=self.plan.perspective.draft)


class _KeptPlans:
    """Remembers lists that depend on nothing but the query, the types and decisions without conditions.

    Frontends ask the same few lists again and again. Queries are compared by what they say, everything else by
    identity, and kept alive beside its list, so that no ``id()`` is given away again: a changed type, space or policy
    makes new objects.
    """

    def __init__(self) -> None:
        self._plans: dict[tuple[object, ...], _Kept] = {}

    def find(self, scope: Scope, shape: bytes, decision: Decision, locale: str) -> Plan | None:
        found = self._plans.get((shape, locale, id(scope.type), id(scope.space), id(decision)))
        return found.plan if found is not None and found.is_of(scope) else None

    def keep(self, scope: Scope, shape: bytes, decision: Decision, locale: str, kept: _Kept) -> Plan:
        if not decision.unconditional or not kept.may_return or len(shape) > _LONGEST_SHAPE_BYTES:
            return kept.plan
        if len(self._plans) >= _MOST_KEPT:
            self._plans.clear()
        kept = msgspec.structs.replace(kept, plan=msgspec.structs.replace(kept.plan, lasts=True))
        self._plans[shape, locale, id(scope.type), id(scope.space), id(decision)] = kept
        return kept.plan


_MOST_KEPT: Final = 512
_LONGEST_SHAPE_BYTES: Final = 4096
_KEPT: Final = _KeptPlans()


def _compares(query: Query) -> list[Compare | Sort]:
    return [*(compares(query.filter) if query.filter else ()), *query.sort]


def _where(scope: Scope, query: Query, perspective: Perspective, reach: Reaching) -> Where:
    where = where_of(scope, perspective.locale, draft=perspective.draft, translated_only=perspective.translated_only)
    stored = TRASH if query.status == "trashed" else where.perspective
    locale, *instead = locales_of(scope, perspective, stored)
    # Every locale falls back to the default one and shows what that has of its own; not what that falls back to.
    covering = not perspective.translated_only and not scope.space.fallbacks.get(scope.space.default_locale)
    return msgspec.structs.replace(
        where,
        locale=locale,
        instead=tuple(instead),
        covering=covering,
        perspective=stored,
        draft=perspective.draft,
        types=reach.types,
    )


def _with_rights(decision: Decision, query: Query) -> Condition | None:
    """Add the caller's condition, and that of every field that the query names and that is theirs on some rows only."""
    conditions = decision.filterable
    named = {compare.path[0] for compare in compares(query.filter)} if query.filter else set[str]()
    named |= {key.path[0] for key in query.sort}
    parts = [decision.row, *(conditions[name] for name in sorted(named)), query.filter]
    kept: list[Condition] = []
    for part in parts:
        if part is not None and part not in kept:
            kept.append(part)
    if query.status not in (None, "trashed"):
        kept.append(_status_is(query.status))
    return None if not kept else kept[0] if len(kept) == 1 else And(tuple(kept))


def _status_is(status: str | None) -> Condition:
    return Compare(("status",), "eq", status, Target(Kind.STRING, system=True))


def _fingerprint(scope: Scope, query: Query, checked: Query, where: Where) -> bytes:
    """Bind cursors to the query as it was asked, to the type, and to what is sorted by.

    Not to the caller's rights: a condition may depend on the moment, and a page shows what its own caller may read.
    """
    kinds = [key.target.kind for key in checked.sort if key.target]
    facts = (query.fingerprint(), kinds, scope.space.key, scope.type.key, where.locale)
    return hashlib.blake2b(msgspec.msgpack.encode(facts), digest_size=16).digest()
