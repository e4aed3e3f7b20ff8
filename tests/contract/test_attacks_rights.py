"""Who may not, cannot: every route that writes, and every id of somebody else's, tried by those without the right."""

from __future__ import annotations

from typing import Any

import pytest
from site_support import Site, open_site  # pyright: ignore[reportMissingImports] - tests/support
from surface_calls import (  # pyright: ignore[reportMissingImports] - tests/support
    LOOPBACK,
    Space,
    ask,
    made,
    path_of,
    status_of,
    two_spaces,
    writes,
)

from maydan.http.routing import LOGGED_IN, PUBLIC
from maydan.http.surface import core_routes
from maydan.ids import new_id

pytestmark = pytest.mark.anyio

BASE = "/api/spaces/demo"
_UNSTORED = frozenset({"maydan_attempts", "sqlite_sequence"})
"""Tables that count what is refused."""


async def _callers(site: Site, own: Space) -> dict[str, dict[str, str]]:
    """Return nobody, somebody without a role, a reader, and an administrator's token that only reads."""
    await made(site, "PUT", f"{BASE}/roles/member", {"policies": []})
    reader = await site.account("reader@example.org", own.values["role"])
    wish = {"name": "reads", "space": "demo", "actions": ["read"], "expires_in": 3600}
    token = (await made(site, "POST", "/api/tokens", wish))["token"]
    return {
        "nobody": {},
        "a stranger": await site.account("stranger@example.org"),
        "a reader": reader,
        "a token that reads": {"authorization": f"Bearer {token}"},
    }


async def _dump(site: Site) -> dict[str, Any]:
    store = site.core.store
    names = await store.fetch_all("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return {name: await store.fetch_all(f"SELECT * FROM {name}") for (name,) in names if name not in _UNSTORED}


async def test_a_write_without_the_right_changes_no_byte(sqlite_url: str) -> None:
    """With bodies that the same route takes from an administrator, whom it tells something else than a refusal."""
    tried = [route for route in writes() if route.permission not in (PUBLIC, LOGGED_IN)]
    assert len(tried) > 40
    async with open_site(sqlite_url, more=LOOPBACK) as site:
        own, _ = await two_spaces(site)
        callers = await _callers(site, own)
        before = await _dump(site)
        for route in tried:
            for who, headers in callers.items():
                got = await ask(site, route, own.values_of(route), headers)
                assert status_of(got) in (401, 403, 404), f"{route.method} {route.path} by {who}: {got!r}"
            after = await _dump(site)
            changed = [name for name in after if after[name] != before.get(name)]
            assert not changed, f"{route.method} {route.path}, refused, changed {changed}"
        for route in tried:
            got = await ask(site, route, own.values_of(route), site.admin)
            assert status_of(got) in (200, 201, 204, 409), f"{route.method} {route.path} by an administrator: {got!r}"


async def test_what_a_caller_may_not_see_is_answered_like_what_is_missing(sqlite_url: str) -> None:
    """Drafts, types and whole spaces: on every route the same bytes as for an id, or a name, of nothing."""
    tried = 0
    async with open_site(sqlite_url, more=LOOPBACK) as site:
        own, foreign = await two_spaces(site)
        callers = await _callers(site, own)
        del callers["a token that reads"]  # it sees every type
        await made(site, "PUT", "/api/spaces/other/roles/anonymous", {"policies": []})
        hidden = {
            "entry": ({**own.values, "entry": own.draft}, {**own.values, "entry": new_id()}),
            "type": ({**own.values, "type": "person"}, {**own.values, "type": "absent"}),
            "space": (foreign.values, {**foreign.values, "space": "nowhere"}),
        }
        for route in core_routes():
            for name in set(route.names) & hidden.keys():
                there, nowhere = hidden[name]
                for who, headers in callers.items():
                    shown = await ask(site, route, there, headers)
                    missing = await ask(site, route, nowhere, headers)
                    told = f"{route.method} {route.path} tells {who} of a {name}: {shown!r} and not {missing!r}"
                    assert shown == missing, told
                    assert status_of(shown) in (401, 403, 404), told
                    tried += 1
    assert tried > 400


async def test_links_that_lead_nowhere_tell_nothing_of_types_and_entries(sqlite_url: str) -> None:
    """A made-up token, and that of a link to something else, before what is hidden and before what is missing."""
    async with open_site(sqlite_url, more=LOOPBACK) as site:
        own, _ = await two_spaces(site)
        wish = {"link": True, "rights": "edit"}
        share = await made(site, "POST", f"{BASE}/content/article/{own.values['entry']}/shares", wish)
        preview = await made(site, "POST", f"{BASE}/content/article/{own.values['entry']}/previews", {"ttl": 60})
        queries = [f"share={share['token']}", f"share={share['token'][:-4]}aaaa", f"preview={preview['token']}"]
        places = [f"article/{own.draft}", f"article/{new_id()}", f"person/{own.draft}", f"absent/{own.draft}"]
        for query in queries:
            for method, below in (("GET", ""), ("PATCH", ""), ("GET", "/comments"), ("POST", "/comments")):
                if query.startswith("preview") and (method, below) != ("GET", ""):
                    continue
                told: set[tuple[int, str]] = set()
                for place in places:
                    got = await site.client.request(
                        method, f"{BASE}/content/{place}{below}?{query}", headers={"if-match": "*"},
                        json=None if method == "GET" else {"text": "Well"},
                    )  # fmt: skip
                    problem = {**got.json(), "instance": "", "request_id": ""}
                    told.add((got.status_code, str(problem)))
                assert len(told) == 1, (method, below, query, told)
                assert {status for status, _ in told} == {404}


async def test_what_no_route_takes_changes_no_byte(sqlite_url: str) -> None:
    """Whatever refuses it, whoever asks: no JSON, another media type, a stale tag with a field that does not exist."""
    async with open_site(sqlite_url, more=LOOPBACK) as site:
        own, _ = await two_spaces(site)
        callers = [*(await _callers(site, own)).values(), await site.account("ed@example.org", "editor"), site.admin]
        before = await _dump(site)
        for route in writes():
            if route.path.startswith("/api/auth/"):
                continue
            path = path_of(route, own.values)
            for headers in callers:
                for more, body in _BAD:
                    got = await site.client.request(route.method, path, content=body, headers={**headers, **more})
                    told = f"{route.method} {path} {body!r} {more}: {got.status_code} {got.text}"
                    assert 400 <= got.status_code < 500 or route.method in ("PUT", "PATCH"), told
            after = await _dump(site)
            changed = [name for name in after if after[name] != before.get(name)]
            assert not changed, f"{route.method} {path}, refused, changed {changed}"


_TEXT = {"content-type": "application/json"}
_BAD: tuple[tuple[dict[str, str], bytes], ...] = (
    (_TEXT, b"{"),
    ({"content-type": "text/csv"}, b"a,b"),
    ({**_TEXT, "if-match": '"999"'}, b'{"bogus": 1}'),
)
"""Headers and a body that no route takes."""
