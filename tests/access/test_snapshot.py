from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import pytest

from maydan.access.actors import ANONYMOUS, Actor, TokenScope, system
from maydan.access.decisions import DENIED, ENVELOPE
from maydan.access.policies import Policy
from maydan.access.snapshot import Snapshot, compile_snapshot
from maydan.content.conditions import And, Compare
from maydan.content.types import ContentType, Field, Kind

ARTICLE = ContentType(
    name="article",
    key=7,
    fields=(
        Field(name="title", kind=Kind.STRING),
        Field(name="body", kind=Kind.TEXT),
        Field(name="rating", kind=Kind.INTEGER),
        Field(name="note", kind=Kind.TEXT, private=True),
        Field(name="pin", kind=Kind.SECRET),
    ),
)
LOG = ContentType(name="log", key=8, drafts=False, fields=(Field(name="line", kind=Kind.STRING),))
MINE = {"created_by": {"eq": "$actor.id"}}


def member(*roles: str, id: str = "u1", **more: Any) -> Actor:
    """Return a member of the space with these roles."""
    return Actor(kind="account", id=id, roles={1: frozenset(roles)}, **more)


def policy(role: str, *actions: str, effect: Literal["allow", "deny"] = "allow", **more: Any) -> Policy:
    """Return a policy of a role."""
    return Policy(role=role, effect=effect, actions=actions, **more)


def space(*policies: Policy, **inherits: tuple[str, ...]) -> Snapshot:
    """Return the snapshot of a space with these policies beside the built-in ones."""
    return compile_snapshot(1, policies, inherits)


def test_everyone_reads_what_is_published_of_types_with_drafts() -> None:
    """`anonymous` starts with read on types with drafts, without private and secret fields."""
    decision = space().decide(ANONYMOUS, "read", ARTICLE)
    assert decision.row_condition() is None
    assert decision.fields == ENVELOPE | {"title", "body", "rating", "slug", "tags"}
    assert decision.whole
    assert not decision.private


def test_a_type_without_drafts_is_read_by_those_who_are_named() -> None:
    """Every entry of such a type counts as published, so a wildcard for everybody does not reach it."""
    assert space().decide(ANONYMOUS, "read", LOG).denied
    named = space(policy("anonymous", "read", type="log"))
    assert named.decide(ANONYMOUS, "read", LOG).fields >= {"line"}
    assert not space().decide(member("editor"), "read", LOG).denied


@pytest.mark.parametrize("action", ["read_draft", "create", "update", "delete", "publish", "comment", "transition:x"])
def test_what_no_policy_allows_is_denied(action: str) -> None:
    """Closed by default, for nobody in particular and for members without roles alike."""
    assert space().decide(ANONYMOUS, action, ARTICLE).denied
    assert space().decide(member(), action, ARTICLE).denied
    assert space().decide(member("no-such-role"), action, ARTICLE).denied
    assert not space().decide(member("editor"), action, ARTICLE).denied


def test_an_empty_policy_table_is_closed_to_administrators_too() -> None:
    """Without any policy nobody does anything; only the system still works."""
    snapshot = compile_snapshot(1, (), {}, built_in=())
    for actor in (ANONYMOUS, member("owner"), member(administrator=True)):
        assert snapshot.decide(actor, "read", ARTICLE).denied
        assert not snapshot.allows(actor, "manage:roles")
        assert not snapshot.sees_space(actor)
    assert not snapshot.decide(system("migrating"), "update", ARTICLE).denied


def test_private_fields_are_read_only_by_those_who_are_named() -> None:
    """A wildcard does not cover a private field; its name does, and an administrator needs neither."""
    named = space(policy("auditor", "read", type="article", fields=("note",)))
    assert "note" not in space().decide(member("owner"), "read", ARTICLE).fields
    assert "note" in named.decide(member("auditor"), "read", ARTICLE).fields
    assert space().decide(member(administrator=True), "read", ARTICLE).private == {"note"}


@pytest.mark.parametrize("action", ["read", "read_draft"])
def test_secret_fields_are_read_by_nobody(action: str) -> None:
    """Not by administrators, not by name, not by the system."""
    named = space(policy("member", action, type="article", fields=("pin", "*")))
    for actor in (member(), member("owner"), member(administrator=True), system("exporting")):
        decision = named.decide(actor, action, ARTICLE)
        assert "pin" not in decision.filterable
        assert "pin" not in decision.fields_for({"pin": "1234"})


def test_secret_fields_are_written_like_others() -> None:
    """They are write-only, not untouchable."""
    assert "pin" in space().decide(member("editor"), "update", ARTICLE).fields


def test_authors_are_named_to_those_who_read_drafts() -> None:
    """`created_by` and `updated_by` come with `read_draft`, and only on its rows."""
    assert "created_by" not in space().decide(ANONYMOUS, "read", ARTICLE).filterable
    assert "created_by" in space().decide(member("editor"), "read", ARTICLE).fields
    own = space(policy("writer", "read_draft", condition=MINE))
    decision = own.decide(member("writer"), "read", ARTICLE)
    assert "created_by" in decision.fields_for({"created_by": "u1"})
    assert "created_by" not in decision.fields_for({"created_by": "u2"})
    assert decision.fields_for({"created_by": "u2"}) >= {"title"}


def test_deny_wins_over_every_allow() -> None:
    """An unconditional denial of a type ends what any role allows, but for roles that are not held."""
    snapshot = space(policy("blocked", "update", effect="deny", type="article"))
    assert snapshot.decide(member("editor", "blocked"), "update", ARTICLE).denied
    assert not snapshot.decide(member("editor"), "update", ARTICLE).denied
    assert not snapshot.decide(member("editor", "blocked"), "read", ARTICLE).denied


def test_denied_fields_are_taken_off_and_the_rest_stays() -> None:
    """A denial that names fields takes those fields."""
    snapshot = space(policy("blocked", "read", effect="deny", type="article", fields=("body",)))
    decision = snapshot.decide(member("blocked"), "read", ARTICLE)
    assert "body" not in decision.filterable
    assert "title" in decision.fields
    assert not decision.whole


def test_a_denial_under_a_condition_takes_those_rows() -> None:
    """Under its condition it takes rows, or only their fields; elsewhere nothing."""
    rows = space(policy("blocked", "read", effect="deny", type="article", condition={"rating": {"lt": 3}}))
    decision = rows.decide(member("blocked"), "read", ARTICLE)
    assert not decision.permits({"rating": 2})
    assert decision.permits({"rating": 3})
    assert decision.permits({})
    fields = space(
        policy("blocked", "read", effect="deny", type="article", fields=("body",), condition={"rating": {"lt": 3}})
    )
    decision = fields.decide(member("blocked"), "read", ARTICLE)
    assert "body" not in decision.fields_for({"rating": 2})
    assert "title" in decision.fields_for({"rating": 2})
    assert "body" in decision.fields_for({"rating": 5})
    assert decision.condition_for("body") is not None


def test_overlapping_grants_are_judged_per_row() -> None:
    """Two policies never give the rows of one with the fields of the other."""
    closed = policy("anonymous", "read", effect="allow", type="log", fields=("line",), condition={"line": {"eq": "a"}})
    kind = ContentType(
        name="log",
        key=9,
        drafts=False,
        fields=(Field(name="line", kind=Kind.STRING), Field(name="more", kind=Kind.STRING)),
    )
    other = policy("anonymous", "read", type="log", fields=("more",), condition={"line": {"eq": "b"}})
    decision = space(closed, other).decide(ANONYMOUS, "read", kind)
    assert decision.fields_for({"line": "a"}) == ENVELOPE | {"line", "slug"}
    assert decision.fields_for({"line": "b"}) == ENVELOPE | {"more"}
    assert decision.fields_for({"line": "c"}) == frozenset()
    assert decision.condition_for("line") != decision.condition_for("more")
    assert decision.fields == frozenset()


def test_a_slug_is_read_where_what_it_is_made_of_is() -> None:
    """A slug tells what its source says, so a list of fields without the source does not bring it."""
    body = space(policy("reader", "read_draft", type="article", fields=("body",)))
    title = space(policy("reader", "read_draft", type="article", fields=("title",)))
    assert "slug" not in body.decide(member("reader"), "read_draft", ARTICLE).fields
    assert "slug" in title.decide(member("reader"), "read_draft", ARTICLE).fields


def test_a_write_is_checked_before_and_after() -> None:
    """Nobody gives away a row, and nobody takes one: the old row and the new must both be allowed."""
    decision = space(policy("writer", "update", type="article", condition=MINE)).decide(
        member("writer"), "update", ARTICLE
    )
    mine, theirs = {"created_by": "u1"}, {"created_by": "u2"}
    assert decision.writable(mine, mine) >= {"title", "slug"}
    assert not decision.writable(mine, theirs)
    assert not decision.writable(theirs, mine)
    assert decision.writable(None, mine)
    assert not decision.permits_change(mine, theirs)


def test_variables_are_bound_to_who_asks_and_when() -> None:
    """`$actor.id`, `$actor.roles` and `$now` never reach a statement."""
    moment = datetime(2030, 1, 2, tzinfo=UTC)

    class Noon:
        def now(self) -> datetime:
            return moment

    condition = {"created_at": {"lte": "$now"}, "title": {"in": "$actor.roles"}, "created_by": {"in": ["$actor.id"]}}
    policies = [policy("writer", "read_draft", type="article", condition=condition)]
    decision = compile_snapshot(1, policies, {}, clock=Noon()).decide(member("writer"), "read_draft", ARTICLE)
    assert isinstance(decision.row, And)
    found = {part.path[0]: part.value for part in decision.row.conditions if isinstance(part, Compare)}
    assert found == {
        "created_at": "2030-01-02T00:00:00.000000Z",
        "title": ("anonymous", "member", "writer"),
        "created_by": ("u1",),
    }


def test_nobody_has_no_id() -> None:
    """A comparison with the id of nobody matches no row, not the rows of nobody; negated it matches all."""
    snapshot = space(policy("anonymous", "update", type="article", condition=MINE))
    assert snapshot.decide(ANONYMOUS, "update", ARTICLE).row_condition() is DENIED
    others = {"created_by": {"ne": "$actor.id"}}
    denied = space(policy("anonymous", "read", effect="deny", type="article", condition=others))
    assert denied.decide(ANONYMOUS, "read", ARTICLE).denied


@pytest.mark.parametrize(
    "condition",
    [
        {"nothing": {"eq": 1}},
        {"pin": {"eq": "1"}},
        {"rating": {"like": 1}},
        {"rating": 3},
        {"title": {"eq": "$actor.roles"}},
    ],
)
def test_a_condition_that_cannot_be_read_closes(condition: dict[str, Any]) -> None:
    """It allows nothing where it allows, and denies everything where it denies."""
    assert (
        space(policy("x", "update", type="article", condition=condition)).decide(member("x"), "update", ARTICLE).denied
    )
    assert (
        space(policy("x", "read", effect="deny", type="article", condition=condition))
        .decide(member("x"), "read", ARTICLE)
        .denied
    )


def test_roles_contain_roles_over_any_depth() -> None:
    """A chain of a thousand roles is a chain like any other, and a circle ends."""
    chain = {f"r{n}": (f"r{n + 1}",) for n in range(1000)} | {"r1000": ("r0",)}
    snapshot = compile_snapshot(1, [policy("r1000", "update", type="article")], chain)
    assert not snapshot.decide(member("r0"), "update", ARTICLE).denied


def test_a_manager_is_an_editor_and_an_owner_is_both() -> None:
    """The built-in roles contain each other, and the owner alone manages roles and types."""
    snapshot = space()
    rights = {
        role: {action for action in ("manage:members", "manage:roles", "read:audit", "blog.import")
               if snapshot.allows(member(role), action)}
        for role in ("editor", "manager", "owner")
    }  # fmt: skip
    assert rights["editor"] == set()
    assert rights["manager"] == {"manage:members", "read:audit"}
    assert rights["owner"] == {"manage:members", "manage:roles", "read:audit", "blog.import"}
    assert not snapshot.decide(member("manager"), "publish", ARTICLE).denied


def test_a_role_of_another_space_is_none_here() -> None:
    """A space is a wall: what one is elsewhere counts for nothing."""
    elsewhere = Actor(kind="account", id="u1", roles={2: frozenset({"owner"})})
    assert space().decide(elsewhere, "update", ARTICLE).denied
    assert not space().allows(elsewhere, "manage:space")
    assert not space(policy("member", "comment")).allows(elsewhere, "comment")


def test_a_token_narrows_its_maker() -> None:
    """Space, actions and types limit a token, and never add to what its maker may do."""
    scope = TokenScope(space_key=1, actions=frozenset({"read", "update", "manage:roles"}), types=frozenset({"article"}))
    editor = member("editor", scope=scope)
    assert not space().decide(editor, "update", ARTICLE).denied
    assert space().decide(editor, "delete", ARTICLE).denied
    assert space().decide(editor, "update", LOG).denied
    assert not space().allows(member("owner", scope=scope), "manage:roles")
    wide = TokenScope(space_key=1, actions=frozenset({"*"}))
    assert not space().allows(member("editor", scope=wide), "manage:roles")
    assert space().allows(member("owner", scope=wide), "manage:roles")
    other = TokenScope(space_key=2, actions=frozenset({"*"}))
    assert space().decide(member("owner", scope=other), "read", ARTICLE).denied
    assert not space().sees_space(member("owner", scope=other))


def test_a_token_that_reads_no_drafts_reads_no_authors() -> None:
    """Its limits count as policies do; without such a limit, or without a token, its maker reads them."""
    names, snapshot = {"created_by", "updated_by"}, space()
    for roles, more in (("editor",), {}), ((), {"administrator": True, "everywhere": frozenset({"administrator"})}):
        few, both = (
            member(*roles, scope=TokenScope(space_key=1, actions=frozenset(actions)), **more)
            for actions in (("read",), ("read", "read_draft"))
        )
        assert names <= snapshot.decide(both, "read", ARTICLE).fields
        assert not names & snapshot.decide(few, "read", ARTICLE).filterable.keys()
        assert names <= snapshot.decide(member(*roles, **more), "read", ARTICLE).fields
        assert {"title", "rating"} <= snapshot.decide(few, "read", ARTICLE).fields


def test_a_space_is_seen_by_those_who_may_read_anything_there() -> None:
    """Whoever may read nothing does not learn that the space exists."""
    assert space().sees_space(ANONYMOUS)
    walled = [policy("anonymous", "read", "read_draft", effect="deny")]
    assert not space(*walled).sees_space(ANONYMOUS)
    closed = compile_snapshot(1, [policy("clerk", "read", type="log")], {}, built_in=())
    assert not closed.sees_space(ANONYMOUS)
    assert closed.sees_space(member("clerk"))


def test_unknown_roles_do_not_grow_memory() -> None:
    """A hundred thousand accounts with roles that do not exist leave bounded caches behind."""
    snapshot = space()
    for number in range(100_000):
        snapshot.decide(member(f"ghost{number}"), "read", ARTICLE)
    assert len(snapshot._role_sets) <= 2 * 4096
    assert len(snapshot._decisions) <= 2


def test_a_type_that_changed_is_judged_anew() -> None:
    """A field that is made private later is not readable from a decision that was made before."""
    snapshot = space()
    assert "body" in snapshot.decide(ANONYMOUS, "read", ARTICLE).fields
    fields = tuple(
        Field(name=field.name, kind=field.kind, private=field.name in ("body", "note")) for field in ARTICLE.fields
    )
    changed = ContentType(name="article", key=7, version=2, fields=fields)
    assert "body" not in snapshot.decide(ANONYMOUS, "read", changed).fields
