"""Lists as clients meet them: filters, order, pages, counts, fields."""

from __future__ import annotations

from typing import Any

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio
LIST = "/api/spaces/demo/content/article"


async def _titles(site: Site, query: str, **more: Any) -> list[str]:
    answer = await site.get(f"{LIST}?{query}", **more)
    assert answer.status_code == 200, answer.text
    return [item["title"] for item in answer.json()["items"]]


@pytest.fixture
async def filled(site: Site) -> Site:
    """Six articles, some with gaps."""
    for data in (
        {"title": "Ant", "rating": 3, "category": "news", "price": {"amount": 500, "currency": "USD"}, "tags": ["x"]},
        {"title": "Bee", "rating": 3, "category": "guide", "tags": ["x", "y"]},
        {"title": "Café", "rating": 5, "category": "news", "price": {"amount": 900, "currency": "USD"}},
        {"title": "Dog"},
        {"title": "Eel", "rating": 1, "category": "guide"},
        {"title": "100%_odd", "rating": 0, "category": "news"},
    ):
        await site.entry(data)
    return site


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("filter[rating][eq]=3", {"Ant", "Bee"}),
        ("filter[rating][ne]=3", {"Café", "Dog", "Eel", "100%_odd"}),
        ("filter[rating][gte]=3", {"Ant", "Bee", "Café"}),
        ("filter[rating][lt]=1", {"100%_odd"}),
        ("filter[rating][in][0]=1&filter[rating][in][1]=5", {"Café", "Eel"}),
        ("filter[category][nin][0]=news", {"Bee", "Dog", "Eel"}),
        ("filter[rating][exists]=false", {"Dog"}),
        ("filter[title][contains]=%25_", {"100%_odd"}),
        ("filter[title][icontains]=CAFE", {"Café"}),
        ("filter[title][startswith]=B", {"Bee"}),
        ("filter[price.amount][gte]=600", {"Café"}),
        ("filter[price][exists]=true", {"Ant", "Café"}),
        ("filter[tags][eq]=y", {"Bee"}),
        ("filter[tags][ne]=x", {"Café", "Dog", "Eel", "100%_odd"}),
        ("filter[not][category][eq]=news", {"Bee", "Dog", "Eel"}),
        ("filter[or][0][rating][eq]=5&filter[or][1][title][eq]=Dog", {"Café", "Dog"}),
        ("filter[and][0][rating][gte]=1&filter[and][1][category][eq]=guide", {"Bee", "Eel"}),
    ],
)
async def test_each_operator_finds_what_it_says(filled: Site, query: str, expected: set[str]) -> None:
    """Only ``ne``, ``nin``, ``not`` and ``exists=false`` match what is absent."""
    assert set(await _titles(filled, query)) == expected


async def test_lists_are_newest_first_and_sort_by_any_key_with_absent_values_lowest(filled: Site) -> None:
    """Ties go by id."""
    assert await _titles(filled, "") == ["100%_odd", "Eel", "Dog", "Café", "Bee", "Ant"]
    assert await _titles(filled, "sort=rating") == ["Dog", "100%_odd", "Eel", "Ant", "Bee", "Café"]
    assert await _titles(filled, "sort=-rating") == ["Café", "Bee", "Ant", "Eel", "100%_odd", "Dog"]
    assert await _titles(filled, "sort=category,-title") == ["Dog", "Eel", "Bee", "Café", "Ant", "100%_odd"]
    assert await _titles(filled, "sort=-price") == ["Café", "Ant", "100%_odd", "Eel", "Dog", "Bee"]


@pytest.mark.parametrize("sort", ["", "sort=rating", "sort=-rating", "sort=category,-rating", "sort=-price,title"])
async def test_pages_by_cursor_give_every_entry_once(filled: Site, sort: str) -> None:
    """Whatever the order, with ties and absent values, forwards to the end."""
    whole = await _titles(filled, f"{sort}&limit=100")
    seen: list[str] = []
    query = f"{sort}&limit=2"
    for _ in range(10):
        page = (await filled.get(f"{LIST}?{query}")).json()
        seen += [item["title"] for item in page["items"]]
        if page["next"] is None:
            break
        query = f"{sort}&limit=2&cursor={page['next']}"
    assert seen == whole


async def test_a_cursor_stays_in_place_while_entries_come_and_go(filled: Site) -> None:
    """An insert or a deletion elsewhere neither repeats nor skips an entry."""
    first = (await filled.get(f"{LIST}?limit=3")).json()
    await filled.entry({"title": "New"})
    await filled.delete(f"{LIST}/{first['items'][2]['id']}", headers=filled.admin)
    second = (await filled.get(f"{LIST}?limit=3&cursor={first['next']}")).json()
    assert [item["title"] for item in second["items"]] == ["Café", "Bee", "Ant"]


async def test_a_cursor_belongs_to_its_query(filled: Site) -> None:
    """Altered, empty, or taken to another query it is 400."""
    cursor = (await filled.get(f"{LIST}?limit=2")).json()["next"]
    for query in (f"cursor={cursor[:-2]}AA", f"cursor={cursor}&sort=rating", "cursor=", "cursor=%00"):
        assert (await filled.get(f"{LIST}?limit=2&{query}")).status_code == 400, query


async def test_the_exact_total_and_the_link_to_the_next_page(filled: Site) -> None:
    """``total`` counts everything that the filter finds."""
    answer = await filled.get(f"{LIST}?filter[category][eq]=news&limit=2&count=exact")
    assert answer.json()["total"] == 3
    assert answer.headers["link"].endswith('; rel="next"')
    following = await filled.get(answer.headers["link"].partition(">")[0][1:])
    assert (len(following.json()["items"]), following.json()["next"]) == (1, None)


async def test_offset_and_fields(filled: Site) -> None:
    """``offset`` leaves out, ``fields`` picks, and the id always comes."""
    answer = await filled.get(f"{LIST}?sort=title&offset=1&limit=1&fields=title")
    assert [set(item) for item in answer.json()["items"]] == [{"id", "title"}]
    assert answer.json()["items"][0]["title"] == "Ant"


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=100000", "limit=1.0", "offset=-1", "unknown=1", "limit=1&limit=2", "sort=body", "sort=note",
        "sort=nothing", "filter[note][eq]=x", "filter[nothing][eq]=x", "filter[key][eq]=x", "filter[rating][eq]=abc",
        "filter[rating][like]=1", "filter[rating]=1", "fields=note", "fields=nothing", "perspective=all", "locale=de",
        "filter[created_by][eq]=x", "count=yes", "filter[category][icontains]=n",
    ],
)  # fmt: skip
async def test_what_cannot_be_asked_is_400_and_names_the_place(filled: Site, query: str) -> None:
    """A path that is unknown and one that the caller may not read are refused with the same words."""
    answer = await filled.get(f"{LIST}?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


async def test_unknown_and_forbidden_paths_look_the_same(filled: Site) -> None:
    """In filters, sorts and field lists; nothing tells that a private field exists."""
    for query in ("filter[{}][eq]=x", "sort={}", "fields={}", "filter[not][{}][exists]=true"):
        bodies = [
            (await filled.get(f"{LIST}?{query.format(name)}")).json() | {"request_id": ""} for name in ("note", "nope")
        ]
        assert str(bodies[0]).replace("note", "nope") == str(bodies[1])


async def test_private_and_secret_fields_are_in_no_answer_to_readers(site: Site) -> None:
    """Private needs a policy that names it; secret is for nobody."""
    entry = await site.entry({"title": "A", "note": "between us", "key": "hunter2hunter2"})
    for path in (f"{LIST}/{entry['id']}", LIST, f"{LIST}/{entry['id']}?locale=*", f"{LIST}?locale=*"):
        assert "between us" not in (await site.get(path)).text
        shown = await site.get(path, headers=site.admin)
        assert "between us" in shown.text
        assert "hunter2" not in shown.text


async def test_drafts_are_listed_for_those_who_may_read_them(filled: Site) -> None:
    """Without the right: 401 for nobody in particular, 403 for somebody."""
    await filled.entry({"title": "Draft"}, publish=False)
    member = await filled.account("member@example.org", "member")
    assert (await filled.get(f"{LIST}?perspective=draft")).status_code == 401
    assert (await filled.get(f"{LIST}?perspective=draft", headers=member)).status_code == 403
    assert "Draft" in await _titles(filled, "perspective=draft", headers=filled.admin)
    assert "Draft" not in await _titles(filled, "", headers=filled.admin)
