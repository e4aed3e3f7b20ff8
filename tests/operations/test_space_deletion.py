"""A space that is deleted: what goes with it, and what is written into it at the same moment."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import structs
from site_support import Site, open_site  # pyright: ignore[reportMissingImports] - tests/support
from surface_calls import LOOPBACK, made, two_spaces  # pyright: ignore[reportMissingImports] - tests/support

from maydan.events.parked import Waiting, parked_statement
from maydan.events.webhooks.deliveries import wanted
from maydan.events.webhooks.records import list_active
from maydan.storage.log import read_after
from maydan.storage.ports import Statement

pytestmark = pytest.mark.anyio

SPACE = "/api/spaces/demo"
LIST = f"{SPACE}/content/article"
STAYS = {
    "maydan_log": "the log tells whoever follows it what happened, and the audit, when the space is gone too",
    "maydan_parked": "a subscriber that could not take an event is handed it again until it does",
}
"""Tables whose rows outlive their space, and why."""
OF_TYPES = re.compile("maydan_(documents|trigrams)_")


async def rows_of(site: Site, space_key: int) -> dict[str, int]:
    """Count the rows of a space in every table that says of which space a row is."""
    store = site.core.store
    sql = "SELECT table_name FROM information_schema.columns WHERE column_name = 'space_key'"
    if store.dialect.is_sqlite:
        sql = "SELECT m.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE c.name = 'space_key'"
    found: dict[str, int] = {}
    for (table,) in await store.fetch_all(sql):
        ((count,),) = await store.fetch_all(f"SELECT count(*) FROM {table} WHERE space_key = ?", space_key)
        found[table] = count
    return found


async def test_nothing_of_a_deleted_space_is_left(database_url: str) -> None:
    """No table that knows of spaces has a row of it, but those that are meant to."""
    async with open_site(database_url, more=LOOPBACK) as site:
        place, _ = await two_spaces(site)
        await _write_down(site, place.values["entry"])
        await made(site, "PATCH", f"{LIST}/{place.values['entry']}", {"code": "one"})
        await made(site, "POST", f"{LIST}/{place.values['entry']}/lock", {})
        limited = {"name": "one", "actions": ["read"], "expires_in": 60, "space": "demo"}
        await made(site, "POST", "/api/tokens", limited)
        key = site.space.key
        before = await rows_of(site, key)
        # Those of the types of the other space have none.
        assert [table for table, count in before.items() if not count and not OF_TYPES.match(table)] == []
        gone = await site.delete(SPACE, headers={**site.admin, "if-match": "*"})
        assert gone.status_code == 204, gone.text
        left = {table for table, count in (await rows_of(site, key)).items() if count}
        assert left == STAYS.keys()


async def _write_down(site: Site, entry: str) -> None:
    """Keep what only importers and background work would."""
    store, key = site.core.store, site.space.key
    (webhook,) = await list_active(store, key)
    events = [event for event in await read_after(store, 0, 500) if event.space_key == key]
    imported = "INSERT INTO maydan_imports (space_key, source, external_key, kind, target_id, checksum)"
    await store.commit(
        [
            *wanted(structs.replace(webhook, events=("entry.created",)), events, datetime.now(UTC)),
            parked_statement("search", [Waiting(events[0], 1, "LookupError", 0)]),
            Statement(f"{imported} VALUES (?, 'file', 'one', 'article', ?, '')", (key, entry)),
        ]
    )


Write = Callable[[Site, str], Awaitable[Any]]
POLICY = {"effect": "allow", "type": "article", "actions": ["read"]}


async def put_member(site: Site, _entry: str) -> Any:
    """Take the administrator into the space."""
    account = (await site.get("/api/me", headers=site.admin)).json()["id"]
    return await site.put(f"{SPACE}/members/{account}", {"roles": ["owner"]}, headers=site.admin)


def posting(path: str, body: dict[str, Any]) -> Write:
    """Return what sends a POST; the entry's path may be part of its own."""
    return lambda site, entry: site.post(path.format(entry=entry), body, headers=site.admin)


WRITES: dict[str, Write] = {
    "role": lambda site, _: site.put(f"{SPACE}/roles/desk", {"policies": [POLICY]}, headers=site.admin),
    "member": put_member,
    "invitation": posting(f"{SPACE}/invitations", {"email": "guest@example.org", "roles": ["editor"]}),
    "token": posting("/api/tokens", {"name": "one", "actions": ["read"], "expires_in": 60, "space": "demo"}),
    "webhook": posting(f"{SPACE}/webhooks", {"url": "http://127.0.0.1:19999/", "events": ["entry.created"]}),
    "type": posting(f"{SPACE}/types", {"name": "late", "fields": [{"name": "a", "kind": "string"}]}),
    "entry": posting(LIST, {"title": "Late"}),
    "plan": posting("{entry}/publish", {"at": "2099-01-01T00:00:00Z"}),
    "preview": posting("{entry}/previews", {"ttl": 60}),
    "link": posting("{entry}/shares", {"link": True, "rights": "view"}),
    "share": posting("{entry}/shares", {"role": "editor", "rights": "view"}),
    "comment": posting("{entry}/comments", {"text": "Late"}),
    "lock": posting("{entry}/lock", {}),
}
"""What is written into a space, by what it makes there."""


@pytest.mark.parametrize("what", WRITES)
async def test_what_is_judged_before_a_space_is_deleted_is_not_stored_after_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """It is refused, and leaves no row behind."""
    async with open_site(database_url, more=LOOPBACK) as site:
        entry, key = await _begin(site), site.space.key
        store, late = type(site.core.store), [True]

        def ends_the_space(name: str) -> None:
            before = getattr(store, name)

            async def stored(*args: Any) -> Any:
                if late:
                    late.clear()
                    gone = await site.delete(SPACE, headers={**site.admin, "if-match": "*"})
                    assert gone.status_code == 204, gone.text
                return await before(*args)

            monkeypatch.setattr(store, name, stored)

        ends_the_space("commit")
        ends_the_space("retrying")
        refused = await WRITES[what](site, entry)
        assert not late
        assert 400 <= refused.status_code < 500, refused.text
        assert {table for table, count in (await rows_of(site, key)).items() if count} == {"maydan_log"}


@pytest.mark.parametrize("what", WRITES)
async def test_what_is_being_stored_when_a_space_is_deleted_goes_with_it(database_url: str, what: str) -> None:
    """Who deletes the space waits for it."""
    async with open_site(database_url, more=LOOPBACK) as site:
        entry, key, begun = await _begin(site), site.space.key, asyncio.Event()

        async def delete() -> Any:
            await begun.wait()
            return await site.delete(SPACE, headers={**site.admin, "if-match": "*"})

        deleting = asyncio.create_task(delete())
        async with site.core.store.write_transaction():
            stored = await WRITES[what](site, entry)
            assert stored.is_success, stored.text
            begun.set()
            # However short this is, it is as it must be; a deletion that does not wait overlooks what is stored.
            await asyncio.wait({deleting}, timeout=0.5)
        assert (await deleting).status_code == 204
        assert {table for table, count in (await rows_of(site, key)).items() if count} == {"maydan_log"}


async def _begin(site: Site) -> str:
    """Make an entry; returns its path."""
    fields = [{"name": "title", "kind": "string"}]
    await site.define({"name": "article", "fields": fields, "engagement": ["comments"]})
    await site.account("somebody@example.org", "editor")
    return f"{LIST}/{(await site.entry({'title': 'One'}, publish=False))['id']}"
