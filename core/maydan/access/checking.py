"""Checking a role as somebody wrote it, before it is stored."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from maydan.access.actions import ANY, Action, is_action
from maydan.access.compiling import Seen, check_policy_condition
from maydan.access.policies import MAX_POLICIES, Role
from maydan.access.roles import find_cycle
from maydan.content.types import SYSTEM_FIELDS, ContentType
from maydan.errors import BadParameter, InputError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from maydan.access.policies import Policy

MAX_ROLES: Final = 1000
"""Roles that one role contains directly."""
_ROLE_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}(\.[a-z][a-z0-9_-]{0,62})?")


def is_role_name(text: str) -> bool:
    """Tell whether a role can have this name."""
    return _ROLE_NAME.fullmatch(text) is not None and text != Role.ADMINISTRATOR


def check_role(
    name: str,
    contains: Sequence[str],
    policies: Sequence[Policy],
    *,
    known_roles: Collection[str],
    inherits: Mapping[str, tuple[str, ...]],
    types: Sequence[ContentType],
    kept: Collection[Policy] = (),
) -> None:
    """Refuse a role that names what is not there: a type or field that is made later must start without grants.

    What it has already stays, though the plugin that brought it may not be loaded.

    Args:
        name: The role's.
        contains: The roles that it contains.
        policies: What it may do.
        known_roles: The names of the space's roles.
        inherits: What contains what at present.
        types: The types of the space.
        kept: What it may do at present.
    Raises:
        InvalidInput: With one error for each place.
    """
    errors = [*_check_contains(name, contains, known_roles, inherits)]
    if len(policies) > MAX_POLICIES:
        errors.append(InputError("/policies", "too_many", f"A role has at most {MAX_POLICIES} policies."))
    else:
        by_name = {each.name: each for each in types}
        for place, policy in enumerate(policies):
            if policy in kept:
                continue
            errors.extend(_check_policy(f"/policies/{place}", policy, by_name))
    if errors:
        raise InvalidInput("The role is not acceptable.", errors=tuple(errors))


def _check_contains(
    name: str, contains: Sequence[str], known_roles: Collection[str], inherits: Mapping[str, tuple[str, ...]]
) -> list[InputError]:
    if len(contains) > MAX_ROLES:
        return [InputError("/inherits", "too_many", f"A role contains at most {MAX_ROLES} others.")]
    errors = [
        InputError(f"/inherits/{place}", "unknown_role", "There is no such role in this space.")
        for place, role in enumerate(contains)
        if (role not in known_roles and role not in inherits.get(name, ())) or role == Role.ADMINISTRATOR
    ]
    cycle = find_cycle({**inherits, name: tuple(contains)}, name)
    if cycle is not None:
        way = " > ".join(cycle[:20])
        errors.append(InputError("/inherits", "circle", f"A role cannot contain itself: {way}."))
    return errors


def _check_policy(place: str, policy: Policy, types: Mapping[str, ContentType]) -> list[InputError]:
    errors = [
        InputError(f"{place}/actions/{index}", "unknown_action", "This is no action.")
        for index, action in enumerate(policy.actions)
        if not is_action(action)
    ]
    if not policy.actions:
        errors.append(InputError(f"{place}/actions", "empty", "Name at least one action."))
    if policy.type != ANY and policy.type not in types:
        errors.append(InputError(f"{place}/type", "unknown_type", "There is no such type in this space."))
        return errors
    content_type = types.get(policy.type)
    if not policy.fields:
        errors.append(InputError(f"{place}/fields", "empty", "Name at least one field, or leave them out for all."))
    errors.extend(
        InputError(f"{place}/fields/{index}", "unknown_field", "There is no such field.")
        for index, field in enumerate(policy.fields)
        if field != ANY and not _has_field(field, content_type)
    )
    if policy.condition is not None:
        errors.extend(_check_condition(f"{place}/condition", policy, content_type, types))
    return errors


def _has_field(name: str, type: ContentType | None) -> bool:
    return name in SYSTEM_FIELDS or (type is not None and type.field(name) is not None)


def _check_condition(
    place: str, policy: Policy, content_type: ContentType | None, types: Mapping[str, ContentType]
) -> list[InputError]:
    try:
        # A policy for every type can only speak of what every type has.
        reach = Seen(types.get).reach(Action.READ)
        check_policy_condition(policy.condition or {}, content_type or ContentType(name=ANY), reach)
    except BadParameter as error:
        return [InputError(place, "bad_condition", error.detail)]
    return []
