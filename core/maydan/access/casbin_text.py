"""Policies as the text that every Casbin reads from a file: a line for each rule, its parts separated by commas.

Casbin's readers know no common way to quote, and split at commas outside of brackets. So the JSON in the last part is
percent-encoded (RFC 3986) where it has commas, brackets or quotes; everything else is as :mod:`maydan.access.casbin`
says, but that a space is called by its name.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote, unquote

import msgspec
from msgspec import Struct

from maydan.access.casbin import Rule
from maydan.errors import InputError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_READABLE: Final = "{}:*$.@ "
PARTS: Final = {"p": 6, "g": 3}
"""How many parts a line has after its first."""
_WIDTH: Final = 6
_ROLE: Final = "role:"
MAX_DEPTH: Final = 64
"""Levels of the JSON of a line, as of a body over HTTP."""


class _Spec(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    n: int
    fields: tuple[str, ...]
    condition: dict[str, Any] | None = None


_SPEC: Final = msgspec.json.Decoder(_Spec)


def write_text(rules: Iterable[Rule]) -> str:
    """Write rules as lines."""
    return "".join(f"{', '.join(rule_parts(rule))}\n" for rule in rules)


def rule_parts(rule: Rule) -> list[str]:
    """Return the parts of a line, ``p`` or ``g`` first, as they are written."""
    *parts, spec = (rule.ptype, *rule.values[: PARTS[rule.ptype]])
    return [*parts, quote(spec, safe=_READABLE) if rule.ptype == "p" else spec]


def read_text(text: str) -> list[Rule]:
    """Read lines, as :func:`read_numbered` does."""
    return list(read_numbered(text).values())


def read_numbered(text: str) -> dict[int, Rule]:
    """Read lines strictly, by their numbers from 1: what Casbin would pass over is an error here.

    Raises:
        InvalidInput: With one error for each line that is none; its pointer is ``/<number of the line>``.
    """
    rules: dict[int, Rule] = {}
    errors: list[InputError] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            rules[number] = read_rule([part.strip() for part in line.split(",")])
        except ValueError as error:
            errors.append(InputError(f"/{number}", "bad_rule", str(error)))
    if errors:
        raise InvalidInput("The file has lines that are no rules.", errors=tuple(errors))
    return rules


def read_rule(parts: Sequence[str]) -> Rule:
    """Read the parts of one line, ``p`` or ``g`` first; its JSON is then written as ours is.

    Raises:
        ValueError: It is no rule; the text says why.
    """
    kind, *values = parts
    if kind == "g" and values and values[0].startswith("user:"):
        raise ValueError("Memberships are not policies; set them with the members of the space.")
    if kind not in ("p", "g") or len(values) != PARTS[kind]:
        raise ValueError("A rule is p with six parts, or g with three, separated by commas.")
    if not values[0].startswith(_ROLE) or (kind == "g" and not values[1].startswith(_ROLE)):
        raise ValueError(f"A role is written as {_ROLE}<name>.")
    if kind == "p":
        values[5] = _checked(values[4], _decoded(values[5]))
    first, second, third, fourth, fifth, sixth = (*values, *[""] * (_WIDTH - len(values)))
    return Rule("p" if kind == "p" else "g", (first, second, third, fourth, fifth, sixth))


def _checked(effect: str, spec: str) -> str:
    if effect not in ("allow", "deny"):
        raise ValueError("The fifth part of a policy is allow or deny.")
    try:
        _check_json(spec)
        return msgspec.json.encode(_SPEC.decode(spec)).decode()
    except (msgspec.MsgspecError, ValueError) as error:
        message = f"The last part of a policy is JSON with n, fields and condition: {error}"
        raise ValueError(message) from error


def _decoded(part: str) -> str:
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError as error:
        raise ValueError("The last part of a policy is percent-encoded UTF-8; this is something else.") from error


def _check_json(text: str) -> None:
    """Refuse what a body over HTTP is refused for, and a decoder that is made for speed lets pass.

    Raises:
        ValueError: It is no JSON, nested too deeply, or has a member twice.
    """
    try:
        level: list[object] = [json.loads(text, object_pairs_hook=_once)]
    except RecursionError as error:
        raise _too_deep() from error
    for _ in range(MAX_DEPTH):
        level = [member for value in level for member in _members(value)]
    if any(isinstance(value, (dict, list)) for value in level):
        raise _too_deep()


def _members(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return cast("dict[str, object]", value).values()
    return cast("list[object]", value) if isinstance(value, list) else ()


def _too_deep() -> ValueError:
    return ValueError(f"it is nested deeper than {MAX_DEPTH} levels.")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the member {twice!a} is given twice in one object.")
    return members


def meaning(rule: Rule) -> tuple[object, ...]:
    """Return what a line says, without the number of its policy: that only groups the lines of one policy."""
    if rule.ptype == "g":
        return ("g", *rule.values)
    spec = _SPEC.decode(rule.values[5])
    condition = msgspec.json.encode(spec.condition, order="deterministic")
    return ("p", *rule.values[:5], spec.fields, condition)
