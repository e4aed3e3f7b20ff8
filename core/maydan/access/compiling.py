"""From policies to a decision: per field, what some policy allows and no policy denies."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct

from maydan.access.actions import ANY, READING, covers
from maydan.access.conditions import (
    NEVER,
    VARIABLES,
    all_of,
    any_of,
    bind,
    has_moment,
    has_variables,
    is_sound,
    negated,
)
from maydan.access.decisions import (
    AUTHORS,
    DENIED_DECISION,
    ENVELOPE,
    Decision,
    Grant,
    action_fields,
    with_authors,
)
from maydan.access.policies import Role
from maydan.content.checking import check_condition
from maydan.content.conditions import Condition, compares, read_condition, refuse
from maydan.content.kinds import SYSTEM_KINDS
from maydan.content.paths import Reached
from maydan.content.types import Kind
from maydan.errors import BadParameter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from maydan.access.actors import Actor
    from maydan.access.policies import Policy
    from maydan.clock import Clock
    from maydan.content.paths import Reach
    from maydan.content.types import ContentType


FindType: TypeAlias = "Callable[[str], ContentType | None]"
"""Finds a type of the space by its name."""


def no_types(name: str) -> ContentType | None:
    """Find nothing: no condition goes through a relation."""
    del name
    return None


_ANY_MOMENT: Final = datetime.min.replace(tzinfo=UTC)


class Compiled(Struct, frozen=True):
    """A decision whose conditions may still name variables."""

    decision: Decision
    variables: bool
    moment: bool
    """Whether one of the variables is ``$now``; asking the clock costs more than the rest."""
    types: tuple[tuple[str, ContentType | None], ...] = ()
    """The types behind relations that conditions go through, as they were when this was compiled."""

    def is_current(self, find: FindType) -> bool:
        """Tell whether the types behind relations are still what they were."""
        return not self.types or all(find(name) is known for name, known in self.types)

    def bind(self, actor: Actor, roles: frozenset[str], clock: Clock) -> Decision:
        """Return the decision for one actor at this moment."""
        decision = self.decision
        if not self.variables:
            return decision
        now = clock.now() if self.moment else _ANY_MOMENT
        row = bind(decision.row, actor, now, roles)
        if row == NEVER:
            return DENIED_DECISION
        grants = (Grant(grant.fields, bind(grant.condition, actor, now, roles)) for grant in decision.grants)
        return Decision(
            row=row,
            grants=tuple(grant for grant in grants if grant.condition != NEVER),
            envelope=decision.envelope,
            private=decision.private,
            whole=decision.whole,
        )


class Rule(Struct, frozen=True):
    """A policy as it reads for one type: its condition as a tree."""

    fields: frozenset[str]
    condition: Condition | None
    whole_row: bool


def compile_decision(
    policies: Sequence[Policy],
    action: str,
    content_type: ContentType,
    find: FindType = no_types,
    *,
    authors: bool = True,
) -> Compiled:
    """Judge what the policies (of the roles that somebody has) say of one action on one type.

    Without ``authors`` nobody's name comes with what may be read, whatever the policies say of drafts.
    """
    seen = Seen(find)
    decision = _decide(policies, action, content_type, seen)
    if action == "read" and not decision.denied:
        drafts = _decide(policies, "read_draft", content_type, seen) if authors else DENIED_DECISION
        decision = with_authors(decision, drafts)
    conditions = (decision.row, *(grant.condition for grant in decision.grants))
    return Compiled(
        decision,
        any(has_variables(condition) for condition in conditions),
        any(has_moment(condition) for condition in conditions),
        tuple(seen.types.items()),
    )


class Seen:
    """Finds types for conditions and remembers which, so that what was compiled ends with what it was compiled from."""

    def __init__(self, find: FindType) -> None:
        """Begin with none."""
        self._find = find
        self.types: dict[str, ContentType | None] = {}

    def reach(self, action: str) -> Reach:
        """Return how a policy's condition goes through relations: readers' rights depend on what is published alone."""

        def reach(name: str) -> Reached | None:
            found = self.types[name] = self._find(name)
            if found is None:
                return None
            names = (*SYSTEM_KINDS, *(field.name for field in found.fields if field.kind is not Kind.SECRET))
            return Reached(found, dict.fromkeys(names), action != "read")

        return reach


def _decide(policies: Sequence[Policy], action: str, content_type: ContentType, seen: Seen) -> Decision:
    concerned = [policy for policy in policies if _concerns(policy, action, content_type)]
    names = action_fields(action, content_type)
    shared = frozenset(names) - {field.name for field in content_type.fields if field.private}
    reach = seen.reach(action)
    judged = [_allow(policy, action, content_type, names, shared, reach) for policy in concerned]
    allows = [rule for rule in judged if rule]
    denies = [rule for rule in (_deny(policy, content_type, reach) for policy in concerned) if rule]
    row = _surviving([rule.condition for rule in allows], [rule.condition for rule in denies if rule.whole_row])
    if row == NEVER:
        return DENIED_DECISION
    groups: dict[tuple[tuple[int, ...], tuple[int, ...]], set[str]] = {}
    for name in names:
        allowing = tuple(place for place, rule in enumerate(allows) if name in rule.fields)
        if allowing:
            denying = tuple(place for place, rule in enumerate(denies) if rule.whole_row or name in rule.fields)
            groups.setdefault((allowing, denying), set()).add(name)
    by_condition: list[tuple[Condition | None, set[str]]] = []
    for (allowing, denying), grouped in groups.items():
        condition = _surviving([allows[at].condition for at in allowing], [denies[at].condition for at in denying])
        group = next((group for group in by_condition if group[0] == condition), None)
        if group is not None:
            group[1].update(grouped)
        elif condition != NEVER:
            by_condition.append((condition, grouped))
    return _decision(action, content_type, row, by_condition)


def _decision(
    action: str,
    content_type: ContentType,
    row: Condition | None,
    by_condition: list[tuple[Condition | None, set[str]]],
) -> Decision:
    grants = tuple(Grant(frozenset(names), condition) for condition, names in by_condition)
    everywhere = frozenset[str]().union(*(grant.fields for grant in grants if grant.condition == row))
    private = frozenset(field.name for field in content_type.fields if field.private)
    public = {name for name in action_fields(action, content_type) if name not in private} - AUTHORS
    return Decision(
        row=row,
        grants=grants,
        envelope=ENVELOPE if action in READING else frozenset(),
        private=private & frozenset[str]().union(*(grant.fields for grant in grants)),
        whole=public <= everywhere,
    )


def _concerns(policy: Policy, action: str, content_type: ContentType) -> bool:
    if policy.type not in (ANY, content_type.name):
        return False
    if not any(covers(named, action) for named in policy.actions):
        return False
    # Entries without drafts all count as published; who reads them is named by type, never by a wildcard for all.
    wildcard_for_everyone = policy.role == Role.ANONYMOUS and policy.type == ANY and policy.effect == "allow"
    return content_type.drafts or not wildcard_for_everyone


def _allow(
    policy: Policy, action: str, content_type: ContentType, names: list[str], shared: frozenset[str], reach: Reach
) -> Rule | None:
    """Read an allowing policy; ``names`` are all fields, ``shared`` those that a wildcard covers."""
    if policy.effect == "deny":
        return None
    condition = condition_of(policy, content_type, reach)
    if condition == NEVER:
        return None
    everything = frozenset(names) if policy.role == Role.ADMINISTRATOR else shared
    granted = {name for name in policy.fields if name in names}
    if ANY in policy.fields:
        granted |= everything
    if action in READING and _slug_source(content_type) in granted:
        granted.add("slug")
    return Rule(frozenset(granted), condition, whole_row=False)


def _deny(policy: Policy, content_type: ContentType, reach: Reach) -> Rule | None:
    if policy.effect == "allow":
        return None
    condition = condition_of(policy, content_type, reach)
    # A denial that cannot be read denies without a condition: closed, never open.
    return Rule(frozenset(policy.fields), None if condition == NEVER else condition, whole_row=ANY in policy.fields)


def _surviving(allowed: list[Condition | None], denied: list[Condition | None]) -> Condition | None:
    return all_of((any_of(allowed), negated(any_of(denied))))


def _slug_source(content_type: ContentType) -> str | None:
    if content_type.slug_from is not None:
        return content_type.slug_from
    return next((field.name for field in content_type.fields if field.kind is Kind.STRING), None)


def condition_of(policy: Policy, content_type: ContentType, reach: Reach | None = None) -> Condition | None:
    """Return a policy's condition for one type; :data:`NEVER` where it names what the type does not have."""
    if policy.condition is None:
        return None
    try:
        return check_policy_condition(policy.condition, content_type, reach)
    except BadParameter:
        return NEVER


def check_policy_condition(
    written: dict[str, Any], content_type: ContentType, reach: Reach | None = None
) -> Condition | None:
    """Read a policy's condition and hold it against a type, and against those that its relations lead to.

    Raises:
        BadParameter: It is no condition, or names what the type does not have or what nobody may read.
    """
    condition = read_condition(written, name="condition")
    if condition is None:
        return None
    checked = check_condition(condition, content_type, None, variables=VARIABLES, reach=reach)
    for compare in () if checked is None else compares(checked):
        if not is_sound(compare):
            message = "compares $actor.id with text, $actor.roles with text by in or nin, $now with times, and only so"
            raise refuse("condition", "wrong_variable", message)
    return checked
