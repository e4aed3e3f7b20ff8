"""Of what happened somebody is told what that actor may read, judged when it is told."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.access.actors import ANONYMOUS, Actor, system
from maydan.operations.event_views import CloudEvent, event_views
from maydan.storage.log import last_position, read_after

pytestmark = pytest.mark.anyio

ARTICLES = "/api/spaces/demo/content/article"

FEW = {"effect": "deny", "type": "article", "actions": ["read"], "condition": {"rating": {"lt": 3}}}


class Told:
    """What each of some actors is told of what happened since the last time."""

    def __init__(self, site: Site, position: int) -> None:
        self.site = site
        self.position = position

    async def to(self, *actors: Actor, with_entry: bool = False) -> list[list[CloudEvent]]:
        """Return what each is told."""
        core, space = self.site.core, self.site.space
        events = await read_after(core.store, self.position, 1000)
        self.position = await last_position(core.store)
        views = [await event_views(core, actor, space, events, with_entry=with_entry) for actor in actors]
        return [[each for each in told if each is not None] for told in views]


async def since_now(site: Site) -> Told:
    """Begin to listen."""
    return Told(site, await last_position(site.core.store))


def member(site: Site, *roles: str) -> Actor:
    """Return somebody with the roles."""
    return Actor(kind="account", id="somebody", name="S", roles={site.space.key: frozenset(roles)})


def kinds(told: list[CloudEvent]) -> list[str]:
    """Return the types of events."""
    return [event.type for event in told]


async def role(site: Site, name: str, *policies: dict[str, Any]) -> None:
    """Make a role with these policies."""
    body = {"policies": [{"effect": "allow", **policy} for policy in policies]}
    answer = await site.put(f"/api/spaces/demo/roles/{name}", body, headers=site.admin)
    assert answer.is_success, answer.text


async def test_drafts_are_told_to_who_reads_them_and_readers_hear_of_publications(site: Site) -> None:
    """What was created and edited before it was published is nobody else's business; a tombstone has no content."""
    told, editor = await since_now(site), member(site, "editor")
    entry = await site.entry({"title": "First", "note": "for us", "key": "hush", "rating": 3})
    path = f"{ARTICLES}/{entry['id']}"
    await site.patch(path, {"title": {"en": "Second"}, "note": "for us all", "key": "hush!"}, headers=site.admin)
    reader, staff = await told.to(ANONYMOUS, editor)
    assert kinds(reader) == ["entry.published"]
    assert reader[0].data == {"id": entry["id"], "type": "article", "version": 1, "locales": ["en"]}
    assert kinds(staff) == ["entry.created", "entry.published", "entry.updated"]
    # Neither the private field nor the secret one is named.
    assert staff[2].data["fields"] == ["title"]
    await site.post(f"{path}/unpublish", headers=site.admin)
    reader, staff = await told.to(ANONYMOUS, editor)
    assert [(event.type, event.data) for event in reader] == [
        ("entry.unpublished", {"id": entry["id"], "type": "article"})
    ]
    assert staff[0].data["version"] == 2
    await site.delete(path, headers=site.admin)
    reader, staff = await told.to(ANONYMOUS, editor)
    assert (kinds(reader), kinds(staff)) == ([], ["entry.deleted"])


async def test_an_event_is_a_cloud_event(site: Site) -> None:
    """Its attributes are those of CloudEvents 1.0 in JSON; the entry comes along where it is asked for."""
    told = await since_now(site)
    entry = await site.entry({"title": {"en": "One", "ar": "واحد"}, "note": "for us", "key": "hush"})
    reader, all_seeing = await told.to(ANONYMOUS, system("test"), with_entry=True)
    sent = msgspec.json.decode(msgspec.json.encode(reader[0]))
    assert sent["specversion"] == "1.0"
    assert sent["source"] == "/api/spaces/demo"
    assert sent["subject"] == f"article/{entry['id']}"
    assert sent["datacontenttype"] == "application/json"
    base = site.core.settings.server.base_url
    assert base.startswith("http")
    assert sent["dataschema"] == f"{base}/openapi.json#/components/schemas/Event.entry.published.v1"
    assert int(sent["id"]) == told.position
    assert sent["data"]["entry"]["title"] == {"en": "One", "ar": "واحد"}
    seen = msgspec.json.encode(all_seeing)
    assert b"for us" not in seen
    assert b"hush" not in seen


async def test_who_loses_an_entry_by_an_edit_is_told_that_it_is_gone(site: Site) -> None:
    """Readers are judged by what they could read until then, never by the draft."""
    await role(site, "newsreader", {"type": "article", "actions": ["read"], "condition": {"category": {"eq": "news"}}})
    deny = {"effect": "deny", "type": "article", "actions": ["read"], "condition": {"category": {"eq": "guide"}}}
    await role(site, "anonymous", {"type": "article", "actions": ["read"]}, deny)
    reader = member(site, "newsreader")
    news, guide = [await site.entry({"title": each, "category": each}) for each in ("news", "guide")]
    told = await since_now(site)
    for entry, becomes in ((news, "guide"), (guide, "news")):
        path = f"{ARTICLES}/{entry['id']}"
        await site.patch(path, {"category": becomes}, headers=site.admin)
        await site.post(f"{path}/publish", headers=site.admin)
    (seen,) = await told.to(reader)
    assert [(event.type, event.data["id"]) for event in seen] == [
        ("entry.unpublished", news["id"]),
        ("entry.published", guide["id"]),
    ]
    # The draft says news again; what readers have says guide, and they never hear of it.
    await site.patch(f"{ARTICLES}/{news['id']}", {"category": "news"}, headers=site.admin)
    await site.delete(f"{ARTICLES}/{news['id']}", headers=site.admin)
    await site.delete(f"{ARTICLES}/{guide['id']}", headers=site.admin)
    (seen,) = await told.to(reader)
    assert [(event.type, event.data["id"]) for event in seen] == [("entry.deleted", guide["id"])]


async def test_types_without_drafts_are_told_by_the_row(site: Site) -> None:
    """Every entry counts as published; who stops matching its condition loses it."""
    condition = {"name": {"startswith": "A"}}
    await role(site, "guide", {"type": "person", "actions": ["read"], "condition": condition})
    reader, told = member(site, "guide"), await since_now(site)
    ann = await site.entry({"name": "Ann"}, type="person", publish=False)
    await site.entry({"name": "Bob"}, type="person", publish=False)
    nobody, seen = await told.to(ANONYMOUS, reader)
    assert (nobody, kinds(seen)) == ([], ["entry.created"])
    path = f"/api/spaces/demo/content/person/{ann['id']}"
    await site.patch(path, {"name": "Zoe"}, headers=site.admin)
    (seen,) = await told.to(reader)
    assert kinds(seen) == ["entry.unpublished"]
    await site.patch(path, {"name": "Abe"}, headers=site.admin)
    assert (await told.to(reader))[0][0].data["fields"] == ["name"]
    await site.delete(path, headers=site.admin)
    assert kinds((await told.to(reader))[0]) == ["entry.deleted"]
    await site.delete(f"{path}?purge=1", headers=site.admin)
    assert await told.to(reader) == [[]]


async def test_comments_follow_their_entry_and_their_status(site: Site) -> None:
    """A comment that waits is told to moderators and its author; one that is taken back, as deleted to readers."""
    await role(site, "talker", {"type": "article", "actions": ["comment"]})
    entry = await site.entry({"title": "Talk"})
    writer = await site.account("writer@example.org", "talker")
    told, editor = await since_now(site), member(site, "editor")
    path = f"{ARTICLES}/{entry['id']}/comments"
    made = await site.post(path, {"text": "Hm."}, headers=writer)
    assert made.status_code == 201, made.text
    reader, staff = await told.to(ANONYMOUS, editor)
    assert [event.data["status"] for event in (*reader, *staff)] == ["approved", "approved"]
    await site.post(f"{path}/{made.json()['id']}/spam", headers=site.admin)
    reader, staff = await told.to(ANONYMOUS, editor)
    assert (kinds(reader), kinds(staff)) == (["comment.deleted"], ["comment.spam"])
    await site.post(f"{ARTICLES}/{entry['id']}/unpublish", headers=site.admin)
    await site.post(f"{path}/{made.json()['id']}/approve", headers=site.admin)
    reader, _ = await told.to(ANONYMOUS, editor)
    assert kinds(reader) == ["entry.unpublished"]


async def test_statements_do_not_grow_with_the_events(site: Site) -> None:
    """Twenty entries cost what five do."""
    core, space = site.core, site.space
    await role(site, "few", FEW)
    counts: list[int] = []
    for number in (5, 20):
        before = await last_position(core.store)
        for index in range(number):
            await site.entry({"title": f"T{number}-{index}", "rating": index % 5})
        events = await read_after(core.store, before, 1000)
        counter = [0]
        cast("Any", core.store).statements_counter.set(counter)
        told = await event_views(core, member(site, "few"), space, events, with_entry=True)
        assert sum(each is not None for each in told) == sum(index % 5 >= 3 for index in range(number))
        counts.append(counter[0])
    assert counts[0] == counts[1]
