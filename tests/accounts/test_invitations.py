"""Invitations: by mail alone, once, not for ever, and never more than the inviter holds."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from site_support import PASSWORD, Site, open_site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.accounts.messages import TEXTS

pytestmark = pytest.mark.anyio

LIST = "/api/spaces/demo/invitations"
ROLES = "/api/spaces/demo/roles"
BEA = "bea@example.org"
PERSON = {"name": "Bea", "password": PASSWORD}


class Letterbox:
    """Keeps the mail."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def send(self, messages: Any) -> None:
        """Keep messages."""
        self.messages += messages


async def invite(site: Site, who: dict[str, str], email: str = BEA, *roles: str) -> tuple[dict[str, Any], str]:
    """Invite somebody, let the mail go out, and return what was made and the path at which it is accepted."""
    made = await site.post(LIST, {"email": email, "roles": list(roles or ("editor",))}, headers=who)
    assert made.status_code == 201, made.text
    letterbox = Letterbox()
    site.core.accounts.outbox._mailer = letterbox
    await site.core.accounts.outbox.deliver_due()
    message = letterbox.messages[-1]
    assert (message["To"], message["Subject"]) == (email, TEXTS["invitation"]["en"].subject)
    found = re.search(r"/invitation\?token=(\S+)", message.get_body(("plain",)).get_content())
    assert found
    assert found[1] not in made.text
    return made.json(), f"/api/invitations/{found[1]}/accept"


async def test_somebody_is_invited_and_joins(database_url: str) -> None:
    """With an account or without one; the answer to the inviter is the same."""
    async with open_site(database_url) as site:
        ann = await site.account("ann@example.org", "manager")
        made, accept = await invite(site, ann)
        assert made.keys() == {"id", "email", "roles", "invited_by", "created_at", "expires_at"}
        assert [each["id"] for each in (await site.get(LIST, headers=ann)).json()["items"]] == [made["id"]]
        for body, pointers in (({}, ["/name", "/password"]), ({**PERSON, "password": "short"}, ["/password"])):
            refused = await site.post(accept, body)
            assert refused.status_code == 422
            assert [each["pointer"] for each in refused.json()["errors"]] == pointers
        assert (await site.post(accept, headers=ann)).status_code == 403
        joined = await site.post(accept, PERSON)
        assert (joined.status_code, joined.json()["space"], joined.json()["roles"]) == (200, "demo", ["editor"])
        bea = await site.log_in(BEA)
        assert (await site.get("/api/me", headers=bea)).json()["roles"] == {"demo": ["editor"]}
        assert (await site.post(accept, PERSON)).status_code == 404
        assert (await site.get(f"{LIST}/{made['id']}", headers=ann)).status_code == 404
        again, accept = await invite(site, site.admin, BEA.upper(), "manager")
        assert again.keys() == made.keys()
        assert (await site.post(accept, PERSON)).status_code == 401
        assert (await site.post(accept, headers=bea)).json()["roles"] == ["editor", "manager"]


async def test_nobody_invites_to_more_than_they_hold_then_or_now(sqlite_url: str) -> None:
    """A manager makes no owners; who lost the right to invite has not invited."""
    async with open_site(sqlite_url) as site:
        ann, zoe = await site.account("ann@example.org", "manager"), await site.account("zoe@example.org", "editor")
        for who, role, status in ((ann, "owner", 403), (ann, "nonsense", 422), (ann, "administrator", 403),
                                  (zoe, "editor", 403), ({}, "editor", 401)):  # fmt: skip
            answer = await site.post(LIST, {"email": BEA, "roles": [role]}, headers=who)
            assert answer.status_code == status, (role, answer.text)
        wrong = await site.post(LIST, {"email": "no address", "roles": ["editor"]}, headers=ann)
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/email")
        _, accept = await invite(site, ann)
        account = await site.core.accounts.people.find_by_email("ann@example.org")
        member = f"/api/spaces/demo/members/{account.id}"
        assert (await site.put(member, {"roles": ["editor"]}, headers={**site.admin, "if-match": "*"})).is_success
        late = await site.post(accept, PERSON)
        assert (late.status_code, late.json()["code"]) == (409, "invitation_void")
        assert await site.core.accounts.people.find_by_email(BEA) is None


async def test_an_invitation_is_judged_by_what_it_gives(database_url: str) -> None:
    """What the member has besides, and the inviter lacks, stays and is no reason to refuse."""
    async with open_site(database_url) as site:
        ann, bea = await site.account("ann@example.org", "manager"), await site.account(BEA, "owner")
        _, accept = await invite(site, ann)
        joined = await site.post(accept, headers=bea)
        assert (joined.status_code, joined.json().get("roles")) == (200, ["editor", "owner"]), joined.text


async def test_an_invitation_ends(sqlite_url: str) -> None:
    """After a week, or when it is withdrawn; what is no token is no invitation either; and there is a limit."""
    async with open_site(sqlite_url, more={"auth": {"invitations_per_hour": 2, "hash_memory_kib": 64}}) as site:
        ann = await site.account("ann@example.org", "manager")
        made, accept = await invite(site, ann)
        assert (await site.delete(f"{LIST}/{made['id']}", headers=ann)).status_code == 204
        assert (await site.delete(f"{LIST}/{made['id']}", headers=ann)).status_code == 404
        for path in (accept, accept.replace("mdn_mt_", "mdn_pat_"), "/api/invitations/x/accept"):
            assert (await site.post(path, PERSON)).status_code == 404
        _, accept = await invite(site, ann)
        site.clock.forward(days=7, seconds=1)
        assert (await site.post(accept, PERSON)).status_code == 404
        ann = await site.log_in("ann@example.org")
        bodies = [{"email": BEA, "roles": ["editor"]}] * 3
        answers = [await site.post(LIST, body, headers=ann) for body in bodies]
        assert [answer.status_code for answer in answers] == [201, 201, 429]
        assert int(answers[-1].headers["retry-after"]) > 0


async def test_a_role_that_went_since_the_inviter_was_judged_is_in_no_invitation(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when another process deletes it before the invitation is stored: made again, it starts with nobody."""
    async with open_site(database_url) as site:
        assert (await site.put(f"{ROLES}/desk", {"policies": []}, headers=site.admin)).is_success
        create = site.core.accounts.invitations.create

        async def late(*args: Any, **more: Any) -> Any:
            assert (await site.delete(f"{ROLES}/desk", headers=site.admin)).status_code == 204
            return await create(*args, **more)

        monkeypatch.setattr(site.core.accounts.invitations, "create", late)
        refused = await site.post(LIST, {"email": BEA, "roles": ["desk", "editor"]}, headers=site.admin)
        assert refused.status_code == 422, refused.text
        errors = [(each["pointer"], each["code"]) for each in refused.json()["errors"]]
        assert errors == [("/roles", "unknown_role")]
        assert (await site.get(LIST, headers=site.admin)).json()["items"] == []
        waiting = await site.core.store.fetch_all("SELECT id FROM maydan_mail WHERE kind = 'invitation'")
        assert waiting == []


async def test_a_role_that_is_deleted_takes_itself_out_of_an_invitation_under_way(database_url: str) -> None:
    """Who deletes it waits for invitations that are being stored."""
    async with open_site(database_url) as site:
        assert (await site.put(f"{ROLES}/desk", {"policies": []}, headers=site.admin)).is_success
        begun = asyncio.Event()

        async def delete() -> Any:
            await begun.wait()
            return await site.delete(f"{ROLES}/desk", headers=site.admin)

        deleting = asyncio.create_task(delete())
        async with site.core.store.write_transaction():
            made = await site.post(LIST, {"email": BEA, "roles": ["desk", "editor"]}, headers=site.admin)
            assert made.status_code == 201, made.text
            begun.set()
            # However short this is, it is as it must be; a deletion that does not wait overlooks the invitation.
            await asyncio.wait({deleting}, timeout=0.5)
        assert (await deleting).status_code == 204
        assert [each["roles"] for each in (await site.get(LIST, headers=site.admin)).json()["items"]] == [["editor"]]
