from __future__ import annotations

from typing import Any

import pytest
from thing_routes import EDITOR, ROUTES  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio


async def test_every_answer_has_an_id_and_forbids_sniffing(serve: Any) -> None:
    """X-Request-Id, nosniff and no-referrer are on answers, refusals and what no route matches."""
    async with serve(ROUTES) as client:
        for answer in (
            await client.get("/api/things"),
            await client.get("/api/nothing"),
            await client.post("/api/things"),
            await client.options("/api/things"),
            await client.get("/api/mine"),
        ):
            assert answer.headers["x-request-id"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"


async def test_a_sane_request_id_is_taken_over(serve: Any) -> None:
    """What would be harmful in a log is replaced by an id of ours."""
    async with serve(ROUTES) as client:
        kept = await client.get("/api/things", headers={"X-Request-Id": "abc-1.2_3"})
        replaced = await client.get("/api/things", headers={"X-Request-Id": 'x" onclick='})
    assert kept.headers["x-request-id"] == "abc-1.2_3"
    assert len(replaced.headers["x-request-id"]) == 36


async def test_a_published_answer_may_be_kept_by_anonymous_readers_only(serve: Any) -> None:
    """Anonymous and published: public with an ETag and Vary: Accept-Language; with a token: private."""
    async with serve(ROUTES) as client:
        nobody = await client.get("/api/spaces/open/things/one")
        somebody = await client.get("/api/spaces/open/things/one", headers=EDITOR)
    assert nobody.headers["cache-control"] == "public, no-cache"
    assert nobody.headers["vary"] == "Accept-Language"
    assert nobody.headers["content-language"] == "en"
    assert nobody.headers["etag"].startswith('"3-')
    assert somebody.headers["cache-control"] == "private, no-store"
    assert somebody.headers["vary"] == "Authorization"
    assert somebody.headers["etag"] == nobody.headers["etag"]


async def test_what_the_client_has_is_not_sent_again(serve: Any) -> None:
    """If-None-Match with the present tag, weak or in a list, is 304 without a body."""
    url = "/api/spaces/open/things/one"
    async with serve(ROUTES) as client:
        tag = (await client.get(url)).headers["etag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            answer = await client.get(url, headers={"If-None-Match": known})
            assert (answer.status_code, answer.content) == (304, b"")
            assert answer.headers["etag"] == tag
        assert (await client.get(url, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_head_is_get_without_its_body(serve: Any) -> None:
    """Every GET answers HEAD with the same headers."""
    async with serve(ROUTES) as client:
        get = await client.get("/api/spaces/open/things/one")
        head = await client.head("/api/spaces/open/things/one")
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]
    assert head.headers["etag"] == get.headers["etag"]


async def test_a_list_links_to_its_next_page(serve: Any) -> None:
    """Link is root-relative, and keeps the other parameters."""
    async with serve(ROUTES) as client:
        answer = await client.get("/api/things?limit=3&plain=true")
    assert answer.json()["next"] == "abc"
    assert answer.json()["total"] == 3
    assert answer.headers["link"] == '</api/things?limit=3&plain=true&cursor=abc>; rel="next"'


@pytest.mark.parametrize("place", ["cursor=old&", "offset=9&", "%63ursor=old&", "o%66fset=9&", ""])
async def test_a_link_to_the_next_page_replaces_the_place_of_this_one(serve: Any, place: str) -> None:
    """However it is spelled."""
    async with serve(ROUTES) as client:
        answer = await client.get(f"/api/things?{place}limit=3")
    assert answer.headers["link"] == '</api/things?limit=3&cursor=abc>; rel="next"'
