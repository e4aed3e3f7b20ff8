"""On which line of a file stands what is wrong with a role."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from maydan.access.casbin import Rule, read_rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def find_line(pointer: str, lines: Mapping[int, Rule]) -> int | None:
    """Return the number of the line that a place in a role is about, or ``None`` where there is none.

    Args:
        pointer: ``/<role>`` and the place in the role as it is written over HTTP, such as ``/desk/policies/0/type``.
        lines: The rules of the file by the numbers of their lines.
    """
    role, *place = (step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
    own = {number: rule for number, rule in lines.items() if rule.role == role}
    wanted = _wanted(place, list(own.values()))
    meant = (number for number, rule in own.items() if wanted is None or _said(rule) == wanted)
    return min(meant, default=None)


def _wanted(place: Sequence[str], rules: Sequence[Rule]) -> object:
    """Return what the line at the place says; ``None`` where it is about the role altogether."""
    read = read_rules(rules)
    match place:
        case ["inherits", index]:
            return read.inherits[rules[0].role][int(index)]
        case ["policies", index, *within]:
            policy = read.policies[int(index)]
            number = int(within[1]) if within[:1] == ["actions"] and len(within) > 1 else 0
            return msgspec.structs.replace(policy, actions=policy.actions[number : number + 1])
        case _:
            return None


def _said(rule: Rule) -> object:
    if rule.ptype == "g":
        return rule.values[1].removeprefix("role:")
    return read_rules([rule]).policies[0]
