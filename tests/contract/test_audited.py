"""Every route that changes something leaves what it did, and who did it, in the log that the audit is made of."""

from __future__ import annotations

import pytest
from site_support import Site, open_site  # pyright: ignore[reportMissingImports] - tests/support
from surface_calls import (  # pyright: ignore[reportMissingImports] - tests/support
    LOOPBACK,
    ask,
    status_of,
    two_spaces,
    writes,
)

from maydan.events.audit_rows import check_chain
from maydan.http.routing import Route
from maydan.operations.audit import AuditTrail
from maydan.storage.log import LoggedEvent, last_position, read_after

pytestmark = pytest.mark.anyio

UNNOTED = {
    "login": "who signs in is in the list of sessions; a failure counts, and names nobody",
    "refresh": "the session goes on",
    "logout": "the session's end is in the list of sessions",
    "forgot_password": "nothing changes until the mail is answered",
    "create_ticket": "it stands for the session for half a minute",
    "delete_session": "the session's end is in the list of sessions",
    "lock_entry": "a lease that ends by itself, and changes no content",
    "unlock_entry": "the same",
    "begin_totp": "a secret that counts for nothing until it is confirmed",
    "replay_webhook": "what is sent again was noted when it happened",
    "retry_dead_letter": "the same",
    "cancel_job": "the job is kept with how it ended",
    "retry_job": "the same",
}
"""Writes that are no change of content, rights, accounts, plugins or schemas, and why each may leave no trace."""
NOT_DONE = {
    "verify": "its token is in a mail", "reset_password": "its token is in a mail",
    "accept_invitation": "its token is in a mail", "confirm_totp": "its code is made by somebody's phone",
    "delete_token": "it takes one of their own", "delete_totp": "it asks for a code",
    "delete_identity": "it takes a provider to have one",
}  # fmt: skip
"""Writes that this table cannot carry out; tests/accounts/test_noted.py and others hold them."""


async def test_every_write_is_in_the_audit(sqlite_url: str) -> None:
    """With the actor and the request; the chain has it, and holds."""
    async with open_site(sqlite_url, more=LOOPBACK) as site:
        own, _ = await two_spaces(site)
        key, others = site.space.key, {"delete_type": {"type": "type_demo"}}
        me = (await site.get("/api/me", headers=site.admin)).json()["id"]
        tried: dict[str, int] = {}
        missing: list[str] = []
        for route in writes():
            values = {**own.values_of(route), **others.get(route.name, {})}
            before = await last_position(site.core.store)
            tried[route.name] = status_of(await ask(site, route, values, site.admin))
            events = await read_after(site.core.store, before, 100)
            if tried[route.name] < 300 and not noted(route, events, me):
                missing.append(f"{route.name}: {[event.type for event in events]}")
        assert missing == []
        refused = {name for name, status in tried.items() if status >= 300 and name not in {*UNNOTED, *NOT_DONE}}
        assert refused == set()
        assert not {*UNNOTED, *NOT_DONE} - tried.keys(), "these routes are gone"
        await kept(site, key)


def noted(route: Route, events: list[LoggedEvent], me: str) -> bool:
    """Tell whether what was done is in the log, by whom and in which request."""
    if route.name in UNNOTED:
        return True
    if route.name == "register":
        return [event.type for event in events] == ["account.created"]
    mine = [event for event in events if event.actor_id == me and event.request_id]
    return bool(mine)


async def kept(site: Site, space_key: int) -> None:
    """Write the audit, and look whether it has what the log has."""
    store, position = site.core.store, 0
    while events := await read_after(store, position, 500):
        await AuditTrail(site.core).handle_all(events)
        position = events[-1].position
    rows = {row[0] for row in await store.fetch_all("SELECT DISTINCT type FROM maydan_audit")}
    logged = {row[0] for row in await store.fetch_all("SELECT DISTINCT type FROM maydan_log")}
    assert rows == logged
    assert len(rows) > 25
    for chain in (0, space_key):
        assert (await check_chain(store, chain)).is_whole
