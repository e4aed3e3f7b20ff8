"""Entries as clients meet them: drafts, publication, locales, slugs, trash."""

from __future__ import annotations

from datetime import timedelta

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio
LIST = "/api/spaces/demo/content/article"


async def test_a_draft_is_unreadable_until_it_is_published(site: Site) -> None:
    """Readers see an entry only after it is published; before, it looks like one that does not exist."""
    entry = await site.entry({"title": "Hello"}, publish=False)
    hidden = await site.get(f"{LIST}/{entry['id']}")
    missing = await site.get(f"{LIST}/01a205a9-3fcf-7094-a5af-39927a08eb43")
    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert hidden.json()["detail"] == missing.json()["detail"]

    published = await site.post(f"{LIST}/{entry['id']}/publish", headers=site.admin)
    assert published.json()["status"] == "published"
    shown = await site.get(f"{LIST}/{entry['id']}")
    assert shown.json()["title"] == "Hello"
    assert shown.headers["cache-control"] == "public, no-cache"


async def test_editing_a_published_entry_changes_only_the_draft(site: Site) -> None:
    """What readers get stays until the next publish, and tells nothing of the draft."""
    entry = await site.entry({"title": "One", "rating": 1})
    before = await site.get(f"{LIST}/{entry['id']}")
    changed = await site.patch(f"{LIST}/{entry['id']}", {"title": "Two", "rating": 2}, headers=site.admin)
    assert (changed.json()["status"], changed.json()["version"]) == ("changed", 2)

    after = await site.get(f"{LIST}/{entry['id']}")
    assert (after.content, after.headers["etag"]) == (before.content, before.headers["etag"])
    draft = await site.get(f"{LIST}/{entry['id']}?perspective=draft", headers=site.admin)
    assert (draft.json()["title"], draft.json()["rating"]) == ("Two", 2)

    await site.post(f"{LIST}/{entry['id']}/publish", headers=site.admin)
    assert (await site.get(f"{LIST}/{entry['id']}")).json()["title"] == "Two"


async def test_publishing_adds_no_version(site: Site) -> None:
    """A version is a saved state of the content; publishing saves nothing new."""
    entry = await site.entry({"title": "One"})
    assert entry["version"] == 1
    again = await site.post(f"{LIST}/{entry['id']}/publish", headers=site.admin)
    assert again.json()["version"] == 1


async def test_publishing_is_per_locale_and_what_is_not_localised_follows_the_latest(site: Site) -> None:
    """The published value of a field that is not localised is that of the latest publish in any locale."""
    entry = await site.entry({"title": {"en": "Hello", "ar": "مرحبا"}, "rating": 1}, publish=False)
    path = f"{LIST}/{entry['id']}"
    await site.post(f"{path}/publish", {"locales": ["en"]}, headers=site.admin)
    await site.patch(path, {"title": {"en": "Changed"}, "rating": 5}, headers=site.admin)
    await site.post(f"{path}/publish", {"locales": ["ar"]}, headers=site.admin)

    english, arabic = await site.get(f"{path}?locale=en"), await site.get(f"{path}?locale=ar")
    assert (english.json()["title"], english.json()["rating"], english.json()["version"]) == ("Hello", 5, 1)
    assert (arabic.json()["title"], arabic.json()["rating"], arabic.json()["version"]) == ("مرحبا", 5, 2)


async def test_unpublishing_one_locale_leaves_the_others(site: Site) -> None:
    """Each locale is published for itself."""
    entry = await site.entry({"title": {"en": "Hello", "ar": "مرحبا"}})
    path = f"{LIST}/{entry['id']}"
    await site.post(f"{path}/unpublish", {"locales": ["en"]}, headers=site.admin)
    assert (await site.get(f"{path}?locale=en")).status_code == 404
    assert (await site.get(f"{path}?locale=ar")).json()["title"] == "مرحبا"
    await site.post(f"{path}/unpublish", headers=site.admin)
    assert (await site.get(f"{path}?locale=ar")).status_code == 404


async def test_a_missing_locale_falls_back_along_the_chain_and_says_so(site: Site) -> None:
    """``_locales`` names where each value came from, and ``fallback=none`` asks for none."""
    entry = await site.entry({"title": {"en": "Hello", "ar": "مرحبا"}, "body": {"en": "<p>Text</p>"}})
    path = f"{LIST}/{entry['id']}"
    kurdish = (await site.get(f"{path}?locale=ku")).json()
    assert (kurdish["title"], kurdish["body"]) == ("مرحبا", "<p>Text</p>")
    assert kurdish["_locales"] == {"title": "ar", "body": "en"}
    assert (await site.get(f"{path}?locale=ku&fallback=none")).status_code == 404
    assert (await site.get(f"{path}?locale=ar&fallback=none")).status_code == 200
    maps = (await site.get(f"{path}?locale=*")).json()
    assert maps["title"] == {"en": "Hello", "ar": "مرحبا"}


async def test_the_language_of_the_reader_chooses_the_locale(site: Site) -> None:
    """``Accept-Language`` decides where ``locale=`` does not, and the answer names its language."""
    entry = await site.entry({"title": {"en": "Hello", "ar": "مرحبا"}})
    answer = await site.get(f"{LIST}/{entry['id']}", headers={"accept-language": "de, ar;q=.8"})
    assert (answer.json()["title"], answer.headers["content-language"]) == ("مرحبا", "ar")
    assert "Accept-Language" in answer.headers["vary"]
    assert (await site.get(f"{LIST}/{entry['id']}?locale=de")).status_code == 400


async def test_a_plain_value_is_that_of_the_locale_in_the_query(site: Site) -> None:
    """A locale map merges per locale, and a plain value belongs to ``locale=`` or the default locale."""
    entry = await site.entry({"title": "Hello"}, publish=False)
    path = f"{LIST}/{entry['id']}"
    await site.patch(f"{path}?locale=ar", {"title": "مرحبا"}, headers=site.admin)
    await site.patch(path, {"title": {"ku": "Silav"}}, headers=site.admin)
    maps = (await site.get(f"{path}?perspective=draft&locale=*", headers=site.admin)).json()
    assert maps["title"] == {"en": "Hello", "ar": "مرحبا", "ku": "Silav"}


async def test_a_slug_comes_from_the_title_and_gets_a_number_when_it_is_taken(site: Site) -> None:
    """Derived slugs never collide; given ones that are taken are 409."""
    first, second = await site.entry({"title": "Same"}), await site.entry({"title": "Same"})
    assert (first["slug"], second["slug"]) == ("same", "same-2")
    taken = await site.post(LIST, {"title": "Other", "slug": "same"}, headers=site.admin)
    assert taken.status_code == 409
    assert taken.json()["errors"][0]["pointer"] == "/slug"
    assert (await site.get(f"{LIST}/same-2")).json()["id"] == second["id"]


async def test_a_former_slug_answers_301(site: Site) -> None:
    """Links to what readers knew go on working; a slug that no reader has seen tells nothing."""
    entry = await site.entry({"title": "Old name"})
    await site.patch(f"{LIST}/{entry['id']}", {"slug": "new-name"}, headers=site.admin)
    assert (await site.get(f"{LIST}/new-name")).status_code == 404
    assert (await site.get(f"{LIST}/old-name")).status_code == 200
    await site.post(f"{LIST}/{entry['id']}/publish", headers=site.admin)
    moved = await site.get(f"{LIST}/old-name?locale=en")
    assert (moved.status_code, moved.headers["location"]) == (301, f"{LIST}/new-name?locale=en")


@pytest.mark.parametrize("end", ["another slug", "the trash", "for good", "published"])
async def test_a_former_slug_that_a_draft_takes_still_leads_readers_on(site: Site, end: str) -> None:
    """Nobody who may not read the draft notices it, until it is published; one that gives the slug up gives it back."""
    entry = await site.entry({"title": "Old name"})
    await site.patch(f"{LIST}/{entry['id']}", {"slug": "new-name"}, headers=site.admin)
    await site.post(f"{LIST}/{entry['id']}/publish", headers=site.admin)
    taken = await site.post(LIST, {"title": "Old name", "slug": "old-name"}, headers=site.admin)
    assert taken.status_code == 201, taken.text
    moved = await site.get(f"{LIST}/old-name")
    assert (moved.status_code, moved.headers.get("location")) == (301, f"{LIST}/new-name")
    draft = await site.get(f"{LIST}/old-name?perspective=draft", headers=site.admin)
    assert (draft.status_code, draft.json()["id"]) == (200, taken.json()["id"])
    path = f"{LIST}/{taken.json()['id']}"
    if end == "published":
        assert (await site.post(f"{path}/publish", headers=site.admin)).status_code == 200
        assert (await site.get(f"{LIST}/old-name")).json()["id"] == taken.json()["id"]
        return
    if end == "another slug":
        done = await site.patch(path, {"slug": "third-name"}, headers=site.admin)
    else:
        done = await site.delete(path, headers=site.admin, params={"purge": "1"} if end == "for good" else {})
    assert done.is_success, done.text
    for query in ("", "?perspective=draft"):
        assert (await site.get(f"{LIST}/old-name{query}", headers=site.admin)).status_code == 301


async def test_a_unique_value_is_unique_over_drafts_and_published(site: Site) -> None:
    """Neither a draft nor a publication may repeat it; giving it up frees it."""
    first = await site.entry({"title": "A", "code": "x1"}, publish=False)
    refused = await site.post(LIST, {"title": "B", "code": "x1"}, headers=site.admin)
    assert (refused.status_code, refused.json()["code"]) == (409, "unique_violation")
    assert refused.json()["errors"][0]["pointer"] == "/code"
    await site.patch(f"{LIST}/{first['id']}", {"code": None}, headers=site.admin)
    await site.entry({"title": "B", "code": "x1"})


async def test_delete_goes_to_the_trash_and_comes_back(site: Site) -> None:
    """A deleted entry is gone for everyone, its slug is free, and restoring brings it back as a draft."""
    entry = await site.entry({"title": "Hello"})
    path = f"{LIST}/{entry['id']}"
    assert (await site.delete(path, headers=site.admin)).status_code == 204
    assert (await site.get(path, headers=site.admin)).status_code == 404
    assert (await site.get(f"{path}?perspective=draft", headers=site.admin)).status_code == 404
    trashed = await site.get(f"{LIST}?status=trashed", headers=site.admin)
    assert [item["id"] for item in trashed.json()["items"]] == [entry["id"]]
    assert (await site.get(f"{LIST}?status=trashed")).status_code == 401

    restored = await site.post(f"{path}/restore", headers=site.admin)
    assert (restored.json()["status"], restored.json()["slug"]) == ("draft", "hello")
    assert (await site.get(path)).status_code == 404


@pytest.mark.parametrize("given", [{}, {"slug": "hello"}])
async def test_what_comes_back_gets_a_number_where_its_slug_is_taken(site: Site, given: dict[str, str]) -> None:
    """Whether the slug was given or made of the title; a unique value that is taken is still in the way."""
    first = await site.entry({"title": {"en": "Hello", "ar": "مرحبا"}, "code": "a", **given})
    await site.delete(f"{LIST}/{first['id']}", headers=site.admin)
    second = await site.entry({"title": "Hello", "code": "a", **given})
    refused = await site.post(f"{LIST}/{first['id']}/restore", headers=site.admin)
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/code"]
    await site.patch(f"{LIST}/{second['id']}", {"code": None}, headers=site.admin)
    await site.post(f"{LIST}/{second['id']}/publish", headers=site.admin)
    restored = await site.post(f"{LIST}/{first['id']}/restore", headers=site.admin)
    assert (restored.status_code, restored.json()["slug"], restored.json()["version"]) == (200, "hello-2", 2)
    maps = await site.get(f"{LIST}/{first['id']}?perspective=draft&locale=*", headers=site.admin)
    assert maps.json()["slug"] == {"en": "hello-2", "ar": "مرحبا"}
    assert (await site.get(f"{LIST}/hello")).json()["id"] == second["id"]


async def test_purging_removes_an_entry_for_good(site: Site) -> None:
    """Nothing is left to restore."""
    entry = await site.entry({"title": "Hello"})
    assert (await site.delete(f"{LIST}/{entry['id']}?purge=true", headers=site.admin)).status_code == 204
    assert (await site.post(f"{LIST}/{entry['id']}/restore", headers=site.admin)).status_code == 404
    rows = await site.core.store.fetch_all("SELECT count(*) FROM maydan_versions WHERE entry_id = ?", entry["id"])
    assert rows == [(0,)]


async def test_required_is_enforced_at_publish_and_drafts_lose_no_input(site: Site) -> None:
    """A draft may be incomplete; publishing it names what is missing."""
    entry = await site.entry({"rating": 3}, publish=False)
    refused = await site.post(f"{LIST}/{entry['id']}/publish", headers=site.admin)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/title"
    missing = await site.post("/api/spaces/demo/content/person", {}, headers=site.admin)
    assert missing.status_code == 422


async def test_get_edit_put_works(site: Site) -> None:
    """What a client got it may send back, with changes; system fields that are unchanged are accepted."""
    entry = await site.entry({"title": {"en": "Hello", "ar": "مرحبا"}, "rating": 2})
    path = f"{LIST}/{entry['id']}"
    got = await site.get(f"{path}?perspective=draft", headers=site.admin)
    edited = {**got.json(), "title": "Edited", "rating": None}
    put = await site.put(path, edited, headers={**site.admin, "if-match": got.headers["etag"]})
    assert put.status_code == 200, put.text
    maps = (await site.get(f"{path}?perspective=draft&locale=*", headers=site.admin)).json()
    assert (maps["title"], maps["rating"]) == ({"en": "Edited", "ar": "مرحبا"}, None)
    changed = await site.put(path, {**edited, "version": 9}, headers={**site.admin, "if-match": "*"})
    assert changed.status_code == 422


async def test_put_to_a_slug_that_is_not_there_creates_an_entry(site: Site) -> None:
    """Ids are made by the system, so a foreign id stays 404."""
    made = await site.put(f"{LIST}/brand-new", {"title": "New"}, headers=site.admin)
    assert (made.status_code, made.json()["slug"]) == (201, "brand-new")
    absent = await site.put(f"{LIST}/01a205a9-3fcf-7094-a5af-39927a08eb43", {"title": "New"}, headers=site.admin)
    assert absent.status_code == 404


async def test_concurrent_writers_do_not_overwrite_each_other(site: Site) -> None:
    """Of two writes with the same tag one wins; any tag that was given at the present version will do."""
    entry = await site.entry({"title": "Hello", "rating": 1})
    path = f"{LIST}/{entry['id']}"
    as_published = (await site.get(path, headers=site.admin)).headers["etag"]
    with_fields = (await site.get(f"{path}?perspective=draft&fields=title", headers=site.admin)).headers["etag"]
    assert as_published != with_fields
    assert (await site.patch(path, {"rating": 2}, tag=as_published, headers=site.admin)).status_code == 200
    assert (await site.patch(path, {"rating": 3}, tag=with_fields, headers=site.admin)).status_code == 412
    assert (await site.patch(path, {"rating": 3}, tag=None, headers=site.admin)).status_code == 428
    assert (await site.patch(path, {"rating": 3}, tag="*", headers=site.admin)).status_code == 200


async def test_publishing_now_replaces_what_was_planned(site: Site) -> None:
    """For its locales alone: what is edited afterwards is not published unasked; the end that was planned stays."""
    from maydan.operations.schedules import run_due

    entry = await site.entry({"title": {"en": "Hello", "ar": "مرحبا"}}, publish=False)
    path = f"{LIST}/{entry['id']}"
    later = (site.clock.now() + timedelta(hours=1)).isoformat()
    await site.post(f"{path}/publish", {"at": later}, headers=site.admin)
    await site.post(f"{path}/unpublish", {"at": later.replace("+00:00", "Z"), "locales": ["ku"]}, headers=site.admin)
    await site.post(f"{path}/publish", {"locales": ["en"]}, headers=site.admin)
    await site.patch(path, {"title": {"en": "Unfinished", "ar": "مسودة"}}, headers=site.admin)
    planned = {
        item["locale"]: (item["publish_at"] is not None, item["unpublish_at"] is not None)
        for item in (await site.get(f"{path}/status", headers=site.admin)).json()["items"]
    }
    assert planned == {"en": (False, False), "ar": (True, False), "ku": (False, True)}
    site.clock.forward(hours=2)
    assert await run_due(site.core) == 2
    shown = (await site.get(f"{path}?locale=*")).json()
    assert shown["title"] == {"en": "Hello", "ar": "مسودة"}

    site.admin = await site.log_in("admin@example.org")
    later = (site.clock.now() + timedelta(hours=1)).isoformat()
    await site.post(f"{path}/publish", {"at": later}, headers=site.admin)
    await site.post(f"{path}/publish", headers=site.admin)
    await site.patch(path, {"title": {"en": "Rough"}}, headers=site.admin)
    site.clock.forward(hours=2)
    assert await run_due(site.core) == 0
    assert (await site.get(path)).json()["title"] == "Unfinished"


async def test_planned_publication_happens_at_its_hour(site: Site) -> None:
    """Until then the entry stays unpublished; the status says what is planned."""
    from maydan.operations.schedules import run_due

    entry = await site.entry({"title": "Later"}, publish=False)
    path = f"{LIST}/{entry['id']}"
    at = (site.clock.now().replace(microsecond=0)).isoformat()
    site.clock.forward(days=-1)
    await site.post(f"{path}/publish", {"at": at}, headers=site.admin)
    await run_due(site.core)
    assert (await site.get(path)).status_code == 404
    status = (await site.get(f"{path}/status", headers=site.admin)).json()["items"][0]
    assert status["publish_at"] is not None
    site.clock.forward(days=2)
    assert await run_due(site.core) == 1
    assert (await site.get(path)).status_code == 200
    assert await run_due(site.core) == 0


async def test_links_to_what_is_not_there_are_refused(site: Site) -> None:
    """A link to nothing, to a wrong type or to the trash is the same 422."""
    person = await site.entry({"name": "Ann"}, type="person", publish=False)
    article = await site.entry({"title": "A", "author": person["id"]})
    assert article["author"] == person["id"]
    for target in ("01a205a9-3fcf-7094-a5af-39927a08eb43", article["id"]):
        refused = await site.post(LIST, {"title": "B", "author": target}, headers=site.admin)
        assert refused.status_code == 422
        assert refused.json()["errors"] == [
            {"pointer": "/author", "code": "unknown_entry", "message": "There is no such entry to link to."}
        ]


async def test_a_create_with_an_idempotency_key_happens_once(site: Site) -> None:
    """The same key and body get the first answer again; another body is refused."""
    headers = {**site.admin, "idempotency-key": "k-1"}
    first = await site.post(LIST, {"title": "Once"}, headers=headers)
    again = await site.post(LIST, {"title": "Once"}, headers=headers)
    assert (first.content, again.headers["idempotency-replayed"]) == (again.content, "true")
    assert (await site.post(LIST, {"title": "Other"}, headers=headers)).status_code == 422
    listed = await site.get(f"{LIST}?perspective=draft&count=exact", headers=site.admin)
    assert listed.json()["total"] == 1


async def test_a_slug_of_another_locale_finds_the_entry_without_a_detour(site: Site) -> None:
    """Only a former slug is moved; a current one of any locale leads to the entry in the locale that is asked for."""
    await site.entry({"title": {"en": "Hello", "ar": "مرحبا"}})
    arabic = await site.get(f"{LIST}/hello?locale=ar")
    assert (arabic.status_code, arabic.json()["title"]) == (200, "مرحبا")


async def test_a_locale_that_is_added_to_a_published_entry_is_a_change(site: Site) -> None:
    """Until the next publish, which shows it; a locale that was left out on purpose is none."""
    entry = await site.entry({"title": "Hello"})
    path = f"{LIST}/{entry['id']}"
    added = await site.patch(path, {"title": {"ar": "مرحبا"}}, headers=site.admin)
    assert added.json()["status"] == "changed"
    only = await site.post(f"{path}/publish", {"locales": ["en"]}, headers=site.admin)
    assert only.json()["status"] == "published"


async def test_a_secret_is_kept_in_no_version_and_no_publication(site: Site) -> None:
    """It stays when it is not sent again, and it is nowhere but in its own place."""
    entry = await site.entry({"title": "A", "key": "hunter2hunter2"})
    await site.patch(f"{LIST}/{entry['id']}", {"title": "B"}, headers=site.admin)
    store = site.core.store
    for table in (
        "maydan_versions",
        f"maydan_documents_{(await site.core.registry.find_type(site.space, 'article')).key}",
    ):
        assert "hunter2" not in str(await store.fetch_all(f"SELECT * FROM {table}"))
    assert "hunter2" not in str(await store.fetch_all("SELECT published FROM maydan_entries"))
    kept = await store.fetch_one("SELECT secrets FROM maydan_entries WHERE id = ?", entry["id"])
    assert "hunter2hunter2" in str(kept)


async def test_a_patch_of_a_part_of_a_price_keeps_the_rest(site: Site) -> None:
    """Money merges like every object in a JSON Merge Patch."""
    entry = await site.entry({"title": "A", "price": {"amount": 100, "currency": "USD"}})
    patched = await site.patch(f"{LIST}/{entry['id']}", {"price": {"amount": 200}}, headers=site.admin)
    assert patched.json()["price"] == {"amount": 200, "currency": "USD", "decimal": "2.00"}
