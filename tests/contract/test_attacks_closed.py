"""Closed by default: without any policy nothing of a space answers, to nobody, on any route."""

from __future__ import annotations

import pytest
from site_support import open_site  # pyright: ignore[reportMissingImports] - tests/support
from surface_calls import LOOPBACK, ask, status_of, two_spaces, writes  # pyright: ignore[reportMissingImports]

from maydan.http.surface import core_routes
from maydan.storage.ports import Statement
from maydan.storage.revisions import bump

pytestmark = pytest.mark.anyio

OPEN = {
    "/health/live": "says that the process lives",
    "/health/ready": "says that the database answers",
    "/docs": "the reference page, the same for everybody",
    "/docs/reference.js": "a file of it",
    "/docs/reference.css": "a file of it",
    "/openapi.json": "the routes that every instance of this version has",
    "/api/auth/register": "an account without any right",
    "/api/auth/password/forgot": "the same answer for everybody",
}
"""What answers everybody, as no policy governs it and nothing of a space is in it."""
OWN = ("/api/me", "/api/tokens", "/api/auth/tickets", "/api/auth/logout", "/api/spaces")
"""What answers whoever is logged in about themselves; of spaces there are none that they see."""
INSTANCE = ("/api/users", "/api/audit", "/api/plugins", "/metrics", "/health/details", "/api/spaces")
"""What the instance's administrators look after; no policy of a space says who they are."""
ANSWERING = {"nobody": (), "an owner": OWN, "an administrator": (*OWN, *INSTANCE)}
"""By who asks, how the paths begin that may answer besides."""


async def test_without_policies_nothing_of_a_space_answers(sqlite_url: str) -> None:
    """Not to owners and administrators either, who come in again with ``maydan access import``."""
    async with open_site(sqlite_url, more=LOOPBACK) as site:
        own, _ = await two_spaces(site)
        owner = await site.account("owner@example.org", "owner")
        await site.core.store.commit([Statement("DELETE FROM maydan_casbin_rules", ()), bump("policies")])
        await site.core.revisions.settled()
        assert (await site.get("/api/spaces", headers=owner)).json()["items"] == []
        answered: set[str] = set()
        for route in [*(route for route in core_routes() if route.method == "GET"), *writes()]:
            for who, headers in (("nobody", {}), ("an owner", owner), ("an administrator", site.admin)):
                got = await ask(site, route, own.values_of(route), headers)
                assert status_of(got) < 500, f"{route.method} {route.path} by {who}: {got!r}"
                if status_of(got) >= 300:
                    continue
                answered.add(route.path)
                told = f"{route.method} {route.path} answers {who}: {got!r}"
                assert route.path in OPEN or route.path.startswith(ANSWERING[who]), told
                assert "space" not in route.names, told
    assert {*OPEN, "/api/me", "/api/users"} <= answered
