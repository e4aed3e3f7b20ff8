"""Nobody grants what they do not hold: by a policy, a role or a token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from maydan.access.actions import ANY, ANY_TRANSITION, READING, SPACE_LEVEL, Action
from maydan.access.compiling import compile_decision
from maydan.access.decisions import DENIED, DENIED_DECISION, Decision
from maydan.access.implying import implies
from maydan.access.policies import Role
from maydan.content.types import ContentType
from maydan.errors import Forbidden

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from maydan.access.actors import Actor
    from maydan.access.decisions import Answer
    from maydan.access.policies import Policy
    from maydan.access.snapshot import Snapshot
    from maydan.content.conditions import Condition

_FUTURE: Final = ContentType(name="*", title="A type that is made later")
"""Stands for every type that does not exist yet: a grant on ``*`` reaches those as well."""

_EVERYTHING: Final = (*(str(action) for action in Action), ANY_TRANSITION, ANY)


def check_grantable(snapshot: Snapshot, actor: Actor, policies: Iterable[Policy], types: Sequence[ContentType]) -> None:
    """Refuse to hand out what the actor does not hold, row by row and field by field.

    A right that holds under a condition can be handed on under the same condition, or under one that is provably
    narrower (:mod:`maydan.access.implying`). A denial can be written by whoever may write policies; to *remove* one is
    to grant, so pass it as if it allowed. An owner may hand out private fields without reading them.

    Args:
        snapshot: The space's policies as they are now.
        actor: Whoever grants.
        policies: What is granted; denials among them are passed over.
        types: The types of the space.
    Raises:
        Forbidden: The actor does not hold it; the detail says what.
    """
    for policy in policies:
        if policy.effect == "allow":
            for action in policy.actions:
                _check_action(snapshot, actor, policy, action, types)


def check_token_grantable(
    snapshot: Snapshot, actor: Actor, actions: Iterable[str], types: Sequence[ContentType], *, future: bool = True
) -> None:
    """Refuse a token for actions that its maker cannot take on any of the types.

    Args:
        snapshot: The space's policies as they are now.
        actor: The maker.
        actions: What the token may do.
        types: The types that it may touch.
        future: Whether it may also touch types that are made later.
    Raises:
        Forbidden: The actor does not hold one of them.
    """
    targets = (*types, _FUTURE) if future else tuple(types)
    for action in actions:
        space_level = action in SPACE_LEVEL or "." in action
        held = snapshot.allows(actor, action) if space_level or action == ANY else False
        if not held and not space_level:
            wanted = _EVERYTHING if action == ANY else (action,)
            held = any(not snapshot.decide(actor, one, each).denied for one in wanted for each in targets)
        if not held:
            raise _refusal(action, ANY)


def denials_as_grants(policies: Iterable[Policy]) -> list[Policy]:
    """Return the denials among policies as if they allowed: what somebody gets when they are removed."""
    from msgspec.structs import replace

    return [replace(policy, effect="allow") for policy in policies if policy.effect == "deny"]


def _check_action(snapshot: Snapshot, actor: Actor, policy: Policy, action: str, types: Sequence[ContentType]) -> None:
    if action in SPACE_LEVEL or ("." in action):
        if not snapshot.allows(actor, action):
            raise _refusal(action, policy.type)
        return
    targets = [*types, _FUTURE] if policy.type == ANY else [each for each in types if each.name == policy.type]
    # A policy for a type that does not exist gives nothing now, and would give all when the type is made.
    targets = targets or [ContentType(name=policy.type)]
    for one in _EVERYTHING if action == ANY else (action,):
        if one in SPACE_LEVEL:
            _check_action(snapshot, actor, policy, one, types)
            continue
        for target in targets:
            _check_type(snapshot, actor, policy, one, target)


def _check_type(snapshot: Snapshot, actor: Actor, policy: Policy, action: str, type: ContentType) -> None:
    if snapshot.decide(actor, action, type).denied and actor.scope is not None:
        raise _refusal(action, type.name)
    if actor.kind == "system":
        return
    roles = snapshot.effective_roles(actor)
    held = snapshot.unbound(roles, action, type)
    given = compile_decision([policy], action, type, snapshot.find_type).decision
    if given.denied or given is DENIED_DECISION:
        return
    if held.denied or not _implies(given.row, held.row):
        raise _refusal(action, type.name)
    owns = Role.OWNER in roles
    for name, condition in given.filterable.items():
        field = type.field(name)
        private = field is not None and field.private and owns
        if not _implies(condition, held.row if private else _condition_for(held, name, action)):
            raise _refusal(action, f"{type.name}.{name}")


def _condition_for(held: Decision, name: str, action: str) -> Condition | Answer | None:
    found = held.condition_for(name)
    # Authors' names come with the right to read drafts; a role that may read both has them granted one by one.
    return held.row if found is DENIED and action in READING and name in ("created_by", "updated_by") else found


def _implies(narrow: Condition | None, wide: Condition | Answer | None) -> bool:
    """Tell whether every row of one condition is surely a row of the other; a denied one has none."""
    return wide is not DENIED and implies(narrow, wide)


def _refusal(action: str, what: str) -> Forbidden:
    return Forbidden(f"You cannot give away what you do not hold: {action} on {what}.")
