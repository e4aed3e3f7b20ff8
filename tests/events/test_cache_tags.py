"""A cache in front is told by the log what is stale: all of it, in few requests, until it has taken it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from front_cache import QUICK, behind_cache, told  # pyright: ignore[reportMissingImports] - tests/support
from msgspec.structs import replace
from site_support import ARTICLE, PERSON, Site, open_site  # pyright: ignore[reportMissingImports] - tests/support
from webhook_receiver import Receiver, receiving, says  # pyright: ignore[reportMissingImports] - tests/support

import maydan
from maydan.app import create_core
from maydan.clock import SystemClock
from maydan.errors import ConfigurationError
from maydan.events.caches import CacheTags
from maydan.events.caches.purging import MOST_TAGS, PurgeFailed, next_pause_s
from maydan.events.caches.tags import MAKES_STALE, Stale
from maydan.events.kinds import CORE_EVENTS, CORE_THINGS
from maydan.events.positions import list_subscribers
from maydan.events.settings import CacheSettings
from maydan.plugins.host import PluginHost
from maydan.settings import read
from maydan.storage import Store
from maydan.storage.log import LoggedEvent, read_after

pytestmark = pytest.mark.anyio

SPACE = "/api/spaces/demo"
ARTICLES = f"{SPACE}/content/article"
THINGS = f"{SPACE}/content/person"
_LITERAL = re.compile(rf'"((?:{"|".join(sorted(CORE_THINGS))})\.[a-z_]+)"')


def test_every_kind_of_event_has_a_decision() -> None:
    """A kind without one would leave a cache with what is not so any more, and nobody would see it."""
    sources = "".join(path.read_text() for path in Path(maydan.__file__).parent.rglob("*.py"))
    undecided = (set(CORE_EVENTS) | set(_LITERAL.findall(sources))) - set(MAKES_STALE)
    assert undecided == set()


def test_no_decision_is_about_a_kind_that_there_is_not() -> None:
    """What is decided is raised somewhere."""
    sources = [path.read_text() for path in Path(maydan.__file__).parent.rglob("*.py") if path.name != "tags.py"]
    raised = set(_LITERAL.findall("".join(sources)))
    assert set(MAKES_STALE) - set(CORE_EVENTS) - raised == set()


async def settled(site: Site, receiver: Receiver) -> list[str]:
    """Return what was purged, once everything was."""
    await site.core.subscriptions.settled()
    return told(receiver)


async def test_what_readers_get_anew_is_purged_and_what_they_do_not_is_not(database_url: str) -> None:
    """Publishing, taking back, trashing and any change without drafts; neither drafts nor comments nor members."""
    async with behind_cache(database_url) as (site, receiver):
        await site.define(PERSON)
        await site.define(ARTICLE)
        assert await settled(site, receiver) == ["space:demo"]
        ann = (await site.entry({"name": "Ann"}, type="person", publish=False))["id"]
        assert await settled(site, receiver) == [f"entry:{ann}", "type:demo.person"]
        one = (await site.entry({"title": "One", "author": ann}, publish=False))["id"]
        await site.patch(f"{ARTICLES}/{one}", {"rating": 3}, headers=site.admin)
        await site.account("ann@example.org", "editor")
        assert await settled(site, receiver) == []
        stale = [f"entry:{one}", "type:demo.article"]
        for verb in ("publish", "unpublish", "publish"):
            assert (await site.post(f"{ARTICLES}/{one}/{verb}", headers=site.admin)).is_success
            assert await settled(site, receiver) == stale
        # What a deletion takes out of published entries is theirs to tell.
        assert (await site.delete(f"{THINGS}/{ann}", headers={**site.admin, "if-match": "*"})).status_code == 204
        assert await settled(site, receiver) == sorted([*stale, f"entry:{ann}", "type:demo.person"])
        assert (await site.delete(f"{ARTICLES}/{one}", headers={**site.admin, "if-match": "*"})).status_code == 204
        assert await settled(site, receiver) == stale
        assert (await site.post(f"{ARTICLES}/{one}/restore", headers=site.admin)).is_success
        assert await settled(site, receiver) == []


async def test_types_roles_and_settings_make_the_whole_space_stale(sqlite_url: str) -> None:
    """Whatever else happened in it then goes without saying; members of no space are told to all."""
    async with behind_cache(sqlite_url) as (site, receiver):
        await site.define(ARTICLE)
        await settled(site, receiver)
        role = {"policies": [{"effect": "allow", "type": "article", "actions": ["read"]}]}
        assert (await site.put(f"{SPACE}/roles/anonymous", role, headers=site.admin)).is_success
        assert await settled(site, receiver) == ["space:demo"]
        assert (await site.patch(f"{SPACE}/types/article", {"title": "Story"}, headers=site.admin)).is_success
        assert await settled(site, receiver) == ["space:demo"]
        assert (await site.patch(SPACE, {"timezone": "Asia/Baghdad"}, headers=site.admin)).is_success
        assert await settled(site, receiver) == ["space:demo"]
        # An operator's way of saying that what no event tells has changed.
        assert (await site.patch(SPACE, {}, headers=site.admin)).is_success
        assert await settled(site, receiver) == ["space:demo"]
        answer = await site.delete(SPACE, headers={**site.admin, "if-match": "*"})
        assert answer.status_code == 204, answer.text
        assert await settled(site, receiver) == ["space:demo"]


async def test_many_events_are_one_batch_of_few_requests(sqlite_url: str) -> None:
    """Thirty tags go in one request, each once; a whole space stands for all that is in it."""
    async with behind_cache(sqlite_url) as (site, receiver):
        await site.define(PERSON)
        await settled(site, receiver)
        cache = site.core.cache_tags
        assert cache is not None
        at = datetime.now(UTC)
        events = [logged(number, "entry.created", "person", f"id{number:02}", at) for number in range(40)]
        await cache.handle_all([*events, *events])
        sizes = [len(got.event["tags"]) for got in receiver.got]
        assert sizes == [MOST_TAGS, 11]
        assert told(receiver) == sorted([*(f"entry:id{number:02}" for number in range(40)), "type:demo.person"])
        await cache.handle_all([*events, logged(50, "role.changed", "role", "anonymous", at)])
        assert told(receiver) == ["space:demo"]
        await cache.handle_all([logged(51, "plugin.isolated", "plugin", "blog", at, space_key=None)])
        assert told(receiver) == ["space:demo"]


def logged(
    position: int, kind: str, subject_type: str, subject_id: str, at: datetime, space_key: int | None = 1
) -> LoggedEvent:
    """Make an event as it comes from the log."""
    return LoggedEvent(
        position=position, type=kind, space_key=space_key, subject_type=subject_type, subject_id=subject_id, at=at
    )


async def test_what_changes_rights_is_purged_again_when_every_worker_knows(sqlite_store: Store) -> None:
    """A worker that has not heard of it yet may answer as before, and that would be kept."""
    event = logged(1, "space.updated", "space", "demo", datetime.now(UTC))
    async with receiving() as receiver:
        settings = CacheSettings(purge_url=receiver.url, allow_private=True, settle_s=0.01)
        cache = CacheTags(sqlite_store, settings, SystemClock())
        await cache.handle(event)
        assert [got.event["tags"] for got in receiver.got] == [["space:demo"], ["space:demo"]]
        await cache.close()


async def test_what_is_longer_past_than_anything_is_kept_is_not_asked_for(sqlite_store: Store) -> None:
    """Where a cache is put in front of an old site, its whole log is not gone through with requests."""
    now = datetime.now(UTC)
    async with receiving() as receiver:
        cache = CacheTags(
            sqlite_store, CacheSettings(purge_url=receiver.url, allow_private=True, shared_s=60, settle_s=0.0),
            SystemClock(),
        )  # fmt: skip
        await cache.handle(logged(1, "space.updated", "space", "old", now - timedelta(days=1, seconds=70)))
        assert receiver.got == []
        await cache.handle(logged(2, "space.updated", "space", "new", now - timedelta(days=1, seconds=10)))
        assert told(receiver) == ["space:new"]
        await cache.close()


async def test_either_format_says_who_asks(sqlite_store: Store) -> None:
    """JSON by POST, or the header of Fastly and Varnish by PURGE; with the token where there is one."""
    event = logged(1, "space.updated", "space", "demo", datetime.now(UTC))
    async with receiving() as receiver:
        plain = CacheSettings(purge_url=receiver.url, allow_private=True, settle_s=0.0)
        for settings in (replace(plain, purge_token="hush"), replace(plain, purge_format="header")):
            assert "hush" not in repr(settings)
            cache = CacheTags(sqlite_store, settings, SystemClock())
            await cache.handle(event)
            await cache.close()
        json, _, header, _ = receiver.got
        assert (json.method, json.path, json.body) == ("POST", "/hook", b'{"tags":["space:demo"]}')
        assert json.headers["content-type"] == "application/json"
        assert json.headers["authorization"] == "Bearer hush"
        assert (header.method, header.headers["surrogate-key"], header.body) == ("PURGE", "space:demo", b"")
        assert "authorization" not in header.headers


@pytest.mark.parametrize("status", [503, 401, 302])
async def test_a_cache_that_is_down_is_told_everything_when_it_is_back(
    sqlite_url: str, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """However often it failed, and also when it was an operator's mistake, which is told once."""
    async with behind_cache(sqlite_url, events=QUICK, purge_token="hush") as (site, receiver):
        await site.define(PERSON)
        await settled(site, receiver)
        receiver.behave = says(status)
        ann = (await site.entry({"name": "Ann"}, type="person", publish=False))["id"]
        await receiver.wait(3 * QUICK["tries"])
        bob = (await site.entry({"name": "Bob"}, type="person", publish=False))["id"]
        await receiver.wait(len(receiver.got) + QUICK["tries"])
        shown = next(each for each in await list_subscribers(site.core.store) if each.name == "cache_tags")
        assert shown.lag > 0
        assert (shown.parked, shown.dead_letters) == (0, 0)
        assert shown.error == f"PurgeFailed: The cache answered {status}."
        receiver.behave = says(200)
        receiver.got.clear()
        assert await settled(site, receiver) == sorted([f"entry:{ann}", f"entry:{bob}", "type:demo.person"])
        shown = next(each for each in await list_subscribers(site.core.store) if each.name == "cache_tags")
        assert (shown.lag, shown.dead_letters, shown.error) == (0, 0, None)
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == (0 if status == 503 else 1)
    assert all(f"({status})" in error and "purge_token" in error for error in errors)
    assert "hush" not in caplog.text


async def test_nothing_is_asked_for_any_more_once_it_cannot_be_kept_any_more(sqlite_url: str) -> None:
    """A cache that never comes back holds the log up for no longer than that."""
    async with behind_cache(sqlite_url, events=QUICK) as (site, receiver):
        await site.define(PERSON)
        await settled(site, receiver)
        receiver.behave = says(503)
        await site.entry({"name": "Ann"}, type="person", publish=False)
        await receiver.wait(2 * QUICK["tries"])
        site.clock.forward(days=1, seconds=700)
        await site.core.subscriptions.settled()
        assert (await list_subscribers(site.core.store))[1].error is None


async def test_a_cache_that_cannot_be_told_is_left_alone_for_a_while(sqlite_store: Store) -> None:
    """Ever longer, up to the longest pause; at once as long where only an operator can end what lasts."""
    event = logged(1, "space.updated", "space", "demo", datetime.now(UTC))
    for status in (503, 404):
        async with receiving(says(status)) as receiver:
            settings = CacheSettings(purge_url=receiver.url, allow_private=True, settle_s=0.0, longest_pause_s=1000)
            cache = CacheTags(sqlite_store, settings, SystemClock())
            assert not cache.is_held(event)
            with pytest.raises(PurgeFailed, match=f"answered {status}"):
                await cache.handle(event)
            assert cache.is_held(event)
            await cache.close()
    pauses = [0.0]
    while len(pauses) < 8:
        pauses.append(next_pause_s(pauses[-1], 30.0))
    assert pauses == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


async def test_one_wait_is_for_all_that_was_in_the_log_by_then(sqlite_url: str) -> None:
    """Events that are handed over one by one, as after a crash, do not each hold the others up."""
    async with behind_cache(sqlite_url, settle_s=0.5) as (site, receiver):
        await settled(site, receiver)
        for number in range(60):
            assert (await site.patch(SPACE, {"title": f"Title {number}"}, headers=site.admin)).is_success
        await site.core.subscriptions.settled()
        receiver.got.clear()
        events = await read_after(site.core.store, 0, 1000)
        cache = CacheTags(site.core.store, site.core.settings.cache, site.clock)
        for event in events:
            await cache.handle(event)
        changes = [event for event in events if event.type == "space.updated"]
        assert len(changes) == 60
        # The first one's second time is the only one.
        assert len(receiver.got) == len([event for event in events if MAKES_STALE[event.type] is Stale.SPACE]) + 1
        await cache.close()


@pytest.mark.parametrize(("url", "allowed"), [("http://127.0.0.1:9/purge", False), ("ftp://cache.example", True)])
def test_a_cache_that_may_not_be_asked_stops_the_start(sqlite_url: str, url: str, *, allowed: bool) -> None:
    """An address inside is a mistake unless it is meant, and nobody should find that out from dead letters."""
    tables = {"database": {"url": sqlite_url}, "cache": {"purge_url": url, "allow_private": allowed}}
    with pytest.raises(ConfigurationError, match=r"\[cache\] purge_url must "):
        create_core(read(tables), PluginHost.empty())


def test_a_cache_keeps_nothing_for_more_than_a_year() -> None:
    """That is a slip of the pen, and a moment so far back is none."""
    read({"database": {"url": "sqlite:///a.db"}, "cache": {"shared_s": 31_536_000}})
    with pytest.raises(ConfigurationError) as caught:
        read({"database": {"url": "sqlite:///a.db"}, "cache": {"shared_s": 64_000_000_000}})
    assert caught.value.detail == ("maydan.toml: [cache] shared_s: expected at most 31536000, a year, got 64000000000")


@pytest.mark.parametrize("token", ["hush-ș", "hush\n", "hush hush", "\thush", "hüsh", "hush\0"])
def test_a_token_that_cannot_be_sent_stops_the_start_and_is_not_shown(token: str) -> None:
    """Else every purge would fail, and the log would say of what."""
    for tables, environ in (({"purge_token": token}, {}), ({}, {"MAYDAN_CACHE_PURGE_TOKEN": token})):
        with pytest.raises(ConfigurationError, match=r"\[cache\] purge_token: expected visible ASCII") as caught:
            read({"database": {"url": "sqlite:///a.db"}, "cache": tables}, environ)
        assert not re.search("h[uü]sh", f"{caught.value!r} {caught.value.detail}")


async def test_without_a_cache_to_tell_nobody_subscribes(sqlite_url: str) -> None:
    """The log is read for nothing else."""
    async with open_site(sqlite_url, work=True, more={"cache": {"shared_s": 60}}) as site:
        await site.core.subscriptions.settled()
        rows = await site.core.store.fetch_all("SELECT name FROM maydan_subscriptions ORDER BY name")
        assert [row[0] for row in rows] == ["audit", "webhooks"]
