"""Some of a relation's targets, in an order: ``include[related][limit]`` and ``include[related][sort]``."""

from __future__ import annotations

from typing import Any

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.storage.counting import COUNTER

pytestmark = pytest.mark.anyio
SPACE = "/api/spaces/demo"
LIST = f"{SPACE}/content/book"

WRITER: dict[str, Any] = {
    "name": "writer",
    "drafts": False,
    "fields": [
        {"name": "name", "kind": "string"},
        {"name": "age", "kind": "integer"},
        {"name": "pin", "kind": "secret"},
    ],
}
BOOK: dict[str, Any] = {
    "name": "book",
    "fields": [
        {"name": "title", "kind": "string", "localized": True},
        {"name": "rating", "kind": "integer"},
        {"name": "price", "kind": "money"},
        {"name": "weight", "kind": "decimal"},
        {"name": "note", "kind": "string", "private": True},
        {"name": "extra", "kind": "json"},
        {"name": "author", "kind": "relation", "to": ["writer"]},
        {"name": "related", "kind": "relation", "to": ["book", "writer"], "many": True, "on_delete": "nullify"},
        {"name": "parts", "kind": "component", "many": True, "of": [
            {"name": "books", "kind": "relation", "to": ["book"], "many": True}]},
    ],
}  # fmt: skip
RATINGS = {"A": 3, "B": 5, "C": None, "D": 3, "E": 1}


@pytest.fixture
async def shelf(site: Site) -> Site:
    """Books A to E and the draft F; the book All leads to them, to Ann and to Ben, in the order in which they came."""
    for definition in (WRITER, BOOK):
        await site.define(definition)
    readers = [
        {"effect": "allow", "type": "book", "actions": ["read"], "fields": ["*"]},
        {"effect": "allow", "type": "writer", "actions": ["read"], "fields": ["name"]},
        {"effect": "allow", "type": "writer", "actions": ["read"], "fields": ["age"],
         "condition": {"age": {"lt": 50}}},
    ]  # fmt: skip
    path = f"{SPACE}/roles/anonymous"
    assert (await site.put(path, {"policies": readers}, headers={**site.admin, "if-match": "*"})).is_success
    ann = (await site.entry({"name": "Ann", "age": 60}, type="writer", publish=False))["id"]
    ben = (await site.entry({"name": "Ben", "age": 30}, type="writer", publish=False))["id"]
    ids: list[str] = []
    for number, (title, rating) in enumerate(RATINGS.items()):
        data: dict[str, Any] = {"title": {"en": title, "ar": "يوهدج"[number]}, "author": (ann, ben)[number % 2]}
        more = {"price": {"amount": 100 - number, "currency": "USD"}, "weight": str(9 + number % 2), "note": title}
        if rating is not None:
            data |= {"rating": rating}
        ids.append((await site.entry(data | more, type="book"))["id"])
    hidden = (await site.entry({"title": {"en": "F"}, "rating": 9}, type="book", publish=False))["id"]
    parts = [{"books": ids[:3]}, {"books": ids[3:]}, {}]
    everything = {"title": {"en": "All"}, "related": [hidden, *ids, ann, ben], "parts": parts, "rating": 0}
    await site.entry(everything, type="book")
    return site


async def _names(site: Site, query: str, *path: str, **more: Any) -> list[Any]:
    """Return the titles, or names, of what the book All leads to."""
    answer = await site.get(f"{LIST}/all?{query}", **more)
    assert answer.status_code == 200, answer.text
    found: Any = answer.json()
    for step in path or ("related",):
        found = [one[step] for one in found] if isinstance(found, list) else found[step]
    return _titles(found)


def _titles(found: list[Any]) -> list[Any]:
    return [_titles(one) if isinstance(one, list) else one.get("title", one.get("name")) for one in found]


async def test_the_first_targets_in_the_relations_own_order(shelf: Site) -> None:
    """Only what the reader gets is counted: the draft is not, and it does not take a place."""
    assert await _names(shelf, "include=related") == ["A", "B", "C", "D", "E", "Ann", "Ben"]
    assert await _names(shelf, "include=related&include[related][limit]=2") == ["A", "B"]
    assert await _names(shelf, "include[related][limit]=100") == ["A", "B", "C", "D", "E", "Ann", "Ben"]
    draft = "perspective=draft&include[related][limit]=2"
    assert await _names(shelf, draft, headers=shelf.admin) == ["F", "A"]
    assert await _names(shelf, "include[parts.books][limit]=1", "parts", "books") == [["A"], ["D"], []]


_ORDERS = (
    ("-rating", ["B", "A", "D", "E", "C", "Ann", "Ben"]),
    ("rating", ["C", "Ann", "Ben", "E", "A", "D", "B"]),
    ("rating,-title", ["C", "Ann", "Ben", "E", "D", "A", "B"]),
    ("-price", ["A", "B", "C", "D", "E", "Ann", "Ben"]),
    ("weight", ["Ann", "Ben", "A", "C", "E", "B", "D"]),
    ("-author.name,-title", ["D", "B", "E", "C", "A", "Ann", "Ben"]),
    ("-id", ["E", "D", "C", "B", "A", "Ben", "Ann"]),
    ("age", ["A", "B", "C", "D", "E", "Ann", "Ben"]),
)


async def test_targets_come_in_the_order_asked_for(shelf: Site) -> None:
    """What is absent is lowest, also where a type has no such field; equals stay in the relation's order."""
    for sort, expected in _ORDERS:
        for limit in (3, 100):
            query = f"include[related][sort]={sort}&include[related][limit]={limit}"
            assert await _names(shelf, query) == expected[:limit], sort


async def test_an_order_tells_nothing_that_the_reader_may_not_know(shelf: Site) -> None:
    """A field that is readable on some rows is absent on the others: Ann's age, which is highest, is lowest here."""
    query = "include[related][sort]=-age&include[related][limit]=2"
    assert await _names(shelf, query) == ["Ben", "A"]
    assert await _names(shelf, query, headers=shelf.admin) == ["Ann", "Ben"]
    assert await _names(shelf, "include[related][sort]=-note&include[related][limit]=1", headers=shelf.admin) == ["E"]
    bodies = [
        (await shelf.get(f"{LIST}?include[related][sort]={name}")).json() | {"request_id": ""}
        for name in ("note", "nope", "pin")
    ]
    assert bodies[0]["status"] == 400
    assert {str(body).replace("note", "nope").replace("pin", "nope") for body in bodies} == {str(bodies[1])}


async def test_orders_follow_the_locale_and_maps_keep_to_the_limit(shelf: Site) -> None:
    """``locale=*`` sorts by the default locale."""
    query = "include[parts.books][sort]=title&include[parts.books][limit]=2&locale={}"
    assert await _names(shelf, query.format("en"), "parts", "books") == [["A", "B"], ["D", "E"], []]
    assert await _names(shelf, query.format("ar"), "parts", "books") == [["ه", "و"], ["ج", "د"], []]
    maps = await _names(shelf, query.format("*"), "parts", "books")
    assert [[title["en"] for title in titles] for titles in maps] == [["A", "B"], ["D", "E"], []]


async def test_each_level_has_a_portion_of_its_own_and_lists_take_them_too(shelf: Site) -> None:
    """And a body says the same."""
    include = [{"path": "related", "limit": 1, "sort": ["-rating"]}, {"path": "related.related", "limit": 2}, "author"]
    body = {"filter": {"title": {"eq": "All"}}, "include": include, "fields": ["related.title"]}
    asked = await shelf.post(f"{LIST}/query", body)
    assert asked.status_code == 200, asked.text
    query = (
        "filter[title][eq]=All&include=author,related.related&include[related][limit]=1&include[related][sort]=-rating"
    )
    listed = await shelf.get(f"{LIST}?{query}&include[related][related][limit]=2&fields=related.title")
    assert listed.json()["items"] == asked.json()["items"]
    assert [one["title"] for one in listed.json()["items"][0]["related"]] == ["B"]


async def test_portions_cost_a_statement_for_each_path_and_type(shelf: Site) -> None:
    """Beside the one for the level; never for each row; and they bound what is read."""
    query = "include[related][limit]=2&include[related][sort]=-rating"
    for limit in (1, 6):
        counter = [0]
        token = COUNTER.set(counter)
        assert (await shelf.get(f"{LIST}?{query}&limit={limit}")).status_code == 200
        COUNTER.reset(token)
        assert counter[0] == 1 + 2 + 1, limit


_REFUSED = (
    ("include[related][limit]=0", "include[related][limit]"),
    ("include[related][limit]=101", "include[related][limit]"),
    ("include[related][limit]=x", "include[related][limit]"),
    ("include[related][limit]=", "include[related][limit]"),
    ("include[related][sort]=", "include[related][sort]"),
    ("include[related][limit]=1&include[related][limit]=1", "include[related][limit]"),
    ("include[related][sort]=title,-title", "include[related][sort]"),
    ("include[related][sort]=extra", "include[related][sort]"),
    ("include[related][sort]=related.title", "include[related][sort]"),
    ("include[related][sort]=nothing", "include[related][sort]"),
    ("include[author][limit]=1", "include[author]"),
    ("include[nothing][limit]=1", "include"),
    ("include[title][limit]=1", "include"),
    ("include[related][skip]=1", "include[related][skip]"),
    ("include[related]=1", "include[related]"),
    ("include[related.related.related.related.related][limit]=1", "include"),
)


async def test_what_cannot_be_asked_is_400_and_names_the_place(shelf: Site) -> None:
    """On single entries as on lists."""
    for query, place in _REFUSED:
        for path in (LIST, f"{LIST}/all"):
            answer = await shelf.get(f"{path}?{query}")
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, place), answer.text
