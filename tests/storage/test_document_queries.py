"""Queries as SQL: held against the naive evaluator, and their plans against the declared indexes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from naive_filters import Naive  # pyright: ignore[reportMissingImports] - tests/support
from site_support import Site, open_site  # pyright: ignore[reportMissingImports] - tests/support
from soaking import examples  # pyright: ignore[reportMissingImports] - tests/support

from maydan.content.checking import check_condition
from maydan.content.conditions import And, Compare, Condition, Hop, Not, Or, write_condition
from maydan.content.matching import matches
from maydan.content.paths import Reach, Reached
from maydan.content.types import SYSTEM_FIELDS
from maydan.operations import entries
from maydan.operations.core import as_system
from maydan.operations.scopes import Scope, scope_of
from maydan.storage.document_places import Where
from maydan.storage.document_queries import (
    PageRequest,
    Statements,
    cursor_values,
    list_documents,
)
from maydan.storage.documents import PUBLISHED
from maydan.storage.keysets import SortKey

pytestmark = pytest.mark.anyio

THING: dict[str, Any] = {
    "name": "thing",
    "drafts": False,
    "indexes": [["group", "-rank"], ["-rank", "name"], ["-cost"]],
    "fields": [
        {"name": "name", "kind": "string", "indexed": True},
        {"name": "group", "kind": "enum", "values": ["a", "b"]},
        {"name": "rank", "kind": "integer"},
        {"name": "size", "kind": "number"},
        {"name": "cost", "kind": "decimal"},
        {"name": "is_new", "kind": "boolean"},
        {"name": "day", "kind": "date"},
        {"name": "price", "kind": "money"},
        {"name": "words", "kind": "string", "many": True},
        {"name": "about", "kind": "text"},
        {"name": "parts", "kind": "component", "many": True, "of": [
            {"name": "n", "kind": "integer"}, {"name": "maker", "kind": "relation", "to": ["maker"]}]},
        {"name": "maker", "kind": "relation", "to": ["maker"]},
        {"name": "near", "kind": "relation", "to": ["thing", "maker"], "many": True},
    ],
}  # fmt: skip
MAKER: dict[str, Any] = {
    "name": "maker",
    "drafts": False,
    "fields": [
        {"name": "name", "kind": "string"},
        {"name": "age", "kind": "integer"},
        {"name": "about", "kind": "text"},
        {"name": "wage", "kind": "money"},
        {"name": "skills", "kind": "enum", "values": ["a", "b"], "many": True},
        {"name": "boss", "kind": "relation", "to": ["maker"]},
    ],
}
_FOLDED = {"A": "a", "É": "e", "é": "e", "مُحَمَّد": "محمد", "AB": "ab", "A%": "a%"}
"""What folding does to those of the texts that it changes."""
_TEXTS = [
    "AB", "A%", '"', "\\", "a!_", "", "a", "A", "é", "ab", "مُحَمَّد", "محمد", "100%", "_", "it's", "zz", "\U0001f600",
    "\U0010ffff",
]  # fmt: skip
_VALUES: dict[str, Any] = {
    "name": st.sampled_from(_TEXTS),
    "group": st.sampled_from(["a", "b"]),
    "rank": st.integers(-3, 3) | st.sampled_from([2**53 - 1, -(2**53) + 1]),
    "size": st.sampled_from([-1.5, 0, 0.0, -0.0, 0.1, 2, 2.0, 2**53 - 1, 1e300, -1e300, 5e-324]),
    "cost": st.sampled_from(["-1.5", "0", "0.10", "0.1", "2", "2.00", "12.25", "999999999999.999"]),
    "is_new": st.booleans(),
    "day": st.sampled_from(["2026-01-01", "2026-11-22"]),
    "about": st.sampled_from(_TEXTS),
    "words": st.sampled_from(_TEXTS),
    "price.amount": st.integers(-2, 2),
    "price.currency": st.sampled_from(["USD", "JPY", "EUR"]),
    "price": st.nothing(),
    "parts": st.nothing(),
    "near": st.nothing(),
    "tags": st.sampled_from(_TEXTS),
    "status": st.sampled_from(["published", "draft"]),
    "version": st.integers(0, 2),
    "parts.n": st.integers(0, 2),
    "maker.name": st.sampled_from(_TEXTS),
    "maker.age": st.integers(0, 4),
    "maker.about": st.sampled_from(_TEXTS),
    "maker.skills": st.sampled_from(["a", "b"]),
    "maker.boss.age": st.integers(0, 4),
    "maker.boss.wage.amount": st.integers(0, 4),
    "maker.boss.boss.name": st.sampled_from(_TEXTS),
    "parts.maker.age": st.integers(0, 4),
    "near.name": st.sampled_from(_TEXTS),
    "near.rank": st.integers(-3, 3),
    "near.maker.age": st.integers(0, 4),
    "near.near.near.name": st.sampled_from(_TEXTS),
}
_ORDERED = ("eq", "ne", "lt", "lte", "gt", "gte", "in", "nin", "exists")
_OPS = {
    "name": (*_ORDERED, "contains", "icontains", "startswith"),
    "about": (*_ORDERED, "contains", "icontains", "startswith"),
    "words": (*_ORDERED, "contains", "startswith"),
    "maker.name": (*_ORDERED, "contains", "icontains", "startswith"),
    "maker.about": (*_ORDERED, "contains", "icontains", "startswith"),
    "maker.skills": ("eq", "ne", "in", "nin", "exists"),
    "near.name": (*_ORDERED, "contains", "icontains", "startswith"),
    "group": ("eq", "ne", "in", "nin", "exists"),
    "is_new": ("eq", "ne", "exists"),
    "price": ("exists",),
    "parts": ("exists",),
    "near": ("exists",),
    "tags": ("eq", "ne", "in", "nin", "contains", "startswith", "exists"),
}


@st.composite
def _compares(draw: st.DrawFn) -> Condition:
    name = draw(st.sampled_from(sorted(_VALUES)))
    op = draw(st.sampled_from(_OPS.get(name, _ORDERED)))
    if op == "exists":
        value: Any = draw(st.booleans())
    elif op in ("in", "nin"):
        value = tuple(draw(st.lists(_VALUES[name], max_size=3)))
    else:
        value = draw(_VALUES[name])
    return Compare(tuple(name.split(".")), op, value)


_trees = st.recursive(
    _compares(),
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=6,
)


def _rows() -> list[dict[str, Any]]:
    """Rows with every value somewhere, and gaps."""
    rows: list[dict[str, Any]] = [{}]
    for number in range(36):
        row: dict[str, Any] = {
            "name": _TEXTS[number % len(_TEXTS)],
            "group": "ab"[number % 2],
            "rank": (number % 7) - 3,
            "size": [-1.5, 0.0, 0.1, 2, 1e300, 5e-324, 2**53 - 1][number % 7],
            "cost": ["-1.5", "0", "0.10", "2", "12.25", "999999999999.999"][number % 6],
            "is_new": number % 3 == 0,
            "day": ["2026-01-01", "2026-11-22"][number % 2],
            "about": _TEXTS[(number * 5) % len(_TEXTS)],
            "words": [_TEXTS[index] for index in range(number % 4)],
            "price": {"amount": (number % 5) - 2, "currency": ("USD", "JPY")[number % 2]},
            "tags": [text for text in _TEXTS[number % 7 : number % 9] if text.strip()],
            "parts": [{"n": index} for index in range(number % 3)],
        }
        for gap in range(number % 5):
            row.pop(sorted(row)[(number + gap) % len(row)])
        rows.append(row)
    return rows


async def _filled(site: Site) -> tuple[Scope, dict[str, dict[str, Any]]]:
    """Return the things' scope, and the documents of things and makers by id; every other maker is hidden."""
    await site.define(MAKER)
    await site.define(THING)
    scope = await scope_of(site.core, as_system("test"), site.space, "thing")
    makers = await scope_of(site.core, as_system("test"), site.space, "maker")
    documents: dict[str, dict[str, Any]] = {}

    async def add(scope: Scope, row: dict[str, Any]) -> str:
        view = await entries.create(scope, row)
        answer = await site.get(f"/api/spaces/demo/content/{scope.type.name}/{view.id}", headers=site.admin)
        documents[view.id] = answer.json()
        return view.id

    ids: list[str] = []
    for number in range(6):
        row = {"name": _TEXTS[number], "age": number % 5, "about": _TEXTS[-number], "skills": ["a", "b"][: number % 3]}
        more = {"boss": ids[number - 2], "wage": {"amount": number, "currency": "USD"}} if number > 1 else {}
        ids.append(await add(makers, row | more))
    things: list[str] = []
    for number, row in enumerate(_rows()):
        row["near"] = [*things[-2:], ids[number % 6]][number % 4 :]
        if number % 4:
            row["maker"] = ids[number % 6]
        if number % 3 == 0:
            row["parts"] = [*row.get("parts", []), {"maker": ids[number % 6]}]
        things.append(await add(scope, row))
    return scope, documents


def _where(scope: Scope) -> Where:
    types = {found.key: found for found in scope.core.registry.types(scope.space)}
    return Where(type=scope.type, space_key=scope.space.key, perspective=PUBLISHED, locale="en", types=types)


def _reach(scope: Scope) -> Reach:
    """Let everything of things be read, and of makers those who are under 4."""

    def reach(name: str) -> Reached | None:
        found = scope.core.registry.cached_type(scope.space, name)
        assert found is not None
        young = check_condition(Compare(("age",), "lt", 4), found, None) if name == "maker" else None
        return Reached(found, dict.fromkeys([*SYSTEM_FIELDS, *(field.name for field in found.fields)], young))

    return reach


async def test_sql_finds_what_the_naive_evaluator_finds(database_url: str) -> None:
    """And the Python matcher: random nested trees of every operator over every kind, and through relations."""
    async with open_site(database_url) as site:
        scope, documents = await _filled(site)
        loop = asyncio.get_running_loop()

        def load(hop: Hop, entry_id: str, near: Mapping[str, Any]) -> dict[str, Any] | None:
            found = documents.get(entry_id)
            return found if found and found["type"] == hop.type and near else None

        def visible(entry_id: str) -> dict[str, Any] | None:
            found = documents[entry_id]
            return found if found["type"] == "thing" or found["age"] < 4 else None

        naive = Naive(find=visible, decimals=frozenset({"cost"}), folded=lambda text: _FOLDED.get(text, text))

        @settings(
            max_examples=examples(200),
            suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        )
        @given(_trees)
        def compare(tree: Condition) -> None:
            checked = check_condition(tree, scope.type, None, reach=_reach(scope))
            things = [document for document in documents.values() if document["type"] == "thing"]
            written = write_condition(tree)
            wanted = sorted(document["id"] for document in things if naive.holds(written, document))
            assert sorted(document["id"] for document in things if matches(checked, document, load)) == wanted
            request = PageRequest(where=_where(scope), condition=checked, sort=(), limit=100)
            found = list_documents(site.core.store, Statements(site.core.store.dialect.name, request))
            listed = asyncio.run_coroutine_threadsafe(found, loop).result()
            assert sorted(cursor_values(request, one)[-1] for one in listed) == wanted

        await asyncio.to_thread(compare)


async def _plan(site: Site, sql: str, args: tuple[Any, ...]) -> str:
    store = site.core.store
    if store.dialect.is_sqlite:
        rows = await store.fetch_all(f"EXPLAIN QUERY PLAN {sql}", *args)
        return "\n".join(str(row[3]) for row in rows)
    async with store.write_transaction() as transaction:
        await transaction.execute("SET LOCAL enable_seqscan = off")
        await transaction.execute("SET LOCAL enable_sort = off")
        await transaction.execute("SET LOCAL enable_bitmapscan = off")
        rows = await transaction.fetch_all(f"EXPLAIN {sql}", *args)
    return "\n".join(str(row[0]) for row in rows)


@pytest.mark.parametrize(
    ("condition", "sort"),
    [
        (Compare(("group",), "eq", "a"), (("rank", True),)),
        (None, (("rank", True), ("name", False))),
        (Compare(("name",), "eq", "x"), ()),
        (Compare(("group",), "eq", "a"), ()),
    ],
)
async def test_declared_indexes_serve_the_lists_that_they_fit(
    database_url: str, condition: Condition | None, sort: tuple[tuple[str, bool], ...]
) -> None:
    """A filter and a sort that a declared index serves are read from it: no scan of the table, no sorting."""
    async with open_site(database_url) as site:
        scope, _ = await _filled(site)
        checked = check_condition(condition, scope.type, None)
        keys = tuple(
            SortKey(path=(name,), target=_target(scope, name), descending=descending) for name, descending in sort
        )
        request = PageRequest(where=_where(scope), condition=checked, sort=keys, limit=25)
        (page,) = Statements(site.core.store.dialect.name, request).page()
        plan = await _plan(site, page.text, page.args)
        assert f"maydan_documents_{scope.type.key}_" in plan
        if sort:
            assert "entry_unique" not in plan, plan
            assert "TEMP B-TREE" not in plan, plan
            assert "Sort" not in plan, plan


def _target(scope: Scope, name: str) -> Any:
    checked = check_condition(Compare((name,), "exists", value=True), scope.type, None)
    assert isinstance(checked, Compare)
    return checked.target


_DESCENDING = (("rank", True),)
_ASCENDING = (("name", False),)


def _statements(site: Site, scope: Scope, sort: tuple[tuple[str, bool], ...], limit: int) -> Statements:
    keys = tuple(SortKey(path=(name,), target=_target(scope, name), descending=down) for name, down in sort)
    request = PageRequest(where=_where(scope), condition=None, sort=keys, limit=limit)
    return Statements(site.core.store.dialect.name, request)


@pytest.mark.parametrize("sort", [_DESCENDING, _ASCENDING, (("rank", True), ("name", False)), (("cost", True),), ()])
@pytest.mark.parametrize("limit", [1, 4])
async def test_pages_after_a_cursor_give_every_document_once(
    database_url: str, sort: tuple[tuple[str, bool], ...], limit: int
) -> None:
    """With ties and absent values, in either direction: the pages laid end to end are the whole list."""
    async with open_site(database_url) as site:
        scope, _ = await _filled(site)
        whole = await list_documents(site.core.store, _statements(site, scope, sort, 100))
        statements = _statements(site, scope, sort, limit)
        found: list[str] = []
        after: tuple[Any, ...] | None = None
        while True:
            page = await list_documents(site.core.store, statements, after)
            found += [one.body for one in page]
            if len(page) < limit:
                break
            after = tuple(cursor_values(statements.request, page[-1]))
        assert found == [one.body for one in whole]


@pytest.mark.parametrize("sort", [_DESCENDING, _ASCENDING, (("cost", True), ("name", False)), ()])
@pytest.mark.parametrize("condition", [None, Or((Compare(("rank",), "gte", 0), Compare(("maker", "age"), "lt", 4)))])
async def test_a_far_page_found_in_two_steps_is_the_one_that_a_single_step_finds(
    database_url: str, sort: tuple[tuple[str, bool], ...], condition: Condition | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a page begins, it has the documents of the whole list from there on, in their order."""
    monkeypatch.setattr("maydan.storage.document_queries.FAR", 1)
    async with open_site(database_url) as site:
        scope, _ = await _filled(site)
        checked = check_condition(condition, scope.type, None, reach=_reach(scope))
        one_step = replace(_statements(site, scope, sort, 100).request, condition=checked)
        whole = await list_documents(site.core.store, Statements(site.core.store.dialect.name, one_step))
        assert len(whole) > 4
        is_sqlite = site.core.store.dialect.is_sqlite
        one = Statements(site.core.store.dialect.name, one_step).page()[0].text
        for offset in range(1, len(whole) + 2):
            request = replace(one_step, offset=offset, limit=3)
            statements = Statements(site.core.store.dialect.name, request)
            (sql,) = statements.page()
            assert sql.text.count("SELECT entry_id") - one.count("SELECT entry_id") == (not is_sqlite)
            page = await list_documents(site.core.store, statements)
            assert page == whole[offset : offset + 3]


_ID = "01900000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("sort", "after"),
    [
        (_ASCENDING, ("m", _ID)),
        (_ASCENDING, (None, _ID)),
        ((("rank", True), ("name", False)), (1, "m", _ID)),
        ((("rank", True), ("name", False)), (None, "m", _ID)),
        ((("cost", True),), ("2", _ID)),
        ((("cost", True),), (None, _ID)),
        ((), (_ID,)),
    ],
)
async def test_an_index_leads_to_where_the_page_before_ended(
    database_url: str, sort: tuple[tuple[str, bool], ...], after: tuple[Any, ...]
) -> None:
    """Each statement of a page is one range of the index that the order has: no sorting, and no walk from its start."""
    async with open_site(database_url) as site:
        scope, _ = await _filled(site)
        dialect = site.core.store.dialect.name
        for statement in _statements(site, scope, sort, 25).page(after):
            plan = await _plan(site, statement.text, statement.args)
            assert "TEMP B-TREE" not in plan, plan
            assert "Sort" not in plan, plan
            assert _bounds(plan, dialect), (plan, statement.text)


def _bounds(plan: str, dialect: str) -> bool:
    """Tell whether an index is entered by more than the space, the perspective and the locale."""
    if dialect == "sqlite":
        return any(
            sign in plan for sign in ("<expr>>", "<expr><", "<expr>=", "entry_id<", "entry_id>", ">(?,?)", "<(?,?)")
        )
    conditions = [line for line in plan.splitlines() if "Index Cond" in line]
    return any(sign in line for line in conditions for sign in (" < ", " > ", "<=", ">=", "IS NULL", "IS NOT NULL"))
