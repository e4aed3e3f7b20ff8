"""Shares: single entries for accounts, roles and links, by the rights of whoever shares them, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from site_support import Site, open_articles  # pyright: ignore[reportMissingImports] - tests/support

from maydan.storage.log import read_after

pytestmark = pytest.mark.anyio

LIST = "/api/spaces/demo/content/article"
ROLES = "/api/spaces/demo/roles"
SECRETS = {"title": "Plans", "note": "for owners", "body": "<p>later</p>"}


@pytest.fixture
async def one_site(sqlite_url: str) -> AsyncIterator[Site]:
    """A site for rules that no engine has a part in."""
    async with open_articles(sqlite_url) as opened:
        yield opened


async def draft(site: Site, **data: Any) -> str:
    """Make a draft; returns its path."""
    return f"{LIST}/{(await site.entry({**SECRETS, **data}, publish=False))['id']}"


async def share(site: Site, path: str, given: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    """Share an entry."""
    answer = await site.post(f"{path}/shares", given, headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"].endswith("no-store")
    return answer.json()


def altered(token: str) -> str:
    """Return a token with another last letter."""
    return token[:-1] + ("1" if token[-1] == "0" else "0")


async def account_id(site: Site, headers: dict[str, str]) -> str:
    """Return the id of whoever calls with these headers."""
    return (await site.get("/api/me", headers=headers)).json()["id"]


async def test_an_account_gets_what_was_shared_in_every_read_until_it_ends(site: Site) -> None:
    """By id, in lists, counts and versions alike; siblings stay hidden, and after the end it is refused at once."""
    path, other = await draft(site), await draft(site, title="Other plans")
    ann, cleo = await site.account("ann@example.org", "editor"), await site.account("cleo@example.org")
    listed, drafts = f"{LIST}?perspective=draft&count=exact", "?perspective=draft"
    assert (await site.get(path + drafts, headers=cleo)).status_code == 404
    assert (await site.get(listed, headers=cleo)).status_code == 403
    made = await share(site, path, {"user": await account_id(site, cleo), "rights": "view"}, ann)
    assert made["token"] is None
    seen = await site.get(path + drafts, headers=cleo)
    assert (seen.status_code, seen.json()["title"], "note" in seen.json()) == (200, "Plans", False)
    page = (await site.get(listed, headers=cleo)).json()
    assert ([item["id"] for item in page["items"]], page["total"]) == ([seen.json()["id"]], 1)
    found = await site.get(f"{LIST}?perspective=draft&filter[title][eq]=Other plans", headers=cleo)
    assert found.json()["items"] == []
    assert (await site.get(f"{path}/versions", headers=cleo)).status_code == 200
    assert (await site.get(other + drafts, headers=cleo)).status_code == 404
    assert (await site.patch(path, {"title": "Mine"}, headers=cleo)).status_code == 403
    assert (await site.delete(f"{path}/shares/{made['id']}", headers=ann)).status_code == 204
    assert (await site.get(path + drafts, headers=cleo)).status_code == 404
    assert (await site.get(listed, headers=cleo)).status_code == 403
    kinds = [event.type for event in await read_after(site.core.store, 0, 1000)]
    assert [kind for kind in kinds if kind.startswith("share.")] == ["share.created", "share.deleted"]


async def test_a_role_edits_what_was_shared_with_it_and_passes_nothing_on(one_site: Site) -> None:
    """Edit gives PATCH with If-Match, and neither publishing, deleting, sharing nor moderating."""
    site = one_site
    path = await draft(site)
    reads = {"effect": "allow", "type": "article", "actions": ["read"]}
    await site.put(f"{ROLES}/guests", {"policies": [reads]}, headers=site.admin)
    ann, guest = await site.account("ann@example.org", "editor"), await site.account("gus@example.org", "guests")
    await share(site, path, {"role": "guests", "rights": "edit"}, ann)
    tag = (await site.get(f"{path}?perspective=draft", headers=guest)).headers["etag"]
    assert (await site.patch(path, {"title": "Ours"}, tag=tag, headers=guest)).json()["title"] == "Ours"
    assert (await site.patch(path, {"title": "Late"}, tag=tag, headers=guest)).status_code == 412
    assert (await site.patch(path, {"note": "seen"}, headers=guest)).status_code == 422
    for verb in ("publish", "shares"):
        given = {"link": True, "rights": "view"} if verb == "shares" else None
        assert (await site.post(f"{path}/{verb}", given, headers=guest)).status_code == 403
    assert (await site.delete(path, headers=guest)).status_code == 403
    assert (await site.get(f"{path}/shares", headers=guest)).status_code == 403
    public = f"{LIST}/{(await site.entry({'title': 'Public'}))['id']}"
    comment = (await site.post(f"{public}/comments", {"text": "Hm."}, headers=ann)).json()
    assert (await site.post(f"{public}/comments/{comment['id']}/spam", headers=guest)).status_code == 403
    assert (await site.post(f"{public}/comments", {"text": "Me too."}, headers=guest)).status_code == 403
    assert (await site.post(f"{path}/comments", {"text": "Here."}, headers=guest)).status_code == 201
    assert (await site.patch(public, {"title": "Mine"}, headers=guest)).status_code == 403
    assert "-" not in (await site.get(public, headers=guest)).headers["etag"].strip('"')


async def test_a_link_leads_to_one_entry_and_nothing_beside_it(one_site: Site) -> None:
    """Read, comment and edit as far as it goes; not another entry, list, version or target; a wrong one is a 404."""
    site = one_site
    person = (await site.entry({"name": "Secret friend"}, type="person", publish=False))["id"]
    path, other = await draft(site, author=person), await draft(site, title="Other plans")
    ann = await site.account("ann@example.org", "editor")
    view = (await share(site, path, {"link": True, "rights": "view"}, ann))["token"]
    edit = (await share(site, path, {"link": True, "rights": "edit"}, ann))["token"]
    seen = await site.get(f"{path}?share={view}&include=author")
    assert seen.json()["author"] is None
    seen = await site.get(f"{path}?share={view}")
    assert (seen.status_code, seen.json()["title"]) == (200, "Plans")
    assert not {"note", "created_by", "updated_by"} & seen.json().keys()
    assert seen.headers["cache-control"] == "private, no-store"
    assert (await site.get(f"{LIST}/plans?share={view}")).status_code == 200
    missing = (await site.get(f"{path}")).json()
    for refused in (
        await site.get(f"{path}?share={altered(view)}"),
        await site.get(f"{path}?share="),
        await site.get(f"{path}?share={view}&perspective=published"),
        await site.get(f"{other}?share={view}"),
        await site.get(f"/api/spaces/demo/content/person/{person}?share={view}"),
    ):
        assert refused.status_code == 404
        assert refused.json() | {"instance": "", "request_id": ""} == missing | {"instance": "", "request_id": ""}
    assert (await site.get(f"{LIST}?share={view}")).status_code == 400
    assert (await site.get(f"{path}/versions?share={view}")).status_code == 400
    assert (await site.get(f"{path}?share={view}&share={view}")).status_code == 400
    assert (await site.patch(f"{path}?share={view}", {"title": "No"})).status_code == 401
    assert (await site.post(f"{path}/comments?share={view}", {"text": "No"})).status_code == 401
    tag = (await site.get(f"{path}?share={edit}")).headers["etag"]
    assert (await site.patch(f"{path}?share={edit}", {"title": "No"}, tag=None)).status_code == 428
    assert (await site.patch(f"{path}?share={edit}", {"title": "Yes"}, tag=tag)).status_code == 200
    assert (await site.patch(f"{path}?share={edit}", {"title": "Again"}, tag=tag)).status_code == 412
    assert (await site.patch(f"{other}?share={edit}", {"title": "No"})).status_code == 404
    assert (await site.post(f"{path}/comments?share={edit}", {"text": "Good"})).json()["status"] == "waiting"
    await site.post(f"{path}/lock", headers=ann)
    assert (await site.patch(f"{path}?share={edit}", {"title": "Locked"})).json()["code"] == "locked"


async def test_a_link_goes_by_what_its_maker_may_do_now(one_site: Site) -> None:
    """The maker loses the right or is suspended, the share is over, or its entry is gone: 404."""
    site = one_site
    ann, bob = await site.account("ann@example.org", "editor"), await site.account("bob@example.org", "editor")
    path = await draft(site)
    by_ann = (await share(site, path, {"link": True, "rights": "view"}, ann))["token"]
    soon = (site.clock.now()).replace(year=2040).isoformat()
    by_bob = (await share(site, path, {"link": True, "rights": "view", "expires_at": soon}, bob))["token"]
    assert (await site.get(f"{path}?share={by_ann}")).status_code == 200
    member = f"/api/spaces/demo/members/{await account_id(site, ann)}"
    assert (await site.put(member, {"roles": []}, headers={**site.admin, "if-match": "*"})).is_success
    assert (await site.get(f"{path}?share={by_ann}")).status_code == 404
    assert (await site.get(f"{path}?share={by_bob}")).status_code == 200
    user = f"/api/users/{await account_id(site, bob)}"
    assert (await site.patch(user, {"suspended": True}, headers=site.admin)).is_success
    assert (await site.get(f"{path}?share={by_bob}")).status_code == 404
    cleo = await site.account("cleo@example.org", "editor")
    by_cleo = (await share(site, path, {"link": True, "rights": "view", "expires_at": soon}, cleo))["token"]
    site.clock.forward(days=365 * 20)
    assert (await site.get(f"{path}?share={by_cleo}")).status_code == 404


@pytest.mark.parametrize("how", ["revoked", "expired"])
async def test_what_was_made_with_a_token_ends_with_it(site: Site, how: str) -> None:
    """A link, a share by name and a preview alike, at once; what the same account shares in a session goes on."""
    path, ann = await draft(site), await site.account("ann@example.org", "editor")
    cleo = await site.account("cleo@example.org")
    given = {"name": "ci", "actions": ["*"], "expires_in": 600}
    token = (await site.post("/api/tokens", given, headers=ann)).json()
    bearer = {"authorization": f"Bearer {token['token']}"}
    by_name = {"user": await account_id(site, cleo), "rights": "view"}
    link = (await share(site, path, {"link": True, "rights": "edit"}, bearer))["token"]
    lasting = (await share(site, path, {"link": True, "rights": "view"}, ann))["token"]
    await share(site, path, by_name, bearer)
    preview = (await site.post(f"{path}/previews", headers=bearer)).json()["token"]
    reads = [(f"{path}?share={link}", {}), (f"{path}?preview={preview}", {}), (f"{path}?perspective=draft", cleo)]
    assert [(await site.get(url, headers=headers)).status_code for url, headers in reads] == [200] * 3
    if how == "revoked":
        assert (await site.delete(f"/api/tokens/{token['id']}", headers=ann)).status_code == 204
    else:
        site.clock.forward(seconds=601)
    assert [(await site.get(url, headers=headers)).status_code for url, headers in reads] == [404] * 3
    assert (await site.patch(f"{path}?share={link}", {"title": "Still here"})).status_code == 404
    assert (await site.get(f"{path}?share={lasting}")).status_code == 200


async def test_a_share_from_before_tokens_were_kept_goes_on(one_site: Site) -> None:
    """Its row names no token."""
    site = one_site
    path, ann = await draft(site), await site.account("ann@example.org", "editor")
    given = {"name": "ci", "actions": ["*"], "expires_in": 600}
    token = (await site.post("/api/tokens", given, headers=ann)).json()
    link = await share(site, path, {"link": True, "rights": "view"}, {"authorization": f"Bearer {token['token']}"})
    async with site.core.store.write_transaction() as transaction:
        old = '{"actions":["*"],"space_key":null,"types":null}'
        await transaction.execute("UPDATE maydan_shares SET maker_scope = ?", old)
    assert (await site.delete(f"/api/tokens/{token['id']}", headers=ann)).status_code == 204
    assert (await site.get(f"{path}?share={link['token']}")).status_code == 200


async def test_a_password_is_asked_for_and_cannot_be_tried_out(one_site: Site) -> None:
    """Missing or wrong: 401; ten wrong ones, from anywhere: 429, also for the right one."""
    site = one_site
    ann = await site.account("ann@example.org", "editor")
    path = await draft(site)
    made = await share(site, path, {"link": True, "rights": "view", "password": "sesame"}, ann)
    assert made["has_password"] is True
    url = f"{path}?share={made['token']}"
    assert (await site.get(url)).json()["code"] == "share_password"
    right = {"share-password": "sesame"}
    for _ in range(12):
        assert (await site.get(url, headers=right)).status_code == 200
    tries = [(await site.get(url, headers={"share-password": f"wrong {number}"})).status_code for number in range(11)]
    assert tries == [401] * 10 + [429]
    late = await site.get(url, headers=right)
    assert (late.status_code, int(late.headers["retry-after"]) > 0) == (429, True)
    site.clock.forward(seconds=301)
    assert (await site.get(url, headers=right)).status_code == 200


async def test_many_read_at_once_with_the_right_password(site: Site) -> None:
    """What is under way is no wrong password: a page of forty readers opens; guesses at once are still ten."""
    ann, path = await site.account("ann@example.org", "editor"), await draft(site)
    made = await share(site, path, {"link": True, "rights": "view", "password": "sesame"}, ann)
    url = f"{path}?share={made['token']}"

    async def read(password: str) -> int:
        return (await site.get(url, headers={"share-password": password})).status_code

    assert await asyncio.gather(*(read("sesame") for _ in range(40))) == [200] * 40
    guesses = await asyncio.gather(*(read(f"wrong {number}") for number in range(20)))
    assert sorted(guesses) == [401] * 10 + [429] * 10


async def test_nobody_shares_what_they_do_not_hold(one_site: Site) -> None:
    """Readers share nothing; who may not read private fields shares none; a denial holds against a share as well."""
    site = one_site
    path = await draft(site)
    public = f"{LIST}/{(await site.entry({'title': 'Public'}))['id']}"
    allow = {"effect": "allow", "type": "article", "actions": ["update", "read"]}
    await site.put(f"{ROLES}/fixer", {"policies": [allow]}, headers=site.admin)
    deny = {"effect": "deny", "type": "article", "actions": ["read_draft"], "fields": ["body"]}
    await site.put(f"{ROLES}/blind", {"policies": [deny]}, headers=site.admin)
    fixer, reader = await site.account("fix@example.org", "fixer"), await site.account("rea@example.org", "member")
    blind = await site.account("bli@example.org", "blind")
    wish = {"link": True, "rights": "view"}
    assert (await site.post(f"{public}/shares", wish, headers=reader)).status_code == 403
    assert (await site.post(f"{public}/shares", wish)).status_code == 401
    assert (await site.post(f"{path}/shares", wish, headers=reader)).status_code == 404
    assert (await site.post(f"{public}/shares", wish, headers=fixer)).status_code == 403
    await share(site, path, {"user": await account_id(site, blind), "rights": "view"}, site.admin)
    seen = (await site.get(f"{path}?perspective=draft", headers=blind)).json()
    assert ("title" in seen, "body" in seen, "note" in seen) == (True, False, False)


async def test_a_space_that_nobody_sees_opens_for_what_was_shared(one_site: Site) -> None:
    """Neither its lists nor its other entries are there for anybody else."""
    site = one_site
    path = await draft(site)
    nothing = {"policies": [{"effect": "deny", "type": "*", "actions": ["create"]}]}
    assert (await site.put(f"{ROLES}/anonymous", nothing, headers={**site.admin, "if-match": "*"})).is_success
    cleo, dan = await site.account("cleo@example.org"), await site.account("dan@example.org")
    await share(site, path, {"user": await account_id(site, cleo), "rights": "view"}, site.admin)
    token = (await share(site, path, {"link": True, "rights": "view"}, site.admin))["token"]
    assert (await site.get(f"{path}?perspective=draft", headers=cleo)).status_code == 200
    assert (await site.get(f"{path}?perspective=draft", headers=dan)).status_code == 404
    assert (await site.get(f"{path}?share={token}")).status_code == 200
    assert (await site.get(f"{path}?share={altered(token)}")).status_code == 404
    assert (await site.get("/api/spaces/demo/types/person", headers=cleo)).status_code == 404


MEANINGLESS: list[tuple[dict[str, Any], str]] = [
    ({"rights": "view"}, ""),
    ({"rights": "view", "link": True, "role": "editor"}, ""),
    ({"rights": "own", "link": True}, "/rights"),
    ({"rights": "view", "user": "nobody"}, "/user"),
    ({"rights": "view", "user": "0190a8b0-0000-7000-8000-000000000000"}, "/user"),
    ({"rights": "view", "role": "anonymous"}, "/role"),
    ({"rights": "view", "role": "no-such"}, "/role"),
    ({"rights": "view", "role": "editor", "password": "sesame"}, "/password"),
    ({"rights": "view", "link": True, "password": "x"}, "/password"),
    ({"rights": "view", "link": True, "expires_at": "2001-01-01T00:00:00Z"}, "/expires_at"),
    ({"rights": "view", "link": True, "expires_at": "2040-01-01T00:00:00"}, "/expires_at"),
    ({"rights": "view", "link": True, "more": 1}, "/more"),
]


async def test_a_share_that_means_nothing_is_refused(one_site: Site) -> None:
    """422 with the place, and nothing is stored."""
    site = one_site
    path = await draft(site)
    for given, pointer in MEANINGLESS:
        answer = await site.post(f"{path}/shares", given, headers=site.admin)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), answer.text
    assert (await site.get(f"{path}/shares", headers=site.admin)).json() == {"items": [], "next": None}
