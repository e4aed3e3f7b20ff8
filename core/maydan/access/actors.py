"""Actors: whoever asks, be it a person, a token, the system or nobody in particular."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct, field

from maydan.access.actions import covers

if TYPE_CHECKING:
    from collections.abc import Mapping


class TokenScope(Struct, frozen=True, kw_only=True):
    """The limits of an API token; it narrows its maker's rights and never adds to them."""

    space_key: int | None = None
    """The only space in which the token works; ``None``: every space of its maker."""
    actions: frozenset[str] = frozenset()
    """Actions that the token may take; ``*`` stands for all, none for nothing."""
    types: frozenset[str] | None = None
    """Content types that the token may touch; ``None``: all."""

    @property
    def is_unlimited(self) -> bool:
        """Whether the token may do all that its maker may, on the instance too."""
        return self.space_key is None and self.types is None and "*" in self.actions

    def admits(self, space_key: int, action: str, type_name: str | None) -> bool:
        """Tell whether the scope lets this through; a space-level action has no type."""
        if self.space_key is not None and self.space_key != space_key:
            return False
        if action not in self.actions and not any(covers(named, action) for named in self.actions):
            return False
        return self.types is None or (type_name is not None and type_name in self.types)


class Actor(Struct, frozen=True, kw_only=True):
    """Whoever asks. There is always one: nobody is :data:`ANONYMOUS`, the scheduler is a :func:`system` actor."""

    kind: Literal["anonymous", "account", "token", "system"]
    id: str | None = None
    """The account's id; for a token that of its maker."""
    name: str = ""
    administrator: bool = False
    """May administer the instance; a limited token of an administrator may not."""
    everywhere: frozenset[str] = frozenset()
    """Roles that the actor has in every space: ``administrator`` for an administrator's token, within its scope."""
    roles: Mapping[int, frozenset[str]] = field(default_factory=dict[int, frozenset[str]])
    """Role names given by membership, by space key; a member without any role has an empty set."""
    scope: TokenScope | None = None
    reason: str = ""
    """Why a system actor acts; for the audit."""
    credential_id: str | None = None
    """The session or API token with which the actor signed in."""

    def is_member(self, space_key: int) -> bool:
        """Tell whether the actor belongs to the space."""
        return space_key in self.roles


ANONYMOUS: Final = Actor(kind="anonymous", name="anonymous")
"""Nobody in particular: has the role ``anonymous`` everywhere and no other."""


def system(reason: str) -> Actor:
    """Return an actor that may do everything, for work that no person asked for.

    Args:
        reason: Why, in a few words; it reaches the audit.
    """
    return Actor(kind="system", name="system", reason=reason)


def token_of(actor: Actor) -> str | None:
    """Return the id of the API token with which an actor signed in; ``None`` for everybody else."""
    return actor.credential_id if actor.kind == "token" else None
