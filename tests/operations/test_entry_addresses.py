"""By which slugs and in which locales entries are asked for, however these are written."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio
LIST = "/api/spaces/demo/content/article"


async def _publish(site: Site, path: str, **slugs: str) -> None:
    if slugs:
        assert (await site.patch(path, {"slug": slugs}, headers=site.admin)).status_code == 200
    assert (await site.post(f"{path}/publish", headers=site.admin)).status_code == 200


async def _location(site: Site, path: str, **more: Any) -> str:
    answer = await site.get(path, **more)
    assert answer.status_code == 301, answer.text
    return answer.headers["location"]


async def test_a_former_slug_leads_on_for_maps_too(site: Site) -> None:
    """To the present slug of the locale in which it was one."""
    made = await site.entry({"title": {"en": "One", "ar": "واحد"}, "slug": {"en": "one", "ar": "wahid"}})
    await _publish(site, f"{LIST}/{made['id']}", en="uno", ar="awwal")
    assert await _location(site, f"{LIST}/one?locale=*") == f"{LIST}/uno?locale=*"
    assert await _location(site, f"{LIST}/wahid?locale=*&fields=title") == f"{LIST}/awwal?locale=*&fields=title"
    draft = "?locale=*&perspective=draft"
    assert await _location(site, f"{LIST}/one{draft}", headers=site.admin) == f"{LIST}/uno{draft}"
    assert (await site.get(f"{LIST}/uno?locale=*")).json()["slug"] == {"en": "uno", "ar": "awwal"}


async def test_a_former_slug_never_leads_to_another_entry(site: Site) -> None:
    """Where the present slug is another entry's in the locale that is read, the id stands in for it."""
    first = await site.entry({"title": {"en": "One"}, "slug": {"en": "a1"}})
    path = f"{LIST}/{first['id']}"
    await _publish(site, path, en="a2")
    other = await site.entry({"title": {"en": "Other", "ar": "آخر"}, "slug": {"en": "b1", "ar": "a2"}})
    for query in ("?locale=ar", "?locale=ar&perspective=draft"):
        assert (await site.get(f"{LIST}/a2{query}", headers=site.admin)).json()["id"] == other["id"]
        assert await _location(site, f"{LIST}/a1{query}", headers=site.admin) == f"{path}{query}"
        assert (await site.get(f"{path}{query}", headers=site.admin)).json()["id"] == first["id"]
    assert await _location(site, f"{LIST}/a1") == f"{LIST}/a2"
    assert await _location(site, f"{LIST}/a1?locale=*") == f"{LIST}/a2?locale=*"


async def test_slugs_and_tags_are_found_in_whatever_normal_form_they_are_asked_for(site: Site) -> None:
    """They are stored in NFC; browsers and file systems of some makers write NFD."""
    made = await site.entry({"title": "Ö", "slug": "crème", "tags": ["brûlée", "x"]})
    slug, tag = (unicodedata.normalize("NFD", text) for text in ("crème", "brûlée"))
    path = f"{LIST}/{made['id']}"
    await site.patch(path, {"author": None}, headers=site.admin)
    assert (await site.get(f"{LIST}/{slug}")).json()["id"] == made["id"]
    assert (await site.patch(f"{LIST}/{slug}", {"rating": 1}, headers=site.admin)).json()["id"] == made["id"]
    for query in (
        f"filter[tags][eq]={tag}", f"filter[tags][in]=no,{tag}", f"filter[tags][contains]={tag[:4]}",
        f"filter[slug][eq]={slug}", f"filter[slug][startswith]={slug[:4]}", f"filter[not][tags][ne]={tag}",
    ):  # fmt: skip
        found = (await site.get(f"{LIST}?{query}")).json()["items"]
        assert [item["id"] for item in found] == [made["id"]], query
    asked = await site.post(f"{LIST}/query", {"filter": {"tags": {"in": [tag]}, "slug": {"eq": slug}}})
    assert [item["id"] for item in asked.json()["items"]] == [made["id"]]
    await _publish(site, path, en="creme")
    assert await _location(site, f"{LIST}/{slug}") == f"{LIST}/creme"


async def test_putting_under_a_slug_takes_the_same_slug_however_it_is_written(site: Site) -> None:
    """In another normal form, and in a map, whose other slugs are kept; one that is not the path's is refused."""
    nfc, nfd = (unicodedata.normalize(form, "brûlée") for form in ("NFC", "NFD"))
    for path, slug, shown in (
        (nfd, nfc, {"en": nfc}),
        ("mapped", {"en": "mapped", "ar": "marsum"}, {"en": "mapped", "ar": "marsum"}),
        ("plain?locale=ar", {"ar": "plain", "en": "other"}, {"ar": "plain", "en": "other"}),
    ):
        made = await site.put(f"{LIST}/{path}", {"title": "New", "slug": slug}, headers=site.admin)
        assert made.status_code == 201, made.text
        draft = f"{LIST}/{made.json()['id']}?perspective=draft&locale=*"
        found = (await site.get(draft, headers=site.admin)).json()["slug"]
        assert {locale: found[locale] for locale in shown} == shown
    for slug in ("else", {"en": "else"}, {"ar": "third"}, {"en": 3}, {}):
        refused = await site.put(f"{LIST}/third", {"title": "New", "slug": slug}, headers=site.admin)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/slug"), slug


async def test_texts_of_content_are_compared_as_they_are_written(site: Site) -> None:
    """They are stored as they came, so that nothing is changed in what is asked for either."""
    text = unicodedata.normalize("NFD", "Café")
    made = await site.entry({"title": text})
    found = (await site.get(f"{LIST}", params={"filter[title][eq]": text})).json()["items"]
    assert [item["id"] for item in found] == [made["id"]]
    assert (await site.get(f"{LIST}", params={"filter[title][eq]": "Café"})).json()["items"] == []


async def test_the_case_of_a_locale_does_not_matter(site: Site) -> None:
    """Answers name the one of the space, and what is written is written in it."""
    made = await site.entry({"title": {"en": "One", "ar": "واحد"}})
    path = f"{LIST}/{made['id']}"
    for query in ("locale=AR", "locale=Ar"):
        one, many = await site.get(f"{path}?{query}"), await site.get(f"{LIST}?{query}")
        for answer, shown in ((one, one.json()), (many, many.json()["items"][0])):
            assert (answer.status_code, answer.headers["content-language"]) == (200, "ar")
            assert (shown["locale"], shown["title"]) == ("ar", "واحد")
    asked = await site.post(f"{LIST}/query", {"locale": "AR", "fields": ["title"]})
    assert asked.json()["items"][0]["title"] == "واحد"
    written = await site.patch(f"{path}?locale=AR", {"title": "أول"}, headers=site.admin)
    assert (written.json()["locale"], written.json()["title"]) == ("ar", "أول")
    assert (await site.post(f"{path}/publish?locale=AR", headers=site.admin)).json()["locale"] == "ar"
    assert (await site.get(f"{path}?locale=*")).json()["title"] == {"en": "One", "ar": "أول"}
    created = await site.post(f"{LIST}?locale=KU", {"title": "Yek"}, headers=site.admin)
    assert (created.status_code, created.json()["locale"]) == (201, "ku")


async def test_a_locale_that_the_space_has_not_is_named(site: Site) -> None:
    """Like any parameter that is not acceptable."""
    made = await site.entry({"title": "One"})
    for path in (f"{LIST}?locale=de", f"{LIST}/{made['id']}?locale=de", f"{LIST}/{made['id']}?locale=en-x"):
        problem = (await site.get(path)).json()
        assert (problem["status"], problem["code"]) == (400, "unknown_locale")
        assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [("locale", "unknown_locale")]
