"""What a shared cache may keep, and by which tags: everything that an answer depends on, or nothing at all."""

from __future__ import annotations

from typing import Any

import pytest
from front_cache import tags_of  # pyright: ignore[reportMissingImports] - tests/support
from site_support import ARTICLE, PERSON, Site, open_site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio

SPACE = "/api/spaces/demo"
ARTICLES = f"{SPACE}/content/article"
ANONYMOUS = f"{SPACE}/roles/anonymous"
SHARED = {"cache": {"shared_s": 60}}
BOOK: dict[str, Any] = {
    "name": "book",
    "fields": [
        {"name": "title", "kind": "string"},
        {"name": "credit", "kind": "component", "many": True, "of": [
            {"name": "who", "kind": "relation", "to": ["person", "article"]}]},
        {"name": "parts", "kind": "blocks", "of": {
            "quote": [{"name": "from", "kind": "relation", "to": ["article"]}]}},
        {"name": "of_shop", "kind": "relation", "to": ["shop.item"]},
    ],
}  # fmt: skip


def reads(*types: str, **more: Any) -> dict[str, Any]:
    """Return policies that let anybody read the types."""
    return {"policies": [{"effect": "allow", "type": name, "actions": ["read"], **more} for name in types]}


async def furnished(site: Site) -> tuple[str, str]:
    """Define types that anybody reads; returns a person's id and a published article's."""
    for definition in (PERSON, ARTICLE, BOOK):
        await site.define(definition)
    answer = await site.put(ANONYMOUS, reads("person", "article", "book"), headers=site.admin)
    assert answer.is_success, answer.text
    ann = (await site.entry({"name": "Ann"}, type="person", publish=False))["id"]
    return ann, (await site.entry({"title": "One", "author": ann, "rating": 3}))["id"]


async def test_by_default_a_cache_has_to_ask_each_time(sqlite_url: str) -> None:
    """Not a header is another one than it was."""
    async with open_site(sqlite_url) as site:
        _, one = await furnished(site)
        for path in (ARTICLES, f"{ARTICLES}/{one}", f"{ARTICLES}/one", f"{ARTICLES}?include=author&locale=*"):
            headers = (await site.get(path)).headers
            assert headers["cache-control"] == "public, no-cache"
            assert headers["vary"] == "Accept-Language"
            assert "cache-tag" not in headers
            assert "surrogate-key" not in headers


async def test_an_answer_names_all_that_it_depends_on(database_url: str) -> None:
    """The entry or the type, whatever relations that it follows lead to, and the space."""
    async with open_site(database_url, more=SHARED) as site:
        _, one = await furnished(site)
        space, articles, people = "space:demo", "type:demo.article", "type:demo.person"
        expected = {
            f"{ARTICLES}/{one}": [f"entry:{one}", space],
            f"{ARTICLES}/{one}?locale=*&fields=title": [f"entry:{one}", space],
            f"{ARTICLES}/one": [f"entry:{one}", space],
            f"{ARTICLES}/{one}?include=author": [f"entry:{one}", people, space],
            f"{ARTICLES}/{one}?include=author&fields=title,author.name&locale=*": [f"entry:{one}", people, space],
            ARTICLES: [articles, space],
            f"{ARTICLES}?locale=*&count=exact&limit=1": [articles, space],
            f"{ARTICLES}?filter[rating][gte]=3&sort=-rating&fields=title": [articles, space],
            f"{ARTICLES}?filter[author.name][eq]=Ann": [articles, people, space],
            f"{ARTICLES}?sort=author.name": [articles, people, space],
            f"{ARTICLES}?include=author": [articles, people, space],
            f"{SPACE}/content/book?include=credit.who": [articles, "type:demo.book", people, space],
            f"{SPACE}/content/book?include=credit.who.author,parts.from": [articles, "type:demo.book", people, space],
            f"{SPACE}/content/book?include=of_shop": ["type:demo.book", "type:demo.shop.item", space],
        }
        for path, tags in expected.items():
            for _ in range(2):  # a list's plan is kept
                answer = await site.get(path)
                assert answer.status_code == 200, answer.text
                assert tags_of(answer) == tags, path
                assert answer.headers["cache-control"] == "public, max-age=0, s-maxage=60"
                assert answer.headers["vary"] == "Accept-Language, Authorization, Origin"
        path, tags = f"{ARTICLES}?include=author", expected[f"{ARTICLES}?include=author"]
        whole = await site.get(path)
        again = await site.get(path, headers={"if-none-match": whole.headers["etag"]})
        assert (again.status_code, tags_of(again)) == (304, tags)


async def test_a_slug_of_another_language_may_become_another_entrys(sqlite_url: str) -> None:
    """Then the type counts too: in the language that is looked at first the slug is free."""
    async with open_site(sqlite_url, more=SHARED) as site:
        await furnished(site)
        bird = (await site.entry({"title": {"en": "Bird", "ku": "Mal"}}))["id"]
        assert tags_of(await site.get(f"{ARTICLES}/mal?locale=ku")) == [f"entry:{bird}", "space:demo"]
        found = await site.get(f"{ARTICLES}/mal?locale=*")
        assert tags_of(found) == [f"entry:{bird}", "type:demo.article", "space:demo"]
        other = (await site.entry({"title": {"en": "Mal"}}))["id"]
        assert (await site.get(f"{ARTICLES}/mal?locale=*")).json()["id"] == other
        assert (await site.get(f"{ARTICLES}/mal?locale=ku")).json()["id"] == bird


async def test_a_relation_that_is_not_included_does_not_depend_on_its_target(sqlite_url: str) -> None:
    """It shows the id, whether readers get the target or not; so there is no tag for it."""
    async with open_site(sqlite_url, more=SHARED) as site:
        for definition in ({**PERSON, "drafts": True}, ARTICLE):
            await site.define(definition)
        ann = (await site.entry({"name": "Ann"}, type="person", publish=False))["id"]
        one = (await site.entry({"title": "One", "author": ann}))["id"]
        before = await site.get(f"{ARTICLES}/{one}")
        for verb in ("publish", "unpublish"):
            assert (await site.post(f"{SPACE}/content/person/{ann}/{verb}", headers=site.admin)).is_success
            assert (await site.get(f"{ARTICLES}/{one}")).content == before.content
        assert before.json()["author"] == ann


async def test_tags_name_nothing_that_is_known_only_through_what_may_not_be_read(sqlite_url: str) -> None:
    """Neither an unreadable type nor what it leads to, nor what an unreadable field leads to."""
    relation = {"kind": "relation", "on_delete": "nullify"}
    types: list[dict[str, Any]] = [
        {"name": name, "drafts": False, "fields": [{"name": "name", "kind": "string"}]}
        for name in ("topsecret", "hidden")
    ]
    types += [
        {"name": "memo", "drafts": False, "fields": [{"name": "boss", "to": ["topsecret"], **relation}]},
        {"name": "person", "drafts": False, "fields": [
            {"name": "name", "kind": "string"}, {"name": "boss", "to": ["person"], **relation},
            {"name": "rival", "to": ["hidden"], **relation}]},
        {"name": "article", "drafts": False, "fields": [
            {"name": "author", "to": ["person", "memo"], **relation},
            {"name": "source", "to": ["hidden"], **relation}]},
    ]  # fmt: skip
    async with open_site(sqlite_url, more=SHARED) as site:
        for definition in types:
            await site.define(definition)
        policies = [
            *reads("article", fields=["author"])["policies"], *reads("person", fields=["name", "boss"])["policies"],
            *reads("topsecret")["policies"],
        ]  # fmt: skip
        assert (await site.put(ANONYMOUS, {"policies": policies}, headers=site.admin)).is_success
        boss = (await site.entry({"name": "Bo"}, type="person", publish=False))["id"]
        ann = (await site.entry({"name": "Ann", "boss": boss}, type="person", publish=False))["id"]
        memo = (await site.entry({}, type="memo", publish=False))["id"]
        for author in (ann, memo):
            await site.entry({"author": author}, publish=False)
        tags = ["type:demo.article", "type:demo.person", "space:demo"]
        for query in ("include=author.boss", "include=author", "filter[author.name][eq]=Ann", "sort=author.boss.name"):
            answer = await site.get(f"{ARTICLES}?{query}")
            assert answer.status_code == 200, answer.text
            assert tags_of(answer) == tags, query
        for query in ("include=author.rival", "include=source", "filter[author.rival.name][eq]=Ann"):
            answer = await site.get(f"{ARTICLES}?{query}")
            assert answer.status_code == 400, (query, answer.text)
            assert tags_of(answer) == []


async def test_what_only_some_may_read_or_see_so_is_never_shared(sqlite_url: str) -> None:
    """Who is logged in, drafts, links, refusals, old addresses, and what is answered to a POST."""
    async with open_site(sqlite_url, more=SHARED) as site:
        _, one = await furnished(site)
        path = f"{ARTICLES}/{one}"
        preview = (await site.post(f"{path}/previews", {}, headers=site.admin)).json()["token"]
        link = (await site.post(f"{path}/shares", {"link": True, "rights": "view"}, headers=site.admin)).json()["token"]
        anybody = await site.account("anybody@example.org")
        await site.patch(path, {"slug": "two"}, headers=site.admin)
        await site.post(f"{path}/publish", headers=site.admin)
        answers = {
            200: [
                await site.get(path, headers=site.admin),
                await site.get(ARTICLES, headers=anybody),
                await site.get(f"{path}?preview={preview}"),
                await site.get(f"{path}?share={link}"),
                await site.get(f"{path}?share={link}&perspective=published"),
                await site.post(f"{ARTICLES}/query", {}),
                await site.get(f"{SPACE}/content/person?perspective=draft"),
            ],
            301: [await site.get(f"{ARTICLES}/one")],
            401: [await site.get(f"{ARTICLES}?perspective=draft")],
            404: [await site.get(f"{ARTICLES}/none"), await site.get(f"{SPACE}/content/none")],
        }
        for status, given in answers.items():
            for answer in given:
                assert answer.status_code == status, answer.text
                assert "s-maxage" not in answer.headers["cache-control"]
                assert tags_of(answer) == []


@pytest.mark.parametrize(
    ("role", "path"),
    [
        (reads("article", condition={"rating": {"gte": 1}}), ARTICLES),
        (reads("article", condition={"created_at": {"lte": "$now"}}), ARTICLES),
        ({"policies": [
            *reads("article", fields=["title"])["policies"],
            *reads("article", fields=["rating"], condition={"rating": {"gte": 1}})["policies"]]}, ARTICLES),
        ({"policies": [
            *reads("article")["policies"], *reads("person", condition={"name": {"eq": "Ann"}})["policies"]]},
         f"{ARTICLES}?include=author"),
        ({"policies": [
            *reads("article")["policies"], *reads("person", condition={"name": {"eq": "Ann"}})["policies"]]},
         f"{ARTICLES}?sort=author.name"),
        ({"policies": [{"effect": "allow", "type": "article", "actions": ["read", "read_draft"]}]}, ARTICLES),
    ],
    ids=["rows", "moment", "fields", "include", "sort", "authors"],
)  # fmt: skip
async def test_what_depends_on_more_than_what_is_published_is_asked_for_each_time(
    sqlite_url: str, role: dict[str, Any], path: str
) -> None:
    """Conditions on rows or fields, here or behind a relation, and who wrote a draft: no event tells of these."""
    async with open_site(sqlite_url, more=SHARED) as site:
        _, one = await furnished(site)
        single = path.replace(ARTICLES, f"{ARTICLES}/{one}")
        tag = (await site.get(ANONYMOUS, headers=site.admin)).headers["etag"]
        answer = await site.put(ANONYMOUS, role, headers={**site.admin, "if-match": tag})
        assert answer.is_success, answer.text
        for asked in (path, *(() if "sort" in path else (single,))):
            answer = await site.get(asked)
            assert answer.status_code == 200, answer.text
            assert answer.headers["cache-control"] == "public, no-cache"
            assert tags_of(answer) == []


async def test_surrogate_keys_are_separated_by_blanks(sqlite_url: str) -> None:
    """As caches want them that take this header."""
    async with open_site(sqlite_url, more={"cache": {"shared_s": 5, "purge_format": "header"}}) as site:
        _, one = await furnished(site)
        headers = (await site.get(f"{ARTICLES}/{one}?include=author")).headers
        assert headers["surrogate-key"] == f"entry:{one} type:demo.person space:demo"
        assert "cache-tag" not in headers
