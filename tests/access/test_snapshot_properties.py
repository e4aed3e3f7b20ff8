"""Snapshots against Casbin's own enforcer, and against an evaluator that is too simple to be wrong."""

from __future__ import annotations

from typing import Any

import casbin
from casbin.model import Model
from casbin.rbac.default_role_manager import RoleManager
from hypothesis import given, settings
from hypothesis import strategies as st
from soaking import examples  # pyright: ignore[reportMissingImports] - tests/support

from maydan.access.actors import Actor
from maydan.access.casbin import MODEL, Rule, inheritance_rules, policy_rules, read_rules
from maydan.access.decisions import AUTHORS, ENVELOPE
from maydan.access.policies import Policy
from maydan.access.snapshot import compile_snapshot
from maydan.content.checking import check_condition
from maydan.content.conditions import read_condition
from maydan.content.matching import matches
from maydan.content.types import ContentType, Field, Kind

ROLES = ("anonymous", "member", "a", "b", "c", "d")
ACTIONS = ("read", "update", "publish", "manage:roles")
FIELDS = ("title", "body", "rating", "note", "slug")
TYPES = {
    name: ContentType(
        name=name,
        key=key,
        fields=(
            Field(name="title", kind=Kind.STRING),
            Field(name="body", kind=Kind.TEXT),
            Field(name="rating", kind=Kind.INTEGER),
            Field(name="note", kind=Kind.TEXT, private=True),
        ),
    )
    for key, name in enumerate(("article", "page"), 1)
}
inherits = st.dictionaries(
    st.sampled_from(ROLES[2:]), st.lists(st.sampled_from(ROLES[2:]), max_size=2, unique=True).map(tuple), max_size=4
)
conditions = st.sampled_from(
    [
        None,
        {"rating": {"gte": 3}},
        {"rating": {"lt": 3}},
        {"title": {"in": ["x", "Straße"]}},
        {"title": {"in": []}},
        {"not": {"title": {"eq": "x"}}},
        {"body": {"exists": True}},
        {"or": [{"rating": {"eq": 1}}, {"title": {"ne": "x"}}]},
    ]
)
values = st.fixed_dictionaries(
    {},
    optional={
        "rating": st.sampled_from([None, 0, 1, 3, 5]),
        "title": st.sampled_from([None, "x", "X", "Straße"]),
        "body": st.sampled_from([None, "text"]),
    },
)


def policies(**parts: Any) -> st.SearchStrategy[Policy]:
    """Return a strategy for policies; `parts` are those for fields and conditions."""
    return st.builds(
        Policy,
        role=st.sampled_from(ROLES),
        effect=st.sampled_from(["allow", "allow", "deny"]),
        type=st.sampled_from(["*", *TYPES]),
        actions=st.lists(st.sampled_from(["*", *ACTIONS]), min_size=1, max_size=3, unique=True).map(tuple),
        **parts,
    )


@settings(max_examples=examples(150))
@given(
    written=st.lists(policies(), max_size=16),
    contains=inherits,
    roles=st.frozensets(st.sampled_from(ROLES[2:])),
    action=st.sampled_from(ACTIONS[:3]),
    type_name=st.sampled_from(sorted(TYPES)),
)
def test_roles_effects_and_denials_mean_what_casbin_says(
    written: list[Policy], contains: dict[str, tuple[str, ...]], roles: frozenset[str], action: str, type_name: str
) -> None:
    """Without fields and conditions a snapshot decides as `enforce()` does."""
    model = Model()
    model.load_model_from_text(MODEL)
    enforcer = casbin.Enforcer(model)
    enforcer.set_role_manager(RoleManager(max_hierarchy_level=100))
    rules = [
        *policy_rules(1, written),
        *inheritance_rules(1, contains),
        *(Rule("g", ("user:u1", f"role:{role}", "1", "", "", "")) for role in {"anonymous", "member", *roles}),
    ]
    for rule in rules:
        if rule.ptype == "p":
            enforcer.add_policy(*rule.values)
        else:
            enforcer.add_grouping_policy(*rule.values[:3])
    enforcer.build_role_links()
    actor = Actor(kind="account", id="u1", roles={1: roles})
    decision = compile_snapshot(1, written, contains, built_in=()).decide(actor, action, TYPES[type_name])
    assert decision.denied is not enforcer.enforce("user:u1", "1", type_name, action)


@settings(max_examples=examples(400))
@given(
    written=st.lists(
        policies(
            fields=st.lists(st.sampled_from(["*", *FIELDS]), min_size=1, max_size=3, unique=True).map(tuple),
            condition=conditions,
        ),
        max_size=10,
    ),
    contains=inherits,
    roles=st.frozensets(st.sampled_from(ROLES[2:])),
    action=st.sampled_from(("update", "read_draft")),
    row=values,
)
def test_each_field_of_each_row_is_judged_as_if_alone(
    written: list[Policy], contains: dict[str, tuple[str, ...]], roles: frozenset[str], action: str, row: dict[str, Any]
) -> None:
    """The compiled grants give exactly the fields that the policies, read one by one for one row, give."""
    actor = Actor(kind="account", id="u1", roles={1: roles})
    decision = compile_snapshot(1, written, contains, built_in=()).decide(actor, action, TYPES["article"])
    held = _held({"anonymous", "member", *roles}, contains)
    concerned = [one for one in written if one.role in held and _concerns(one, action) and _holds(one, row)]
    allowed = [policy for policy in concerned if policy.effect == "allow"]
    denied = [policy for policy in concerned if policy.effect == "deny"]
    visible = bool(allowed) and not any("*" in policy.fields for policy in denied)
    assert decision.permits(row) is visible
    expected = {
        name
        for name in ("title", "body", "rating", "note", "slug", "tags", *AUTHORS)
        if visible and any(_names(policy, name, action) for policy in allowed)
        and not any(name in policy.fields for policy in denied)
    }  # fmt: skip
    if action == "update":
        expected -= AUTHORS
    assert decision.fields_for(row) - ENVELOPE == expected
    for name, condition in decision.filterable.items():
        assert matches(condition, row) is (name in decision.fields_for(row))


@given(
    written=st.lists(policies(fields=st.just(("title", "body")), condition=conditions), max_size=20),
    contains=inherits,
)
def test_policies_survive_casbins_format(written: list[Policy], contains: dict[str, tuple[str, ...]]) -> None:
    """What is written as rules is read back as the same policies, role by role and in order."""
    read = read_rules([*policy_rules(1, written), *inheritance_rules(1, contains)])
    for role in ROLES:
        assert read.of(role) == tuple(policy for policy in written if policy.role == role)
    assert read.inherits == {role: names for role, names in contains.items() if names}


def _held(roles: set[str], contains: dict[str, tuple[str, ...]]) -> set[str]:
    while True:
        more = roles | {name for role in roles for name in contains.get(role, ())}
        if more == roles:
            return roles
        roles = more


def _concerns(policy: Policy, action: str) -> bool:
    return policy.type in ("*", "article") and ("*" in policy.actions or action in policy.actions)


def _holds(policy: Policy, row: dict[str, Any]) -> bool:
    condition = None if policy.condition is None else read_condition(policy.condition)
    return matches(check_condition(condition, TYPES["article"], None), row)


def _names(policy: Policy, name: str, action: str) -> bool:
    if name in policy.fields or ("*" in policy.fields and name != "note"):
        return True
    return name == "slug" and "title" in policy.fields and action == "read_draft"
