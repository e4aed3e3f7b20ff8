"""What is asked about somebody's rights, and what is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from msgspec import UNSET, Struct, UnsetType

from maydan.content.conditions import write_condition
from maydan.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.access.explaining import Reason
    from maydan.content.conditions import Condition


class Question(Struct, frozen=True, kw_only=True):
    """What is asked about somebody."""

    action: str
    type: str | None = None
    """``None`` for what is not about one type, such as ``manage:roles``."""
    id: str | None = None
    """An entry; ``None`` for all of the type."""
    field: str | None = None


class RuleView(Struct, frozen=True, kw_only=True):
    """One policy that matters."""

    role: str
    via: tuple[str, ...]
    """How the role is held: the one that was given first, this one last."""
    effect: Literal["allow", "deny"]
    outcome: Literal["applies", "conditional", "does_not_apply", "ignored"]
    why: str
    type: str
    actions: tuple[str, ...]
    fields: tuple[str, ...] | None
    """``null`` for those who do not manage roles."""
    condition: dict[str, Any] | None
    """As it is written; ``null`` where there is none, and for those who do not manage roles."""


class ShareView(Struct, frozen=True, kw_only=True):
    """One share that gives the action on the entry that was asked about."""

    id: str
    rights: str
    created_by: str | None
    """The account by whose rights it goes; ``null`` for those who do not manage roles."""
    outcome: Literal["applies", "conditional", "does_not_apply"]
    why: str


class Explanation(Struct, frozen=True, kw_only=True):
    """What somebody may do, and why."""

    decision: Literal["allow", "deny", "conditional"]
    reason: str
    """One sentence."""
    rules: list[RuleView]
    shares: list[ShareView]
    """What others share with them; only where an entry is named."""
    row_filter: dict[str, Any] | None
    """The entries on which it is allowed, as the filter of a query, with the actor's own values in it; ``null`` where
    that is all or none, and for those who do not manage roles."""


class Attributes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What conditions know of an actor beside the roles."""

    id: str | UnsetType = UNSET
    """Stands for ``$actor.id``; absent, it is somebody who made nothing, and shown as ``$actor.id``."""


class ImaginedActor(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who need not exist."""

    roles: tuple[str, ...]
    """In the space; they belong to it, unless this is ``anonymous`` alone."""
    attrs: Attributes = Attributes()


class Misasked(Exception):
    """A question that makes no sense; ``errors`` name members of it, without a leading slash."""

    def __init__(self, *errors: InputError) -> None:
        """Keep what is wrong."""
        super().__init__(errors[0].message)
        self.errors = errors


def barred() -> Explanation:
    """Return what is said of an account that may not sign in."""
    return explanation("deny", "The account is suspended, or its address is not verified.", [], None, full=True)


def explanation(
    verdict: Literal["allow", "deny", "conditional"],
    reason: str,
    reasons: list[Reason],
    row: Condition | None,
    *,
    shares: Sequence[ShareView] = (),
    full: bool,
) -> Explanation:
    """Return an answer; what only those may know who manage roles is in it where ``full`` is."""
    rules = [_view(each, full=full) for each in reasons]
    shown = write_condition(row) if full and row is not None else None
    return Explanation(decision=verdict, reason=reason, rules=rules, shares=list(shares), row_filter=shown)


def _view(reason: Reason, *, full: bool) -> RuleView:
    policy = reason.policy
    return RuleView(
        role=policy.role, via=reason.via, effect=policy.effect, outcome=reason.outcome, why=reason.why,
        type=policy.type, actions=policy.actions,
        fields=policy.fields if full else None, condition=policy.condition if full else None,
    )  # fmt: skip
