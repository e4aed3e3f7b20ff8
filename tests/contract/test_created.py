"""What a POST makes can be read where its answer says: 201 with ``Location`` and ``ETag``, and a GET of it agrees."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from site_support import Site, open_site  # pyright: ignore[reportMissingImports] - tests/support
from surface_calls import (  # pyright: ignore[reportMissingImports] - tests/support
    BODIES,
    LOOPBACK,
    path_of,
    two_spaces,
    writes,
)

pytestmark = pytest.mark.anyio

ELSEWHERE = {"accept_invitation": "takes the token of a mail; its answer is a login"}
"""Routes that create what is not theirs to show, and why."""

BY_VERSION = {"create_webhook", "create_entry"}
"""Routes whose answer says more than a GET does; the first part of the tag, by which it is changed, is the same."""


@pytest.fixture
async def bare(sqlite_url: str) -> AsyncIterator[Site]:
    """A site without content types."""
    async with open_site(sqlite_url, more=LOOPBACK) as opened:
        yield opened


async def test_what_is_created_is_found_where_the_answer_says(bare: Site) -> None:
    """By the same caller, with the same tag, without what is told once; who has that tag is told 304."""
    space, _ = await two_spaces(bare)
    creating = [route for route in writes() if route.status == 201 and route.name not in ELSEWHERE]
    assert len(creating) >= 8
    for route in creating:
        made = await bare.post(path_of(route, space.values_of(route)), BODIES.get(route.name), headers=bare.admin)
        assert made.status_code == 201, f"{route.name}: {made.text}"
        location, tag = made.headers.get("location"), made.headers.get("etag")
        assert location, route.name
        assert tag, route.name
        # An entry begins as a draft, which is read by asking for it.
        query = "?perspective=draft" if route.name == "create_entry" else ""
        found = await bare.get(location + query, headers=bare.admin)
        assert found.status_code == 200, f"{route.name}: {found.text}"
        if route.name in BY_VERSION:
            assert found.headers["etag"].partition("-")[0] == tag.partition("-")[0]
            continue
        assert found.headers["etag"] == tag, f"{route.name}: {found.text}"
        told = {name: value for name, value in made.json().items() if name not in ("token", "secret")}
        assert found.json() == told, route.name
        again = await bare.get(location, headers={**bare.admin, "if-none-match": tag})
        assert again.status_code == 304, route.name


async def test_single_things_are_for_those_who_may_see_them_in_lists(bare: Site) -> None:
    """To strangers there is no such token, share, preview or comment, and no link's token is told again."""
    space, other = await two_spaces(bare)
    await bare.account("eve@example.org", "editor")
    eve = await bare.log_in("eve@example.org")
    token = await bare.post("/api/tokens", BODIES["create_token"], headers=bare.admin)
    entry = "/api/spaces/{space}/content/article/{entry}"
    paths = [token.headers["location"], *(
        f"{entry}/{kind}s/{{{kind}}}".format(**space.values) for kind in ("share", "preview", "comment")
    )]  # fmt: skip
    for path, status in zip(paths, (404, 200, 404, 200), strict=True):
        shown = await bare.get(path, headers=bare.admin)
        assert shown.status_code == 200, shown.text
        assert "token" not in shown.json()
        assert (await bare.get(path, headers=eve)).status_code == status
    for path, status in zip(paths, (401, 401, 401, 200), strict=True):
        assert (await bare.get(path)).status_code == status, path
    for kind in ("share", "preview", "comment"):
        mixed = f"{entry}/{kind}s/{{{kind}}}".format(**{**space.values, kind: other.values[kind]})
        assert (await bare.get(mixed, headers=bare.admin)).status_code == 404
        odd = f"{entry}/{kind}s/nothing".format(**space.values)
        assert (await bare.get(odd, headers=bare.admin)).status_code == 404
