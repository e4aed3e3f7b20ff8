"""The wall between spaces: ids of another one are missing ones on every route, and every statement has the space."""

from __future__ import annotations

import pytest
from site_support import Site, open_site  # pyright: ignore[reportMissingImports] - tests/support
from statements import over_the_wall, recorded  # pyright: ignore[reportMissingImports] - tests/support
from surface_calls import (  # pyright: ignore[reportMissingImports] - tests/support
    LOOPBACK,
    Space,
    ask,
    path_of,
    status_of,
    two_spaces,
    writes,
)

from maydan.http.routing import LOGGED_IN, Route
from maydan.http.surface import core_routes
from maydan.ids import new_id
from maydan.operations.expiring import forget_expired
from maydan.storage.ports import Statement

pytestmark = pytest.mark.anyio

MAKES = {
    ("PUT", "role"): "makes the role",
    ("PUT", "user"): "makes a member of the space; accounts belong to the instance",
}
"""What a name that is not there yet may be used for, by method and the parameter that names it."""
OF_INSTANCE = frozenset({"provider", "token"})
"""Parameters that do not name something of a space."""
NUMBERS = frozenset({"version", "other", "transition"})
"""Parameters that mean something in every space, and with every entry."""


async def test_what_belongs_to_another_space_is_missing_and_every_statement_names_the_space(database_url: str) -> None:
    """Each route is tried with ids of another space, then all are used, while the background work runs."""
    with recorded() as statements:
        async with open_site(database_url, more=LOOPBACK, work=True) as site:
            own, foreign = await two_spaces(site, works=True)
            tried = 0
            for route in core_routes():
                names = [name for name in route.names if name not in OF_INSTANCE]
                if "space" not in names or len(names) < 2:
                    continue
                for index, name in enumerate(names[1:], 1):
                    if name in NUMBERS or (route.method, name) in MAKES:
                        continue
                    await _try_foreign(site, route, names[index:], own, foreign)
                    tried += 1
            assert tried > 50
            await _use_everything(site, own)
    told = over_the_wall(statements)
    assert not told, "\n".join(told)
    assert len(statements) > 200


async def _try_foreign(site: Site, route: Route, names: list[str], own: Space, foreign: Space) -> None:
    inner = {**own.values, **{each: foreign.values[each] for each in names}}
    if names[0] == "type":
        inner["type"] = "type_other"
    missing = {**inner, names[0]: "absent_type" if names[0] == "type" else new_id()}
    if names[0] == "id":
        missing["id"] = "999999"
    there, nowhere = await ask(site, route, inner, site.admin), await ask(site, route, missing, site.admin)
    told = f"{route.method} {route.path} with {names[0]} of another space: {there!r} and not {nowhere!r}"
    assert there == nowhere, told
    assert status_of(there) == 404, told


async def _use_everything(site: Site, own: Space) -> None:
    """Call every route, and let the background work come up with it."""
    for route in core_routes():
        if route.method == "GET" and "provider" not in route.names:
            await ask(site, route, own.values, site.admin)
    for route in writes():
        await ask(site, route, own.values_of(route), site.admin)
    await site.core.subscriptions.settled()
    await site.core.accounts.outbox.deliver_due()
    await forget_expired(site.core)


async def test_what_belongs_to_another_entry_is_missing(sqlite_url: str) -> None:
    """A comment, a share or a preview is reached through its own entry and through no other."""
    tried = 0
    async with open_site(sqlite_url, more=LOOPBACK) as site:
        own, _ = await two_spaces(site)
        for route in core_routes():
            below = [name for name in route.names[3:] if name not in NUMBERS]
            if "entry" not in route.names or not below:
                continue
            inner = {**own.values, "entry": own.draft}
            there = await ask(site, route, inner, site.admin)
            nowhere = await ask(site, route, {**inner, below[0]: new_id()}, site.admin)
            assert there == nowhere, f"{route.method} {route.path}: {there!r} and not {nowhere!r}"
            assert status_of(there) == 404
            tried += 1
    assert tried >= 7


async def test_what_belongs_to_another_person_is_missing(sqlite_url: str) -> None:
    """Sessions, tokens, previews and comments that wait: to somebody with the same rights as if they were not there."""
    async with open_site(sqlite_url, more=LOOPBACK) as site:
        own, _ = await two_spaces(site)
        ann, bea = [await site.account(f"{name}@example.org", "editor") for name in ("ann", "bea")]
        session = (await site.get("/api/me/sessions", headers=ann)).json()["items"][0]["id"]
        wish = {"name": "mine", "actions": ["read"], "expires_in": 3600}
        token = (await site.post("/api/tokens", wish, headers=ann)).json()["id"]
        place = f"/api/spaces/demo/content/article/{own.draft}"
        preview = (await site.post(f"{place}/previews", {"ttl": 60}, headers=ann)).json()["id"]
        assert (await site.post(f"{place}/lock", {"ttl": 60}, headers=ann)).is_success
        identity = await _identity(site, ann)
        paths = [f"/api/me/sessions/{session}", f"/api/tokens/{token}", f"/api/me/identities/{identity}"]
        own_routes = {path_of(route, {"id": ""}) for route in core_routes() if route.permission is LOGGED_IN}
        assert {f"{path.rpartition('/')[0]}/" for path in paths} == {path for path in own_routes if path[-1] == "/"}
        paths.append(f"{place}/previews/{preview}")
        before = {name: await site.core.store.fetch_all(f"SELECT * FROM maydan_{name} ORDER BY 1") for name in _KEPT}
        for path in paths:
            theirs = await site.delete(path, headers=bea)
            nothing = await site.delete(f"{path.rpartition('/')[0]}/{new_id()}", headers=bea)
            shown = [_plain(each.json()) for each in (theirs, nothing)]
            assert (theirs.status_code, shown[0]) == (404, shown[1]), path
        refused = await site.delete(f"{place}/lock", headers=bea)
        assert refused.status_code in (403, 409), refused.text
        users = [(await site.get(f"/api/users/{each}", headers=bea)) for each in (own.values["user"], new_id())]
        assert [each.status_code for each in users] == [403, 403]
        assert _plain(users[0].json()) == _plain(users[1].json())
        after = {name: await site.core.store.fetch_all(f"SELECT * FROM maydan_{name} ORDER BY 1") for name in _KEPT}
        assert after == before


async def _identity(site: Site, headers: dict[str, str]) -> str:
    """Link an identity of a provider to an account, and return its id."""
    account = (await site.get("/api/me", headers=headers)).json()["id"]
    sql = "INSERT INTO maydan_identities (issuer, subject, account_id, created_at) VALUES (?, ?, ?, ?)"
    row = ("https://id.example", "1", account, site.core.clock.now())
    await site.core.store.commit([Statement(sql, row)])
    return (await site.get("/api/me/identities", headers=headers)).json()["items"][0]["id"]


_KEPT = ("sessions", "api_tokens", "previews", "locks", "accounts", "identities")


def _plain(problem: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in problem.items() if name not in ("instance", "request_id")}
