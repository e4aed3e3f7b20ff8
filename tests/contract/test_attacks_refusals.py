"""Refusals come in one order, and each says no more than its caller may know."""

from __future__ import annotations

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio

CONTENT = "/api/spaces/demo/content"
NO_ID = "01a209f0-9e67-74e1-bfe0-e361306177b7"


async def test_a_bad_parameter_is_told_before_what_is_not_there(site: Site) -> None:
    """400 comes before 401, 403 and 404."""
    for path in ("/api/spaces/nowhere/content/article", f"{CONTENT}/nothing", f"{CONTENT}/article/x"):
        for query in ("bogus=1", "locale=", "fields=", "perspective=x"):
            answer = await site.get(f"{path}?{query}")
            assert answer.status_code == 400, answer.text


async def test_an_unreadable_precondition_is_told_first(site: Site) -> None:
    """A malformed ``If-Match`` is 400, before 401 and 404."""
    for method in ("PATCH", "PUT", "DELETE"):
        body = None if method == "DELETE" else {}
        for path in (f"{CONTENT}/article/nothing", "/api/spaces/nowhere/content/article/x"):
            answer = await site.client.request(method, path, json=body, headers={"if-match": "3-0a1b"})
            assert answer.status_code == 400, answer.text


async def test_a_single_entry_refuses_fields_that_are_not_there(site: Site) -> None:
    """``fields`` of a single entry names what the caller may read, as in lists; unknown and hidden are the same."""
    entry = await site.entry({"title": "One"})
    for path in (f"{CONTENT}/article", f"{CONTENT}/article/{entry['id']}"):
        details: set[str] = set()
        for name in ("bogus", "key", "note"):
            answer = await site.get(f"{path}?fields=title,{name}")
            assert answer.status_code == 400, (path, answer.text)
            assert answer.json()["errors"][0]["pointer"] == "fields"
            details.add(answer.json()["detail"].replace(name, "…"))
        assert len(details) == 1, details


@pytest.mark.parametrize(
    "wrong", ["[]", '{"title": "\\u0000"}', '{"title": "\\ud800"}', '{"rating": 100000000000000000000001}']
)
async def test_what_is_wrong_with_the_body_of_an_entry_is_told_last(site: Site, wrong: str) -> None:
    """401, 404 and 403, 428 and 412 come before 422, also where no text and no number may hold what is sent."""
    entry = await site.entry({"title": "One"})
    one, missing = f"{CONTENT}/article/{entry['id']}", f"{CONTENT}/article/{NO_ID}"
    reader = await site.account("reader@example.org", "member")

    async def send(method: str, path: str, who: dict[str, str], tag: str = "") -> int:
        headers = who | {"content-type": "application/json"} | ({"if-match": tag} if tag else {})
        answer = await site.client.request(method, path, content=wrong, headers=headers)
        return answer.status_code

    assert await send("POST", "/api/spaces/nowhere/content/article", {}) == 404
    for path in (f"{CONTENT}/nothing", f"{CONTENT}/article"):
        assert await send("POST", path, {}) == 401
    assert await send("POST", f"{CONTENT}/article", reader) == 403
    assert await send("POST", f"{CONTENT}/article", site.admin) == 422
    for method, path in (("PATCH", ""), ("PUT", ""), ("POST", "/publish"), ("POST", "/unpublish"), ("POST", "/lock")):
        assert await send(method, one + path, {}) == 401, (method, path)
        assert await send(method, one + path, reader) == 403, (method, path)
        assert await send(method, missing + path, site.admin) == 404, (method, path)
    for method in ("PATCH", "PUT"):
        assert [await send(method, one, site.admin, tag) for tag in ("", '"0-aa"', "*")] == [428, 412, 422]
    new = f"{CONTENT}/article/brand-new"
    assert [await send("PUT", new, who) for who in ({}, reader)] == [401, 404]
    assert [await send("PUT", new, site.admin, tag) for tag in ("*", "")] == [412, 422]
    assert (await site.get(f"{CONTENT}/article?perspective=draft&count=exact", headers=site.admin)).json()["total"] == 1
