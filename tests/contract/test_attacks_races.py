"""Many at once: one wins, and the others are told the truth."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio

CONTENT = "/api/spaces/demo/content/article"
MANY = 20


async def test_of_many_patches_with_one_tag_one_wins(site: Site) -> None:
    """Exactly one 200; the others are stale, and not refused for another reason."""
    entry = await site.entry({"title": "One"}, publish=False)
    path = f"{CONTENT}/{entry['id']}"
    tag = (await site.get(f"{path}?perspective=draft", headers=site.admin)).headers["etag"]
    answers = await asyncio.gather(
        *(site.patch(path, {"title": f"Title {number}"}, tag=tag, headers=site.admin) for number in range(MANY))
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: MANY - 1}
    assert (await site.get(f"{path}?perspective=draft", headers=site.admin)).json()["version"] == 2


async def test_many_entries_with_one_title_each_get_a_slug(site: Site) -> None:
    """A slug that nobody asked for is no reason to refuse an entry."""
    answers = await asyncio.gather(
        *(site.post(CONTENT, {"title": "The same"}, headers=site.admin) for _ in range(MANY))
    )
    assert Counter(answer.status_code for answer in answers) == {201: MANY}, [answer.text for answer in answers]
    assert len({answer.json()["slug"] for answer in answers}) == MANY


async def test_many_writes_to_one_entry_all_come_through(site: Site) -> None:
    """Whoever overwrites whatever is there is not refused because others do so too."""
    entry = await site.entry({"title": "One"}, publish=False)
    path = f"{CONTENT}/{entry['id']}"
    answers = await asyncio.gather(
        *(site.patch(path, {"tags": [str(number)]}, headers=site.admin) for number in range(MANY)),
        *(site.post(f"{path}/{verb}", headers=site.admin) for verb in ("publish", "unpublish") for _ in range(3)),
    )
    assert Counter(answer.status_code for answer in answers) == {200: MANY + 6}, [answer.text for answer in answers]


async def test_many_changes_of_types_and_spaces_all_come_through(site: Site) -> None:
    """Whoever overwrites a type or a space takes turns with the others; entries are written by whatever it is then."""
    types, demo = "/api/spaces/demo/types", "/api/spaces/demo"
    answers = await asyncio.gather(
        *(site.patch(f"{types}/article", {"title": f"T{number}"}, headers=site.admin) for number in range(6)),
        *(site.patch(demo, {"title": f"S{number}"}, headers=site.admin) for number in range(6)),
        *(site.post(types, {"name": f"kind{number}", "fields": []}, headers=site.admin) for number in range(6)),
        *(site.post("/api/spaces", {"name": f"space{number}"}, headers=site.admin) for number in range(6)),
        *(site.post(CONTENT, {"title": f"E{number}"}, headers=site.admin) for number in range(6)),
    )
    assert [answer.status_code for answer in answers] == [200] * 12 + [201] * 18, [answer.text for answer in answers]
    assert (await site.get(f"{types}/article", headers=site.admin)).json()["version"] == 7


async def test_of_many_who_want_a_slug_or_a_unique_value_one_gets_it(site: Site) -> None:
    """The others are refused by 409, which names the place."""
    for name, value in (("slug", "wanted"), ("code", "A-1")):
        answers = await asyncio.gather(
            *(site.post(CONTENT, {"title": f"Title {name}", name: value}, headers=site.admin) for _ in range(MANY))
        )
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: MANY - 1}
        errors = [answer.json()["errors"][0]["pointer"] for answer in answers if answer.status_code == 409]
        assert errors == [f"/{name}"] * (MANY - 1)


async def test_of_many_requests_with_one_key_one_is_carried_out(site: Site) -> None:
    """The others get its answer, or are asked to wait for it."""
    headers = {**site.admin, "idempotency-key": "one"}
    answers = await asyncio.gather(*(site.post(CONTENT, {"title": "One"}, headers=headers) for _ in range(MANY)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert sum(answer.status_code == 201 and "idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert (await site.get(f"{CONTENT}?perspective=draft&count=exact", headers=site.admin)).json()["total"] == 1


async def test_a_precondition_on_what_is_not_there_is_not_met(site: Site) -> None:
    """``PUT`` with ``If-Match`` creates nothing (RFC 9110, section 13.1.1)."""
    for tag in ("*", '"1-0123456789abcdef"'):
        answer = await site.put(f"{CONTENT}/new", {"title": "New"}, headers={**site.admin, "if-match": tag})
        assert answer.status_code == 412, answer.text
    assert (await site.put(f"{CONTENT}/new", {"title": "New"}, headers=site.admin)).status_code == 201
