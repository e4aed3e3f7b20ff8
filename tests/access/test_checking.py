from __future__ import annotations

from typing import Any

import pytest

from maydan.access.checking import check_role, is_role_name
from maydan.access.policies import BUILT_IN_ROLES, Policy
from maydan.access.roles import contained_roles, find_cycle
from maydan.content.types import ContentType, Field, Kind
from maydan.errors import InvalidInput

ARTICLE = ContentType(
    name="article",
    fields=(
        Field(name="title", kind=Kind.STRING),
        Field(name="pin", kind=Kind.SECRET),
        Field(name="author", kind=Kind.RELATION, to=("person",)),
    ),
)
GOOD: dict[str, Any] = {"role": "new", "effect": "allow", "type": "article", "actions": ("read",)}


def check(policy: Policy | None = None, contains: tuple[str, ...] = (), **inherits: tuple[str, ...]) -> None:
    """Check the role `new`."""
    policies = [] if policy is None else [policy]
    known = {*BUILT_IN_ROLES, *inherits, "new"}
    check_role("new", contains, policies, known_roles=known, inherits=inherits, types=[ARTICLE])


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"type": "*"},
        {"fields": ("title", "slug", "*")},
        {"actions": ("read", "transition:accept", "blog.import", "*", "manage:roles")},
        {"condition": {"created_by": {"eq": "$actor.id"}, "updated_at": {"lte": "$now"}}},
        {"condition": {"author": {"in": ["$actor.id"]}}},
        {"type": "*", "condition": {"created_by": {"eq": "$actor.id"}}},
    ],
)
def test_a_sound_policy_is_accepted(more: dict[str, Any]) -> None:
    """Names that exist, actions that are actions, conditions over the entry's own fields."""
    check(Policy(**{**GOOD, **more}))


@pytest.mark.parametrize(
    ("more", "pointer", "code"),
    [
        ({"type": "of-tomorrow"}, "/policies/0/type", "unknown_type"),
        ({"fields": ("title", "subtitle")}, "/policies/0/fields/1", "unknown_field"),
        ({"type": "*", "fields": ("title",)}, "/policies/0/fields/0", "unknown_field"),
        ({"fields": ()}, "/policies/0/fields", "empty"),
        ({"actions": ()}, "/policies/0/actions", "empty"),
        ({"actions": ("read", "READ")}, "/policies/0/actions/1", "unknown_action"),
        ({"condition": {"subtitle": {"eq": "x"}}}, "/policies/0/condition", "bad_condition"),
        ({"condition": {"pin": {"eq": "x"}}}, "/policies/0/condition", "bad_condition"),
        ({"condition": {"author": {"name": {"eq": "x"}}}}, "/policies/0/condition", "bad_condition"),
        ({"condition": {"title": {"eq": 3}}}, "/policies/0/condition", "bad_condition"),
        ({"condition": {"title": {"eq": "$actor.roles"}}}, "/policies/0/condition", "bad_condition"),
        ({"type": "*", "condition": {"title": {"eq": "x"}}}, "/policies/0/condition", "bad_condition"),
    ],
)
def test_a_policy_that_names_what_is_not_there_is_refused(more: dict[str, Any], pointer: str, code: str) -> None:
    """A type or field that is made later must begin without grants."""
    with pytest.raises(InvalidInput) as refused:
        check(Policy(**{**GOOD, **more}))
    assert (refused.value.errors[0].pointer, refused.value.errors[0].code) == (pointer, code)


def test_a_role_cannot_contain_itself() -> None:
    """Not directly, not by a way round, and not the administrator either."""
    check(contains=("editor", "far"), far=("editor",))
    for contains in (("new",), ("near",), ("nobody",), ("administrator",)):
        with pytest.raises(InvalidInput):
            check(contains=contains, near=("far",), far=("new",))


def test_a_circle_is_shown_as_the_way_it_goes() -> None:
    """The refusal names the roles in the order in which they contain each other."""
    assert find_cycle({"a": ("b",), "b": ("c",), "c": ("a",)}, "a") == ("a", "b", "c", "a")
    assert find_cycle({"a": ("b", "c"), "b": ("c",), "c": ()}, "a") is None
    assert contained_roles({"a": ("b",), "b": ("a",)}, ["a"]) == {"a", "b"}


@pytest.mark.parametrize(
    ("name", "good"),
    [("desk", True), ("blog.author", True), ("a-b_1", True), ("", False), ("Desk", False), ("a b", False),
     ("administrator", False), ("a" * 64, False), ("role:x", False), ("a.b.c", False), ("é", False), ("a\n", False)],
)  # fmt: skip
def test_role_names_are_plain(name: str, good: bool) -> None:
    """Lower case, digits, dash and underscore, at most one dot; never the administrator's."""
    assert is_role_name(name) is good
