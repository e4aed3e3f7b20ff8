"""Webhooks as those who receive them meet them, and what their makers are told of that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support
from webhook_receiver import Got, receiving, says  # pyright: ignore[reportMissingImports] - tests/support
from webhooks_site import ARTICLES, HOOKS, deliveries, hook, later, opened, publish, settled, shown, until  # pyright: ignore[reportMissingImports] - tests/support

from maydan.events.dead_letters import list_dead_letters

pytestmark = pytest.mark.anyio


@pytest.fixture
async def site(database_url: str) -> AsyncIterator[Site]:
    """A site on each engine in turn."""
    async with opened(database_url) as site:
        yield site


@pytest.fixture
async def lite(sqlite_url: str) -> AsyncIterator[Site]:
    """A site on SQLite, for what no engine changes."""
    async with opened(sqlite_url) as site:
        yield site


async def test_a_webhook_is_sent_what_its_maker_may_read_signed_in_order_and_again(site: Site) -> None:
    """From making it to deleting it, with a receiver that trusts nothing."""
    async with receiving() as receiver:
        made = await hook(site, receiver.url, types=["article"])
        assert made["secret"].startswith("whsec_")
        assert "secret" not in await shown(site, made)
        entry = await publish(site, "One")
        await site.entry({"name": "Ann"}, type="person", publish=False)
        await site.patch(f"{ARTICLES}/{entry}", {"title": {"en": "Two"}}, headers=site.admin)
        await site.delete(f"{ARTICLES}/{entry}", headers=site.admin)
        got = await receiver.wait(4)
        events = [each.verified(made["secret"]) for each in got]
        assert [each["type"] for each in events] == [
            "entry.created", "entry.published", "entry.updated", "entry.deleted"
        ]  # fmt: skip
        assert all(each["specversion"] == "1.0" and each["source"] == "/api/spaces/demo" for each in events)
        assert all(b"between us" not in each.body and b"hush" not in each.body for each in got)
        assert events[3]["data"] == {"id": entry, "type": "article"}
        sent = await until(site, made, *["delivered"] * 4)
        assert [(each["event"], each["message"]) for each in sent] == [
            (event["id"], one.message) for event, one in zip(events, got, strict=True)
        ]
        assert {(each["http_status"], each["tries"], each["error"]) for each in sent} == {(204, 1, None)}

        rotated = (await site.post(f"{HOOKS}/{made['id']}/rotate", headers=site.admin)).json()
        body = {"since": events[2]["id"]}
        answer = await site.post(f"{HOOKS}/{made['id']}/replay", body, headers=site.admin)
        assert answer.json()["since"] == events[2]["id"]
        again = (await receiver.wait(5))[4]
        assert again.message == got[3].message
        assert again.verified(made["secret"]) == again.verified(rotated["secret"]) == events[3]
        await until(site, made, *["delivered"] * 4)
        assert not (await shown(site, made))["replaying"]
        await later(site, days=1, seconds=1)
        await site.post(f"{HOOKS}/{made['id']}/replay", body, headers=site.admin)
        assert len((await receiver.wait(6))[5].headers["webhook-signature"].split()) == 1

        assert (await site.delete(f"{HOOKS}/{made['id']}", headers=site.admin)).status_code == 204
        await publish(site, "Three")
        await settled(site)
        assert len(receiver.got) == 6


async def test_a_failure_holds_up_its_entry_and_nobody_else(site: Site) -> None:
    """What follows about the entry waits; other entries, and other webhooks, go on."""
    async with receiving() as receiver, receiving() as other:
        made, _ = await hook(site, receiver.url), await hook(site, other.url)
        poor = await publish(site, "Poor")
        await receiver.wait(2)

        async def refuse_one(got: Got, writer: asyncio.StreamWriter) -> None:
            await (says(503) if got.event["data"]["id"] == poor else says(200))(got, writer)

        receiver.behave = refuse_one
        await site.patch(f"{ARTICLES}/{poor}", {"title": {"en": "Poorer"}}, headers=site.admin)
        await site.patch(f"{ARTICLES}/{poor}", {"title": {"en": "Poorest"}}, headers=site.admin)
        await publish(site, "Good")
        await receiver.wait(5)
        await other.wait(6)
        await until(site, made, *["delivered"] * 2, "waiting", "waiting", *["delivered"] * 2)
        assert (await shown(site, made))["status"] in ("active", "failing")
        receiver.behave = says(200)
        await later(site, seconds=2)
        sent = await until(site, made, *["delivered"] * 6)
        assert sent[2]["tries"] >= 2
        about_poor = [each for each in receiver.got if each.event["data"]["id"] == poor]
        versions = [each.event["data"]["entry"]["title"]["en"] for each in about_poor[-2:]]
        assert versions == ["Poorest", "Poorest"]
        assert [each.event["type"] for each in about_poor].count("entry.updated") == sent[2]["tries"] + 1
        assert len({each.message for each in about_poor}) == 4


async def test_a_receiver_that_is_gone_is_left_alone_and_can_come_back(site: Site) -> None:
    """410 disables, with an event; what happened until then waits for who switches it on again."""
    is_published = asyncio.Event()

    async def gone(got: Got, writer: asyncio.StreamWriter) -> None:
        await is_published.wait()
        await says(410)(got, writer)

    async with receiving(gone) as receiver, receiving() as watcher:
        made = await hook(site, receiver.url)
        await hook(site, watcher.url, events=["webhook.disabled"])
        await publish(site, "One")
        await site.core.subscriptions.settled()
        is_published.set()
        (told,) = await watcher.wait(1)
        assert told.event["type"] == "webhook.disabled"
        assert told.event["data"]["id"] == made["id"]
        now = await shown(site, made)
        assert (now["active"], now["status"], now["reason"]) == (False, "disabled", "gone")
        answer = await site.post(f"{HOOKS}/{made['id']}/replay", {"since": "0"}, headers=site.admin)
        assert answer.status_code == 409
        before = len(receiver.got)
        await publish(site, "Unseen")
        await settled_but(site)
        assert len(receiver.got) == before
        receiver.behave = says(200)
        await later(site, seconds=60)
        answer = await site.patch(f"{HOOKS}/{made['id']}", {"active": True}, headers=site.admin)
        assert answer.json()["status"] == "active"
        await until(site, made, "delivered", "delivered")


async def settled_but(site: Site) -> None:
    """Wait until everything that happened was taken up."""
    await site.core.subscriptions.settled()


async def test_what_is_refused_for_three_days_is_a_dead_letter(lite: Site) -> None:
    """Twelve tries; the error never quotes the receiver."""
    async with receiving(says(500, body=b"a secret of the receiver")) as receiver:
        made = await hook(lite, receiver.url, events=["entry.created"])
        await publish(lite, "One")
        for tries in range(1, 13):
            await receiver.wait(tries)
            await settled(lite)
            assert len(receiver.got) == tries
            await later(lite, days=1)
        (dead,) = await until(lite, made, "dead")
        assert (dead["tries"], dead["error"]) == (12, "The receiver answered 500.")
        assert len({each.message for each in receiver.got}) == 1
        space = lite.space
        (letter,) = await list_dead_letters(lite.core.store, space_key=space.key)
        assert (letter.subscriber, str(letter.position)) == (f"webhook.{made['id']}", dead["event"])
        receiver.behave = says(200)
        again = f"/api/spaces/demo/dead-letters/{letter.id}/retry"
        await lite.patch(f"{HOOKS}/{made['id']}", {"active": False}, headers=lite.admin)
        refused = await lite.post(again, headers=lite.admin)
        assert (refused.status_code, refused.json()["code"]) == (409, "webhook_disabled")
        await lite.patch(f"{HOOKS}/{made['id']}", {"active": True}, headers=lite.admin)
        answer = await lite.post(again, headers=lite.admin)
        assert answer.status_code == 200
        await until(lite, made, "delivered")
        assert len({each.message for each in receiver.got}) == 1
        assert await list_dead_letters(lite.core.store, space_key=space.key) == []


async def test_a_receiver_that_asks_for_time_gets_it(lite: Site) -> None:
    """``Retry-After`` of 429 puts the next try off, and a redirect is no success."""
    async with receiving(says(429, "Retry-After: 3600")) as receiver:
        made = await hook(lite, receiver.url, events=["entry.created"])
        await publish(lite, "One")
        await receiver.wait(1)
        await settled(lite)
        await later(lite, minutes=55)
        await asyncio.sleep(0.1)
        assert len(receiver.got) == 1
        receiver.behave = says(302, f"Location: {receiver.url}/elsewhere")
        await later(lite, minutes=10)
        await receiver.wait(2)
        await settled(lite)
        (delivery,) = await deliveries(lite, made)
        assert (delivery["http_status"], delivery["tries"]) == (302, 2)
        assert "redirects are not followed" in delivery["error"]
        assert len(receiver.got) == 2


async def test_a_slow_receiver_delays_nobody(sqlite_url: str) -> None:
    """However many hang, the others are told at once."""

    async def hangs(got: Got, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    # More of them than there are places, and each hangs for longer than the test has patience.
    async with opened(sqlite_url, parallel=2, try_s=30.0) as site, receiving(hangs) as slow, receiving() as quick:
        for _ in range(3):
            await hook(site, slow.url, events=["entry.created"])
        await hook(site, quick.url, events=["entry.created"])
        await publish(site, "One")
        await slow.wait(3)
        await quick.wait(1)
        await publish(site, "Two")
        await quick.wait(2)
        assert len(slow.got) <= 6


async def test_a_maker_who_may_no_more_is_sent_no_more(lite: Site) -> None:
    """Rights are those of the moment of sending; who changes where it goes reads with rights of their own."""
    path = "/api/spaces/demo/roles/hooks"
    policies = [{"effect": "allow", "type": "*", "actions": ["manage:webhooks"]}]
    assert (await lite.put(path, {"policies": policies}, headers=lite.admin)).status_code == 201
    reader = await lite.account("reader@example.org", "hooks")
    async with receiving() as receiver, receiving() as admins:
        made = await hook(lite, receiver.url, reader)
        theirs = await hook(lite, admins.url)
        entry = await publish(lite, "One")
        (first,) = await receiver.wait(1)
        assert first.event["type"] == "entry.published"
        assert "created_by" not in first.event["data"]["entry"]
        assert [each.event["type"] for each in await admins.wait(2)] == ["entry.created", "entry.published"]

        answer = await lite.patch(f"{HOOKS}/{theirs['id']}", {"url": receiver.url}, headers=reader)
        assert answer.json()["created_by"] == made["created_by"]
        member = f"/api/spaces/demo/members/{made['created_by']}"
        await lite.put(member, {"roles": []}, headers={**lite.admin, "if-match": "*"})
        now = await shown(lite, made)
        assert (now["status"], now["reason"]) == ("suspended", "maker_not_allowed")
        await lite.delete(f"{ARTICLES}/{entry}", headers=lite.admin)
        await settled(lite)
        assert len(receiver.got) == 1
        assert len(await deliveries(lite, made)) == 1
        user = f"/api/users/{made['created_by']}"
        assert (await lite.patch(user, {"suspended": True}, headers=lite.admin)).status_code == 200
        assert (await shown(lite, made))["reason"] == "maker_gone"


async def test_forgotten_deliveries_leave_nothing_behind(lite: Site) -> None:
    """What is old, too many, or of a webhook that is gone, is deleted; what waits stays."""
    from maydan.events.settings import WebhooksSettings
    from maydan.events.webhooks.clearing import clear_deliveries

    async with receiving() as receiver:
        made = await hook(lite, receiver.url)
        gone = await hook(lite, receiver.url)
        for title in ("One", "Two", "Three"):
            await publish(lite, title)
        await until(lite, made, *["delivered"] * 6)
        await until(lite, gone, *["delivered"] * 6)
        await lite.delete(f"{HOOKS}/{gone['id']}", headers=lite.admin)
        store = lite.core.store
        await clear_deliveries(store, WebhooksSettings(keep_each=2), lite.clock.now())
        assert len(await deliveries(lite, made)) == 2
        assert await store.fetch_all("SELECT count(*) FROM maydan_deliveries") == [(2,)]
        assert await store.fetch_all("SELECT count(*) FROM maydan_webhook_endpoints") == [(1,)]
        receiver.behave = says(500)
        await publish(lite, "Four")
        await settled(lite)
        await later(lite, days=8)
        await clear_deliveries(store, WebhooksSettings(), lite.clock.now())
        assert {each["state"] for each in await deliveries(lite, made)} == {"waiting"}
