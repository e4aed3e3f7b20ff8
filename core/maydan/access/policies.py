"""Policies in the form in which they are written, and the roles that every space has from the start."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, Literal

from msgspec import UNSET, Struct, UnsetType

from maydan.access.actions import ANY, CONTENT

MAX_POLICIES: Final = 1000
"""Policies of one role."""


class Role(StrEnum):
    """The built-in roles; none can be deleted."""

    ADMINISTRATOR = "administrator"
    """Everything in every space; given to an account, not by membership."""
    ANONYMOUS = "anonymous"
    """Held by everyone, logged in or not."""
    EDITOR = "editor"
    """All content, no settings."""
    MANAGER = "manager"
    """An editor who also looks after members, webhooks and the space."""
    MEMBER = "member"
    """Held by everyone who is logged in and belongs to the space."""
    OWNER = "owner"
    """Everything in the space."""


class PolicyInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One policy as people write it over HTTP: who holds the role may (or may not) take the actions on the type."""

    effect: Literal["allow", "deny"]
    type: str
    actions: tuple[str, ...]
    fields: tuple[str, ...] | UnsetType = UNSET
    """Field names; ``*`` (also when absent) is all but private ones. A deny of ``*`` denies whole rows."""
    condition: dict[str, Any] | None = None
    """The rows it holds for, as the filter of a query, with ``$actor.id``, ``$actor.roles`` and ``$now``."""


class Policy(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One policy of one role. Nothing is allowed that no policy allows, and deny wins.

    The garbage collector passes it over, as it can be part of no circle: there may be ten thousand.
    """

    role: str
    effect: Literal["allow", "deny"]
    type: str = ANY
    """A content type's name, or ``*``; for ``anonymous``, ``*`` is every type with drafts."""
    actions: tuple[str, ...]
    fields: tuple[str, ...] = (ANY,)
    """Field names; ``*`` is all but private ones in an allow, and everything, so the whole row, in a deny."""
    condition: dict[str, Any] | None = None
    """The rows it holds for, as the filter of a query; ``None`` is all rows."""

    def as_input(self) -> PolicyInput:
        """Return the policy as it is written over HTTP."""
        return PolicyInput(
            effect=self.effect, type=self.type, actions=self.actions, fields=self.fields, condition=self.condition
        )


def policy_of(role: str, written: PolicyInput) -> Policy:
    """Return what was written over HTTP as a policy of that role."""
    fields = (ANY,) if written.fields is UNSET else written.fields
    return Policy(
        role=role,
        effect=written.effect,
        type=written.type,
        actions=tuple(dict.fromkeys(written.actions)),
        fields=fields,
        condition=written.condition,
    )


def allow(role: str, *actions: str, type: str = ANY, fields: tuple[str, ...] = (ANY,)) -> Policy:
    """Return a policy that allows the actions on every row of a type; short, for roles that code defines."""
    return Policy(role=role, effect="allow", type=type, actions=actions, fields=fields)


BUILT_IN_POLICIES: Final = (
    allow(Role.ANONYMOUS, "read"),
    allow(Role.EDITOR, *CONTENT),
    allow(Role.MANAGER, "manage:members", "manage:webhooks", "manage:space", "read:audit"),
    allow(Role.OWNER, ANY),
    allow(Role.ADMINISTRATOR, ANY),
)
"""What the built-in roles may do; ``member`` starts with nothing of its own."""

BUILT_IN_INHERITS: Final[dict[str, tuple[str, ...]]] = {
    Role.MANAGER: (Role.EDITOR,),
    Role.OWNER: (Role.MANAGER,),
}
"""Which built-in role contains which."""

REPLACEABLE: Final = frozenset({Role.ANONYMOUS.value, Role.MEMBER.value})
"""Built-in roles whose policies are only where they start: what a space writes for them replaces those."""

BUILT_IN_ROLES: Final = frozenset(role.value for role in Role)


class RoleDefinition(Struct, frozen=True, kw_only=True):
    """A role with what it contains and may do, as code or a plugin brings it."""

    name: str
    policies: tuple[Policy, ...] = ()
    inherits: tuple[str, ...] = ()
