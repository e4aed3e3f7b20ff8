"""Relations in answers and in queries: what stands behind an id, as far as the reader may see it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.storage.counting import COUNTER

pytestmark = pytest.mark.anyio
LIST = "/api/spaces/demo/content/book"

WRITER: dict[str, Any] = {
    "name": "writer",
    "fields": [
        {"name": "name", "kind": "string", "localized": True},
        {"name": "age", "kind": "integer"},
        {"name": "phone", "kind": "string", "private": True},
        {"name": "pin", "kind": "secret"},
        {"name": "wage", "kind": "money"},
        {"name": "mentor", "kind": "relation", "to": ["writer"]},
    ],
}
FIRM: dict[str, Any] = {"name": "firm", "drafts": False, "fields": [{"name": "name", "kind": "string"}]}
BOOK: dict[str, Any] = {
    "name": "book",
    "fields": [
        {"name": "title", "kind": "string"},
        {"name": "author", "kind": "relation", "to": ["writer"]},
        {"name": "owner", "kind": "relation", "to": ["writer", "firm"]},
        {"name": "related", "kind": "relation", "to": ["book"], "many": True, "on_delete": "nullify"},
        {"name": "credit", "kind": "component", "many": True, "of": [
            {"name": "role", "kind": "string"}, {"name": "who", "kind": "relation", "to": ["writer"]}]},
        {"name": "parts", "kind": "blocks", "of": {
            "quote": [{"name": "text", "kind": "string"}, {"name": "by", "kind": "relation", "to": ["writer"]}],
            "note": [{"name": "text", "kind": "string"}]}},
    ],
}  # fmt: skip


class Library:
    """Three writers, a firm, and books; the names say who is who."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.ids: dict[str, str] = {}

    async def add(self, name: str, type: str, data: dict[str, Any], *, publish: bool = True) -> str:
        """Create an entry and remember its id by a name."""
        made = await self.site.entry(data, type=type, publish=publish and type != "firm")
        self.ids[name] = made["id"]
        return made["id"]

    async def one(self, name: str, query: str = "", **more: Any) -> dict[str, Any]:
        """Read a book by the name that it was remembered by."""
        answer = await self.site.get(f"{LIST}/{self.ids[name]}{query}", **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def titles(self, query: str, **more: Any) -> list[str]:
        """Return the titles of a list, in its order."""
        answer = await self.site.get(f"{LIST}?{query}", **more)
        assert answer.status_code == 200, answer.text
        return [item["title"] for item in answer.json()["items"]]


@pytest.fixture
async def library(site: Site) -> Library:
    """Everything is published but Zoe and the book of hers."""
    for definition in (WRITER, FIRM, BOOK):
        await site.define(definition)
    await _let(site, _readers())
    made = Library(site)
    add = made.add
    wage = {"amount": 500, "currency": "USD"}
    ann = await add("ann", "writer", {"name": {"en": "Ann", "ar": "آن"}, "age": 50, "phone": "1", "pin": "secret-pin"})
    ben = await add("ben", "writer", {"name": {"en": "Ben"}, "age": 30, "mentor": ann, "wage": wage})
    zoe = await add("zoe", "writer", {"name": {"en": "Zoe"}, "age": 20, "mentor": ben}, publish=False)
    firm = await add("firm", "firm", {"name": "Ink"})
    one = await add("one", "book", {"title": "One", "author": ann, "owner": firm})
    two = await add(
        "two",
        "book",
        {"title": "Two", "author": ben, "owner": ann, "related": [one], "credit": [{"role": "ed", "who": ann}, {}]},
    )
    quote = {"type": "quote", "text": "q", "by": ben}
    three = {"title": "Three", "author": zoe, "related": [one, two], "parts": [quote, {"type": "note", "text": "n"}]}
    await add("three", "book", three)
    hidden = await add("hidden", "book", {"title": "Hidden", "author": zoe}, publish=False)
    await add("four", "book", {"title": "Four", "related": [hidden, two]})
    return made


def _readers(**writers: Any) -> dict[str, Any]:
    """Return what everybody may: read all that is published, and firms."""
    read = [{"effect": "allow", "type": name, "actions": ["read"], "fields": ["*"]} for name in ("firm", "book")]
    return {"policies": [*read, {"effect": "allow", "type": "writer", "actions": ["read"], "fields": ["*"], **writers}]}


async def _let(site: Site, role: dict[str, Any]) -> None:
    headers = {**site.admin, "if-match": "*"}
    answer = await site.put("/api/spaces/demo/roles/anonymous", role, headers=headers)
    if answer.status_code == 412:
        answer = await site.put("/api/spaces/demo/roles/anonymous", role, headers=site.admin)
    assert answer.is_success, answer.text


async def test_without_include_a_relation_is_its_id_whatever_its_target(library: Library) -> None:
    """The key is never absent: ``null``, and of many the empty list."""
    ids = library.ids
    three = await library.one("three")
    assert (three["author"], three["related"]) == (ids["zoe"], [ids["one"], ids["two"]])
    four = await library.one("four")
    assert (four["author"], four["related"]) == (None, [ids["hidden"], ids["two"]])


async def test_include_puts_the_target_in_the_place_of_the_id(library: Library) -> None:
    """Flat, as reading it alone would give it; one that is not published is ``null``, of many it is left out."""
    site, ids = library.site, library.ids
    alone = (await site.get(f"/api/spaces/demo/content/writer/{ids['ann']}")).json()
    assert (await library.one("one", "?include=author"))["author"] == alone
    assert "phone" not in alone
    four = await library.one("four", "?include=author,related")
    assert four["author"] is None
    assert [book["title"] for book in four["related"]] == ["Two"]
    assert (await library.one("three", "?include=author"))["author"] is None


async def test_lists_single_reads_and_queries_include_alike(library: Library) -> None:
    """Also along paths, up to four relations."""
    site = library.site
    include = "author.mentor,related.author.mentor,related.related.author"
    single = await library.one("three", f"?include={include}")
    items = (await site.get(f"{LIST}?include={include}&filter[title][eq]=Three")).json()["items"]
    body = {"include": include.split(","), "filter": {"title": {"eq": "Three"}}}
    asked = await site.post(f"{LIST}/query", body)
    assert asked.status_code == 200
    assert items == asked.json()["items"] == [single]
    two = single["related"][1]
    assert (two["title"], two["author"]["name"], two["author"]["mentor"]["name"]) == ("Two", "Ben", "Ann")
    assert [book["author"]["name"] for book in two["related"]] == ["Ann"]


async def test_a_relation_to_several_types_gives_whichever_it_is(library: Library) -> None:
    """And a path goes on where there is something to go on with."""
    assert (await library.one("one", "?include=owner"))["owner"]["type"] == "firm"
    two = await library.one("two", "?include=owner.mentor")
    assert (two["owner"]["type"], two["owner"]["mentor"]) == ("writer", None)


async def test_relations_in_components_and_blocks_are_included(library: Library) -> None:
    """By the names that lead to them; the other members stay as they are."""
    two = await library.one("two", "?include=credit.who")
    assert [(one["role"], one["who"] and one["who"]["name"]) for one in two["credit"]] == [("ed", "Ann"), (None, None)]
    three = await library.one("three", "?include=parts.by.mentor")
    assert three["parts"][0]["by"]["mentor"]["name"] == "Ann"
    assert three["parts"][1] == {"type": "note", "text": "n"}


async def test_targets_come_under_the_perspective_and_in_the_locale_of_the_reader(library: Library) -> None:
    """A draft's links are not lost when they are looked at as published, and the other way round."""
    admin = library.site.admin
    three = await library.one("three", "?include=author.mentor&perspective=draft", headers=admin)
    assert (three["author"]["name"], three["author"]["mentor"]["name"]) == ("Zoe", "Ben")
    arabic = await library.one("one", "?include=author&locale=ar")
    assert (arabic["author"]["name"], arabic["author"]["locale"]) == ("آن", "ar")
    fell_back = await library.one("two", "?include=author&locale=ku")
    assert fell_back["author"] is None or fell_back["author"]["locale"] == "ku"
    maps = await library.one("one", "?include=author&locale=*")
    assert maps["author"]["name"] == {"en": "Ann", "ar": "آن"}


async def test_what_may_not_be_read_is_not_there(library: Library) -> None:
    """A policy's condition and fields hold for targets as for entries that are read alone."""
    site = library.site
    await _let(site, _readers(fields=["name", "age"], condition={"age": {"gte": 40}}))
    one = await library.one("one", "?include=author")
    assert (one["author"]["name"], "wage" in one["author"], "mentor" in one["author"]) == ("Ann", False, False)
    two = await library.one("two", "?include=author")
    assert two["author"] is None
    assert await library.titles("filter[author.age][exists]=true&sort=title") == ["One"]
    assert await library.titles("filter[author.name][ne]=Ann&sort=title") == ["Four", "Three", "Two"]
    assert await library.titles("sort=-author.age,title") == ["One", "Four", "Three", "Two"]
    shown = (await site.get(f"{LIST}?include=author,related.author&perspective=published", headers=site.admin)).text
    assert "secret-pin" not in shown


@pytest.mark.parametrize("template", ["filter[author.{}][eq]=1", "sort=author.{}", "fields=author.{}&include=author"])
async def test_unknown_and_forbidden_paths_behind_relations_look_the_same(library: Library, template: str) -> None:
    """Private, secret, unknown, and of a type that may not be read at all: one answer, and 400."""
    site = library.site
    bodies = set[str]()
    for name in ("phone", "pin", "created_by", "nothing"):
        answer = await site.get(f"{LIST}?{template.format(name)}")
        assert answer.status_code == 400, name
        bodies.add(str(answer.json() | {"request_id": ""}).replace(name, "?"))
    assert len(bodies) == 1


async def test_a_type_that_may_not_be_read_is_null_and_leads_nowhere(library: Library) -> None:
    """The relation may be read, what is behind it not; a path into it is one to nothing."""
    site = library.site
    nobody = _readers()
    nobody["policies"].append({"effect": "deny", "type": "writer", "actions": ["read"], "fields": ["*"]})
    await _let(site, nobody)
    assert (await library.one("one", "?include=author"))["author"] is None
    assert (await library.one("one", "?include=owner"))["owner"]["name"] == "Ink"
    for query in ("filter[author.name][eq]=Ann", "sort=author.name", "include=author.mentor"):
        assert (await site.get(f"{LIST}?{query}")).status_code == 400


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("filter[author.name][eq]=Ann", ["One"]),
        ("filter[author][name][eq]=Ann", ["One"]),
        ("filter[author.name][ne]=Ann", ["Four", "Three", "Two"]),
        ("filter[author.name][icontains]=BE", ["Two"]),
        ("filter[author.age][gte]=30", ["One", "Two"]),
        ("filter[author.wage.amount][lt]=900", ["Two"]),
        ("filter[author.mentor.name][eq]=Ann", ["Two"]),
        ("filter[author.name][exists]=false", ["Four", "Three"]),
        ("filter[author][exists]=true", ["One", "Three", "Two"]),
        ("filter[owner.name][in]=Ink,Ann", ["One", "Two"]),
        ("filter[related.title][eq]=Two", ["Four", "Three"]),
        ("filter[related.title][nin]=One,Two", ["One"]),
        ("filter[related.title][eq]=Hidden", []),
        ("filter[related.author.mentor.age][eq]=50", ["Four", "Three"]),
        ("filter[related.related.author.name][eq]=Ann", ["Four", "Three"]),
        ("filter[credit.who.name][eq]=Ann", ["Two"]),
        ("filter[not][related.author.name][eq]=Ben", ["One", "Two"]),
        ("filter[or][0][author.name][eq]=Ben&filter[or][1][related.title][eq]=Two", ["Four", "Three", "Two"]),
    ],
)
async def test_filters_go_through_relations(library: Library, query: str, expected: list[str]) -> None:
    """To one, to many (one is enough), into components and money; what readers do not get is absent."""
    assert await library.titles(f"{query}&sort=title") == expected
    counted = await library.site.get(f"{LIST}?{query}&count=exact")
    assert counted.json()["total"] == len(expected)


async def test_filters_through_relations_follow_the_perspective(library: Library) -> None:
    """Zoe is a draft."""
    assert await library.titles("filter[author.name][eq]=Zoe") == []
    drafts = await library.titles(
        "filter[author.name][eq]=Zoe&perspective=draft&sort=title", headers=library.site.admin
    )
    assert drafts == ["Hidden", "Three"]


async def test_a_body_says_the_same_with_objects_and_with_dots(library: Library) -> None:
    """Nested objects and dotted paths are the same; the cursor goes on in the next body."""
    site = library.site
    for condition in ({"author": {"name": {"eq": "Ann"}}}, {"author.name": {"eq": "Ann"}}):
        answer = await site.post(f"{LIST}/query", {"filter": condition, "count": "exact"})
        assert (answer.json()["items"][0]["title"], answer.json()["total"]) == ("One", 1)
    first = (await site.post(f"{LIST}/query", {"sort": ["title"], "limit": 3})).json()
    second = await site.post(f"{LIST}/query", {"sort": ["title"], "limit": 3, "cursor": first["next"]})
    assert [item["title"] for item in first["items"] + second.json()["items"]] == ["Four", "One", "Three", "Two"]
    assert "link" not in second.headers


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"nothing": 1}, 422),
        ({"limit": "3"}, 422),
        ({"include": "author"}, 422),
        ({"include": ["title"]}, 400),
        ({"include": ["author.name"]}, 400),
        ({"include": ["nothing"]}, 400),
        ({"include": ["related.related.related.related.related"]}, 400),
        ({"filter": {"author": {"nothing": {"eq": 1}}}}, 400),
        ({"filter": {"author": {"age": {"eq": "1"}}}}, 400),
        ({"filter": {"related.related.related.related.related.title": {"eq": "1"}}}, 400),
        ({"sort": ["related.title"]}, 400),
        ({"sort": ["author"]}, 400),
        ({"fields": ["author.name"]}, 400),
        ({"cursor": "x"}, 400),
    ],
)
async def test_what_a_body_cannot_ask_is_refused(library: Library, body: dict[str, Any], status: int) -> None:
    """Shape 422, the query itself 400; more than four relations, or a list to sort by, too."""
    assert (await library.site.post(f"{LIST}/query", body)).status_code == status


async def test_sorting_goes_through_relations_to_one(library: Library) -> None:
    """Absent is lowest; pages by cursor give every entry once."""
    assert await library.titles("sort=author.name,title") == ["Four", "Three", "One", "Two"]
    assert await library.titles("sort=-author.mentor.age,title") == ["Two", "Four", "One", "Three"]
    assert await library.titles("sort=author.wage,title") == ["Four", "One", "Three", "Two"]
    assert await library.titles("sort=owner.name,title") == ["Four", "Three", "Two", "One"]
    for sort in ("author.name", "-author.name", "-author.mentor.age,title"):
        seen: list[str] = []
        cursor = ""
        for _ in range(5):
            page = (await library.site.get(f"{LIST}?sort={sort}&limit=1{cursor}")).json()
            seen += [item["title"] for item in page["items"]]
            cursor = f"&cursor={page['next']}"
            if page["next"] is None:
                break
        assert seen == await library.titles(f"sort={sort}")


async def test_fields_reach_into_what_is_included(library: Library) -> None:
    """What is included is shown though it is not named; ids always are."""
    one = await library.one("one", "?include=author&fields=title")
    assert set(one) == {"id", "title", "author"}
    assert "age" in one["author"]
    two = await library.one("two", "?include=author.mentor&fields=title,author.name,author.mentor.age")
    assert set(two) == {"id", "title", "author"}
    assert set(two["author"]) == {"id", "name", "mentor"}
    assert set(two["author"]["mentor"]) == {"id", "age"}


async def _statements(site: Site, path: str) -> int:
    counter = [0]
    token = COUNTER.set(counter)
    try:
        answer = await site.get(path)
        assert answer.status_code == 200, answer.text
    finally:
        COUNTER.reset(token)
    return counter[0]


async def test_the_number_of_statements_depends_on_the_paths_alone(library: Library) -> None:
    """One for the page, and one for each level; never more for more rows, or for what is found there."""
    site = library.site
    path = f"{LIST}?include=author.mentor,related.author,owner"
    ids = library.ids
    writers = [
        await library.add(f"w{number}", "writer", {"name": {"en": f"W{number}"}, "mentor": ids["ann"]})
        for number in range(12)
    ]
    for number in range(30):
        data = {"title": f"B{number}", "author": writers[number % 12], "related": [ids["two"]], "owner": ids["firm"]}
        await library.add(f"b{number}", "book", data)
    for limit in (1, 2, 30):
        assert await _statements(site, f"{path}&limit={limit}") == 1 + 2
    assert await _statements(site, f"{LIST}?include=author&limit=1") == 2
    assert await _statements(site, f"{LIST}?limit=30") == 1


async def test_a_circle_is_followed_as_far_as_it_is_asked_for(library: Library) -> None:
    """An entry may stand in itself; each time with what was asked of it there."""
    site, ids = library.site, library.ids
    path = f"{LIST}/{ids['one']}"
    await site.patch(path, {"related": [ids["one"], ids["two"]]}, headers=site.admin)
    await site.post(f"{path}/publish", headers=site.admin)
    one = await library.one("one", "?include=related.related.related.related")
    inner = one["related"][0]["related"][0]["related"][0]["related"][0]
    assert (inner["title"], inner["related"]) == ("One", [ids["one"], ids["two"]])


async def test_an_answer_does_not_grow_without_bound(library: Library) -> None:
    """Lists of lists of lists are refused before they are made."""
    site = library.site
    ids = [await library.add(f"n{number}", "book", {"title": f"N{number}"}) for number in range(30)]
    for book in ids:
        await site.patch(f"{LIST}/{book}", {"related": ids}, headers=site.admin)
        await site.post(f"{LIST}/{book}/publish", headers=site.admin)
    small = await site.get(f"{LIST}/{ids[0]}?include=related.related&fields=related.related.title")
    assert small.status_code == 200
    assert len(json.dumps(small.json())) < 200_000
    answer = await site.get(f"{LIST}?include=related.related.related&limit=30")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "too_many")


async def test_an_entry_may_be_called_query(library: Library) -> None:
    """The word in the path hides nobody's slug."""
    await library.add("query", "book", {"title": "Query"})
    assert (await library.site.get(f"{LIST}/query")).json()["title"] == "Query"
    changed = await library.site.patch(f"{LIST}/query", {"title": "Other"}, headers=library.site.admin)
    assert changed.status_code == 200
