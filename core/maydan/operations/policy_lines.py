"""The lines of a space's roles in Casbin's format, its name as their domain; single ones are added and removed here."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from msgspec import Struct

from maydan.access.casbin import Rule, RuleSet, inheritance_rules, policy_rules, read_rules
from maydan.access.casbin_text import PARTS, meaning, read_rule, rule_parts
from maydan.errors import Conflict, InputError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from maydan.access.policies import Policy
    from maydan.accounts.roles import SpaceRole
    from maydan.content.spaces import Space


def lines_of(role: SpaceRole, space: Space) -> list[Rule]:
    """Return all that a role may do and contains, with what it starts with first in each kind."""
    return [*_policies_of(role, space), *_contained_by(role, space)]


def read_lines(ptype: str, lines: Iterable[Sequence[object]]) -> list[Rule]:
    """Read lines as Casbin has them in memory; what a policy ends with may be plain JSON, or percent-encoded.

    Raises:
        InvalidInput: With one error for each line that is no rule; its pointer is ``/<place of the line>``.
    """
    rules: list[Rule] = []
    errors: list[InputError] = []
    for place, line in enumerate(lines):
        try:
            rules.append(read_rule([ptype, *_encoded(line)]))
        except ValueError as error:
            errors.append(InputError(f"/{place}", "bad_rule", str(error)))
    if errors:
        raise InvalidInput(errors[0].message, errors=tuple(errors))
    return rules


def require_space(rules: Iterable[Rule], space: Space) -> None:
    """Refuse rules about any other space.

    Raises:
        InvalidInput: It names the spaces, with one error for each rule; its pointer is ``/<place of the rule>``.
    """
    names = [rule.values[1 if rule.ptype == "p" else 2] for rule in rules]
    others = sorted({*names} - {space.name})
    if others:
        message = f"There are rules of {', '.join(others)}, and not of {space.name} alone."
        errors = [
            InputError(f"/{place}", "another_space", f"The rule is of {name or 'no space'}, and not of {space.name}.")
            for place, name in enumerate(names)
            if name != space.name
        ]
        raise InvalidInput(message, errors=tuple(errors))


def distinct(rules: Iterable[Rule]) -> list[Rule]:
    """Return the first of each that say the same."""
    said: dict[tuple[object, ...], Rule] = {}
    for rule in rules:
        said.setdefault(meaning(rule), rule)
    return list(said.values())


class _RoleLines(Struct, frozen=True):
    """The lines of one role, by what they say."""

    fixed: RuleSet
    kept: frozenset[tuple[object, ...]]
    """What it starts with; nobody removes that."""
    own: dict[tuple[object, ...], list[Rule]]
    """What the space wrote; two policies of a role may say the same, so that there is a list."""


class PolicyLines:
    """The roles of a space while single lines of them change; nothing is written here.

    A line is the same whatever the number of its policy: numbers are given anew whenever a role is written.
    """

    def __init__(self, roles: Mapping[str, SpaceRole], space: Space) -> None:
        """Begin with the roles as they are."""
        self._roles = roles
        self._space = space
        self._touched: dict[str, _RoleLines] = {}

    def matching(self, ptype: str, first: int, values: Sequence[str]) -> list[Rule]:
        """Return the lines whose parts from ``first`` on are the values, as they were; an empty one fits anything.

        Raises:
            InvalidInput: No line has that many parts, or parts before its first one.
        """
        if not 0 <= first <= first + len(values) <= PARTS.get(ptype, 0):
            raise InvalidInput(f"Lines of {ptype} have no {len(values)} parts from {first} on; the first one is 0.")
        return [
            rule
            for role in self._roles.values()
            for rule in lines_of(role, self._space)
            if rule.ptype == ptype and _fits(rule_parts(rule)[1 + first :], values)
        ]

    def remove(self, rule: Rule) -> bool:
        """Take a line away, and all that say the same; ``False`` where there is none.

        Raises:
            Conflict: A role of the core or of a plugin starts with it.
        """
        lines, said = self._of(rule.role), meaning(rule)
        if said in lines.kept:
            raise Conflict(
                f"What the role {rule.role} starts with cannot be taken away; only what the space gave it.",
                code="built_in_role",
            )
        return lines.own.pop(said, None) is not None

    def add(self, rule: Rule) -> bool:
        """Put a line to its role, to a policy that else says the same; ``False`` where it is there already."""
        lines, said = self._of(rule.role), meaning(rule)
        if said in lines.own or said in lines.kept:
            return False
        lines.own[said] = [rule]
        return True

    def wanted(self) -> RuleSet:
        """Return the roles that were touched, as they are to be."""
        policies: list[Policy] = []
        inherits: dict[str, tuple[str, ...]] = {}
        for name, lines in self._touched.items():
            own = read_rules(rule for alike in lines.own.values() for rule in alike)
            policies += [*lines.fixed.policies, *own.policies]
            inherits[name] = (*lines.fixed.inherits.get(name, ()), *own.inherits.get(name, ()))
        return RuleSet(tuple(policies), inherits)

    def _of(self, name: str) -> _RoleLines:
        if name not in self._touched:
            role = self._roles.get(name)
            self._touched[name] = _RoleLines(RuleSet(), frozenset(), {}) if role is None else _sorted(role, self._space)
        return self._touched[name]


def _sorted(role: SpaceRole, space: Space) -> _RoleLines:
    """Return a role's lines, those that it starts with apart."""
    policies, contained = _policies_of(role, space), _contained_by(role, space)
    starts = len(policy_rules(space.key, role.fixed.policies))
    contains = len(role.fixed.inherits.get(role.name, ()))
    own: dict[tuple[object, ...], list[Rule]] = {}
    for rule in (*policies[starts:], *contained[contains:]):
        own.setdefault(meaning(rule), []).append(rule)
    kept = frozenset(meaning(rule) for rule in (*policies[:starts], *contained[:contains]))
    return _RoleLines(role.fixed, kept, own)


def _policies_of(role: SpaceRole, space: Space) -> list[Rule]:
    return [_called(rule, 1, space.name) for rule in policy_rules(space.key, role.policies)]


def _contained_by(role: SpaceRole, space: Space) -> list[Rule]:
    return [_called(rule, 2, space.name) for rule in inheritance_rules(space.key, {role.name: role.inherits})]


def _called(rule: Rule, place: int, name: str) -> Rule:
    """Return a rule with the space's name in the place of its key."""
    v0, v1, v2, v3, v4, v5 = (*rule.values[:place], name, *rule.values[place + 1 :])
    return Rule(rule.ptype, (v0, v1, v2, v3, v4, v5))


def _fits(parts: Sequence[str], values: Sequence[str]) -> bool:
    return all(not value or parts[place : place + 1] == [value] for place, value in enumerate(values))


def _encoded(line: Sequence[object]) -> list[str]:
    """Return the parts of a line as a file has them; what is percent-encoded has no quotation marks."""
    parts = [part for part in line if isinstance(part, str)]
    if len(parts) != len(line):
        raise ValueError("Every part of a rule is text.")
    return [*parts[:5], *(quote(part) if '"' in part else part for part in parts[5:])]
