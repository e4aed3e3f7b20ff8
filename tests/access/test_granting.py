from __future__ import annotations

from typing import Any

import pytest

from maydan.access.actors import Actor, TokenScope, system
from maydan.access.granting import check_grantable, check_token_grantable, denials_as_grants
from maydan.access.policies import Policy
from maydan.access.snapshot import compile_snapshot
from maydan.content.types import ContentType, Field, Kind
from maydan.errors import Forbidden

TYPES = (
    ContentType(
        name="article",
        key=1,
        fields=(Field(name="title", kind=Kind.STRING), Field(name="note", kind=Kind.TEXT, private=True)),
    ),
    ContentType(name="page", key=2, fields=(Field(name="title", kind=Kind.STRING),)),
)
MINE = {"created_by": {"eq": "$actor.id"}}
SPACE = compile_snapshot(
    1,
    [
        Policy(role="desk", effect="allow", type="article", actions=("update", "manage:roles"), condition=MINE),
        Policy(role="desk", effect="allow", type="*", actions=("manage:roles",)),
        Policy(role="titles", effect="allow", type="article", actions=("update",), fields=("title",)),
        Policy(role="muzzled", effect="deny", type="article", actions=("publish",)),
        Policy(role="newsroom", effect="allow", type="article", actions=("read_draft", "read")),
    ],
    {},
)


def actor(*roles: str, **more: Any) -> Actor:
    """Return a member of the space with these roles."""
    return Actor(kind="account", id="u1", roles={1: frozenset(roles)}, **more)


def grant(*actions: str, type: str = "article", **more: Any) -> Policy:
    """Return a policy to hand out."""
    return Policy(role="new", effect="allow", type=type, actions=actions, **more)


ALLOWED = [
    ("editor", grant("read", "update", type="*")),
    ("editor", grant("transition:accept")),
    ("owner", grant("*", type="*")),
    ("owner", grant("manage:types", type="*")),
    ("owner", grant("blog.import", type="*")),
    ("owner", grant("read", fields=("note",))),
    ("desk", grant("update", condition=MINE)),
    ("desk", grant("update", condition={**MINE, "title": {"eq": "x"}})),
    ("titles", grant("update", fields=("title",))),
    ("newsroom", grant("read_draft", "read")),
    ("editor", Policy(role="new", effect="deny", actions=("delete",))),
]
REFUSED = [
    ("editor", grant("manage:members", type="*")),
    ("editor", grant("*", type="*")),
    ("editor", grant("blog.import", type="*")),
    ("editor", grant("read", fields=("note",))),
    ("manager", grant("manage:roles", type="*")),
    ("desk", grant("update")),
    ("desk", grant("update", type="*", condition=MINE)),
    ("desk", grant("update", condition={"title": {"eq": "x"}})),
    ("desk", grant("delete", condition=MINE)),
    ("titles", grant("update")),
    ("newsroom", grant("read_draft", type="*")),
    ("newsroom", grant("read_draft", type="of-tomorrow")),
    ("desk", grant("manage:types", type="article")),
]


@pytest.mark.parametrize(("role", "policy"), ALLOWED)
def test_what_one_holds_can_be_handed_on(role: str, policy: Policy) -> None:
    """The same right, or a narrower one; and an owner hands out private fields."""
    check_grantable(SPACE, actor(role), [policy], TYPES)


@pytest.mark.parametrize(("role", "policy"), REFUSED)
def test_nobody_grants_what_they_do_not_hold(role: str, policy: Policy) -> None:
    """Another action, type, field or row than one's own is refused."""
    with pytest.raises(Forbidden):
        check_grantable(SPACE, actor(role), [policy], TYPES)


def test_a_denial_limits_what_can_be_handed_on() -> None:
    """Whoever is denied a right cannot give it to others."""
    check_grantable(SPACE, actor("editor"), [grant("publish")], TYPES)
    with pytest.raises(Forbidden):
        check_grantable(SPACE, actor("editor", "muzzled"), [grant("publish")], TYPES)


def test_removing_a_denial_is_granting() -> None:
    """It must be held to be removed."""
    denial = Policy(role="new", effect="deny", type="article", actions=("publish",))
    check_grantable(SPACE, actor("titles"), [denial], TYPES)
    with pytest.raises(Forbidden):
        check_grantable(SPACE, actor("titles"), denials_as_grants([denial]), TYPES)
    check_grantable(SPACE, actor("editor"), denials_as_grants([denial]), TYPES)


def test_administrators_and_the_system_hand_out_everything() -> None:
    """Private fields and types of the future included."""
    everything = [grant("*", type="*"), grant("read", fields=("note",))]
    check_grantable(SPACE, actor(administrator=True), everything, TYPES)
    check_grantable(SPACE, system("installing"), everything, TYPES)


def test_a_token_hands_out_no_more_than_its_scope() -> None:
    """A token for roles alone cannot make roles that publish."""
    scope = TokenScope(space_key=1, actions=frozenset({"manage:roles"}))
    with pytest.raises(Forbidden):
        check_grantable(SPACE, actor("owner", scope=scope), [grant("publish")], TYPES)


def test_a_token_is_made_only_for_what_its_maker_can_do() -> None:
    """For an action that the maker can take on no type, it is refused."""
    check_token_grantable(SPACE, actor("editor"), ["read", "update", "transition:x"], TYPES)
    check_token_grantable(SPACE, actor("owner"), ["*", "manage:roles"], TYPES)
    check_token_grantable(SPACE, actor("titles"), ["update"], TYPES)
    for action in ("manage:roles", "blog.import"):
        with pytest.raises(Forbidden):
            check_token_grantable(SPACE, actor("editor"), [action], TYPES)
    with pytest.raises(Forbidden):
        check_token_grantable(SPACE, actor(), ["delete"], TYPES)
