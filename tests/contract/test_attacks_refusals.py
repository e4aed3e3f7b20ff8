"""Refusals come in one order, and each says no more than its caller may know."""

from __future__ import annotations

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio

CONTENT = "/api/spaces/demo/content"


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
