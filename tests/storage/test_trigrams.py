"""The index of short texts: what it finds, that it stays true, and when it is asked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from site_support import Site, open_site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.content.checking import check_condition
from maydan.content.conditions import And, Compare, Not, Or
from maydan.locales import fold
from maydan.storage import Store, trigrams
from maydan.storage.document_places import Where
from maydan.storage.document_queries import PageRequest, Statements
from maydan.storage.documents import PUBLISHED, table_of
from maydan.storage.schema.m0005_trigrams import MIGRATION

pytestmark = pytest.mark.anyio
LIST = "/api/spaces/demo/content/word"
WORD: dict[str, Any] = {
    "name": "word",
    "fields": [
        {"name": "title", "kind": "string", "localized": True, "indexed": True},
        {"name": "code", "kind": "string", "indexed": True},
        {"name": "note", "kind": "string"},
    ],
}


async def _found(site: Site, text: str, field: str = "title", **more: str) -> list[str]:
    answer = await site.get(LIST, params={f"filter[{field}][icontains]": text, "sort": "code", "count": "exact"} | more)
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    assert answer.json()["total"] == len(items)
    return [item["code"] for item in items]


async def _add(site: Site, code: str, title: str) -> str:
    return (await site.entry({"title": {"en": title}, "code": code}, type="word"))["id"]


async def test_rare_and_frequent_texts_are_found_whatever_happens_to_entries(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Created, changed, published, unpublished, deleted, restored; in each locale; also where many have the text."""
    monkeypatch.setattr(trigrams, "_MOST_RARE", 8)
    async with open_site(database_url) as site:
        await site.define(WORD)
        first = await _add(site, "a", "Old Café by the square")
        await _add(site, "b", "مُحَمَّد and the square")
        for number in range(6):
            await _add(site, f"c{number}", f'Square {number} "quoted" 100% a_b o\'clock \\ * ^ : AND NEAR(')
        assert await _found(site, "CAFE") == ["a"]
        assert await _found(site, "محمد") == ["b"]
        assert await _found(site, "SQUARE") == ["a", "b", "c0", "c1", "c2", "c3", "c4", "c5"]
        for text in ('3 "quoted" 100% a_b', "o'CLOCK \\ * ^", ": AND NEAR(", '"quoted" 100%'):
            assert await _found(site, text) == [f"c{number}" for number in range(6) if text[0] != "3" or number == 3]
        for text in ("sq", "é", "", "100% A_B", "quoted quoted", "%%%", '"""', "x" * 5000):
            plain = await _found(site, text, limit="100")
            assert plain == [code for code, title in await _titles(site) if fold(text) in fold(title)]
        path = f"{LIST}/{first}"
        change = {"title": {"en": "New bakery", "ar": "مخبز"}}
        assert (await site.patch(path, change, headers=site.admin)).status_code == 200
        assert (await _found(site, "cafe"), await _found(site, "bakery")) == (["a"], [])
        assert (await site.post(f"{path}/publish", headers=site.admin)).status_code == 200
        assert (await _found(site, "cafe"), await _found(site, "bakery")) == ([], ["a"])
        assert (await _found(site, "مخبز", locale="ar"), await _found(site, "مخبز")) == (["a"], [])
        assert (await site.post(f"{path}/unpublish", {"locales": ["en"]}, headers=site.admin)).status_code == 200
        assert await _found(site, "مخبز", locale="ar") == ["a"]
        assert (await site.delete(path, headers=site.admin)).status_code == 204
        assert await _found(site, "مخبز", locale="ar") == []
        await _change_the_type(site)


async def _titles(site: Site) -> list[tuple[str, str]]:
    items = (await site.get(f"{LIST}?sort=code&limit=100")).json()["items"]
    return [(item["code"], item["title"]) for item in items]


async def _change_the_type(site: Site) -> None:
    """The index follows a rename, a field that becomes indexed, and one that no longer is."""
    types = "/api/spaces/demo/types/word"
    assert (await site.patch(types, {"rename": {"title": "name"}}, headers=site.admin)).status_code == 200
    assert await _found(site, "NEAR(", "name") == [f"c{number}" for number in range(6)]
    fields = [{**field, "indexed": field["name"] == "note"} for field in WORD["fields"]]
    fields[0]["name"] = "name"
    changed = await site.patch(types, {"fields": fields}, headers=site.admin)
    assert changed.status_code == 200, changed.text
    await site.entry({"name": {"en": "Z"}, "code": "z", "note": "Noted"}, type="word")
    assert (await _found(site, "NOTED", "note"), await _found(site, "and the", "name")) == (["z"], ["b"])
    assert (await site.delete(f"{types}?allow_drop=true", headers=site.admin)).is_success
    await site.define(WORD)
    await _add(site, "new", "A new beginning")
    assert (await _found(site, "beginning"), await _found(site, "square")) == (["new"], [])


async def test_a_rare_text_is_read_from_the_index(database_url: str) -> None:
    """No scan of the documents, whatever else is asked; a text in ``or`` and ``not`` has no index, nor a short one."""
    async with open_site(database_url) as site:
        await site.define(WORD)
        store, content_type = site.core.store, site.core.registry.cached_type(site.space, "word")
        assert content_type is not None
        asked = Compare(("title",), "icontains", "Needle")
        condition = check_condition(And((Compare(("code",), "ne", "x"), And((asked,)))), content_type, None)
        lookup = trigrams.find_lookup(store.dialect.name, content_type, table_of(content_type), condition)
        assert lookup is not None
        where = Where(type=content_type, space_key=site.space.key, perspective=PUBLISHED, locale="en")
        request = PageRequest(where=where, condition=condition, sort=(), limit=25, lookup=lookup)
        (sql,) = Statements(store.dialect.name, request).page()
        plan = await _plan(store, sql.text, sql.args)
        expected = "USING INTEGER PRIMARY KEY" if store.dialect.is_sqlite else "Bitmap Index Scan"
        assert expected in plan, plan
        short = Compare(("title",), "icontains", "ab")
        for other in (Or((asked, asked)), Not(asked), short, Compare(("note",), "icontains", "Needle"), None):
            assert trigrams.find_lookup(store.dialect.name, content_type, table_of(content_type), other) is None, other


async def _plan(store: Store, sql: str, args: tuple[Any, ...]) -> str:
    if store.dialect.is_sqlite:
        return "\n".join(str(row[3]) for row in await store.fetch_all(f"EXPLAIN QUERY PLAN {sql}", *args))
    async with store.write_transaction() as transaction:
        for kind in ("seqscan", "indexscan"):
            await transaction.execute(f"SET LOCAL enable_{kind} = off")
        return "\n".join(str(row[0]) for row in await transaction.fetch_all(f"EXPLAIN {sql}", *args))


async def test_writes_that_are_rolled_back_leave_nothing_in_the_index(database_url: str) -> None:
    """Neighbours in one commit, of which every other one is refused."""
    async with open_site(database_url) as site:
        fields = [{**field, "unique": field["name"] == "code"} for field in WORD["fields"]]
        await site.define({**WORD, "fields": fields})
        bodies = [{"title": f"Basket number {number}", "code": f"code {number // 2}"} for number in range(16)]
        answers = await asyncio.gather(*(site.post(LIST, body, headers=site.admin) for body in bodies))
        stored = [answer.json() for answer in answers if answer.status_code == 201]
        assert len(stored) == len(bodies) // 2
        draft = {"headers": site.admin, "params": {"perspective": "draft", "filter[title][icontains]": "BASKET"}}
        listed = (await site.get(LIST, **draft)).json()["items"]
        assert sorted(item["id"] for item in listed) == sorted(item["id"] for item in stored)
        if site.core.store.dialect.is_sqlite:
            content_type = site.core.registry.cached_type(site.space, "word")
            assert content_type is not None
            table = trigrams.table_name(content_type.key)
            match = f"SELECT count(*) FROM {table} WHERE {table} MATCH 'basket'"
            assert await site.core.store.fetch_all(match) == [(3 * len(stored),)]


async def test_types_from_before_the_index_get_it(sqlite_url: str) -> None:
    """Their rows keep everything, and from then on have an id."""
    async with open_site(sqlite_url) as site:
        await site.define(WORD)
        await _add(site, "a", "Old Café")
        content_type = site.core.registry.cached_type(site.space, "word")
        assert content_type is not None
        table, store = f"maydan_documents_{content_type.key}", site.core.store
        columns = "space_key, perspective, locale, entry_id, translated, body, private, facts"
        async with store.write_transaction() as transaction:
            for ddl in trigrams.drop(content_type.key):
                await transaction.execute(ddl)
            await transaction.execute(f"CREATE TABLE aside AS SELECT {columns} FROM {table}")
            await transaction.execute(f"DROP TABLE {table}")
            await transaction.execute(f"ALTER TABLE aside RENAME TO {table}")
        for step in MIGRATION.steps:
            if step.only == "sqlite" and step.run is not None:
                for _ in range(2):
                    async with store.write_transaction() as transaction:
                        await step.run(transaction)
        assert await _found(site, "cafe") == ["a"]
        await _add(site, "b", "New Café")
        assert await _found(site, "cafe") == ["a", "b"]
