"""Members, roles and API tokens: who may do what in which space."""

from __future__ import annotations

from typing import Any

import pytest

from maydan.access.actors import ANONYMOUS
from maydan.access.policies import Policy, RoleDefinition
from maydan.accounts.roles import forget_space, load_snapshot
from maydan.accounts.service import Accounts
from maydan.content.types import ContentType, Field, Kind
from maydan.errors import Conflict, InvalidInput, NotFound, Stale, Unauthenticated
from maydan.storage import Statement, Store

pytestmark = pytest.mark.anyio

PASSWORD = "a long walk at dusk"
ARTICLE = ContentType(name="article", key=1, fields=(Field(name="title", kind=Kind.STRING),))
READ_TITLE = Policy(role="anonymous", effect="allow", type="article", actions=("read",), fields=("title",))


@pytest.fixture(autouse=True)
async def spaces(store: Store, clock: Any) -> None:
    """The spaces 5 and 6."""
    sql = "INSERT INTO maydan_spaces (key, name, settings, version, created_at) VALUES (?, ?, '{}', 1, ?)"
    await store.commit([Statement(sql, (key, f"space-{key}", clock.now())) for key in (5, 6)])


@pytest.fixture
async def ann(accounts: Accounts) -> str:
    """Somebody's account."""
    return (await accounts.people.create(email="ann@site.example", password=PASSWORD)).id


async def test_a_membership_is_in_the_actor_at_the_next_request(accounts: Accounts, ann: str) -> None:
    """Given, changed and taken away, each counts at once for tokens that are already in use."""
    token = (await accounts.logins.log_in("ann@site.example", PASSWORD)).access_token
    assert (await accounts.authenticator.authenticate(token)).roles == {}
    member = await accounts.members.put(5, ann, ["editor", "desk", "editor"], known=None)
    assert (member.roles, member.version) == (("desk", "editor"), 1)
    assert (await accounts.authenticator.authenticate(token)).roles == {5: {"desk", "editor"}}
    member = await accounts.members.put(5, ann, [], known=member)
    actor = await accounts.authenticator.authenticate(token)
    assert actor.is_member(5)
    assert actor.roles[5] == frozenset()
    await accounts.members.remove(5, member)
    assert not (await accounts.authenticator.authenticate(token)).is_member(5)


async def test_a_membership_is_not_overwritten_in_silence(accounts: Accounts, ann: str) -> None:
    """Whoever read an older version is refused."""
    first = await accounts.members.put(5, ann, ["editor"], known=None)
    await accounts.members.put(5, ann, ["manager"], known=first)
    for change in (
        accounts.members.put(5, ann, ["owner"], known=first),
        accounts.members.put(5, ann, ["owner"], known=None),
        accounts.members.remove(5, first),
    ):
        with pytest.raises(Stale):
            await change
    assert (await accounts.members.get(5, ann)).roles == ("manager",)


async def test_members_are_listed_by_space(accounts: Accounts) -> None:
    """Page by page, newest account first; another space's members are not there."""
    ids = [(await accounts.people.create(email=f"a{number}@site.example", password=PASSWORD)).id for number in range(3)]
    for account_id in ids:
        await accounts.members.put(5, account_id, ["editor"], known=None)
    first = await accounts.members.page(5, limit=2)
    rest = await accounts.members.page(5, limit=2, after=first[-1].account_id)
    assert [member.account_id for member in (*first, *rest)] == ids[::-1]
    assert await accounts.members.count(5) == 3
    assert await accounts.members.page(6, limit=10) == []
    for wanted in (ids[0], "nonsense"):
        with pytest.raises(NotFound):
            await accounts.members.get(6, wanted)


async def test_roles_begin_with_the_built_in_ones(accounts: Accounts) -> None:
    """Each with what it contains; the administrator is no role of a space."""
    roles = await accounts.roles.load(5)
    assert sorted(roles.roles) == ["anonymous", "editor", "manager", "member", "owner"]
    assert all(role.built_in and role.version == 0 for role in roles.roles.values())
    assert roles.get("owner").inherits == ("manager",)
    assert roles.get("anonymous").policies[0].actions == ("read",)
    for name in ("administrator", "nobody"):
        with pytest.raises(NotFound):
            roles.get(name)


async def test_a_role_reads_back_as_it_was_written(accounts: Accounts) -> None:
    """Its policies in order, with fields and conditions."""
    policies = [
        Policy(role="desk", effect="allow", type="article", actions=("read", "update"), fields=("title", "slug")),
        Policy(role="desk", effect="deny", actions=("delete",), condition={"created_by": {"ne": "$actor.id"}}),
        Policy(role="desk", effect="allow", type="article", actions=("delete",)),
    ]
    made = await accounts.roles.put(5, "desk", inherits=["member"], policies=policies, known=None)
    assert (made.policies, made.inherits, made.built_in, made.version) == (tuple(policies), ("member",), False, 1)
    again = await accounts.roles.put(5, "desk", inherits=[], policies=policies[:1], known=made)
    assert (again.policies, again.inherits, again.version) == ((policies[0],), (), 2)
    assert "desk" not in (await accounts.roles.load(6)).roles


async def test_what_a_space_writes_about_everybody_replaces_the_start(accounts: Accounts, store: Store) -> None:
    """`anonymous` only starts with read; a built-in role like `editor` keeps what it has."""
    put = accounts.roles.put
    before = await accounts.roles.load(5)
    await put(5, "anonymous", inherits=[], policies=[READ_TITLE], known=before.get("anonymous"))
    editors = before.get("editor")
    extra = Policy(role="editor", effect="deny", type="article", actions=("delete",))
    await put(5, "editor", inherits=[], policies=[*editors.policies, extra], known=editors)
    snapshot = await load_snapshot(store, 5)
    other = await load_snapshot(store, 6)
    assert snapshot.decide(ANONYMOUS, "read", ARTICLE).fields & {"title", "tags"} == {"title"}
    assert other.decide(ANONYMOUS, "read", ARTICLE).fields >= {"title", "tags"}
    after = await accounts.roles.load(5)
    assert after.get("anonymous").policies == (READ_TITLE,)
    assert after.get("editor").policies == (*editors.policies, extra)
    closed = await put(5, "anonymous", inherits=[], policies=[], known=after.get("anonymous"))
    assert closed.policies == ()
    assert (await load_snapshot(store, 5)).decide(ANONYMOUS, "read", ARTICLE).denied


async def test_an_empty_policy_table_closes_every_space(accounts: Accounts, store: Store, ann: str) -> None:
    """Even to its owners and to administrators: no policy, no right."""
    await accounts.people.create_administrator(email="root@site.example", password=PASSWORD)
    await accounts.members.put(5, ann, ["owner"], known=None)
    await store.commit([Statement("DELETE FROM maydan_casbin_rules")])
    snapshot = await load_snapshot(store, 5)
    for email in ("ann@site.example", "root@site.example"):
        token = (await accounts.logins.log_in(email, PASSWORD)).access_token
        actor = await accounts.authenticator.authenticate(token)
        assert snapshot.decide(actor, "read", ARTICLE).denied
        assert not snapshot.allows(actor, "manage:roles")


async def test_a_role_is_not_overwritten_in_silence(accounts: Accounts) -> None:
    """Nor made twice, nor deleted by who read an older version."""
    made = await accounts.roles.put(5, "desk", inherits=[], policies=[], known=None)
    await accounts.roles.put(5, "desk", inherits=[], policies=[], known=made)
    for change in (
        accounts.roles.put(5, "desk", inherits=[], policies=[], known=made),
        accounts.roles.put(5, "desk", inherits=[], policies=[], known=None),
        accounts.roles.delete(5, made),
    ):
        with pytest.raises(Stale):
            await change


async def test_built_in_roles_and_those_in_use_are_not_deleted(accounts: Accounts) -> None:
    """A role goes when nothing contains it, with its policies."""
    roles = await accounts.roles.load(5)
    with pytest.raises(Conflict):
        await accounts.roles.delete(5, roles.get("editor"))
    policy = Policy(role="desk", effect="allow", type="article", actions=("read",))
    desk = await accounts.roles.put(5, "desk", inherits=[], policies=[policy], known=None)
    chief = await accounts.roles.put(5, "chief", inherits=["desk"], policies=[], known=None)
    with pytest.raises(Conflict):
        await accounts.roles.delete(5, desk)
    await accounts.roles.delete(5, chief)
    await accounts.roles.delete(5, desk)
    assert sorted((await accounts.roles.load(5)).roles) == ["anonymous", "editor", "manager", "member", "owner"]


async def test_roles_of_plugins_are_there_while_their_plugin_is(accounts: Accounts, store: Store, ann: str) -> None:
    """A space can add to them; they cannot be deleted."""
    brought = [
        RoleDefinition(
            name="blog.author",
            policies=(Policy(role="blog.author", effect="allow", type="article", actions=("create",)),),
            inherits=("member",),
        )
    ]
    extra = Policy(role="blog.author", effect="allow", type="article", actions=("publish",))
    role = (await accounts.roles.load(5, brought)).get("blog.author")
    assert role.built_in
    role = await accounts.roles.put(
        5, "blog.author", inherits=["member"], policies=[*role.policies, extra], known=role, brought=brought
    )
    assert role.policies == (*brought[0].policies, extra)
    assert role.inherits == ("member",)
    await accounts.members.put(5, ann, ["blog.author"], known=None)
    actor = await accounts.authenticator.authenticate(
        (await accounts.logins.log_in("ann@site.example", PASSWORD)).access_token
    )
    active = await load_snapshot(store, 5, brought=brought)
    assert not active.decide(actor, "create", ARTICLE).denied
    assert not active.decide(actor, "publish", ARTICLE).denied
    with pytest.raises(Conflict):
        await accounts.roles.delete(5, role)


async def test_a_deleted_space_leaves_nothing(accounts: Accounts, store: Store, ann: str) -> None:
    """Roles, policies, memberships and tokens end with it, and those of others stay."""
    for space_key in (5, 6):
        await accounts.members.put(space_key, ann, ["editor"], known=None)
        await accounts.roles.put(space_key, "anonymous", inherits=[], policies=[READ_TITLE], known=None)
        await accounts.tokens.create(ann, name="t", actions=["read"], expires_in_s=60, space_key=space_key)
    await store.commit(forget_space(5))
    assert await accounts.members.page(5, limit=9) == []
    assert (await accounts.roles.load(5)).get("anonymous").version == 0
    assert len(await accounts.members.page(6, limit=9)) == 1
    assert [token.space_key for token in await accounts.tokens.list_of(ann)] == [6]
    assert not (await load_snapshot(store, 5)).decide(ANONYMOUS, "read", ARTICLE).denied


async def test_an_api_token_acts_for_its_maker_within_its_scope(accounts: Accounts, ann: str) -> None:
    """With the roles that the maker has when it is used."""
    token, text = await accounts.tokens.create(
        ann, name="deploy", actions=["read", "update"], types=["article"], expires_in_s=3600, space_key=5
    )
    assert text.startswith(token.prefix)
    actor = await accounts.authenticator.authenticate(text)
    assert (actor.kind, actor.id, actor.roles) == ("token", ann, {})
    assert actor.scope
    assert actor.scope.admits(5, "update", "article")
    assert not actor.scope.admits(5, "delete", "article")
    assert not actor.scope.admits(6, "read", "article")
    assert not actor.scope.admits(5, "read", "page")
    await accounts.members.put(5, ann, ["editor"], known=None)
    assert (await accounts.authenticator.authenticate(text)).roles == {5: {"editor"}}


async def test_an_api_token_ends_by_time_and_by_hand(accounts: Accounts, ann: str, clock: Any) -> None:
    """Only its maker revokes it."""
    other = (await accounts.people.create(email="bea@site.example", password=PASSWORD)).id
    token, text = await accounts.tokens.create(ann, name="a", actions=["read"], expires_in_s=3600)
    _, short = await accounts.tokens.create(ann, name="b", actions=["read"], expires_in_s=60)
    await accounts.authenticator.authenticate(short)
    clock.forward(61)
    with pytest.raises(Unauthenticated):
        await accounts.authenticator.authenticate(short)
    await accounts.authenticator.authenticate(text)
    for account_id, token_id in ((other, token.id), (ann, "nonsense")):
        with pytest.raises(NotFound):
            await accounts.tokens.revoke(account_id, token_id)
    await accounts.tokens.revoke(ann, token.id)
    with pytest.raises(Unauthenticated):
        await accounts.authenticator.authenticate(text)
    assert await accounts.tokens.list_of(ann) == []


async def test_a_tokens_last_use_is_written_down(accounts: Accounts, ann: str, clock: Any) -> None:
    """By the background work, so that a request costs no write."""
    _, text = await accounts.tokens.create(ann, name="a", actions=["read"], expires_in_s=3600)
    clock.forward(60)
    await accounts.authenticator.authenticate(text)
    assert (await accounts.tokens.list_of(ann))[0].last_used_at is None
    await accounts.authenticator.store_uses()
    assert (await accounts.tokens.list_of(ann))[0].last_used_at == clock.now()


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "a\nb"}, "/name"),
        ({"actions": []}, "/actions"),
        ({"actions": ["read", "READ"]}, "/actions/1"),
        ({"types": []}, "/types"),
        ({"expires_in_s": 0}, "/expires_in"),
        ({"expires_in_s": 10**12}, "/expires_in"),
    ],
)
async def test_what_is_no_token_is_refused(accounts: Accounts, ann: str, more: dict[str, Any], pointer: str) -> None:
    """With the place that is wrong."""
    values: dict[str, Any] = {"name": "a", "actions": ["read"], "expires_in_s": 60, **more}
    with pytest.raises(InvalidInput) as refused:
        await accounts.tokens.create(ann, **values)
    assert refused.value.errors[0].pointer == pointer


async def test_accounts_are_listed_newest_first(accounts: Accounts) -> None:
    """Page by page."""
    ids = [(await accounts.people.create(email=f"a{number}@site.example", password=PASSWORD)).id for number in range(3)]
    first = await accounts.people.page(limit=2)
    rest = await accounts.people.page(limit=2, after=first[-1].id)
    assert [account.id for account in (*first, *rest)] == ids[::-1]
    with pytest.raises(NotFound):
        await accounts.people.get("nonsense")
    with pytest.raises(InvalidInput):
        await accounts.people.create(email="A1@site.example", password=PASSWORD)
