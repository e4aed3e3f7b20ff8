"""Policies in Casbin's format, in which they are stored, exported and held against Casbin itself.

``p, role:<role>, <space>, <type>, <action>, <effect>, <json>`` is one action of one policy; the JSON holds its fields,
its condition and ``n``, the number of the policy that it is a part of. ``g, role:<role>, role:<contained>, <space>``
says that a role contains another. The space is its key, or ``*`` for the built-in roles of every space. ``role:`` and
``user:`` stand before names because Casbin has one namespace for both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Struct

from maydan.access.policies import BUILT_IN_INHERITS, BUILT_IN_POLICIES, Policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ALL_SPACES: Final = 0
"""The key under which the built-in roles' rules are stored; no space has it."""

MODEL: Final = """
[request_definition]
r = sub, dom, obj, act

[policy_definition]
p = sub, dom, obj, act, eft, spec

[role_definition]
g = _, _, _

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = g(r.sub, p.sub, r.dom) && (p.dom == "*" || p.dom == r.dom) && (p.obj == "*" || p.obj == r.obj) && (p.act == "*" || p.act == r.act || (p.act == "transition:*" && keyMatch(r.act, p.act)))
"""  # noqa: E501 - a matcher is one line
"""What the rules mean to Casbin: roles, effect and denial; fields and conditions are beyond it."""


class Rule(Struct, frozen=True, gc=False):
    """One line of Casbin's policy."""

    ptype: Literal["p", "g"]
    values: tuple[str, str, str, str, str, str]
    """``v0`` to ``v5``; empty text where the line is shorter."""

    @property
    def role(self) -> str:
        """The role that the line is about."""
        return self.values[0].removeprefix("role:")


class _Spec(Struct, frozen=True, omit_defaults=True, gc=False):
    n: int
    fields: tuple[str, ...]
    condition: dict[str, Any] | None = None


class _ReadSpec(Struct, frozen=True, gc=False):
    """As :class:`_Spec`, with the condition as it is written: of thousands of policies many have the same."""

    n: int
    fields: tuple[str, ...]
    condition: msgspec.Raw = msgspec.Raw()


class RuleSet(Struct, frozen=True):
    """What rules say, in our own form."""

    policies: tuple[Policy, ...] = ()
    inherits: Mapping[str, tuple[str, ...]] = {}

    def of(self, role: str) -> tuple[Policy, ...]:
        """Return the policies of one role."""
        return tuple(policy for policy in self.policies if policy.role == role)

    def by_role(self) -> dict[str, tuple[Policy, ...]]:
        """Return the policies of all roles at once; role by role would go through all of them each time."""
        held: dict[str, list[Policy]] = {}
        for policy in self.policies:
            held.setdefault(policy.role, []).append(policy)
        return {role: tuple(policies) for role, policies in held.items()}


def policy_rules(space_key: int, policies: Sequence[Policy]) -> list[Rule]:
    """Write policies as ``p`` lines, one for every action, once; policies of one role keep their order."""
    lines: list[Rule] = []
    for number, policy in enumerate(policies):
        spec = msgspec.json.encode(_Spec(number, policy.fields, policy.condition)).decode()
        for action in dict.fromkeys(policy.actions):
            values = (f"role:{policy.role}", _domain(space_key), policy.type, str(action), policy.effect, spec)
            lines.append(Rule("p", values))
    return lines


def inheritance_rules(space_key: int, inherits: Mapping[str, Iterable[str]]) -> list[Rule]:
    """Write which roles contain which as ``g`` lines."""
    return [
        Rule("g", (f"role:{role}", f"role:{contained}", _domain(space_key), "", "", ""))
        for role, all_contained in inherits.items()
        for contained in all_contained
    ]


def built_in_rules() -> list[Rule]:
    """Write what the built-in roles may do; stored once, for all spaces."""
    return [*policy_rules(ALL_SPACES, BUILT_IN_POLICIES), *inheritance_rules(ALL_SPACES, BUILT_IN_INHERITS)]


def read_rules(rules: Iterable[Rule]) -> RuleSet:
    """Read lines back into policies and inheritance.

    A line that cannot be read is left out where it allows; where it denies, it denies the action altogether. What is
    said twice counts once.
    """
    parts: dict[_Key, tuple[str, ...]] = {}
    specs: dict[_Key, _ReadSpec] = {}
    conditions: _Conditions = {}
    inherits: dict[str, tuple[str, ...]] = {}
    for rule in rules:
        if rule.ptype == "g":
            inherits[rule.role] = _with(inherits.get(rule.role, ()), rule.values[1].removeprefix("role:"))
            continue
        spec = _spec(rule, conditions)
        if spec is not None:
            key = (rule.role, spec.n, rule.values[2], rule.values[4], rule.values[5])
            specs[key] = spec
            parts[key] = _with(parts.get(key, ()), rule.values[3])
    policies = [_policy(key, specs[key], parts[key], conditions) for key in sorted(parts)]
    return RuleSet(tuple(policies), inherits)


def _with(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return names if name in names else (*names, name)


def _domain(space_key: int) -> str:
    return "*" if space_key == ALL_SPACES else str(space_key)


def _spec(rule: Rule, conditions: _Conditions) -> _ReadSpec | None:
    try:
        spec = _SPEC.decode(rule.values[5])
        written = bytes(spec.condition)
        if written and written not in conditions:
            conditions[written] = _CONDITION.decode(written)
    except msgspec.MsgspecError:
        return _ReadSpec(0, ("*",)) if rule.values[4] != "allow" else None
    return spec


def _policy(key: _Key, spec: _ReadSpec, actions: tuple[str, ...], conditions: _Conditions) -> Policy:
    role, _, type_name, effect, _ = key
    return Policy(
        role=role,
        effect="allow" if effect == "allow" else "deny",
        type=type_name,
        actions=actions,
        fields=spec.fields,
        condition=conditions.get(bytes(spec.condition)),
    )


_Key: TypeAlias = tuple[str, int, str, str, str]
"""Role, number, type, effect and the JSON: what the lines of one policy have in common."""
_Conditions: TypeAlias = dict[bytes, dict[str, Any] | None]
"""By their JSON; one that many policies have is kept once."""
_SPEC: Final = msgspec.json.Decoder(_ReadSpec)
_CONDITION: Final = msgspec.json.Decoder(dict[str, Any] | None)
