"""Every change of accounts, members, roles and tokens is in the log, by whom and in which request, without secrets."""

from __future__ import annotations

import pytest
from site_support import PASSWORD, open_site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.storage.log import last_position, read_after

pytestmark = pytest.mark.anyio


async def test_changes_are_noted_with_who_made_them(database_url: str) -> None:
    """In the transaction of the change; values of passwords and tokens are nowhere."""
    async with open_site(database_url) as site:
        core, before = site.core, await last_position(site.core.store)
        await site.account("ann@example.org", "editor")
        ann = await core.accounts.people.find_by_email("ann@example.org")
        admin = await core.accounts.people.find_by_email("admin@example.org")
        assert ann is not None
        assert admin is not None
        me, role = {"headers": site.admin}, "/api/spaces/demo/roles/critic"
        policies = [{"effect": "allow", "type": "*", "actions": ["read"]}]
        answers = [
            await site.put(role, {"policies": policies}, **me),
            await site.delete(role, **me),
            await site.delete(f"/api/spaces/demo/members/{ann.id}", **me),
            await site.post("/api/tokens", {"name": "t", "actions": ["read"], "expires_in": 60}, **me),
            await site.patch(f"/api/users/{ann.id}", {"suspended": True}, **me),
            await site.patch(f"/api/users/{ann.id}", {"suspended": False}, **me),
        ]
        assert [answer.is_success for answer in answers] == [True] * 6, [answer.text for answer in answers]
        secret = answers[3].json()["token"]
        assert (await site.delete(f"/api/tokens/{answers[3].json()['id']}", **me)).is_success
        own = await site.log_in("ann@example.org")
        body = {"password": "another walk at dawn", "current_password": PASSWORD}
        assert (await site.patch("/api/me", body, headers=own)).is_success
        events = await read_after(core.store, before, 100)
        assert [event.type for event in events] == [
            "account.created", "member.changed", "role.changed", "role.deleted", "member.deleted", "token.created",
            "account.suspended", "account.released", "token.revoked", "account.changed",
        ]  # fmt: skip
        assert [event.actor_id for event in events[1:]] == [admin.id] * 8 + [ann.id]
        assert all(event.request_id for event in events[1:])
        assert [event.space_key for event in events[1:5]] == [site.space.key] * 4
        assert {event.space_key for event in events[5:]} == {None}
        assert events[1].data == {"roles": ["editor"], "before": []}
        assert events[2].data["policies"][0]["actions"] == ["read"]
        assert events[9].data == {"fields": ["password"]}
        kept = str([event.data for event in events])
        assert secret not in kept
        assert "dawn" not in kept
