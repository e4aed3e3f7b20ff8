"""Why a decision is as it is: each policy that somebody's roles have about a question, and what it says. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from maydan.access.actions import ANY, Action, covers
from maydan.access.compiling import compile_decision
from maydan.access.conditions import NEVER, bind
from maydan.access.decisions import AUTHORS
from maydan.access.policies import Role
from maydan.content.conditions import And, Compare, Not, Or
from maydan.content.matching import matches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from maydan.access.actors import Actor
    from maydan.access.decisions import Decision
    from maydan.access.policies import Policy
    from maydan.access.snapshot import Snapshot
    from maydan.content.conditions import Condition
    from maydan.content.types import ContentType

Outcome = Literal["applies", "conditional", "does_not_apply", "ignored"]

_UNREADABLE: Final = (
    "Does not count: it names what the type does not have, or is a wildcard for everyone on a type without drafts."
)
_WORDS: Final[dict[tuple[str, Outcome], str]] = {
    ("allow", "applies"): "Allows it.",
    ("allow", "conditional"): "Allows it where its condition holds.",
    ("allow", "does_not_apply"): "Would allow it, but its condition does not hold.",
    ("deny", "applies"): "Denies it, and a denial wins.",
    ("deny", "conditional"): "Denies it where its condition holds.",
    ("deny", "does_not_apply"): "Would deny it, but its condition does not hold.",
    ("allow", "ignored"): _UNREADABLE,
    ("deny", "ignored"): _UNREADABLE,
}


class Seen(Struct, frozen=True):
    """An entry as whoever asks for an explanation sees it."""

    document: Mapping[str, Any]
    """The names of all fields and system fields with their values."""
    known: Collection[str]
    """The fields among them that whoever asks may read; a condition on another is left open."""


class Reason(Struct, frozen=True, kw_only=True):
    """One policy that matters to a question."""

    policy: Policy
    via: tuple[str, ...]
    """The roles by which it is held: the one that was given first, the policy's own last."""
    outcome: Outcome
    why: str


class Whom(Struct, frozen=True, kw_only=True):
    """Whoever a question is about, with what their rights come from."""

    actor: Actor
    snapshot: Snapshot
    """The policies of the space."""
    inherits: Mapping[str, tuple[str, ...]]
    """Which of its roles contains which."""
    now: datetime

    @property
    def given(self) -> frozenset[str]:
        """The roles that the actor has without being contained in another."""
        actor, held = self.actor, self.actor.roles.get(self.snapshot.space_key)
        roles = {str(Role.ANONYMOUS), *actor.everywhere}
        if held is not None:
            roles |= {*held, str(Role.MEMBER)}
        return frozenset(roles | {str(Role.ADMINISTRATOR)} if actor.administrator else roles)

    def policies(self, action: str, type_name: str | None) -> Iterator[Policy]:
        """Yield the policies of all roles that the actor has that name an action on a type; ``None`` is no type."""
        named = (ANY,) if type_name is None else (ANY, type_name)
        for policy in self.snapshot.policies_of(self.snapshot.effective_roles(self.actor)):
            if policy.type in named and any(covers(one, action) for one in policy.actions):
                yield policy

    def way_to(self, role: str) -> tuple[str, ...]:
        """Return the roles by which the actor comes to hold one: the one that was given first, this one last."""
        ways: list[tuple[str, ...]] = [(given,) for given in sorted(self.given)]
        seen = set(self.given)
        for way in ways:  # grows while it is walked: the shortest way is found first
            if way[-1] == role:
                return way
            for contained in self.inherits.get(way[-1], ()):
                if contained not in seen:
                    seen.add(contained)
                    ways.append((*way, contained))
        return (role,)


def is_known(condition: Condition | None, seen: Seen) -> bool:
    """Tell whether what is known to whoever asks decides the condition, without looking at other entries.

    So what cannot matter for this entry, such as a share of another one, leaves nothing open.
    """
    return condition is None or _truth(condition, seen) is not None


def _truth(condition: Condition, seen: Seen) -> bool | None:
    """Judge in three values (Kleene's strong logic); ``None`` where it depends on what is not known."""
    match condition:
        case Compare():
            is_told = condition.path[0] == "id" or condition.path[0] in seen.known
            is_near = not (condition.target and condition.target.hops)
            return matches(condition, seen.document) if is_told and is_near else None
        case Not():
            inner = _truth(condition.condition, seen)
            return None if inner is None else not inner
        case And() | Or():
            decides = isinstance(condition, Or)
            parts = {_truth(part, seen) for part in condition.conditions}
            return decides if decides in parts else None if None in parts else not decides


def reasons_for(
    whom: Whom, action: str, content_type: ContentType, *, field: str | None = None, seen: Seen | None = None
) -> list[Reason]:
    """Return the policies that matter to whether the actor may take the action; denials come first.

    Args:
        whom: Whoever the question is about.
        action: What they want to do.
        content_type: With what.
        field: With which field; ``None`` for the entry as a whole, to which denials of single fields matter too.
        seen: The entry; without one, conditions are left open.
    """
    # Who reads the authors must also be allowed to read drafts.
    asked = (action, Action.READ_DRAFT) if action == Action.READ and field in AUTHORS else (action,)
    reasons: list[Reason] = []
    for one in asked:
        for policy in whom.policies(one, content_type.name):
            alone = _alone(whom.snapshot, policy, one, content_type)
            if field is not None and not _is_about(policy, alone, field):
                continue
            outcome: Outcome = "ignored" if alone.denied else _outcome(whom, alone.row, seen)
            why = _why(policy, outcome, field)
            reasons.append(Reason(policy=policy, via=whom.way_to(policy.role), outcome=outcome, why=why))
    return sorted(reasons, key=lambda reason: reason.policy.effect == "allow")


def reasons_in_space(whom: Whom, action: str) -> list[Reason]:
    """Return the policies that matter to an action that is not about one type, such as ``manage:roles``."""
    reasons: list[Reason] = []
    for policy in whom.policies(action, None):
        counts = policy.effect == "deny" or policy.condition is None
        why = _WORDS[policy.effect, "applies"] if counts else "Does not count: no entry can meet its condition here."
        outcome: Outcome = "applies" if counts else "ignored"
        reasons.append(Reason(policy=policy, via=whom.way_to(policy.role), outcome=outcome, why=why))
    return sorted(reasons, key=lambda reason: reason.policy.effect == "allow")


def _alone(snapshot: Snapshot, policy: Policy, action: str, content_type: ContentType) -> Decision:
    """Return on which rows and fields a policy has a say, compiled as all policies are; ``denied`` where on none."""
    find = snapshot.find_type
    if policy.effect == "allow":
        return compile_decision([policy], action, content_type, find).decision
    # A denial holds for private fields and for everyone: read as what an administrator is allowed, it does.
    asked = replace(policy, effect="allow", role=str(Role.ADMINISTRATOR))
    found = compile_decision([asked], action, content_type, find).decision
    # A denial that cannot be read denies without a condition.
    if found.denied:
        return compile_decision([replace(asked, condition=None)], action, content_type, find).decision
    return found


def _is_about(policy: Policy, alone: Decision, field: str) -> bool:
    if policy.effect == "deny" or field in AUTHORS:
        return ANY in policy.fields or field in policy.fields
    return alone.denied or field in alone.filterable


def _outcome(whom: Whom, condition: Condition | None, seen: Seen | None) -> Outcome:
    bound = bind(condition, whom.actor, whom.now, whom.snapshot.effective_roles(whom.actor))
    if bound is None:
        return "applies"
    if bound == NEVER:
        return "does_not_apply"
    holds = None if seen is None else _truth(bound, seen)
    if holds is None:
        return "conditional"
    return "applies" if holds else "does_not_apply"


def _why(policy: Policy, outcome: Outcome, field: str | None) -> str:
    if policy.effect == "deny" and field is None and ANY not in policy.fields and outcome in ("applies", "conditional"):
        return "Takes away single fields and not the entry" + (
            "." if outcome == "applies" else ", where its condition holds."
        )
    return _WORDS[policy.effect, outcome]
