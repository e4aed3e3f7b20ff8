"""Where entries are used, and what deleting them does to what links to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

from maydan import app
from maydan.access.actors import system
from maydan.errors import Conflict, HookRefused, InvalidInput
from maydan.operations import entries
from maydan.operations.core import Caller, Core
from maydan.operations.scopes import Scope, scope_of
from maydan.plugins.host import PluginHost
from maydan.plugins.views import EntryState
from maydan.settings import read
from maydan.storage.references import page_sql

pytestmark = pytest.mark.anyio
CONTENT = "/api/spaces/demo/content"
BOOK: dict[str, Any] = {
    "name": "book",
    "fields": [
        {"name": "title", "kind": "string", "required": True},
        {"name": "writer", "kind": "relation", "to": ["person"], "on_delete": "restrict"},
        {"name": "readers", "kind": "relation", "to": ["person"], "many": True, "on_delete": "nullify"},
        {"name": "secretly", "kind": "relation", "to": ["person"], "private": True, "on_delete": "nullify"},
        {
            "name": "credits", "kind": "component", "many": True,
            "of": [{"name": "who", "kind": "relation", "to": ["person"], "on_delete": "nullify"}],
        },
    ],
}  # fmt: skip
CHAPTER: dict[str, Any] = {
    "name": "chapter",
    "fields": [
        {"name": "title", "kind": "string"},
        {"name": "book", "kind": "relation", "to": ["book"], "on_delete": "cascade"},
        {"name": "after", "kind": "relation", "to": ["chapter"], "on_delete": "cascade"},
        {"name": "quotes", "kind": "relation", "to": ["chapter"], "on_delete": "restrict"},
    ],
}
CARD: dict[str, Any] = {
    "name": "card",
    "drafts": False,
    "fields": [
        {"name": "title", "kind": "string"},
        {"name": "owner", "kind": "relation", "to": ["person"], "required": True, "on_delete": "nullify"},
    ],
}


@pytest.fixture
async def library(site: Site) -> Site:
    """A space with books, chapters and cards too."""
    for definition in (BOOK, CHAPTER, CARD):
        await site.define(definition)
    return site


async def person(site: Site, name: str) -> str:
    """Make a person; returns the id."""
    made = await site.entry({"name": name}, type="person", publish=False)
    return str(made["id"])


async def made(site: Site, type: str, *, publish: bool = False, **fields: Any) -> str:
    """Make an entry; returns its path."""
    entry = await site.entry({"title": "T", **fields}, type=type, publish=publish)
    return f"{CONTENT}/{type}/{entry['id']}"


def entry_id(path: str) -> str:
    """Return the id in a path."""
    return path.rpartition("/")[2]


async def references(site: Site, path: str, headers: dict[str, str] | None = None) -> list[tuple[str, str]]:
    """Return ``(id, field)`` of what links to an entry."""
    answer = await site.get(f"{path}/references", headers=headers if headers is not None else site.admin)
    assert answer.status_code == 200, answer.text
    return [(item["id"], item["field"]) for item in answer.json()["items"]]


async def draft(site: Site, path: str) -> dict[str, Any]:
    """Return the newest version of an entry."""
    answer = await site.get(f"{path}?perspective=draft", headers=site.admin)
    return answer.json() if answer.status_code == 200 else {}


async def test_references_name_the_entry_and_the_field(library: Site) -> None:
    """The newest first, inside of components by the dotted path, paged like every list."""
    ann = await person(library, "Ann")
    first = await made(library, "book", writer=ann, credits=[{"who": ann}])
    second = await made(library, "book", readers=[ann])
    path = f"{CONTENT}/person/{ann}"
    wanted = [(entry_id(second), "readers"), (entry_id(first), "writer"), (entry_id(first), "credits.who")]
    assert await references(library, path) == wanted
    page = (await library.get(f"{path}/references?limit=2&count=exact", headers=library.admin)).json()
    assert (len(page["items"]), page["total"], page["items"][0]["type"]) == (2, 3, "book")
    rest = (await library.get(f"{path}/references?cursor={page['next']}", headers=library.admin)).json()
    assert ([item["field"] for item in rest["items"]], rest["next"]) == (["credits.who"], None)
    skipped = (await library.get(f"{path}/references?offset=1&limit=1", headers=library.admin)).json()
    assert [item["field"] for item in skipped["items"]] == ["writer"]
    await library.delete(first, headers=library.admin)
    assert await references(library, path) == [(entry_id(second), "readers")]


async def test_references_tell_only_what_the_caller_may_read(library: Site) -> None:
    """A draft's link is for who reads drafts, a private field's for who reads that, a row's for who reads the row."""
    ann = await person(library, "Ann")
    path = f"{CONTENT}/person/{ann}"
    shown = await made(library, "book", publish=True, readers=[ann])
    await made(library, "book", readers=[ann])
    await made(library, "book", publish=True, title="S", secretly=ann)
    await library.patch(shown, {"readers": None, "writer": ann}, headers=library.admin)
    readable = [{"effect": "allow", "type": "person", "actions": ["read"], "fields": ["*"]}]

    async def role(name: str, **policy: Any) -> dict[str, str]:
        book = {"effect": "allow", "type": "book", "actions": ["read"], "fields": ["*"], **policy}
        answer = await library.put(
            f"/api/spaces/demo/roles/{name}", {"policies": [*readable, book]}, headers=library.admin
        )
        assert answer.is_success, answer.text
        return await library.account(f"{name}@example.org", name)

    assert await references(library, path, await role("reader")) == [(entry_id(shown), "readers")]
    assert len(await references(library, path, await role("drafter", actions=["read_draft"]))) == 3
    assert len(await references(library, path, library.admin)) == 4
    picky = await role("picky", condition={"title": {"eq": "T"}}, fields=["*", "secretly"])
    assert await references(library, path, picky) == [(entry_id(shown), "readers")]
    nobody = await role("nobody", effect="deny")
    assert await references(library, path, nobody) == []
    hidden = await library.get(f"{path}/references")
    assert hidden.status_code == 404


async def test_the_links_to_an_entry_are_found_in_order_by_an_index(site: Site) -> None:
    """A page of what links to a much-used entry does not sort all of it."""
    store, args = site.core.store, (1, "01a205a9-3fcf-7094-a5af-39927a08eb43")
    if store.dialect.is_sqlite:
        plan = str(await store.fetch_all(f"EXPLAIN QUERY PLAN {page_sql(200, is_first=True)}", *args))
        assert "maydan_links_listed_index" in plan
        assert "TEMP B-TREE" not in plan
        return
    async with store.write_transaction() as transaction:
        for setting in ("enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_sort", "enable_hashagg"):
            await transaction.execute(f"SET LOCAL {setting} = off")
        plan = str(await transaction.fetch_all(f"EXPLAIN {page_sql(200, is_first=True)}", *args))
    assert "maydan_links_listed_index" in plan
    assert "Sort" not in plan


async def test_restrict_keeps_an_entry_from_being_deleted(library: Site) -> None:
    """409 with what is in the way, as far as the caller may read it; nothing is changed."""
    ann = await person(library, "Ann")
    path = f"{CONTENT}/person/{ann}"
    book = await made(library, "book", writer=ann, readers=[ann])
    refused = await library.delete(path, headers=library.admin)
    assert (refused.status_code, refused.json()["code"]) == (409, "referenced")
    wanted = [{"type": "book", "id": entry_id(book), "field": "writer"}]
    assert refused.json()["refused_by"] == wanted
    assert (await library.get(path, headers=library.admin)).status_code == 200
    assert (await library.delete(f"{path}?purge=1", headers=library.admin)).status_code == 409
    plan = await library.delete(f"{path}?plan=1", headers=library.admin)
    assert (plan.status_code, plan.json()["refused_by"]) == (200, wanted)
    assert plan.json()["nullifies"] == [{"type": "book", "id": entry_id(book), "field": "readers"}]
    assert plan.json()["deletes"] == [{"type": "person", "id": ann}]

    policies = [{"effect": "allow", "type": "person", "actions": ["read", "delete"], "fields": ["*"]}]
    await library.put("/api/spaces/demo/roles/remover", {"policies": policies}, headers=library.admin)
    remover = await library.account("remover@example.org", "remover")
    blind = await library.delete(path, headers=remover)
    assert (blind.status_code, blind.json()["refused_by"]) == (409, [])
    assert (await library.delete(f"{path}?on_reference=nullify", headers=remover)).status_code == 409
    assert (await library.delete(f"{path}?plan=1")).status_code == 401
    assert (await library.delete(f"{path}?on_reference=other", headers=remover)).status_code == 400


async def test_nullify_takes_the_link_out_of_the_draft_and_of_what_readers_get(library: Site) -> None:
    """As a new version; other links stay, and an entry that was published as it is stays so."""
    ann, ben = await person(library, "Ann"), await person(library, "Ben")
    book = await made(library, "book", publish=True, readers=[ann, ben], credits=[{"who": ann}])
    edited = await made(library, "book", publish=True, readers=[ann])
    await library.patch(edited, {"title": "Edited"}, headers=library.admin)
    assert (await library.delete(f"{CONTENT}/person/{ann}", headers=library.admin)).status_code == 204

    shown, newest = (await library.get(book)).json(), await draft(library, book)
    assert (shown["readers"], shown["credits"]) == ([ben], [{"who": None}])
    assert (newest["readers"], newest["status"], newest["version"]) == ([ben], "published", 2)
    kept = await library.get(edited)
    assert (kept.json()["readers"], kept.json()["title"]) == ([], "T")
    after = await draft(library, edited)
    assert (after["readers"], after["title"], after["status"]) == ([], "Edited", "changed")
    listed = (await library.get(f"{CONTENT}/book?sort=id", headers=library.admin)).json()["items"]
    assert [item["readers"] for item in listed] == [[ben], []]
    diff = (await library.get(f"{edited}/versions/2/diff/3", headers=library.admin)).json()
    assert diff == [{"op": "remove", "path": "/readers"}]


async def test_on_reference_nullify_takes_out_what_is_in_the_way(library: Site) -> None:
    """Where the caller may update it."""
    ann = await person(library, "Ann")
    path = f"{CONTENT}/person/{ann}"
    book = await made(library, "book", writer=ann)
    plan = (await library.delete(f"{path}?plan=1&on_reference=nullify", headers=library.admin)).json()
    assert (plan["refused_by"], len(plan["nullifies"])) == ([], 1)
    assert (await library.delete(f"{path}?on_reference=nullify", headers=library.admin)).status_code == 204
    assert (await draft(library, book))["writer"] is None
    assert (await library.get(path, headers=library.admin)).status_code == 404


async def test_what_requires_its_link_is_in_the_way(library: Site) -> None:
    """Neither the type's rule nor the caller makes an entry that readers get incomplete."""
    ann = await person(library, "Ann")
    path = f"{CONTENT}/person/{ann}"
    card = await made(library, "card", owner=ann)
    for query in ("", "?on_reference=nullify", "?purge=1"):
        refused = await library.delete(f"{path}{query}", headers=library.admin)
        assert (refused.status_code, refused.json()["refused_by"][0]["field"]) == (409, "owner")
    await library.delete(card, headers=library.admin)
    assert (await library.delete(path, headers=library.admin)).status_code == 204


async def test_cascade_takes_what_belongs_to_it_to_the_trash_too(library: Site) -> None:
    """Transitively, in rings too; a link that would restrict does not, where its holder goes as well."""
    book = await made(library, "book", publish=True)
    one = await made(library, "chapter", publish=True, book=entry_id(book))
    two = await made(library, "chapter", after=entry_id(one), quotes=entry_id(one))
    await library.patch(one, {"after": entry_id(two)}, headers=library.admin)
    other = await made(library, "chapter")
    plan = (await library.delete(f"{book}?plan=1", headers=library.admin)).json()
    assert [item["id"] for item in plan["deletes"]] == [entry_id(book), entry_id(one), entry_id(two)]
    assert plan["deletes"][1]["field"] == "book"
    assert (await library.delete(book, headers=library.admin)).status_code == 204
    assert [await draft(library, path) for path in (book, one, two)] == [{}, {}, {}]
    assert await draft(library, other)
    trash = (await library.get(f"{CONTENT}/chapter?status=trashed", headers=library.admin)).json()["items"]
    assert {item["id"] for item in trash} == {entry_id(one), entry_id(two)}
    events = await library.core.store.fetch_all(
        "SELECT subject_id, data FROM maydan_log WHERE type = 'entry.deleted' ORDER BY position"
    )
    assert [row[0] for row in events] == [entry_id(book), entry_id(one), entry_id(two)]
    assert all(entry_id(book) in row[1] for row in events[1:])
    assert (await library.post(f"{two}/restore", headers=library.admin)).status_code == 200


async def test_what_is_in_the_way_of_a_cascade_is_in_the_way_of_all_of_it(library: Site) -> None:
    """Everything goes, or nothing; and what the caller may not delete is in the way."""
    book = await made(library, "book")
    one = await made(library, "chapter", book=entry_id(book))
    quoting = await made(library, "chapter", quotes=entry_id(one))
    refused = await library.delete(book, headers=library.admin)
    assert [item["id"] for item in refused.json()["refused_by"]] == [entry_id(quoting)]
    assert await draft(library, one)
    policies = [
        {"effect": "allow", "type": "book", "actions": ["read_draft", "delete"], "fields": ["*"]},
        {"effect": "allow", "type": "chapter", "actions": ["read_draft"], "fields": ["*"]},
    ]
    await library.put("/api/spaces/demo/roles/books", {"policies": policies}, headers=library.admin)
    books = await library.account("books@example.org", "books")
    refused = await library.delete(f"{book}?on_reference=nullify", headers=books)
    assert refused.status_code == 409
    assert entry_id(one) in [item["id"] for item in refused.json()["refused_by"]]


async def test_a_plugin_may_refuse_any_part_of_a_deletion(library: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked about each entry that would go or change; one refusal, and nothing has happened."""
    ann = await person(library, "Ann")
    book = await made(library, "book", publish=True, readers=[ann])
    chapter = await made(library, "chapter", book=entry_id(book))
    hooks, asked = library.core.hooks, list[str]()

    async def check_delete(_space: object, entry: EntryState, _actor: object) -> None:
        asked.append(entry.id)
        if entry.type == "chapter":
            raise HookRefused("Chapters stay.")

    async def check_update(_space: object, before: EntryState, after: EntryState, _actor: object) -> None:
        asked.append(before.id)
        assert (before.fields["readers"], "readers" in after.fields) == ([ann], False)
        raise HookRefused("Books stay as they are.")

    monkeypatch.setattr(hooks, "listens", lambda name, _space: str(name).startswith("check_entry_"))
    monkeypatch.setattr(hooks, "check_entry_delete", check_delete)
    monkeypatch.setattr(hooks, "check_entry_update", check_update)
    for path, whom in ((book, [entry_id(book), entry_id(chapter)]), (f"{CONTENT}/person/{ann}", [ann, entry_id(book)])):
        asked.clear()
        refused = await library.delete(path, headers=library.admin)
        assert (refused.status_code, refused.json()["code"], asked) == (409, "refused", whom)
        assert (await library.get(path, headers=library.admin)).status_code == 200
    assert (await library.get(book)).json()["readers"] == [ann]


async def test_a_deletion_that_would_touch_too_much_is_refused(library: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would hold everybody up; the answer says so, and nothing is done."""
    ann = await person(library, "Ann")
    for _ in range(3):
        await made(library, "book", readers=[ann])
    monkeypatch.setattr("maydan.operations.entries.consequences.MOST_AFFECTED", 2)
    refused = await library.delete(f"{CONTENT}/person/{ann}", headers=library.admin)
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_references")
    assert len(await references(library, f"{CONTENT}/person/{ann}")) == 3


@asynccontextmanager
async def second_process(url: str) -> AsyncIterator[Core]:
    """Open the database once more, with its own connections and its own lock on it."""
    settings = read({"database": {"url": url}, "auth": {"hash_passes": 1, "hash_memory_kib": 64}}, {})
    core = app.create_core(settings, PluginHost.empty())
    async with app.running(core):
        yield core


async def scope_in(core: Core, type: str) -> Scope:
    """Return the system before a type, in one of the processes."""
    space = core.registry.cached_space("demo")
    assert space is not None
    return await scope_of(core, Caller(actor=system("test")), space, type)


async def test_no_link_slips_in_beside_a_deletion(library: Site, database_url: str) -> None:
    """Two processes, one links and one deletes: one of them is refused, and nothing links to what is gone."""
    async with second_process(database_url) as other:
        for number in range(25):
            ann = await person(library, f"Ann {number}")
            links, deletes = await scope_in(library.core, "book"), await scope_in(other, "person")
            results = await asyncio.gather(
                entries.create(links, {"title": "T", "writer": ann}),
                _after(number * 0.0004, entries.delete(deletes, ann, precondition=lambda _version: None)),
                return_exceptions=True,
            )
            refused = [one for one in results if isinstance(one, BaseException)]
            assert len(refused) == 1, results
            assert isinstance(refused[0], (InvalidInput, Conflict))
            dangling = await library.core.store.fetch_all(
                "SELECT 1 FROM maydan_links AS l JOIN maydan_entries AS e ON e.id = l.target_id"
                " WHERE e.trashed_at IS NOT NULL"
            )
            assert dangling == []


async def _after(seconds: float, work: Any) -> Any:
    await asyncio.sleep(seconds)
    return await work


async def test_a_link_waits_for_a_deletion_that_has_begun(library: Site, database_url: str) -> None:
    """The deletion has looked for links and not committed yet: the link must not be stored beside it."""
    ann = await person(library, "Ann")
    async with second_process(database_url) as other:
        links = await scope_in(library.core, "book")
        deletes = await scope_in(other, "person")
        async with other.store.write_transaction():
            await entries.delete(deletes, ann, precondition=lambda _version: None)
            creating = asyncio.create_task(entries.create(links, {"title": "T", "writer": ann}))
            await asyncio.sleep(0.1)
            assert not creating.done()
        with pytest.raises(InvalidInput):
            await creating


async def test_a_deletion_waits_for_a_link_that_is_being_stored(library: Site, database_url: str) -> None:
    """The link is stored and not committed yet: the deletion must see it."""
    ann = await person(library, "Ann")
    async with second_process(database_url) as other:
        links = await scope_in(library.core, "book")
        deletes = await scope_in(other, "person")
        async with library.core.store.write_transaction():
            await entries.create(links, {"title": "T", "writer": ann})
            deleting = asyncio.create_task(entries.delete(deletes, ann, precondition=lambda _version: None))
            await asyncio.sleep(0.1)
            assert not deleting.done()
        with pytest.raises(Conflict):
            await deleting
