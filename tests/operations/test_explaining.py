"""Explain and simulate against what requests get."""

from __future__ import annotations

import random
from typing import Any

import pytest
from site_support import ARTICLE, PERSON, Site, open_site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio
ACCESS = "/api/spaces/demo/access"
CONTENT = "/api/spaces/demo/content/article"
CONDITIONS = (None, None, {"rating": {"gte": 3}}, {"category": {"eq": "news"}}, {"created_by": {"eq": "$actor.id"}})
FIELDS = ("title", "rating", "category", "code", "note")


def some_policies(random: random.Random) -> list[dict[str, Any]]:
    """Return policies on articles."""
    return [
        {
            "effect": random.choice(("allow", "allow", "deny")),
            "type": random.choice(("*", "article")),
            "actions": random.sample(("read", "read_draft", "update", "delete"), random.randint(1, 3)),
            "fields": random.choice((["*"], ["*"], random.sample(FIELDS, 2))),
        }
        for _ in range(random.randint(1, 4))
    ]


def with_conditions(random: random.Random, policies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add conditions and keep to what the rules for writing policies allow."""
    for policy in policies:
        condition = random.choice(CONDITIONS)
        if policy["fields"] != ["*"] or condition is not None:
            policy["type"] = "article"
        if condition is not None:
            policy["condition"] = condition
    return policies


async def test_what_is_explained_is_what_requests_get(sqlite_url: str) -> None:
    """For random policies, entries and fields: allowed means served, denied means refused."""
    chance = random.Random(20261123)
    async with open_site(sqlite_url) as site:
        await site.define(PERSON)
        await site.define(ARTICLE)
        await put_role(site, "x", with_conditions(chance, some_policies(chance)))
        ann = await site.account("ann@example.org", "x")
        me = (await site.get("/api/me", headers=ann)).json()["id"]
        entries = [
            (await site.entry({"title": "a", "rating": 4, "category": "news", "code": "1", "note": "n"}))["id"],
            (await site.entry({"title": "b", "rating": 1, "code": "2", "note": "n"}))["id"],
            (await site.entry({"title": "c", "rating": 5, "category": "guide", "code": "3"}, publish=False))["id"],
        ]
        seen: set[tuple[str, str, bool]] = set()
        for role in ("member", "x") * 4:
            await put_role(site, role, with_conditions(chance, some_policies(chance)))
            for entry in entries:
                for action, field in (("read", None), ("read", chance.choice(FIELDS)), ("read_draft", None),
                                      ("read_draft", chance.choice(FIELDS)), ("update", "code")):  # fmt: skip
                    asked = {"action": action, "type": "article", "id": entry, "user": me}
                    asked |= {"field": field} if field else {}
                    told = (await site.get(f"{ACCESS}/explain", params=asked, headers=site.admin)).json()
                    got = await really(site, ann, entry, action, field)
                    assert told["decision"] == ("allow" if got else "deny"), (told, asked)
                    seen.add((action, str(bool(field)), got))
        assert len(seen) == 10  # each question was answered both ways


async def really(site: Site, headers: dict[str, str], entry: str, action: str, field: str | None) -> bool:
    """Return what a request gets."""
    path = f"{CONTENT}/{entry}"
    if action == "update":
        # A field that no condition looks at: the entry that is left by the change is judged like the one before.
        return (await site.patch(path, {"code": entry[-8:]}, headers=headers)).is_success
    answer = await site.get(f"{path}?perspective=draft" if action == "read_draft" else path, headers=headers)
    return answer.is_success and (field is None or field in answer.json())


async def put_role(site: Site, name: str, policies: list[dict[str, Any]], inherits: tuple[str, ...] = ()) -> None:
    """Write a role."""
    headers = {**site.admin, "if-match": "*"}
    path = f"/api/spaces/demo/roles/{name}"
    body = {"policies": policies, "inherits": list(inherits)}
    answer = await site.put(path, body, headers=headers)
    if answer.status_code == 412:
        answer = await site.put(path, body, headers=site.admin)
    assert answer.is_success, answer.text


async def test_explain_and_simulate_over_http(sqlite_url: str) -> None:
    """Who may ask what, what is answered, and what makes no sense."""
    async with open_site(sqlite_url) as site:
        await site.define(PERSON)
        await site.define(ARTICLE)
        own = {
            "effect": "allow",
            "type": "article",
            "actions": ["update"],
            "condition": {"created_by": {"eq": "$actor.id"}},
        }
        await put_role(site, "writer", [own])
        await put_role(site, "chief", [{"effect": "deny", "type": "article", "actions": ["delete"]}], ("writer",))
        chief, owner = await site.account("c@example.org", "chief"), await site.account("o@example.org", "owner")
        me = (await site.get("/api/me", headers=chief)).json()["id"]
        entry = (await site.entry({"title": "One", "note": "hidden"}))["id"]
        draft = (await site.entry({"title": "Two"}, publish=False))["id"]

        async def ask(headers: dict[str, str] | None = None, **asked: str) -> tuple[int, dict[str, Any]]:
            answer = await site.get(f"{ACCESS}/explain", params=asked, headers=headers or {})
            return answer.status_code, answer.json()

        _, told = await ask(owner, user=me, action="update", type="article")
        assert told["decision"] == "conditional"
        assert told["row_filter"] == {"created_by": {"eq": me}}
        assert told["rules"][0] | {"why": ""} == {
            "role": "writer", "via": ["chief", "writer"], "effect": "allow", "outcome": "conditional", "why": "",
            "type": "article", "actions": ["update"], "fields": ["*"], "condition": {"created_by": {"eq": "$actor.id"}},
        }  # fmt: skip
        _, told = await ask(owner, role="chief", action="update", type="article")
        assert told["row_filter"] == {"created_by": {"eq": "$actor.id"}}
        _, told = await ask(owner, user=me, action="update", type="article", id=entry)
        assert (told["decision"], told["rules"][0]["outcome"]) == ("deny", "does_not_apply")
        _, told = await ask(owner, user=me, action="manage:roles")
        assert told["decision"] == "deny"
        _, told = await ask(chief, action="update", type="article")
        assert (told["decision"], told["row_filter"], told["rules"][0]["condition"]) == ("conditional", None, None)
        assert (await ask(chief, action="read", type="article", id=entry))[1]["decision"] == "allow"

        refused = {
            401: [{"action": "read", "type": "article"}],
            403: [{"action": "read", "type": "article", "user": "x"},
                  {"action": "read", "type": "article", "role": "owner"}],
            404: [{"action": "read", "type": "article", "id": draft}, {"action": "read", "type": "person"},
                  {"action": "read", "type": "nothing"}],
            400: [{"action": "fly", "type": "article"}, {"action": "read"}, {"action": "*", "type": "article"},
                  {"action": "manage:roles", "type": "article"}, {"action": "create", "type": "article", "id": entry},
                  {"action": "delete", "type": "article", "field": "title"},
                  {"action": "read", "type": "article", "field": "no"},
                  {"action": "read", "type": "article", "field": "note"}, {"action": "manage:roles", "id": entry}],
        }  # fmt: skip
        for status, questions in refused.items():
            for asked in questions:
                assert (await ask(None if status == 401 else chief, **asked))[0] == status, asked
        assert (await ask(owner, user=draft, action="read", type="article"))[0] == 404
        assert (await ask(owner, role="owner", user=me, action="read", type="article"))[0] == 400

        async def simulate(**body: Any) -> tuple[int, dict[str, Any]]:
            answer = await site.post(f"{ACCESS}/simulate", body, headers=owner)
            return answer.status_code, answer.json()

        maker = (await site.get("/api/me", headers=site.admin)).json()["id"]
        body = {"action": "update", "type": "article", "id": entry}
        assert (await simulate(actor={"roles": ["writer"], "attrs": {"id": maker}}, **body))[1]["decision"] == "allow"
        assert (await simulate(actor={"roles": ["writer"]}, **body))[1]["decision"] == "deny"
        assert (await simulate(actor={"roles": ["anonymous"]}, action="read", type="article"))[1]["decision"] == "allow"
        status, problem = await simulate(actor={"roles": ["writer", "nobody"]}, **body)
        assert (status, problem["errors"][0]["pointer"]) == (422, "/actor/roles/1")
        assert (await simulate(actor={"roles": []}, action="fly", type="article"))[1]["errors"][0][
            "pointer"
        ] == "/action"
        assert (
            await site.post(f"{ACCESS}/simulate", {"actor": {"roles": []}, **body}, headers=chief)
        ).status_code == 403

        hidden = {"effect": "allow", "type": "article", "actions": ["read"], "condition": {"note": {"eq": "hidden"}}}
        await put_role(site, "anonymous", [hidden])
        asked = {"action": "read", "type": "article", "id": entry, "role": "anonymous"}
        assert (await ask(owner, **asked))[1]["decision"] == "conditional"  # owners do not read private fields
        assert (await ask(site.admin, **asked))[1]["decision"] == "allow"


async def test_what_is_shared_is_explained_by_its_share(site: Site) -> None:
    """Which share, by whose rights, and what it comes to now; the maker only for those who manage roles."""
    rights = {"effect": "allow", "type": "article", "actions": ["read_draft", "update", "comment"]}
    await put_role(site, "desk", [{**rights, "condition": {"rating": {"gte": 3}}}])
    maker, bob = await site.account("ann@example.org", "desk"), await site.account("bob@example.org", "member")
    ann_id, bob_id = [(await site.get("/api/me", headers=who)).json()["id"] for who in (maker, bob)]
    entry = (await site.entry({"title": "One", "rating": 4}, publish=False))["id"]
    shared = await site.post(f"{CONTENT}/{entry}/shares", {"user": bob_id, "rights": "edit"}, headers=maker)
    assert shared.status_code == 201, shared.text
    question = f"{ACCESS}/explain?action=update&type=article&id={entry}"
    told = (await site.get(f"{question}&user={bob_id}", headers=site.admin)).json()
    (share,) = told["shares"]
    assert (told["decision"], told["reason"], told["rules"]) == ("allow", "Allowed by a share.", [])
    assert (share["id"], share["rights"], share["created_by"]) == (shared.json()["id"], "edit", ann_id)
    own = (await site.get(question, headers=bob)).json()
    assert (own["decision"], own["shares"][0]["outcome"], own["shares"][0]["created_by"]) == ("allow", "applies", None)
    await site.patch(f"{CONTENT}/{entry}", {"rating": 1}, headers=site.admin)
    told = (await site.get(f"{question}&user={bob_id}", headers=site.admin)).json()
    assert (told["decision"], [each["outcome"] for each in told["shares"]]) == ("deny", ["does_not_apply"])


async def test_whether_another_sees_an_entry_is_left_open_where_the_asker_may_not_know_why(sqlite_url: str) -> None:
    """A draft's value decides who sees the draft; who may not read drafts learns it from no answer about others."""
    async with open_site(sqlite_url) as site:
        await site.define(ARTICLE)
        sees = {"actions": ["read_draft"], "condition": {"rating": {"gte": 3}}}
        everywhere = {"effect": "allow", "type": "article", "fields": ["*"]}
        await put_role(site, "x", [everywhere | sees, everywhere | {"actions": ["update"]}])
        keeps = {"effect": "allow", "type": "*", "actions": ["manage:roles"], "fields": ["*"]}
        await put_role(site, "keeper", [keeps, everywhere | {"actions": ["read"]}])
        keeper = await site.account("keeper@example.org", "keeper")
        await put_role(site, "anonymous", [])
        await put_role(site, "member", [])
        entry = (await site.entry({"title": "a", "rating": 3}))["id"]
        asked = {"action": "update", "type": "article", "id": entry, "actor": {"roles": ["x"]}}
        told: list[dict[str, Any]] = []
        for rating in (4, 2):
            await site.patch(f"{CONTENT}/{entry}", {"rating": rating}, headers=site.admin)
            told.append((await site.post(f"{ACCESS}/simulate", asked, headers=keeper)).json())
        assert told[0] == told[1]
        assert told[0]["decision"] == "conditional"
        by_admin = (await site.post(f"{ACCESS}/simulate", asked, headers=site.admin)).json()
        assert by_admin["decision"] == "deny"
        assert by_admin["reason"].startswith("Whoever may not see")


async def test_what_else_is_shared_with_somebody_changes_no_word_about_an_entry(site: Site) -> None:
    """A share of another entry, which the asker may not see, decides nothing here."""
    await put_role(site, "anonymous", [])
    await put_role(site, "asker", [
        {"effect": "allow", "type": "article", "actions": ["read"], "fields": ["title"]},
        {"effect": "allow", "type": "*", "actions": ["manage:roles"]},
    ])  # fmt: skip
    asker, bob = await site.account("ann@example.org", "asker"), await site.account("bob@example.org", "member")
    bob_id = (await site.get("/api/me", headers=bob)).json()["id"]
    entry = (await site.entry({"title": "One"}))["id"]
    other = (await site.entry({"title": "Two"}, publish=False))["id"]
    question = f"{ACCESS}/explain?action=update&type=article&id={entry}&user={bob_id}"
    before = await site.get(question, headers=asker)
    shared = await site.post(f"{CONTENT}/{other}/shares", {"user": bob_id, "rights": "view"}, headers=site.admin)
    assert (before.status_code, shared.status_code) == (200, 201), before.text + shared.text
    assert (await site.get(question, headers=asker)).content == before.content


async def test_who_is_imagined_has_no_share_of_a_real_person_whose_id_they_take(site: Site) -> None:
    """To simulate tells what policies give; what was shared with a person is told where one asks about that person."""
    bob = await site.account("bob@example.org", "member")
    bob_id = (await site.get("/api/me", headers=bob)).json()["id"]
    entry = (await site.entry({"title": "One"}))["id"]
    asked = {"actor": {"roles": [], "attrs": {"id": bob_id}}, "action": "update", "type": "article", "id": entry}
    before = await site.post(f"{ACCESS}/simulate", asked, headers=site.admin)
    shared = await site.post(f"{CONTENT}/{entry}/shares", {"user": bob_id, "rights": "edit"}, headers=site.admin)
    assert (before.json()["decision"], shared.status_code) == ("deny", 201), before.text + shared.text
    assert (await site.post(f"{ACCESS}/simulate", asked, headers=site.admin)).content == before.content
    about = await site.get(f"{ACCESS}/explain?action=update&type=article&id={entry}&user={bob_id}", headers=site.admin)
    assert (about.json()["decision"], len(about.json()["shares"])) == ("allow", 1)
