"""The reasons of a decision against the decision itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from soaking import examples  # pyright: ignore[reportMissingImports] - tests/support

from maydan.access.actors import Actor
from maydan.access.explaining import Reason, Seen, Whom, reasons_for, reasons_in_space
from maydan.access.policies import BUILT_IN_INHERITS, Policy, allow
from maydan.access.snapshot import Snapshot, compile_snapshot
from maydan.content.types import ContentType, Field, Kind

ROLES = ("anonymous", "member", "a", "b", "c")
FIELDS = ("title", "rating", "note", "slug", "created_by", "status")
ARTICLE = ContentType(
    name="article",
    key=1,
    fields=(
        Field(name="title", kind=Kind.STRING),
        Field(name="rating", kind=Kind.INTEGER),
        Field(name="note", kind=Kind.TEXT, private=True),
    ),
)
EVERYTHING = frozenset({"title", "rating", "note", "slug", "created_by"})
policies = st.builds(
    Policy,
    role=st.sampled_from(ROLES),
    effect=st.sampled_from(["allow", "allow", "deny"]),
    type=st.sampled_from(["*", "article", "page"]),
    actions=st.lists(st.sampled_from(["*", "read", "read_draft", "update"]), min_size=1, max_size=2).map(tuple),
    fields=st.lists(st.sampled_from(["*", *FIELDS[:5]]), min_size=1, max_size=3, unique=True).map(tuple),
    condition=st.sampled_from(
        [
            None,
            None,
            {"rating": {"gte": 3}},
            {"title": {"ne": "x"}},
            {"created_by": {"eq": "$actor.id"}},
            {"x": {"eq": 1}},
        ]
    ),
)
rows = st.fixed_dictionaries(
    {"rating": st.sampled_from([None, 1, 5]), "title": st.sampled_from(["x", "y"])},
    optional={"created_by": st.sampled_from(["u1", "u2"])},
)


def whom(snapshot: Snapshot, inherits: dict[str, tuple[str, ...]], *roles: str) -> Whom:
    """Return somebody with roles in the space."""
    actor = Actor(kind="account", id="u1", roles={1: frozenset(roles)})
    return Whom(actor=actor, snapshot=snapshot, inherits=inherits, now=datetime(2026, 1, 1, tzinfo=UTC))


def settled(reasons: list[Reason], field: str | None, action: str) -> bool:
    """Judge by the reasons alone, as the rule says: something allows it, and nothing denies it."""
    applying = [each.policy for each in reasons if each.outcome == "applies"]
    needed = {action, "read_draft"} if action == "read" and field == "created_by" else {action}
    allowed = all(any(each.effect == "allow" and {one, "*"} & set(each.actions) for each in applying) for one in needed)
    denied = any(each.effect == "deny" and ("*" in each.fields or field in each.fields) for each in applying)
    return allowed and not denied


@settings(max_examples=examples(250))
@given(
    written=st.lists(policies, max_size=8),
    inherits=st.dictionaries(
        st.sampled_from(("a", "b", "c")), st.sampled_from((("a",), ("b", "c"), ("c",))), max_size=3
    ),
    roles=st.frozensets(st.sampled_from(("a", "b", "c"))),
    action=st.sampled_from(("read", "read_draft", "update", "delete")),
    field=st.sampled_from((None, *FIELDS)),
    row=rows,
)
def test_the_reasons_add_up_to_the_decision(
    written: list[Policy], inherits: dict[str, tuple[str, ...]], roles: frozenset[str], action: str,
    field: str | None, row: dict[str, Any],
) -> None:  # fmt: skip
    """For every row and field: who reads the policies that are named comes to the same end as the request."""
    if action == "delete" or (action == "update" and field in ("created_by", "status")):
        field = None
    snapshot = compile_snapshot(1, written, inherits, built_in=())
    asked = whom(snapshot, inherits, *roles)
    decision = snapshot.decide(asked.actor, action, ARTICLE)
    granted = decision.permits(row) if field is None else field in decision.fields_for(row)
    reasons = reasons_for(asked, action, ARTICLE, field=field, seen=Seen(row, EVERYTHING))
    assert settled(reasons, field, action) is granted
    assert all(reason.via[-1] == reason.policy.role and reason.via[0] in asked.given for reason in reasons)


def test_a_role_that_came_with_another_says_how() -> None:
    """An owner edits because owners are managers, and managers editors; of several ways the shortest."""
    asked = whom(compile_snapshot(1, [], {}), dict(BUILT_IN_INHERITS), "owner")
    ways = {reason.policy.role: reason.via for reason in reasons_for(asked, "update", ARTICLE)}
    assert ways == {"owner": ("owner",), "editor": ("owner", "manager", "editor")}
    (reason,) = reasons_in_space(asked, "manage:roles")
    assert (reason.policy.role, reason.outcome) == ("owner", "applies")


def test_a_condition_on_what_may_not_be_known_is_left_open() -> None:
    """Whoever asks about others learns nothing of a field that they may not read."""
    only = Policy(role="a", effect="allow", type="article", actions=("read",), condition={"note": {"eq": "x"}})
    asked = whom(compile_snapshot(1, [only], {}, built_in=()), {}, "a")
    outcomes = [
        [each.outcome for each in reasons_for(asked, "read", ARTICLE, seen=Seen({"note": note}, known))]
        for known in (frozenset[str](), EVERYTHING)
        for note in ("x", "y")
    ]
    assert outcomes == [["conditional"], ["conditional"], ["applies"], ["does_not_apply"]]


def test_what_does_not_count_is_said_to() -> None:
    """A wildcard for everyone on a type without drafts; a condition that the type cannot meet."""
    person = ContentType(name="person", key=2, drafts=False, fields=(Field(name="name", kind=Kind.STRING),))
    lost = Policy(role="a", effect="allow", type="person", actions=("read",), condition={"gone": {"eq": 1}})
    asked = whom(compile_snapshot(1, [lost], {}, built_in=(allow("anonymous", "read"),)), {}, "a")
    assert [reason.outcome for reason in reasons_for(asked, "read", person)] == ["ignored", "ignored"]
