"""A marker planted in every private place is in nothing that leaves the system for those without the right."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import pytest
from site_support import ARTICLE, PASSWORD, Site, open_site  # pyright: ignore[reportMissingImports] - tests/support
from worlds_reads import Ask, answer  # pyright: ignore[reportMissingImports] - tests/support

from maydan.access.actors import ANONYMOUS, Actor
from maydan.http.surface import core_routes
from maydan.ids import new_id
from maydan.operations.event_views import event_views
from maydan.storage.log import read_after

pytestmark = pytest.mark.anyio

MARK = "c4nary"
"""Lower case, so that a slug that is made of it has it too."""
METRICS = f"{MARK}-metrics-token"
BASE = "/api/spaces/demo"
PLACE = f"{BASE}/content/article"


async def _plant(site: Site) -> tuple[list[str], list[str]]:
    """Put the marker everywhere; returns the entries, and secrets that the system made itself."""
    shown = await site.entry({"title": "Open", "category": "news", "note": f"{MARK} private", "key": f"{MARK} secret"})
    place = f"{PLACE}/{shown['id']}"
    await _sent(site, "PATCH", place, {"title": {"en": f"{MARK} draft"}, "body": {"en": f"<p>{MARK}</p>"}})
    comment = await _sent(site, "POST", f"{place}/comments", {"text": f"{MARK} comment"})
    await _sent(site, "POST", f"{place}/comments/{comment['id']}/reject", None)
    hidden = await site.entry({"title": f"{MARK} row", "category": "guide", "tags": [MARK]})
    draft = await site.entry({"title": f"{MARK} new", "category": "news"}, publish=False)
    gone = await site.entry({"title": f"{MARK} trash", "category": "news"})
    await _sent(site, "DELETE", f"{PLACE}/{gone['id']}", None)
    await _sent(site, "POST", "/api/spaces", {"name": "other", "title": f"{MARK} space", "locales": ["en"]})
    await _sent(site, "PUT", "/api/spaces/other/roles/anonymous", {"policies": []})
    await _sent(site, "POST", "/api/spaces/other/types", {"name": MARK, "fields": [{"name": "a", "kind": "string"}]})
    foreign = await _sent(site, "POST", f"/api/spaces/other/content/{MARK}", {"a": f"{MARK} elsewhere"})
    hook = {"url": f"https://93.184.215.14/{MARK}", "events": ["entry.updated"]}
    webhook = await _sent(site, "POST", f"{BASE}/webhooks", hook)
    token = await _sent(site, "POST", "/api/tokens", {"name": MARK, "actions": ["read"], "expires_in": 3600})
    policy = {"effect": "allow", "type": "article", "actions": ["read"], "condition": {"category": {"eq": "news"}}}
    for role in ("anonymous", "reader"):
        await _sent(site, "PUT", f"{BASE}/roles/{role}", {"policies": [policy]})
    rows = await site.core.store.fetch_all("SELECT value FROM maydan_secrets")
    access = site.admin["authorization"].removeprefix("Bearer ")
    made = [webhook["secret"], token["token"], access, PASSWORD, *(str(row[0]) for row in rows)]
    return [shown["id"], hidden["id"], draft["id"], gone["id"], foreign["id"]], made


async def _sent(site: Site, method: str, path: str, body: Any) -> Any:
    headers = {**site.admin, **({"if-match": "*"} if method == "PATCH" else {})}
    sent = await site.client.request(method, path, json=body, headers=headers)
    assert sent.is_success, f"{method} {path}: {sent.text}"
    return sent.json() if sent.content else None


def _reads(ids: list[str]) -> list[str]:
    """Return every GET of the route table, for every entry, and lists in the shapes that show the most."""
    paths = {f"{PLACE}?{query}" for query in (
        "locale=*", "perspective=draft", "status=trashed", "include=author&count=exact", "filter[note][exists]=true",
        "sort=note", "sort=-title&fields=title,body,tags",
    )}  # fmt: skip
    for route in core_routes():
        if route.method != "GET":
            continue
        for entry_id in ids:
            path = route.path
            values = {"space": "demo", "type": "article", "entry": entry_id, "version": "1", "other": "2"}
            for name in route.names:
                path = path.replace(f"{{{name}}}", values.get(name, entry_id))
            paths |= {path, path.replace("/spaces/demo", "/spaces/other")}
    return sorted(paths)


async def test_no_marker_leaves_for_those_without_the_right(sqlite_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Bodies, headers, events, log lines and metrics, to nobody, to somebody without a role and to a reader."""
    caplog.set_level(logging.DEBUG)
    more = {"server": {"metrics_token": METRICS}, "log": {"requests": True}}
    async with open_site(sqlite_url, more=more) as site:
        await site.define(ARTICLE)
        ids, made = await _plant(site)
        callers = [{}, await site.account("nobody@example.org"), await site.account("reader@example.org", "reader")]
        told = 0
        for headers in callers:
            for path in _reads(ids):
                shown = await answer(site.application, Ask(path), headers)
                told += shown.startswith(b"(200")
                assert not _found(shown.decode(errors="replace"), made), f"{path} tells {headers}: {shown!r}"
        assert told > 30
        await _events_tell_nothing(site, made)
        metrics = await answer(site.application, Ask("/metrics"), {"authorization": f"Bearer {METRICS}"})
        assert metrics.startswith(b"(200")
        assert not _found(metrics.decode(), made)
    lines = [f"{record.getMessage()} {record.__dict__}" for record in caplog.records if "maydan" in record.name]
    assert lines
    assert not [line for line in lines if _found(line.replace(f"/content/{MARK}", ""), made)]


async def _events_tell_nothing(site: Site, made: list[str]) -> None:
    """What a change feed, a stream and a webhook hold, with the entries, of readers; of editors nothing private."""
    events = await read_after(site.core.store, 0, 500)
    reader = Actor(kind="account", id=new_id(), roles={site.space.key: frozenset({"reader"})})
    for actor in (ANONYMOUS, reader):
        views = await event_views(site.core, actor, site.space, events, with_entry=True)
        assert any(views)
        assert not _found(_shown(views), made)
    editor = Actor(kind="account", id=new_id(), roles={site.space.key: frozenset({"editor"})})
    views = _shown(await event_views(site.core, editor, site.space, events, with_entry=True))
    assert f"{MARK} draft" in views
    assert not any(f"{MARK} {place}" in views for place in ("private", "secret", "elsewhere", "space"))


def _shown(views: list[Any]) -> str:
    return msgspec.json.encode(views).decode()


def _found(text: str, made: list[str]) -> bool:
    """Tell whether a marker, or a secret that the system made, is in the text."""
    return MARK in text.lower() or any(secret in text for secret in made)
