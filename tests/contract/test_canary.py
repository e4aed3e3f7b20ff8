"""A marker planted in every private place is in nothing that leaves the system for those without the right."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from typing import Any

import msgspec
import pytest
from aiosmtpd.smtp import SMTP
from site_support import ARTICLE, PASSWORD, Site, open_site  # pyright: ignore[reportMissingImports] - tests/support
from streams_support import listening, reading  # pyright: ignore[reportMissingImports] - tests/support
from surface_calls import QUERIES, made  # pyright: ignore[reportMissingImports] - tests/support
from webhook_receiver import (  # pyright: ignore[reportMissingImports] - tests/support
    Receiver,
    receiving,
    says,
)
from worlds_reads import Ask, answer  # pyright: ignore[reportMissingImports] - tests/support

from maydan.access.actors import ANONYMOUS, Actor
from maydan.events.dead_letters import letter_statement
from maydan.http.surface import core_routes
from maydan.ids import new_id
from maydan.operations import schema
from maydan.operations.event_views import event_views
from maydan.storage.log import read_after

pytestmark = pytest.mark.anyio

MARK = "c4nary"
"""Lower case, so that a slug that is made of it has it too."""
METRICS = f"{MARK}-metrics-token"
BASE = "/api/spaces/demo"
PLACE = f"{BASE}/content/article"
NEWS = {"effect": "allow", "type": "article", "actions": ["read"], "condition": {"category": {"eq": "news"}}}
HOOKS = {"effect": "allow", "type": "*", "actions": ["manage:webhooks"]}
KINDS = ["entry.created", "entry.updated", "entry.published", "entry.deleted", "comment.created", "comment.rejected"]
WAIT_S = 20


class Planted:
    """What was planted: the entries, and secrets that the system made itself."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.secrets: list[str] = []

    def is_in(self, text: str) -> bool:
        """Tell whether a marker or a secret is in a text."""
        return MARK in text.lower() or any(secret in text for secret in self.secrets)


class Inbox:
    """The messages that a mail server took."""

    def __init__(self) -> None:
        self.port = 0
        self.messages: list[Any] = []
        self._came = asyncio.Condition()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep a message."""
        async with self._came:
            self.messages.append(message_from_bytes(envelope.content, policy=policy.default))
            self._came.notify_all()
        return "250 OK"

    async def texts(self, count: int) -> list[str]:
        """Return the messages as they came, headers and all, once there are so many."""
        async with asyncio.timeout(WAIT_S), self._came:
            await self._came.wait_for(lambda: len(self.messages) >= count)
        return [f"{each.as_string()} {each.get_body(('plain',)).get_content()}" for each in self.messages]


@asynccontextmanager
async def _mail() -> AsyncIterator[Inbox]:
    loop = asyncio.get_running_loop()
    inbox = Inbox()
    server = await loop.create_server(lambda: SMTP(inbox, loop=loop), "127.0.0.1", 0)
    inbox.port = server.sockets[0].getsockname()[1]
    yield inbox
    server.close()


def _settings(inbox: Inbox) -> dict[str, Any]:
    """Return settings with the marker in each that is secret."""
    provider = {"issuer": "http://127.0.0.1:19998", "client_id": "us", "client_secret": f"{MARK}-client-secret"}
    return {
        "server": {"metrics_token": METRICS},
        "log": {"requests": True},
        "webhooks": {"allow_private": True},
        "mail": {"url": f"smtp://127.0.0.1:{inbox.port}"},
        "auth": {"hash_passes": 1, "hash_memory_kib": 64, "oidc": {"elsewhere": provider}},
    }


async def _plant(site: Site, broken: Receiver) -> Planted:
    """Put the marker into every private place there is."""
    planted = Planted()
    shown = await site.entry({"title": "Open", "category": "news", "note": f"{MARK} private", "key": f"{MARK} secret"})
    place = f"{PLACE}/{shown['id']}"
    await made(site, "PATCH", place, {"title": {"en": f"{MARK} draft"}, "body": {"en": f"<p>{MARK}</p>"}})
    comment = await made(site, "POST", f"{place}/comments", {"text": f"{MARK} comment"})
    await made(site, "POST", f"{place}/comments/{comment['id']}/reject")
    hidden = await site.entry({"title": f"{MARK} row", "category": "guide", "tags": [MARK]})
    draft = await site.entry({"title": f"{MARK} new", "category": "news"}, publish=False)
    gone = await site.entry({"title": f"{MARK} trash", "category": "news"})
    await made(site, "DELETE", f"{PLACE}/{gone['id']}")
    await made(site, "POST", f"{PLACE}/{draft['id']}/publish", {"at": "2099-01-01T00:00:00Z"})
    await made(site, "POST", "/api/spaces", {"name": "other", "title": f"{MARK} space", "locales": ["en"]})
    await made(site, "PUT", "/api/spaces/other/roles/anonymous", {"policies": []})
    await made(site, "POST", "/api/spaces/other/types", {"name": MARK, "fields": [{"name": "a", "kind": "string"}]})
    foreign = await made(site, "POST", f"/api/spaces/other/content/{MARK}", {"a": f"{MARK} elsewhere"})
    planted.ids = [shown["id"], hidden["id"], draft["id"], gone["id"], foreign["id"]]
    for role, policies in (("anonymous", [NEWS]), ("reader", [NEWS]), ("hooker", [NEWS, HOOKS])):
        await made(site, "PUT", f"{BASE}/roles/{role}", {"policies": policies})
    planted.secrets = [PASSWORD, *await _made_secrets(site, place, draft["id"], broken)]
    await _plant_failures(site)
    return planted


async def _made_secrets(site: Site, place: str, draft_id: str, broken: Receiver) -> list[str]:
    """Have the system make every kind of secret that it makes, and return them."""
    hook = {"url": f"{broken.url}/{MARK}", "events": ["entry.updated"]}
    webhook = await made(site, "POST", f"{BASE}/webhooks", hook)
    token = await made(site, "POST", "/api/tokens", {"name": MARK, "actions": ["read"], "expires_in": 3600})
    wish = {"link": True, "rights": "view", "password": f"{MARK} sesame"}
    share = await made(site, "POST", f"{PLACE}/{draft_id}/shares", wish)
    preview = await made(site, "POST", f"{place}/previews", {"ttl": 3600})
    totp = await made(site, "POST", "/api/me/totp")
    ticket = await made(site, "POST", "/api/auth/tickets")
    pair = await made(site, "POST", "/api/auth/login", {"email": "admin@example.org", "password": PASSWORD})
    rows = await site.core.store.fetch_all("SELECT value FROM maydan_secrets")
    hashes = await site.core.store.fetch_all("SELECT password_hash FROM maydan_accounts")
    access = site.admin["authorization"].removeprefix("Bearer ")
    return [
        webhook["secret"], token["token"], share["token"], preview["token"], totp["secret"], ticket["ticket"],
        pair["access_token"], pair["refresh_token"], access, *(str(row[0]) for row in [*rows, *hashes]),
    ]  # fmt: skip


async def _plant_failures(site: Site) -> None:
    """Put the marker into what the background work notes of its failures."""
    store = site.core.store
    event = next(each for each in await read_after(store, 0, 500) if each.subject_type == "article")
    await store.commit([letter_statement("plugin.test", event, 5, f"LookupError: {MARK} in an error")])


def _reads(ids: list[str]) -> list[str]:
    """Return every GET of the route table, for every entry, and lists in the shapes that show the most."""
    paths = {f"{PLACE}?{query}" for query in (
        "locale=*", "perspective=draft", "status=trashed", "include=author&count=exact", "filter[note][exists]=true",
        "sort=note", "sort=-title&fields=title,body,tags",
    )}  # fmt: skip
    for route in core_routes():
        if route.method != "GET" or route.path.startswith("/api/auth/oidc"):
            continue
        for entry_id in ids:
            path = route.path
            values = {"space": "demo", "type": "article", "entry": entry_id, "version": "1", "other": "2"}
            for name in route.names:
                path = path.replace(f"{{{name}}}", values.get(name, entry_id))
            path += f"?{QUERIES[route.name]}" if route.name in QUERIES else ""
            paths |= {path, path.replace("/spaces/demo", "/spaces/other")}
    return sorted(paths)


async def test_no_marker_leaves_for_those_without_the_right(sqlite_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Bodies, headers, events, streams, mail, deliveries, dumps, log lines and metrics."""
    caplog.set_level(logging.DEBUG)
    async with (
        _mail() as inbox,
        receiving(says(500, body=f"{MARK} answer".encode())) as broken,
        receiving() as receiver,
        open_site(sqlite_url, more=_settings(inbox), work=True) as site,
    ):
        await site.define(ARTICLE)
        planted = await _plant(site, broken)
        callers = {name: await site.account(f"{name}@example.org", *roles) for name, roles in _PEOPLE.items()}
        hook = await site.post(f"{BASE}/webhooks", {"url": receiver.url, "events": KINDS}, headers=callers["hooker"])
        assert hook.is_success, hook.text
        await _mails_tell_nothing(site, inbox, planted)
        await _streams_and_deliveries_tell_nothing(site, receiver, planted, callers["reader"])
        await broken.wait(1)
        await _answers_tell_nothing(site, planted, [{}, callers["nobody"], callers["reader"]])
        await _events_tell_nothing(site, planted)
        metrics = await answer(site.application, Ask("/metrics"), {"authorization": f"Bearer {METRICS}"})
        assert metrics.startswith(b"(200")
        assert not planted.is_in(metrics.decode())
        assert not planted.is_in(str(msgspec.to_builtins(await schema.dump(site.core.store, "demo"))))
        assert not planted.is_in(f"{site.core.settings!r}")
    lines = [f"{record.getMessage()} {record.__dict__}" for record in caplog.records if "maydan" in record.name]
    assert lines
    assert not [line for line in lines if planted.is_in(line.replace(f"/content/{MARK}", ""))]


_PEOPLE: Mapping[str, tuple[str, ...]] = {"nobody": (), "reader": ("reader",), "hooker": ("hooker",)}


async def _answers_tell_nothing(site: Site, planted: Planted, callers: list[dict[str, str]]) -> None:
    told = 0
    for headers in callers:
        for path in _reads(planted.ids):
            shown = await answer(site.application, Ask(path), headers)
            told += shown.startswith(b"(200")
            assert not planted.is_in(shown.decode(errors="replace")), f"{path} tells {headers}: {shown!r}"
    assert told > 30


async def _mails_tell_nothing(site: Site, inbox: Inbox, planted: Planted) -> None:
    """Each message has its own token, which is in nothing else from then on."""
    new = {"email": "new@example.org", "password": PASSWORD, "name": "New"}
    assert (await site.post("/api/auth/register", new)).status_code == 202
    assert (await site.post("/api/auth/password/forgot", {"email": "reader@example.org"})).status_code == 202
    await made(site, "POST", f"{BASE}/invitations", {"email": "guest@example.org", "roles": ["reader"]})
    texts = await inbox.texts(3)
    assert not [text for text in texts if planted.is_in(text)]
    tokens = [token for text in texts for token in re.findall(r"token=(\S+)", text)]
    assert len({*tokens}) >= 3
    planted.secrets += [token for token in tokens if len(token) > 40]


async def _streams_and_deliveries_tell_nothing(
    site: Site, receiver: Receiver, planted: Planted, reader: dict[str, str]
) -> None:
    """Whoever may read news, on a real stream and by a real webhook, while all that is private is changed again."""
    async with (
        listening(site.application) as (client, _port),
        reading(client, since=0) as anonymous,
        reading(client, reader, since=0) as stream,
    ):
        shown, hidden, draft, *_ = planted.ids
        for entry_id in (shown, hidden, draft):
            change = {"note": f"{MARK} again", "key": f"{MARK} key", "body": {"en": f"<p>{MARK} once more</p>"}}
            await made(site, "PATCH", f"{PLACE}/{entry_id}", change)
        await made(site, "DELETE", f"{PLACE}/{hidden}")
        comment = await made(site, "POST", f"{PLACE}/{shown}/comments", {"text": f"{MARK} spam"})
        await made(site, "POST", f"{PLACE}/{shown}/comments/{comment['id']}/reject")
        last = await site.entry({"title": "Last", "category": "news", "note": f"{MARK} at the end"})
        for each in (anonymous, stream):
            async with asyncio.timeout(WAIT_S):
                while not any(last["id"] == told for _, told in each.told):
                    await each.has(len(each.events) + 1)
            assert not planted.is_in(f"{each.events} {each.response.headers}")
        async with asyncio.timeout(WAIT_S):
            while not any(got.event["data"]["id"] == last["id"] for got in receiver.got):
                await receiver.wait(len(receiver.got) + 1)
    assert not [got for got in receiver.got if planted.is_in(f"{got.path} {got.headers} {got.body.decode()}")]


async def _events_tell_nothing(site: Site, planted: Planted) -> None:
    """What events hold, with the entries, for readers; for editors nothing private."""
    events = await read_after(site.core.store, 0, 500)
    reader = Actor(kind="account", id=new_id(), roles={site.space.key: frozenset({"reader"})})
    for actor in (ANONYMOUS, reader):
        views = await event_views(site.core, actor, site.space, events, with_entry=True)
        assert any(views)
        assert not planted.is_in(_shown(views))
    editor = Actor(kind="account", id=new_id(), roles={site.space.key: frozenset({"editor"})})
    views = _shown(await event_views(site.core, editor, site.space, events, with_entry=True))
    assert f"{MARK} draft" in views
    assert not any(f"{MARK} {place}" in views for place in ("private", "secret", "elsewhere", "space", "again", "key"))


def _shown(views: list[Any]) -> str:
    return msgspec.json.encode(views).decode()
