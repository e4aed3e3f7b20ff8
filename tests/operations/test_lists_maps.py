"""Lists with ``locale=*``: each entry comes once, whichever of the space's locales it is published in."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio
SPACE = "/api/spaces/demo"
LIST = f"{SPACE}/content/note"
NOTE: dict[str, Any] = {
    "name": "note",
    "indexes": [["kind", "-rank"], ["-title"]],
    "fields": [
        {"name": "title", "kind": "string", "localized": True, "indexed": True},
        {"name": "kind", "kind": "string"},
        {"name": "rank", "kind": "integer"},
        {"name": "cost", "kind": "decimal"},
        {"name": "by", "kind": "relation", "to": ["note"], "on_delete": "nullify"},
        {"name": "all", "kind": "relation", "to": ["note"], "many": True, "on_delete": "nullify"},
    ],
}
SORTS = ("", "title", "-title", "rank,title", "-rank", "cost,-rank", "-kind,rank", "by.title", "-by.rank,title", "-id")


async def _publish(site: Site, data: dict[str, Any], *locales: str) -> str:
    made = await site.entry(data, type="note", publish=False)
    for locale in locales:
        answer = await site.post(f"{LIST}/{made['id']}/publish", {"locales": [locale]}, headers=site.admin)
        assert answer.status_code == 200, answer.text
    return made["id"]


@pytest.fixture
async def notes(site: Site) -> Site:
    """Notes in every set of locales; some lead to the one before."""
    await site.define(NOTE)
    before: str | None = None
    for index, (english, arabic, kurdish) in enumerate(product((True, False), repeat=3)):
        chosen = [locale for locale, is_in in (("en", english), ("ar", arabic), ("ku", kurdish)) if is_in]
        for half in (0, 1):
            data = {
                "title": {locale: f"{'éaBzب'[(index + half) % 5]}{locale}" for locale in chosen or ["ar"]},
                "kind": "even" if index % 2 else "odd",
                "rank": None if half else index % 3,
                "cost": f"{index % 4}.{half}",
                "by": before,
            }
            before = await _publish(site, {name: value for name, value in data.items() if value is not None}, *chosen)
    return site


async def _page(site: Site, query: str) -> dict[str, Any]:
    answer = await site.get(f"{LIST}?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_an_entry_that_is_published_in_another_locale_alone_is_listed(site: Site) -> None:
    """As it is read one by one: by address, by a body, and counted."""
    await site.define(NOTE)
    entry_id = await _publish(site, {"title": {"ar": "عر"}, "kind": "odd"}, "ar")
    assert (await site.get(f"{LIST}/{entry_id}?locale=*")).json()["title"] == {"ar": "عر"}
    listed = await _page(site, "locale=*&count=exact&filter[kind][eq]=odd")
    assert ([item["id"] for item in listed["items"]], listed["total"]) == ([entry_id], 1)
    asked = await site.post(f"{LIST}/query", {"locale": "*", "count": "exact", "filter": {"title": {"eq": "عر"}}})
    assert ([item["id"] for item in asked.json()["items"]], asked.json()["total"]) == ([entry_id], 1)
    assert (await _page(site, "count=exact")) == {"items": [], "next": None, "total": 0}


@pytest.mark.parametrize("sort", SORTS)
async def test_every_entry_comes_once_in_the_order_of_its_first_locale(notes: Site, sort: str) -> None:
    """By cursor and by offset; the order is that of the values that a reader of that locale gets."""
    firsts: dict[str, dict[str, Any]] = {}
    for locale in ("en", "ar", "ku"):
        for item in (await _page(notes, f"locale={locale}&limit=100"))["items"]:
            firsts.setdefault(item["id"], item)
    assert len(firsts) == 14
    query = f"locale=*&count=exact&sort={sort}" if sort else "locale=*&count=exact"
    whole = await _page(notes, f"{query}&limit=100")
    ids = [item["id"] for item in whole["items"]]
    assert (set(ids), len(ids), whole["total"]) == (set(firsts), 14, 14)
    if sort in ("title", "-title"):
        titles = [firsts[entry_id]["title"] for entry_id in ids]
        assert titles == sorted(titles, reverse=sort == "-title")
    by_offset = [(await _page(notes, f"{query}&limit=3&offset={offset}"))["items"] for offset in range(0, 15, 3)]
    assert [item["id"] for items in by_offset for item in items] == ids
    seen, cursor = list[str](), ""
    while True:
        page = await _page(notes, f"{query}&limit=3{cursor}")
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == ids


@pytest.mark.parametrize(
    "condition",
    ["[kind][eq]=odd", "[title][contains]=ar", "[title][icontains]=AR", "[by.title][contains]=a", "[cost][gte]=2"],
)
async def test_filters_ask_each_entry_in_its_first_locale(notes: Site, condition: str) -> None:
    """What stands behind a relation too is looked at in the locale of the entry that leads there."""
    expected: set[str] = set()
    seen: set[str] = set()
    for locale in ("en", "ar", "ku"):
        found = {item["id"] for item in (await _page(notes, f"locale={locale}&limit=100&filter{condition}"))["items"]}
        expected |= found - seen
        seen |= {item["id"] for item in (await _page(notes, f"locale={locale}&limit=100"))["items"]}
    listed = await _page(notes, f"locale=*&limit=100&count=exact&filter{condition}")
    assert {item["id"] for item in listed["items"]} == expected
    assert listed["total"] == len(expected)
    assert expected


async def test_without_fallback_the_first_locale_is_one_with_content_of_its_own(notes: Site) -> None:
    """Drafts that were written in another language than the default one are listed with ``fallback=none`` too."""
    for query in ("fallback=none", "perspective=draft", "perspective=draft&fallback=none"):
        answer = await notes.get(f"{LIST}?locale=*&count=exact&limit=100&{query}", headers=notes.admin)
        expected = 16 if "draft" in query else 14
        assert (len(answer.json()["items"]), answer.json()["total"]) == (expected, expected), query


async def test_a_default_locale_that_falls_back_hides_nothing(site: Site) -> None:
    """Where it shows what is published in one other locale, what is published in a third one alone is listed too."""
    fallbacks = {"fallbacks": {"en": ["ar"]}}
    assert (await site.patch(SPACE, fallbacks, headers=site.admin)).status_code == 200
    await site.define(NOTE)
    arabic = await _publish(site, {"title": {"ar": "عر"}}, "ar")
    kurdish = await _publish(site, {"title": {"ku": "ku"}}, "ku")
    listed = await _page(site, "locale=*&count=exact")
    assert ([item["id"] for item in listed["items"]], listed["total"]) == ([kurdish, arabic], 2)


async def test_portions_of_an_include_choose_among_all_that_maps_show(notes: Site) -> None:
    """A target that is published in another locale alone is not left out of a limit and an order."""
    ids = [item["id"] for item in (await _page(notes, "locale=*&limit=100"))["items"]]
    source = await _publish(notes, {"title": {"en": "all"}, "all": ids}, "en")
    query = "locale=*&include=all&include[all][sort]=title&include[all][limit]=100"
    shown = (await notes.get(f"{LIST}/{source}?{query}")).json()["all"]
    in_order = [item["id"] for item in (await _page(notes, "locale=*&limit=100&sort=title"))["items"]]
    titles = [item["title"] for item in shown]
    assert {item["id"] for item in shown} == set(ids)
    assert [title.get("en") or title.get("ar") or title.get("ku") for title in titles] == [
        item["title"].get("en") or item["title"].get("ar") or item["title"].get("ku")
        for item in (await _page(notes, "locale=*&limit=100&sort=title"))["items"]
        if item["id"] != source
    ]
    assert source in in_order


async def test_more_values_than_a_statement_takes_are_refused(site: Site) -> None:
    """Each condition and each list of values is within its limit, and all together are not."""
    await site.define(NOTE)
    rows = [{"rank": {"in": list(range(index, index + 200))}} for index in range(200)]
    for body, status in (({}, 400), ({"locale": "*"}, 400)):
        answer = await site.post(f"{LIST}/query", {"filter": {"or": rows}, **body})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, "too_many")
    fitting = await site.post(f"{LIST}/query", {"filter": {"or": rows[:140]}})
    assert fitting.status_code == 200
